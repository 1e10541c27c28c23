package config_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/config"
)

// load loads the text of a file, unless it is empty, and an environment.
func load(t *testing.T, file string, env ...string) (*config.Loaded, error) {
	t.Helper()
	return config.Load(config.Sources{File: confFile(t, file), Env: env})
}

func mustLoad(t *testing.T, file string, env ...string) *config.Loaded {
	t.Helper()
	loaded, err := load(t, file, env...)
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

func confFile(t *testing.T, text string) string {
	t.Helper()
	if text == "" {
		return ""
	}
	path := filepath.Join(t.TempDir(), "tyk_analytics.conf")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDefaultsNeedNoSource(t *testing.T) {
	c := mustLoad(t, "").Config
	for name, got := range map[string]bool{
		"listen_port":                c.ListenPort == 3000,
		"page_size":                  c.PageSize == 10,
		"storage.main.type":          c.Storage.Main.Type == config.SQLite,
		"hash_keys":                  c.HashKeys,
		"enable_hashed_keys_listing": c.EnableHashedKeysListing,
		"enable_delete_key_by_hash":  c.EnableDeleteKeyByHash,
		"enable_update_key_by_hash":  c.EnableUpdateKeyByHash,
		"allow_explicit_policy_id":   c.AllowExplicitPolicyID,
		"allow_unsafe_policy_ids":    !c.AllowUnsafePolicyIDs,
		"health_check_endpoint_name": c.HealthCheckEndpointName == "hello",
		"notify_on_change":           c.NotifyOnChange,
		"redis":                      len(c.RedisAddresses()) == 0 && c.RedisPort == 6379 && c.RedisTimeout == 2 && c.RedisMaxActive == 500,
		"log_format":                 c.LogFormat == "text",
		"min_version":                c.HTTPServerOptions.MinVersion == 771,
		"gatehouse": reflect.DeepEqual(c.Gatehouse, config.Gatehouse{
			DataDir: "./data", MaxBodyBytes: 10 << 20, RequestTimeout: 30 * time.Second, ShutdownTimeout: 15 * time.Second,
			GraphQL: config.GraphQL{Introspection: true, MaxDepth: 12, MaxComplexity: 50000, MaxAliases: 50, MaxPageSize: 500,
				MaxAnonymousBodyBytes: 64 << 10, MaxAnswerBytes: 32 << 20, MaxAnswersBytes: 256 << 20,
				MaxSocketsPerCaller: 200, MaxSubscriptionsPerCaller: 1000, MaxOperationsPerSocket: 100},
			Playground: true, Metrics: true, MaxFailedLogins: 50, MaxConnections: 4096, KeyIndexInterval: 10 * time.Minute, OldestGateway: "5.5", SharedRoutes: "default",
			Audit:          config.AuditLog{FileMaxBytes: 100 << 20},
			SharedGateways: config.SharedGateways{Apply: "auto", Deny: []string{"code", "files", "secrets", "storage", "discovery", "loops"}},
		}),
	} {
		if !got {
			t.Errorf("the default of %s is not what it should be", name)
		}
	}
}

func TestEachSourceWinsOverTheOneBefore(t *testing.T) {
	for _, tc := range []struct {
		name, file, env, flag string
		port                  int
		origin                config.Origin
	}{
		{"nothing sets it", "", "", "", 3000, config.OriginDefault},
		{"a file", `{"listen_port": 1}`, "", "", 1, config.OriginFile},
		{"a variable over a file", `{"listen_port": 1}`, "TYK_DB_LISTENPORT=2", "", 2, config.OriginEnvironment},
		{"a flag over both", `{"listen_port": 1}`, "TYK_DB_LISTENPORT=2", "3", 3, config.OriginFlag},
		{"a flag alone", "", "", "3", 3, config.OriginFlag},
		{"a null in the file sets nothing", `{"listen_port": null}`, "", "", 3000, config.OriginDefault},
		{"an empty text in the file sets nothing", `{"listen_port": ""}`, "", "", 3000, config.OriginDefault},
		{"an empty variable sets nothing", `{"listen_port": 1}`, "TYK_DB_LISTENPORT=", "", 1, config.OriginFile},
		{"a value equal to the default was set all the same", `{"listen_port": 3000}`, "", "", 3000, config.OriginFile},
	} {
		t.Run(tc.name, func(t *testing.T) {
			src := config.Sources{File: confFile(t, tc.file), Env: []string{tc.env, "PATH=/bin"}}
			if tc.flag != "" {
				src.Overrides = map[string]string{"listen_port": tc.flag}
			}
			loaded, err := config.Load(src)
			if err != nil {
				t.Fatal(err)
			}
			if got := loaded.Config.ListenPort; got != tc.port {
				t.Errorf("port %d, want %d", got, tc.port)
			}
			if got := loaded.Origin("listen_port"); got != tc.origin {
				t.Errorf("origin %s, want %s", got, tc.origin)
			}
		})
	}
}

func TestValuesOfEveryTypeAreRead(t *testing.T) {
	certs := config.CertsData{{Name: "a.example", Cert: "a.pem", Key: "a.key"}}
	for _, tc := range []struct {
		name, file, env string
		get             func(c config.Config) any
		want            any
	}{
		{"a text", `{"admin_secret": "x"}`, "TYK_DB_ADMINSECRET=x", func(c config.Config) any { return c.AdminSecret }, "x"},
		{"a truth", `{"mongo_use_ssl": true}`, "TYK_DB_MONGOUSESSL=1", func(c config.Config) any { return c.MongoUseSSL }, true},
		{"a default turned off", `{"hash_keys": false}`, "TYK_DB_HASHKEYS=false", func(c config.Config) any { return c.HashKeys }, false},
		{"a number", `{"page_size": 25}`, "TYK_DB_PAGESIZE=25", func(c config.Config) any { return c.PageSize }, 25},
		{"a large number", `{"ui": {"trial": {"end_date": 4102444800}}}`, "TYK_DB_UI_TRIAL_ENDDATE=4102444800", func(c config.Config) any { return c.UI.Trial.EndDate }, int64(4102444800)},
		{"an unsigned number", `{"storage": {"logs": {"mysql": {"default_string_size": 9}}}}`, "TYK_DB_STORAGE_LOGS_MYSQL_DEFAULTSTRINGSIZE=9", func(c config.Config) any { return c.Storage.Logs.MySQL.DefaultStringSize }, uint(9)},
		{"a TLS version", `{"http_server_options": {"min_version": 772}}`, "TYK_DB_HTTPSERVEROPTIONS_MINVERSION=772", func(c config.Config) any { return c.HTTPServerOptions.MinVersion }, uint16(772)},
		{"a list", `{"http_server_options": {"ssl_certificates": ["a:1", "b:2"]}}`, "TYK_DB_HTTPSERVEROPTIONS_SSLCERTIFICATES=a:1, b:2", func(c config.Config) any { return c.HTTPServerOptions.SSLCertificates }, []string{"a:1", "b:2"}},
		{"a map", `{"host_config": {"portal_domains": {"a": "1", "b": "2"}}}`, "TYK_DB_HOSTCONFIG_PORTALDOMAINS=a:1,b:2", func(c config.Config) any { return c.HostConfig.PortalDomains }, map[string]string{"a": "1", "b": "2"}},
		{"a map whose values have colons", `{"ui": {"languages": {"a": "x:y"}}}`, "TYK_DB_UI_LANGUAGES=a:x:y", func(c config.Config) any { return c.UI.Languages }, map[string]string{"a": "x:y"}},
		{"a map of permissions", `{"security": {"additional_permissions": {"p": "P"}}}`, "TYK_DB_SECURITY_ADDITIONALPERMISSIONS=p:P", func(c config.Config) any { return c.Security.AdditionalPermissions }, map[config.ObjectGroup]string{"p": "P"}},
		{"certificates", `{"http_server_options": {"certificates": [{"domain_name": "a.example", "cert_file": "a.pem", "key_file": "a.key"}]}}`,
			`TYK_DB_HTTPSERVEROPTIONS_CERTIFICATES=[{"domain_name": "a.example", "cert_file": "a.pem", "key_file": "a.key"}]`, func(c config.Config) any { return c.HTTPServerOptions.Certificates }, certs},
		{"edge endpoints", `{"edge_endpoints": [{"name": "n", "endpoint": "e", "tags": ["t"]}]}`,
			`TYK_DB_EDGEENDPOINTS=[{"name": "n", "endpoint": "e", "tags": ["t"]}]`, func(c config.Config) any { return c.EdgeEndpoints }, config.EdgeEndpoints{{Name: "n", Endpoint: "e", Tags: []string{"t"}}}},
		{"a duration", `{"gatehouse": {"request_timeout": "1m30s"}}`, "GATEHOUSE_REQUESTTIMEOUT=1m30s", func(c config.Config) any { return c.Gatehouse.RequestTimeout }, 90 * time.Second},
		{"a nested setting of our own", `{"gatehouse": {"graphql": {"max_depth": 7}}}`, "GATEHOUSE_GRAPHQL_MAXDEPTH=7", func(c config.Config) any { return c.Gatehouse.GraphQL.MaxDepth }, 7},
		{"a key in other capitals", `{"TYK_API_config": {"host": "gw"}}`, "TYK_DB_TYKAPI_HOST=gw", func(c config.Config) any { return c.TykAPI.Host }, "gw"},
		{"a TLS version of 0, which is the default", `{"http_server_options": {"min_version": 0}}`, "TYK_DB_HTTPSERVEROPTIONS_MINVERSION=0", func(c config.Config) any { return c.HTTPServerOptions.MinVersion }, uint16(771)},
		{"the standard log format, which is text", `{"log_format": "standard"}`, "TYK_DB_LOGFORMAT=standard", func(c config.Config) any { return c.LogFormat }, "text"},
		{"a byte order mark", "\ufeff" + `{"page_size": 3}`, "TYK_DB_PAGESIZE=3", func(c config.Config) any { return c.PageSize }, 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := tc.get(mustLoad(t, tc.file).Config); !reflect.DeepEqual(got, tc.want) {
				t.Errorf("from the file: %#v, want %#v", got, tc.want)
			}
			if got := tc.get(mustLoad(t, "", tc.env).Config); !reflect.DeepEqual(got, tc.want) {
				t.Errorf("from the environment: %#v, want %#v", got, tc.want)
			}
		})
	}
}

// TestEverySettingIsReadFromFileAndEnvironment gives each setting a value by its key and by its variable.
func TestEverySettingIsReadFromFileAndEnvironment(t *testing.T) {
	special := map[string]string{
		"storage.main.type": "mongo", "storage.analytics.type": "sqlite", "storage.logs.type": "sqlite", "storage.uptime.type": "sqlite",
		"mongo_session_consistency": "eventual", "http_server_options.ssl_ciphers": "TLS_AES_128_GCM_SHA256", "log_format": "json",
		"gatehouse.log_level": "warn", "gatehouse.shared_routes": "loose", "http_server_options.min_version": "770", "tyk_api_config.Port": "8080",
		"gatehouse.encryption_key": "0123456789abcdef", "home_dir": "/home", "gatehouse.max_body_bytes": "2048",
		"gatehouse.graphql.max_anonymous_body_bytes": "2048", "gatehouse.graphql.max_answer_bytes": "2097152", "gatehouse.graphql.max_answers_bytes": "2097152",
		"mongo_ssl_ca_file": "/ca", "mongo_ssl_pem_keyfile": "/key", "http_server_options.ssl_certificates": "/a,/b",
		"gatehouse.allowed_origins": "https://a.test,https://b.test", "gatehouse.oldest_gateway": "5.8",
		"gatehouse.shared_gateways.apply": "never", "gatehouse.shared_gateways.deny": "code,trust", "redis_addrs": "a:1,b:2", "enable_cluster": "false", "email_backend.enable_email_notifications": "false",
		"redis_ca_file": "/ca", "redis_cert_file": "/cert", "redis_key_file": "/key", "redis_tls_min_version": "1.1",
		"gatehouse.trusted_proxies": "10.0.0.0/8,2001:db8::1", "redis_tls_max_version": "1.2", "private_key_path": "/sign",
		"gatehouse.without_protection": "enable_ownership",
		"audit.enabled":                "true", "audit.store_type": "file", "audit.format": "json", "audit.path": "/audit.log",
	}
	byType := map[string]string{
		"string": "x", "int": "7", "int64": "7", "uint": "7", "uint16": "7", "[]string": "a,b", "map[string]string": "a:1",
		"map[ObjectGroup]string": "a:1", "Duration": "12s", "DBType": "sqlite",
		"CertsData": `[{"domain_name":"d","cert_file":"/c","key_file":"/k"}]`, "EdgeEndpoints": `[{"name":"n","endpoint":"e","tags":["t"]}]`,
	}
	var env []string
	file, want := map[string]any{}, map[string]string{}
	for _, f := range config.Fields() {
		text := byType[f.Type]
		if f.Type == "bool" {
			text = fmt.Sprint(f.Default == "")
		}
		switch {
		case special[f.Key] != "":
			text = special[f.Key]
		case strings.HasSuffix(f.Key, "connection_string") || f.Key == "mongo_url":
			text = "mongodb://user:secret@host/db"
		}
		env = append(env, f.Variable+"="+text)
		want[f.Key] = text
		put(file, strings.Split(f.Key, "."), asJSON(t, f.Type, text))
	}
	raw, err := json.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	fromFile, fromEnv := mustLoad(t, string(raw)), mustLoad(t, "", env...)
	if !reflect.DeepEqual(fromFile.Config, fromEnv.Config) {
		t.Error("the same values give two configurations")
	}
	if len(fromFile.Unknown)+len(fromEnv.Unknown) > 0 {
		t.Errorf("unknown: %v, %v", fromFile.Unknown, fromEnv.Unknown)
	}
	secret := map[string]bool{}
	for _, f := range config.Fields() {
		secret[f.Key] = f.Secret
	}
	for _, s := range fromEnv.Settings() {
		text := want[s.Key]
		if secret[s.Key] {
			text = config.Mask
		}
		if s.Text() != text || s.Source != config.OriginEnvironment {
			t.Errorf("%s is %q from %s, want %q", s.Key, s.Text(), s.Source, text)
		}
	}
}

func put(object map[string]any, path []string, value any) {
	for _, name := range path[:len(path)-1] {
		if object[name] == nil {
			object[name] = map[string]any{}
		}
		object = object[name].(map[string]any)
	}
	object[path[len(path)-1]] = value
}

func asJSON(t *testing.T, typ, text string) any {
	t.Helper()
	switch typ {
	case "string", "Duration", "DBType":
		return text
	case "[]string":
		return strings.Split(text, ",")
	case "map[string]string", "map[ObjectGroup]string":
		return map[string]string{"a": "1"}
	}
	if !json.Valid([]byte(text)) {
		t.Fatalf("no JSON of type %s: %s", typ, text)
	}
	return json.RawMessage(text)
}

func TestUnknownKeysAndVariablesAreCollected(t *testing.T) {
	loaded := mustLoad(
		t,
		`{"ui": {"login_page": {}}, "tagging_options": {"x": 1}, "storage.main.type": "oracle", "": 1, "page_size": 5}`,
		"TYK_DB_NOSUCH=1",
		"TYK_GW_LISTENPORT=1",
		"GATEHOUSE_SERVICE_HOST=1",
		"TYK_DB_PAGESIZE=6",
	)
	want := []string{"", "TYK_DB_NOSUCH", "storage.main.type", "tagging_options", "ui.login_page"}
	if !slices.Equal(loaded.Unknown, want) {
		t.Errorf("unknown: %q, want %q", loaded.Unknown, want)
	}
}

func TestSettingsWithoutEffectAreListedWhenTheyAreSet(t *testing.T) {
	if got := mustLoad(t, "").WithoutEffect(); got != nil {
		t.Errorf("nothing was set, and %v are listed", got)
	}
	got := mustLoad(
		t,
		`{"license_key": "k", "sso_custom_login_url": "", "portal_session_lifetime": 0, "page_size": 5}`,
		"TYK_DB_STORAGE_LOGS_TABLESHARDING=true",
	).WithoutEffect()
	if want := []string{"license_key", "portal_session_lifetime", "storage.logs.table_sharding"}; !slices.Equal(
		got,
		want,
	) {
		t.Errorf("%v, want %v", got, want)
	}
}

// TestAFileOfTheTykDashboardLoads uses a file that has what such files have: keys that newer versions dropped, nulls,
// empty texts, a short admin secret, two databases of which the typed one counts.
func TestAFileOfTheTykDashboardLoads(t *testing.T) {
	loaded, err := config.Load(config.Sources{File: "testdata/tyk_analytics.conf"})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"tagging_options", "ui.login_page", "ui.nav"}; !slices.Equal(loaded.Unknown, want) {
		t.Errorf("unknown: %v, want %v", loaded.Unknown, want)
	}
	c := loaded.Config
	if c.ListenPort != 3001 || c.AdminSecret != "12345" || c.HashKeys || c.AllowExplicitPolicyID ||
		!c.Security.AllowAdminResetPassword {
		t.Error("a value of the file is not in effect")
	}
	if l := c.Layer(config.LayerAnalytics); l.Type != config.Postgres || !strings.HasPrefix(l.WriteDSN(), "user=tyk ") {
		t.Errorf("analytics are kept in %s", l.Type)
	}
	if got := c.HTTPServerOptions.Certificates[0].Key; got != "/opt/tyk-dashboard/a.key" {
		t.Errorf("the key is read from %s", got)
	}
	if got := c.GatewayURL(); got != "http://api.example.com:8080" {
		t.Errorf("the gateways are at %s", got)
	}
	if !slices.Contains(loaded.WithoutEffect(), "maintenance_mode") ||
		slices.Contains(loaded.WithoutEffect(), "license_key") {
		t.Errorf("without effect: %v", loaded.WithoutEffect())
	}
}

func FuzzFile(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"listen_port": 3000, "tyk_api_config": {"Host": "http://localhost", "Port": "8080"}}`, `{"storage": {"main": {"type": "mongo"}}}`,
		`{"http_server_options": {"use_ssl": true, "certificates": [{"cert_file": "a", "key_file": "b"}], "ssl_ciphers": ["x"]}}`,
		`{"gatehouse": {"request_timeout": "1h", "graphql": {"max_depth": 1e3}}}`, `[`, `{"a": `, "\xff", `{"listen_port": "1"}`, `{"storage": []}`,
		`{"host_config": {"hostname": "::", "override_hostname": "http://[::1"}}`, `{"health_check_endpoint_name": "a/b"}`,
	} {
		f.Add([]byte(seed))
	}
	path := filepath.Join(f.TempDir(), "conf")
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		loaded, err := config.Load(config.Sources{File: path})
		if err != nil {
			return
		}
		c := loaded.Config
		if c.ListenPort < 0 || c.ListenPort > 65535 || c.PageSize < 1 || c.PageSize > 1000 ||
			c.Gatehouse.RequestTimeout <= 0 {
			t.Errorf("a value outside its bounds was accepted: %+v", loaded.Settings())
		}
		for _, name := range []config.LayerName{config.LayerMain, config.LayerAnalytics, config.LayerLogs, config.LayerUptime} {
			if l := c.Layer(name); l.Type == "" || l.WriteDSN() == "" || l.ReadDSN() == "" {
				t.Errorf("%s has no database", name)
			}
		}
		_, _ = c.URL(c.ListenPort), c.GatewayURL()
	})
}
