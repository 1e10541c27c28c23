// Package redisdb connects to the Redis of the gateways, as the configuration says: one server, a cluster, or
// sentinels.
package redisdb

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"gatehouse/internal/config"
)

// Open makes a client of the configured Redis, or returns nil when none is configured. It does not connect: a Redis
// that is down is no error, now or later. A command takes redis_timeout at most, connecting and its one repetition
// included. The error names the setting and the file that cannot be used.
func Open(c *config.Config) (redis.UniversalClient, error) {
	addresses := c.RedisAddresses()
	if len(addresses) == 0 {
		return nil, nil
	}
	tlsConfig, err := tlsConfig(c)
	if err != nil {
		return nil, err
	}
	timeout := time.Duration(cmp.Or(c.RedisTimeout, 2)) * time.Second
	o := redis.UniversalOptions{
		Addrs: addresses, IsClusterMode: c.EnableCluster, MasterName: c.RedisMasterName,
		Username: c.RedisUsername, Password: c.RedisPassword, SentinelPassword: c.RedisSentinelPassword, DB: c.RedisDatabase,
		ClientName: "gatehouse", TLSConfig: tlsConfig, PoolSize: cmp.Or(c.RedisMaxActive, 500),
		// Half of the time for a server that is gone leaves the other half for one that is not.
		DialTimeout: timeout / 2, DialerRetries: 1, MaxRetries: 1, ReadTimeout: timeout,
		WriteTimeout: timeout, PoolTimeout: timeout,
		ContextTimeoutEnabled: true,
		// These are asked of managed services only, and other servers log them as errors.
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
	client := newClient(&o)
	client.AddHook(deadline(timeout))
	return client, nil
}

// tlsConfig is nil without redis_use_ssl.
func tlsConfig(c *config.Config) (*tls.Config, error) {
	if !c.RedisUseSSL {
		return nil, nil
	}
	out := &tls.Config{MinVersion: tlsVersions[c.RedisTLSMinVersion], MaxVersion: tlsVersions[c.RedisTLSMaxVersion],
		InsecureSkipVerify: c.RedisSSLInsecureSkipVerify} //nolint:gosec // as the operator says
	if c.RedisCAFile != "" {
		authorities, err := os.ReadFile(c.RedisCAFile)
		if err != nil {
			return nil, fmt.Errorf("redis_ca_file: cannot be read: %w", err)
		}
		out.RootCAs = x509.NewCertPool()
		if !out.RootCAs.AppendCertsFromPEM(authorities) {
			return nil, fmt.Errorf("redis_ca_file: %s holds no certificate in PEM", c.RedisCAFile)
		}
	}
	if c.RedisCertFile != "" {
		cert, err := tls.LoadX509KeyPair(c.RedisCertFile, c.RedisKeyFile)
		if err != nil {
			return nil, fmt.Errorf("redis_cert_file: cannot use %s with the key in %s: %w", c.RedisCertFile, c.RedisKeyFile, err)
		}
		out.Certificates = []tls.Certificate{cert}
	}
	return out, nil
}

var tlsVersions = map[string]uint16{
	"1.0": tls.VersionTLS10,
	"1.1": tls.VersionTLS11,
	"1.2": tls.VersionTLS12,
	"1.3": tls.VersionTLS13,
}

// deadline bounds what a command or a pipeline may take as a whole. The client's own limits are for single steps, of
// which one command may take several.
type deadline time.Duration

var _ redis.Hook = deadline(0)

// DialHook leaves connecting as it is.
func (deadline) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

// ProcessHook bounds a command.
func (d deadline) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		ctx, cancel := context.WithTimeout(ctx, time.Duration(d))
		defer cancel()
		return next(ctx, cmd)
	}
}

// ProcessPipelineHook bounds a pipeline.
func (d deadline) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		ctx, cancel := context.WithTimeout(ctx, time.Duration(d))
		defer cancel()
		return next(ctx, cmds)
	}
}

// LogTo sends what the Redis library has to say to the log, at the level debug: who uses a client says what its failure
// means. The library keeps one logger for the process.
func LogTo(log *slog.Logger) { redis.SetLogger(logger{log}) }

type logger struct{ log *slog.Logger }

// Printf is what the library calls.
func (l logger) Printf(ctx context.Context, format string, args ...any) {
	if l.log.Enabled(ctx, slog.LevelDebug) {
		l.log.DebugContext(ctx, "redis", "message", fmt.Sprintf(format, args...))
	}
}

// isTimeout tells a reading that took too long from a connection that broke.
func isTimeout(err error) bool {
	var netErr net.Error
	return errors.As(err, &netErr) && netErr.Timeout()
}
