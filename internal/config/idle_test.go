package config_test

import (
	"slices"
	"strings"
	"testing"

	"gatehouse/internal/config"
)

func TestASettingOfWhatIsOffStopsNothing(t *testing.T) {
	for _, tc := range []struct{ name, file, env, key string }{
		{"a place holder of a certificate", `{"http_server_options": {"certificates": [{"cert_file": ""}]}}`, "", ""},
		{
			"a certificate without its key, without HTTPS",
			`{"http_server_options": {"certificates": [{"cert_file": "a"}]}}`, "", "http_server_options.certificates",
		},
		{
			"certificates that are no list, without HTTPS",
			"", "TYK_DB_HTTPSERVEROPTIONS_CERTIFICATES=a.pem", "http_server_options.certificates",
		},
		{
			"a TLS version, without HTTPS",
			`{"http_server_options": {"min_version": 3}}`, "", "http_server_options.min_version",
		},
		{
			"cipher suites, without HTTPS",
			`{"http_server_options": {"ssl_ciphers": ["ROT13"]}}`, "", "http_server_options.ssl_ciphers",
		},
		{"a batch of MongoDB, on SQLite", `{"mongo_batch_size": -1}`, "", "mongo_batch_size"},
		{"a port of Redis, without one", "", "TYK_DB_REDISPORT=99999999999999999999", "redis_port"},
		{"a certificate of Redis, without one", `{"redis_cert_file": "c.pem"}`, "", "redis_cert_file"},
		{
			"a certificate of Redis, without TLS",
			`{"redis_host": "h", "redis_cert_file": "c.pem"}`, "", "redis_cert_file",
		},
		{
			"TLS versions of Redis, without TLS",
			`{"redis_host": "h", "redis_tls_min_version": "1.4"}`, "", "redis_tls_min_version",
		},
		{"a port without the host of the gateway", `{"tyk_api_config": {"Port": "http"}}`, "", "tyk_api_config.Port"},
		{"a layer of an unknown engine", "", "TYK_DB_STORAGE_LOGS_TYPE=oracle", "storage.logs.type"},
		{"a layer without its engine", "", "TYK_DB_STORAGE_LOGS_CONNECTIONSTRING=hunter22", "storage.logs.type"},
		{"a layer without its database", "", "TYK_DB_STORAGE_UPTIME_TYPE=mongo", "storage.uptime.connection_string"},
		{"a mail service that there is not, without mail", `{"email_backend": {"code": "sendgrid"}}`, "", ""},
		{"what has no effect", `{"portal_session_lifetime": "long"}`, "", "portal_session_lifetime"},
		{
			"what has no effect in the engine",
			"", "TYK_DB_STORAGE_MAIN_MYSQL_DEFAULTSTRINGSIZE=-1", "storage.main.mysql.default_string_size",
		},
		{
			"what nobody is denied",
			`{"gatehouse": {"shared_gateways": {"apply": "never", "deny": ["x"]}}}`, "", "gatehouse.shared_gateways.deny",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			loaded := mustLoad(t, tc.file, tc.env)
			if tc.key == "" && loaded.Idle != nil {
				t.Errorf("it is told: %q", loaded.Idle)
			}
			told := slices.ContainsFunc(loaded.Idle, func(s string) bool { return strings.HasPrefix(s, tc.key+": ") })
			if tc.key != "" && !told {
				t.Errorf("it is not told: %q", loaded.Idle)
			}
			if strings.Contains(strings.Join(loaded.Idle, ""), "hunter22") {
				t.Errorf("a secret is told: %q", loaded.Idle)
			}
			for _, layer := range []config.LayerName{config.LayerLogs, config.LayerUptime} {
				if l := loaded.Config.Layer(layer); l.Type != config.SQLite || l.WriteDSN() == "" {
					t.Errorf("%s is kept in %q", layer, l.Type)
				}
			}
		})
	}
}

func TestEverySwitchIsJudgedItself(t *testing.T) {
	for _, env := range []string{
		"TYK_DB_HTTPSERVEROPTIONS_USESSL=maybe", "TYK_DB_REDISHOST=a/b", "TYK_DB_REDISADDRS=h", "TYK_DB_HOSTS=a",
		"TYK_DB_REDISMASTERNAME=m", "TYK_DB_ENABLECLUSTER=true", "TYK_DB_MONGOURL=x", "TYK_DB_ENABLEOWNERSHIP=maybe",
	} {
		if _, err := load(t, "", env); err == nil {
			t.Errorf("%s is accepted", env)
		}
	}
}

func TestWordsThatTheTykDashboardToleratesAreTaken(t *testing.T) {
	for word, want := range map[string]string{
		"default": "text", "JSON": "json", "Json": "json", "plain": "text", "standard": "text", "TEXT": "text",
	} {
		if got := mustLoad(t, "", "TYK_DB_LOGFORMAT="+word).Config.LogFormat; got != want {
			t.Errorf("%s is read as %s", word, got)
		}
	}
	for word, want := range map[string]string{"Monotonic": "monotonic", "EVENTUAL": "eventual", "nearest": "strong"} {
		if got := mustLoad(t, "", "TYK_DB_MONGOSESSIONCONSISTENCY="+word).Config.MongoSessionConsistency; got != want {
			t.Errorf("%s is read as %s", word, got)
		}
	}
	if got := mustLoad(t, `{"mongo_url": "mongodb://h/d", "mongo_batch_size": 0}`).Config.MongoBatchSize; got != 2000 {
		t.Errorf("0 documents in a batch are %d", got)
	}
	const suite = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
	mustLoad(t, `{"http_server_options": {"use_ssl": true, "ssl_certificates": ["x"], "ssl_ciphers": ["ROT13", "`+suite+`"]}}`)
}

func TestWhatIsNotProtectedIsTold(t *testing.T) {
	if got := mustLoad(t, "").Unprotected(); got != nil {
		t.Errorf("nothing was set, and this is told: %q", got)
	}
	loaded := mustLoad(
		t, `{"maintenance_mode": true, "security": {"open_policy": {"enabled": true}}}`,
		"TYK_DB_ENABLEOWNERSHIP=true", "GATEHOUSE_WITHOUTPROTECTION=enable_ownership",
	)
	var keys []string
	for _, text := range loaded.Unprotected() {
		key, _, _ := strings.Cut(text, ":")
		keys = append(keys, key)
	}
	want := []string{"maintenance_mode"}
	if slices.Sort(keys); !slices.Equal(keys, slices.Sorted(slices.Values(want))) {
		t.Errorf("%q are told", keys)
	}
}
