package config_test

import (
	"path/filepath"
	"strings"
	"testing"

	"gatehouse/internal/config"
)

func TestWhatIsNotAllowedIsSaid(t *testing.T) {
	for _, tc := range []struct {
		name, file, env, want string
	}{
		{"an engine that does not exist", `{"storage": {"main": {"type": "oracle", "connection_string": "x"}}}`, "", `storage.main.type: "oracle" is not allowed; use sqlite, postgres, mysql or mongo (set in CONF)`},
		{"an engine in a variable", "", "TYK_DB_STORAGE_MAIN_TYPE=oracle", `storage.main.type: "oracle" is not allowed; use sqlite, postgres, mysql or mongo (set by TYK_DB_STORAGE_MAIN_TYPE)`},
		{"a port that is too high", `{"listen_port": 65536}`, "", `listen_port: 65536 is not allowed; use a whole number from 0 to 65535 (set in CONF)`},
		{"a negative port", "", "TYK_DB_LISTENPORT=-1", `listen_port: "-1" is not allowed; use a whole number from 0 to 65535 (set by TYK_DB_LISTENPORT)`},
		{"a number in quotes in a file", `{"listen_port": "3000"}`, "", `listen_port: "3000" is not allowed; use a whole number from 0 to 65535 (without quotes, set in CONF)`},
		{"a fraction", `{"listen_port": 3000.5}`, "", `listen_port: 3000.5 is not allowed; use a whole number from 0 to 65535 (set in CONF)`},
		{"a number beyond the type", "", "TYK_DB_LISTENPORT=99999999999999999999", `listen_port: "99999999999999999999" is not allowed; use a whole number from 0 to 65535 (set by TYK_DB_LISTENPORT)`},
		{"a page without objects", `{"page_size": 0}`, "", `page_size: 0 is not allowed; use a whole number from 1 to 1000 (set in CONF)`},
		{"a huge page", "", "TYK_DB_PAGESIZE=1001", `page_size: "1001" is not allowed; use a whole number from 1 to 1000 (set by TYK_DB_PAGESIZE)`},
		{"a truth in quotes in a file", `{"hash_keys": "true"}`, "", `hash_keys: "true" is not allowed; use true or false (without quotes, set in CONF)`},
		{"a truth that is none", "", "TYK_DB_HASHKEYS=yes", `hash_keys: "yes" is not allowed; use true or false (set by TYK_DB_HASHKEYS)`},
		{"a number where a text belongs", `{"tyk_api_config": {"Host": "h", "Port": 8080}}`, "", `tyk_api_config.Port: 8080 is not allowed; use a text (set in CONF)`},
		{"a text where a list belongs", `{"redis_addrs": "a"}`, "", `redis_addrs: "a" is not allowed; use a list of texts in a file, texts separated by commas in a variable (set in CONF)`},
		{"a map without a colon", "", "TYK_DB_HOSTS=a", `redis_hosts: "a" is not allowed; use an object of texts in a file, k:v,k2:v2 in a variable (set by TYK_DB_HOSTS)`},
		{"certificates that are no list", `{"http_server_options": {"use_ssl": true, "ssl_certificates": ["x"]}}`, "TYK_DB_HTTPSERVEROPTIONS_CERTIFICATES=a.pem", `http_server_options.certificates: "a.pem" is not allowed; use a JSON list of objects with the fields domain_name, cert_file, key_file (set by TYK_DB_HTTPSERVEROPTIONS_CERTIFICATES)`},
		{"a TLS version that does not exist", `{"http_server_options": {"use_ssl": true, "ssl_certificates": ["x"], "min_version": 3}}`, "", `http_server_options.min_version: 3 is not allowed; use 0, 769, 770, 771 or 772 (set in CONF)`},
		{"a duration without a unit", "", "GATEHOUSE_REQUESTTIMEOUT=30", `gatehouse.request_timeout: "30" is not allowed; use a duration such as "1m30s", from 100ms to 10m (set by GATEHOUSE_REQUESTTIMEOUT)`},
		{"a duration as a number", `{"gatehouse": {"request_timeout": 30}}`, "", `gatehouse.request_timeout: 30 is not allowed; use a duration such as "1m30s", from 100ms to 10m (set in CONF)`},
		{"a duration that is too long", `{"gatehouse": {"shutdown_timeout": "1h"}}`, "", `gatehouse.shutdown_timeout: "1h" is not allowed; use a duration such as "1m30s", from 0s to 10m (set in CONF)`},
		{"a section that is no object", `{"storage": "postgres://u:hunter22@h/db"}`, "", `storage: must be an object, {...} (set in CONF)`},
		{"a long value", "", "GATEHOUSE_LOGLEVEL=" + strings.Repeat("x\n", 100), `gatehouse.log_level: "` + strings.TrimSpace(strings.Repeat("x ", 30)) + ` ..." is not allowed; use debug, info, warn or error (set by GATEHOUSE_LOGLEVEL)`},
		{"a short encryption key", "", "GATEHOUSE_ENCRYPTIONKEY=hunter22", `gatehouse.encryption_key: **** is not allowed; use a text of at least 16 bytes (set by GATEHOUSE_ENCRYPTIONKEY)`},
		{"an origin with a path", "", "GATEHOUSE_ALLOWEDORIGINS=https://a.test,https://b.test/x", `gatehouse.allowed_origins: "https://b.test/x" is not allowed; name origins such as https://portal.example or http://localhost:5173, without a path`},
		{"an origin that is any", "", "GATEHOUSE_ALLOWEDORIGINS=*", `gatehouse.allowed_origins: "*" is not allowed; name origins such as https://portal.example or http://localhost:5173, without a path`},
		{"a secret of the wrong type", `{"admin_secret": 12345678}`, "", `admin_secret: **** is not allowed; use a text (set in CONF)`},

		{"a connection string without a type", `{"storage": {"main": {"connection_string": "hunter22"}}}`, "", `storage.main.type: must be set when the layer has a connection string; use sqlite, postgres, mysql or mongo`},
		{"PostgreSQL without a database", "", "TYK_DB_STORAGE_MAIN_TYPE=postgres", `storage.main.connection_string: must be set when the type is postgres, such as user=tyk password=... host=127.0.0.1 database=tyk_analytics`},
		{"a replica without its primary", `{"storage": {"main": {"type": "mysql", "read_connection_string": "x"}}}`, "", `storage.main.connection_string: must be set when the type is mysql, such as user=tyk password=... host=127.0.0.1 database=tyk_analytics`},
		{"MongoDB without a URL", "", "TYK_DB_STORAGE_MAIN_TYPE=mongo", `storage.main.connection_string: must be set when the type is mongo, here or in mongo_url, such as mongodb://host:27017/tyk_analytics`},
		{"MongoDB with what is no URL", "", "TYK_DB_MONGOURL=hunter22", `storage.main.connection_string: **** is not allowed; use a URL that starts with mongodb:// or mongodb+srv://`},
		{"a health endpoint with a slash", `{"health_check_endpoint_name": "/hello"}`, "", `health_check_endpoint_name: "/hello" is not allowed; use letters, digits, '.', '_', '~' and '-', without a slash`},
		{"a gateway port that is none", `{"tyk_api_config": {"Host": "h", "Port": "http"}}`, "", `tyk_api_config.Port: "http" is not allowed; use a text that holds a number from 1 to 65535`},
		{"a host with a space", `{"host_config": {"hostname": "my host"}}`, "", `host_config.hostname: "my host" is not allowed; use a host name such as www.example.com or www.example.com:8080`},
		{"a host with a password", `{"host_config": {"override_hostname": "u:hunter22@h"}}`, "", `host_config.override_hostname: **** is not allowed; use a host name such as www.example.com or www.example.com:8080`},
		{"HTTPS without a certificate", `{"http_server_options": {"use_ssl": true}}`, "", `http_server_options.use_ssl: true is not allowed without a certificate; set http_server_options.certificates or http_server_options.ssl_certificates`},
		{"a certificate without its key", `{"http_server_options": {"use_ssl": true, "certificates": [{"cert_file": "a"}]}}`, "", `http_server_options.certificates: entry 1 must name a cert_file and a key_file`},
		{"a cipher suite that does not exist", `{"http_server_options": {"use_ssl": true, "ssl_certificates": ["x"], "ssl_ciphers": ["ROT13"]}}`, "", `http_server_options.ssl_ciphers: "ROT13" is not allowed; use IANA names such as TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256`},
		{"a Redis host with a scheme", "", "TYK_DB_REDISHOST=redis://h", `redis_host: "redis://h" is not allowed; use a host name or an IP address, without a scheme, and put the port into redis_port`},
		{"a Redis host with its port", `{"redis_host": "h:6379"}`, "", `redis_host: "h:6379" is not allowed; use a host name or an IP address, without a scheme, and put the port into redis_port`},
		{"a Redis host with a password", `{"redis_host": "u:hunter22@h"}`, "", `redis_host: **** is not allowed; use a host name or an IP address, without a scheme, and put the port into redis_port`},
		{"a Redis address without a port", `{"redis_addrs": ["h"]}`, "", `redis_addrs: "h" is not allowed; use addresses such as redis:6379, without a scheme`},
		{"a Redis port that is none", `{"redis_hosts": {"h": "0"}}`, "", `redis_hosts: "h:0" is not allowed; use host names with a port from 1 to 65535 each, such as redis:6379`},
		{"several Redis servers that are no cluster", `{"redis_addrs": ["a:1", "b:2"]}`, "", `redis_addrs: names several servers; set enable_cluster when they are a cluster, or redis_master_name when they are sentinels, or name one`},
		{"several older Redis hosts that are no cluster", "", "TYK_DB_HOSTS=a:1,b:2", `redis_hosts: names several servers; set enable_cluster when they are a cluster, or redis_master_name when they are sentinels, or name one`},
		{"a cluster with sentinels", `{"redis_host": "h", "enable_cluster": true, "redis_master_name": "m"}`, "", `enable_cluster: true is not allowed beside redis_master_name: the addresses are those of a cluster, or of sentinels`},
		{"a cluster without addresses", `{"enable_cluster": true}`, "", `enable_cluster: true needs the addresses of nodes of the cluster; set redis_addrs, redis_hosts or redis_host`},
		{"sentinels without addresses", `{"redis_master_name": "m"}`, "", `redis_master_name: needs the addresses of the sentinels; set redis_addrs, redis_hosts or redis_host`},
		{"a database of a cluster", `{"redis_host": "h", "enable_cluster": true, "redis_database": 1}`, "", `redis_database: 1 is not allowed beside enable_cluster; a cluster has the database 0 only`},
		{"a Redis certificate without its key", `{"redis_host": "h", "redis_use_ssl": true, "redis_cert_file": "c.pem"}`, "", `redis_cert_file: needs redis_key_file: a client certificate is of no use without its key, nor the key without it`},
		{"a Redis key without its certificate", `{"redis_host": "h", "redis_use_ssl": true, "redis_key_file": "k.pem"}`, "", `redis_key_file: needs redis_cert_file: a client certificate is of no use without its key, nor the key without it`},
		{"a Redis TLS version that does not exist", `{"redis_host": "h", "redis_use_ssl": true, "redis_tls_min_version": "1.4"}`, "", `redis_tls_min_version: "1.4" is not allowed; use 1.0, 1.1, 1.2 or 1.3 (set in CONF)`},
		{"TLS versions of Redis in the wrong order", `{"redis_host": "h", "redis_use_ssl": true, "redis_tls_min_version": "1.3", "redis_tls_max_version": "1.2"}`, "", `redis_tls_min_version: "1.3" is not allowed; it is above redis_tls_max_version, "1.2"`},
		{"a protection that nobody asks for", "", "GATEHOUSE_WITHOUTPROTECTION=enable_owners", `gatehouse.without_protection: "enable_owners" is not allowed; use enable_ownership, or leave it out`},
		{"an announcement without Redis", "", "GATEHOUSE_ZEROCONF=true", `gatehouse.zeroconf: true needs the Redis over which gateways are told; set redis_host`},
		{"an announcement of nowhere", `{"redis_host": "h", "gatehouse": {"zeroconf": true}}`, "", `gatehouse.zeroconf: true needs the host name that gateways are told; set host_config.hostname`},
		{"an announcement of an unknown port", `{"redis_host": "h", "listen_port": 0, "host_config": {"hostname": "d.test"}, "gatehouse": {"zeroconf": true}}`, "", `gatehouse.zeroconf: true needs a port that is known beforehand; set listen_port`},
		{"a mail service that there is not", `{"email_backend": {"enable_email_notifications": true, "code": "sendgrid"}}`, "", `email_backend.code: "sendgrid" is not supported; use smtp, the only service in this version, or switch email_backend.enable_email_notifications off`},
		{"a mail server without a port", `{"email_backend": {"enable_email_notifications": true, "code": "smtp", "settings": {"SMTPAddress": "mail.test"}, "default_from_email": "a@b.test"}}`, "", `email_backend.settings: SMTPAddress must be a host and a port, such as smtp.example.com:587`},
		{"a user of a mail server without a password", `{"email_backend": {"enable_email_notifications": true, "code": "smtp", "settings": {"SMTPAddress": "mail.test:25", "SMTPUsername": "hunter22"}, "default_from_email": "a@b.test"}}`, "", `email_backend.settings: SMTPUsername and SMTPPassword must both be set, or neither`},
		{"a certificate of a mail server that is checked perhaps", `{"email_backend": {"enable_email_notifications": true, "code": "smtp", "settings": {"SMTPAddress": "mail.test:25", "TLSInsecureSkipVerify": "perhaps"}, "default_from_email": "a@b.test"}}`, "", `email_backend.settings: TLSInsecureSkipVerify must be true or false`},
		{"mail from nobody", `{"email_backend": {"enable_email_notifications": true, "code": "smtp", "settings": {"SMTPAddress": "mail.test:25"}}}`, "", `email_backend.default_from_email: "" is not allowed; name the address that mail comes from, such as no-reply@example.com`},
		{"links to nowhere", `{"email_backend": {"enable_email_notifications": true, "code": "smtp", "settings": {"SMTPAddress": "mail.test:25"}, "default_from_email": "a@b.test", "dashboard_hostname": "a b"}}`, "", `email_backend.dashboard_hostname: "a b" is not allowed; use a host name such as www.example.com or www.example.com:8080`},

		{"a file that is cut short", "{\n  \"page_size\": 5,\n  \"é\": ", "", "CONF is not JSON: line 3, column 7: unexpected end of JSON input"},
		{"a comma too many", "{\n  \"page_size\": 5,\n}", "", "CONF is not JSON: line 3, column 1: invalid character '}' looking for beginning of object key string"},
		{"text after the object", "{} x", "", "CONF is not JSON: line 1, column 4: invalid character 'x' after top-level value"},
		{"YAML", "listen_port: 3000", "", "CONF is not JSON: line 1, column 1: invalid character 'l' looking for beginning of value"},
		{"a file without an object", `[1]`, "", "CONF must hold a JSON object, {...}"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := confFile(t, tc.file)
			_, err := config.Load(config.Sources{File: path, Env: []string{tc.env}})
			if err == nil {
				t.Fatal("it was accepted")
			}
			got := err.Error()
			if path != "" {
				got = strings.ReplaceAll(got, path, "CONF")
			}
			if got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
			if strings.Contains(got, "hunter22") {
				t.Error("the message holds a secret")
			}
		})
	}
}

func TestAllProblemsAreListedInTheOrderOfTheDeclaration(t *testing.T) {
	_, err := config.Load(config.Sources{
		File:      confFile(t, `{"page_size": -1, "listen_port": "x", "http_server_options": {"use_ssl": true}}`),
		Env:       []string{"TYK_DB_HASHKEYS=maybe", "GATEHOUSE_METRICS=2"},
		Overrides: map[string]string{"nonsense": "1", "gatehouse.log_level": "loud"},
	})
	if err == nil {
		t.Fatal("it was accepted")
	}
	var keys []string
	for line := range strings.SplitSeq(err.Error(), "\n") {
		key, _, _ := strings.Cut(line, ":")
		keys = append(keys, key)
	}
	want := "nonsense listen_port page_size hash_keys http_server_options.use_ssl gatehouse.log_level gatehouse.metrics"
	if got := strings.Join(keys, " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if !strings.Contains(
		err.Error(),
		`gatehouse.log_level: "loud" is not allowed; use debug, info, warn or error (set by a flag)`,
	) {
		t.Errorf("the flag is not named: %v", err)
	}
}

func TestAFileThatCannotBeReadStopsTheStart(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing.conf")
	_, err := config.Load(config.Sources{File: missing})
	if err == nil || !strings.Contains(err.Error(), missing) {
		t.Errorf("the error does not name the file: %v", err)
	}
}
