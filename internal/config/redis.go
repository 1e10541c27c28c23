package config

import (
	"cmp"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
)

// Redis says where the gateways' Redis is. Its keys are at the top level.
type Redis struct {
	RedisPort                  int               `json:"redis_port" env:"TYK_DB_REDISPORT" default:"6379" max:"65535" doc:"Port of Redis, beside redis_host; 0 is the default."`
	RedisHost                  string            `json:"redis_host" env:"TYK_DB_REDISHOST" doc:"Host of the Redis that the gateways use. Without it, redis_hosts and redis_addrs there is no Redis: keys stay in the store, and gateways are not told of changes."`
	RedisAddrs                 []string          `json:"redis_addrs" env:"TYK_DB_REDISADDRS" doc:"Addresses of Redis, host:port, in the place of redis_host and redis_hosts. Several are the nodes of a cluster (enable_cluster), or sentinels (redis_master_name)."`
	RedisHosts                 map[string]string `json:"redis_hosts" env:"TYK_DB_HOSTS" doc:"The older form of redis_addrs: hosts with their ports. It wins over redis_host."`
	RedisUsername              string            `json:"redis_username" env:"TYK_DB_REDISUSERNAME" doc:"User of Redis; when it is empty, Redis takes its default one."`
	RedisPassword              string            `json:"redis_password" env:"TYK_DB_REDISPASSWORD" secret:"yes" doc:"Password of Redis."`
	RedisMasterName            string            `json:"redis_master_name" env:"TYK_DB_REDISMASTERNAME" doc:"Name under which sentinels know the master. The addresses are those of the sentinels then."`
	RedisSentinelPassword      string            `json:"redis_sentinel_password" env:"TYK_DB_REDISSENTINELPASSWORD" secret:"yes" doc:"Password of the sentinels; redis_password is that of the master."`
	RedisTimeout               int               `json:"redis_timeout" env:"TYK_DB_REDISTIMEOUT" default:"2" max:"60" doc:"Seconds that a command may take, connecting and repeating included, so that a Redis which is gone holds up nobody for longer; 0 is the default."`
	RedisDatabase              int               `json:"redis_database" env:"TYK_DB_REDISDATABASE" max:"65535" doc:"Number of the database in Redis. A cluster has none but 0."`
	EnableCluster              bool              `json:"enable_cluster" env:"TYK_DB_ENABLECLUSTER" doc:"Redis is a cluster."`
	RedisUseSSL                bool              `json:"redis_use_ssl" env:"TYK_DB_REDISUSESSL" doc:"Connect to Redis, and to sentinels, over TLS."`
	RedisSSLInsecureSkipVerify bool              `json:"redis_ssl_insecure_skip_verify" env:"TYK_DB_REDISSSLINSECURESKIPVERIFY" doc:"Accept any certificate of Redis, for tests."`
	RedisCAFile                string            `json:"redis_ca_file" env:"TYK_DB_REDISCAFILE" doc:"PEM file with the authorities that sign the certificate of Redis; when it is empty, those of the machine."`
	RedisCertFile              string            `json:"redis_cert_file" env:"TYK_DB_REDISCERTFILE" doc:"PEM file with the client certificate that Redis asks for."`
	RedisKeyFile               string            `json:"redis_key_file" env:"TYK_DB_REDISKEYFILE" doc:"PEM file with the key of the client certificate."`
	RedisTLSMaxVersion         string            `json:"redis_tls_max_version" env:"TYK_DB_REDISTLSMAXVERSION" default:"1.3" oneof:"1.0 1.1 1.2 1.3" doc:"Newest TLS version to speak with Redis."`
	RedisTLSMinVersion         string            `json:"redis_tls_min_version" env:"TYK_DB_REDISTLSMINVERSION" default:"1.2" oneof:"1.0 1.1 1.2 1.3" doc:"Oldest TLS version to accept of Redis."`
	RedisMaxActive             int               `json:"redis_max_active" env:"TYK_DB_REDISMAXACTIVE" default:"500" max:"10000" doc:"Most connections to each Redis server, subscriptions aside; 0 is the default."`
}

// RedisAddresses lists where Redis is, as host:port: redis_addrs, else redis_hosts, else redis_host. It is empty when
// none is configured.
func (r *Redis) RedisAddresses() []string {
	switch {
	case len(r.RedisAddrs) > 0:
		return slices.Clone(r.RedisAddrs)
	case len(r.RedisHosts) > 0:
		out := make([]string, 0, len(r.RedisHosts))
		for _, host := range sortedKeys(r.RedisHosts) {
			out = append(out, net.JoinHostPort(host, r.RedisHosts[host]))
		}
		return out
	case r.RedisHost != "":
		return []string{net.JoinHostPort(r.RedisHost, strconv.Itoa(cmp.Or(r.RedisPort, 6379)))}
	}
	return nil
}

func (l *loader) checkRedis() {
	c := &l.Config
	if host := c.RedisHost; host != "" && !isHost(host) {
		l.problem(
			"redis_host",
			shown(host)+" is not allowed; use a host name or an IP address, without a scheme, and put the port into redis_port",
		)
	}
	for _, address := range c.RedisAddrs {
		if host, port, err := net.SplitHostPort(address); err != nil || !isHost(host) || !isPort(port) {
			l.problem("redis_addrs", shown(address)+" is not allowed; use addresses such as redis:6379, without a scheme")
		}
	}
	for _, host := range sortedKeys(c.RedisHosts) {
		if port := c.RedisHosts[host]; !isHost(host) || !isPort(port) {
			l.problem(
				"redis_hosts",
				fmt.Sprintf(
					"%s is not allowed; use host names with a port from 1 to 65535 each, such as redis:6379",
					shown(host+":"+port),
				),
			)
		}
	}

	const where = "set redis_addrs, redis_hosts or redis_host"
	switch n := len(c.RedisAddresses()); {
	case n == 0 && c.RedisMasterName != "":
		l.problem("redis_master_name", "needs the addresses of the sentinels; "+where)
	case n == 0 && c.EnableCluster:
		l.problem("enable_cluster", "true needs the addresses of nodes of the cluster; "+where)
	case c.RedisMasterName != "" && c.EnableCluster:
		l.problem(
			"enable_cluster",
			"true is not allowed beside redis_master_name: the addresses are those of a cluster, or of sentinels",
		)
	case n > 1 && c.RedisMasterName == "" && !c.EnableCluster:
		key := "redis_addrs"
		if len(c.RedisAddrs) == 0 {
			key = "redis_hosts"
		}
		l.problem(
			key,
			"names several servers; set enable_cluster when they are a cluster, or redis_master_name when they are sentinels, or name one",
		)
	}
	if c.EnableCluster && c.RedisDatabase != 0 {
		l.problem(
			"redis_database",
			fmt.Sprintf("%d is not allowed beside enable_cluster; a cluster has the database 0 only", c.RedisDatabase),
		)
	}
	if (c.RedisCertFile == "") != (c.RedisKeyFile == "") {
		key, other := "redis_cert_file", "redis_key_file"
		if c.RedisCertFile == "" {
			key, other = other, key
		}
		l.problem(key, "needs "+other+": a client certificate is of no use without its key, nor the key without it")
	}
	if c.RedisTLSMinVersion > c.RedisTLSMaxVersion {
		l.problem(
			"redis_tls_min_version",
			fmt.Sprintf("%q is not allowed; it is above redis_tls_max_version, %q", c.RedisTLSMinVersion, c.RedisTLSMaxVersion),
		)
	}
	l.checkZeroConf()
}

// checkZeroConf sees to it that gateways are told an address that is one.
func (l *loader) checkZeroConf() {
	c := &l.Config
	switch {
	case !c.Gatehouse.ZeroConf:
	case len(c.RedisAddresses()) == 0:
		l.problem("gatehouse.zeroconf", "true needs the Redis over which gateways are told; set redis_host")
	case c.HostConfig.Hostname == "":
		l.problem("gatehouse.zeroconf", "true needs the host name that gateways are told; set host_config.hostname")
	case c.ListenPort == 0:
		l.problem("gatehouse.zeroconf", "true needs a port that is known beforehand; set listen_port")
	}
}

// isHost tells whether a text may be a host name or an IP address, and nothing besides.
func isHost(s string) bool {
	if strings.Contains(s, ":") {
		return net.ParseIP(s) != nil
	}
	return s != "" && !strings.ContainsAny(s, "/@ \t\r\n[]")
}

func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0
}

// shown quotes an address, unless it holds what may be a password.
func shown(address string) string {
	if strings.Contains(address, "@") {
		return Mask
	}
	return strconv.Quote(clip(address))
}
