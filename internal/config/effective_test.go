package config_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gatehouse/internal/config"
)

func TestLayersUseTheirOwnDatabaseOrThatOfMain(t *testing.T) {
	for _, tc := range []struct {
		name        string
		env         []string
		layer       config.LayerName
		typ         config.DBType
		write, read string
	}{
		{"main is SQLite in the data directory", nil, config.LayerMain, "sqlite", "data/gatehouse.db", "data/gatehouse.db"},
		{"a layer without anything uses main", nil, config.LayerLogs, "sqlite", "data/gatehouse.db", "data/gatehouse.db"},
		{"the data directory moves the file", []string{"GATEHOUSE_DATADIR=/var/lib/g"}, config.LayerMain, "sqlite", "/var/lib/g/gatehouse.db", "/var/lib/g/gatehouse.db"},
		{"a SQLite layer of its own has a file of its own", []string{"TYK_DB_STORAGE_LOGS_TYPE=sqlite"}, config.LayerLogs, "sqlite", "data/gatehouse-logs.db", "data/gatehouse-logs.db"},
		{"mongo_url makes main mongo", []string{"TYK_DB_MONGOURL=mongodb://h/d"}, config.LayerMain, "mongo", "mongodb://h/d", "mongodb://h/d"},
		{"and the layers with it", []string{"TYK_DB_MONGOURL=mongodb://h/d"}, config.LayerUptime, "mongo", "mongodb://h/d", "mongodb://h/d"},
		{"a type wins over mongo_url", []string{"TYK_DB_MONGOURL=mongodb://h/d", "TYK_DB_STORAGE_MAIN_TYPE=postgres", "TYK_DB_STORAGE_MAIN_CONNECTIONSTRING=pg"}, config.LayerMain, "postgres", "pg", "pg"},
		{"a connection string wins over mongo_url", []string{"TYK_DB_MONGOURL=mongodb://h/d", "TYK_DB_STORAGE_MAIN_TYPE=mongo", "TYK_DB_STORAGE_MAIN_CONNECTIONSTRING=mongodb+srv://x/y"}, config.LayerMain, "mongo", "mongodb+srv://x/y", "mongodb+srv://x/y"},
		{"a layer has another engine than main", []string{"TYK_DB_STORAGE_ANALYTICS_TYPE=mysql", "TYK_DB_STORAGE_ANALYTICS_CONNECTIONSTRING=my"}, config.LayerAnalytics, "mysql", "my", "my"},
		{"main keeps its engine then", []string{"TYK_DB_STORAGE_ANALYTICS_TYPE=mysql", "TYK_DB_STORAGE_ANALYTICS_CONNECTIONSTRING=my"}, config.LayerMain, "sqlite", "data/gatehouse.db", "data/gatehouse.db"},
		{"a replica is read", []string{"TYK_DB_STORAGE_MAIN_TYPE=postgres", "TYK_DB_STORAGE_MAIN_CONNECTIONSTRING=w", "TYK_DB_STORAGE_MAIN_READCONNECTIONSTRING=r"}, config.LayerMain, "postgres", "w", "r"},
		{"both may be named", []string{"TYK_DB_STORAGE_MAIN_TYPE=postgres", "TYK_DB_STORAGE_MAIN_WRITECONNECTIONSTRING=w", "TYK_DB_STORAGE_MAIN_READCONNECTIONSTRING=r"}, config.LayerMain, "postgres", "w", "r"},
		{"what writes reads too", []string{"TYK_DB_STORAGE_MAIN_TYPE=postgres", "TYK_DB_STORAGE_MAIN_WRITECONNECTIONSTRING=w"}, config.LayerMain, "postgres", "w", "w"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := mustLoad(t, "", tc.env...).Config
			l := c.Layer(tc.layer)
			if l.Type != tc.typ || l.WriteDSN() != tc.write || l.ReadDSN() != tc.read {
				t.Errorf("got %s, %s, %s", l.Type, l.WriteDSN(), l.ReadDSN())
			}
		})
	}
}

func TestTheOriginOfTheDerivedEngineIsThatOfTheURL(t *testing.T) {
	if got := mustLoad(t, `{"mongo_url": "mongodb://h/d"}`).Origin("storage.main.type"); got != config.OriginFile {
		t.Errorf("got %s", got)
	}
}

func TestURLs(t *testing.T) {
	for _, tc := range []struct {
		name, file   string
		port         int
		url, gateway string
	}{
		{"nothing is set", `{}`, 3000, "http://localhost:3000", ""},
		{"an address to listen on", `{"gatehouse": {"listen_address": "127.0.0.1"}}`, 3000, "http://127.0.0.1:3000", ""},
		{"all addresses", `{"gatehouse": {"listen_address": "::"}}`, 3000, "http://localhost:3000", ""},
		{"an IPv6 address", `{"gatehouse": {"listen_address": "::1"}}`, 3000, "http://[::1]:3000", ""},
		{"a host name", `{"host_config": {"hostname": "d.example"}}`, 3000, "http://d.example:3000", ""},
		{"a host name with a port", `{"host_config": {"hostname": "d.example:8000"}}`, 3000, "http://d.example:8000", ""},
		{"the port of the scheme", `{"host_config": {"hostname": "d.example"}}`, 80, "http://d.example", ""},
		{"HTTPS", `{"http_server_options": {"use_ssl": true, "ssl_certificates": ["x"]}, "host_config": {"hostname": "d.example"}}`, 443, "https://d.example", ""},
		{"a gateway", `{"tyk_api_config": {"Host": "http://gw/", "Port": "8080"}}`, 1, "http://localhost:1", "http://gw:8080"},
		{"a gateway without a scheme", `{"tyk_api_config": {"Host": "gw"}}`, 1, "http://localhost:1", "http://gw"},
		{"the name of the gateways wins", `{"tyk_api_config": {"Host": "gw"}, "host_config": {"override_hostname": "api.example:8080"}}`, 1, "http://localhost:1", "http://api.example:8080"},
		{"secure paths", `{"host_config": {"override_hostname": "api.example", "generate_secure_paths": true}}`, 1, "http://localhost:1", "https://api.example"},
		{"a scheme is kept", `{"host_config": {"override_hostname": "https://api.example/"}}`, 1, "http://localhost:1", "https://api.example"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := mustLoad(t, tc.file).Config
			if got := c.URL(tc.port); got != tc.url {
				t.Errorf("URL is %s, want %s", got, tc.url)
			}
			if got := c.GatewayURL(); got != tc.gateway {
				t.Errorf("GatewayURL is %s, want %s", got, tc.gateway)
			}
		})
	}
	c := mustLoad(t, "", "GATEHOUSE_LISTENADDRESS=::1").Config
	if got := c.Address(); got != "[::1]:3000" {
		t.Errorf("Address is %s", got)
	}
}

func TestTLSConfig(t *testing.T) {
	dir := t.TempDir()
	cert, key := certificate(t)
	for name, data := range map[string][]byte{"cert.pem": cert, "key.pem": key, "both.pem": append(append([]byte{}, cert...), key...)} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	conf := func(options string) config.HTTPServerOptions {
		return mustLoad(
			t,
			fmt.Sprintf(`{"home_dir": %q, "http_server_options": {%s}}`, dir, options),
		).Config.HTTPServerOptions
	}
	t.Run("is nil without HTTPS", func(t *testing.T) {
		if got, err := conf(`"ssl_certificates": ["both.pem"]`).TLSConfig(); got != nil || err != nil {
			t.Errorf("got %v, %v", got, err)
		}
	})
	t.Run("holds every certificate, from paths relative to home_dir", func(t *testing.T) {
		got, err := conf(`"use_ssl": true, "min_version": 772, "ssl_ciphers": ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"],
			"certificates": [{"cert_file": "cert.pem", "key_file": "key.pem"}], "ssl_certificates": ["both.pem"]`).TLSConfig()
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Certificates) != 2 || got.MinVersion != tls.VersionTLS13 || len(got.CipherSuites) != 1 ||
			got.CipherSuites[0] != tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("names the setting and the file that cannot be used", func(t *testing.T) {
		_, err := conf(`"use_ssl": true, "ssl_certificates": ["missing.pem"]`).TLSConfig()
		if err == nil ||
			!strings.HasPrefix(
				err.Error(),
				"http_server_options.ssl_certificates: cannot use "+filepath.Join(dir, "missing.pem"),
			) {
			t.Errorf("got %v", err)
		}
		_, err = conf(`"use_ssl": true, "certificates": [{"cert_file": "key.pem", "key_file": "cert.pem"}]`).TLSConfig()
		if err == nil || !strings.HasPrefix(err.Error(), "http_server_options.certificates: cannot use ") {
			t.Errorf("got %v", err)
		}
	})
}

func certificate(t *testing.T) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(
		rand.Reader,
		&x509.Certificate{SerialNumber: big.NewInt(1)},
		&x509.Certificate{SerialNumber: big.NewInt(1)},
		&private.PublicKey,
		private,
	)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(
			&pem.Block{Type: "CERTIFICATE", Bytes: der},
		), pem.EncodeToMemory(
			&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8},
		)
}

func TestSecretsAreMasked(t *testing.T) {
	const secret = "hunter22-mongodb://"
	env := []string{
		"TYK_DB_STORAGE_LOGS_TYPE=sqlite",
		"TYK_DB_STORAGE_ANALYTICS_TYPE=sqlite",
		"TYK_DB_STORAGE_UPTIME_TYPE=sqlite",
		"TYK_DB_STORAGE_MAIN_TYPE=sqlite",
	}
	masked := 0
	for _, f := range config.Fields() {
		if f.Secret {
			masked++
			value := secret
			if f.Type == "map[string]string" {
				value = "key:" + secret
			}
			env = append(env, f.Variable+"="+value)
		}
	}
	for _, s := range mustLoad(t, "", env...).Settings() {
		raw, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(s.Text()+string(raw), "hunter22") {
			t.Errorf("%s is shown", s.Key)
		}
		if s.Text() == config.Mask {
			masked--
		}
	}
	if masked != 0 {
		t.Errorf("%d secrets are not shown as %s", masked, config.Mask)
	}
	for _, s := range mustLoad(t, "").Settings() {
		if s.Text() == config.Mask {
			t.Errorf("%s is masked without being set", s.Key)
		}
	}
}

func TestSettingsAreOneLineEach(t *testing.T) {
	loaded := mustLoad(t, `{"home_dir": "a\nb\u001b[31m", "ui": {"default_lang": "français"}}`)
	for _, s := range loaded.Settings() {
		switch s.Key {
		case "home_dir":
			if s.Text() != `"a\nb\x1b[31m"` {
				t.Errorf("home_dir is shown as %s", s.Text())
			}
		case "ui.default_lang":
			if s.Text() != "français" {
				t.Errorf("ui.default_lang is shown as %s", s.Text())
			}
		}
	}
}
