package config_test

import (
	"slices"
	"testing"
)

func TestAddressesOfRedis(t *testing.T) {
	for _, tc := range []struct {
		name, file string
		want       []string
	}{
		{"nothing is configured", `{"redis_port": 6380, "redis_password": "x"}`, nil},
		{"a host has the usual port", `{"redis_host": "h"}`, []string{"h:6379"}},
		{"a port of 0 is the usual one", `{"redis_host": "h", "redis_port": 0}`, []string{"h:6379"}},
		{"a host with its port", `{"redis_host": "::1", "redis_port": 6380}`, []string{"[::1]:6380"}},
		{"the older map wins over the host", `{"redis_host": "h", "redis_hosts": {"b": "2", "a": "1"}, "enable_cluster": true}`, []string{"a:1", "b:2"}},
		{"the list wins over both", `{"redis_host": "h", "redis_hosts": {"a": "1"}, "redis_addrs": ["x:7", "[::1]:8"], "redis_master_name": "m"}`, []string{"x:7", "[::1]:8"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := mustLoad(t, tc.file).Config.RedisAddresses(); !slices.Equal(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestFilesOfRedisAndTheSigningKeyStartFromHomeDir(t *testing.T) {
	c := mustLoad(
		t,
		`{"home_dir": "/opt/d", "redis_ca_file": "ca.pem", "redis_cert_file": "c.pem", "redis_key_file": "/k.pem", "private_key_path": "sign.pem"}`,
	).Config
	if got := []string{c.RedisCAFile, c.RedisCertFile, c.RedisKeyFile, c.PrivateKeyPath}; !slices.Equal(
		got,
		[]string{"/opt/d/ca.pem", "/opt/d/c.pem", "/k.pem", "/opt/d/sign.pem"},
	) {
		t.Errorf("got %q", got)
	}
}
