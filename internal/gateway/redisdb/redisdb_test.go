package redisdb_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/config"
	"gatehouse/internal/gateway/redisdb"
	"gatehouse/internal/gateway/redistest"
)

// open opens what the variables configure.
func open(t *testing.T, env ...string) (redis.UniversalClient, error) {
	t.Helper()
	loaded, err := config.Load(config.Sources{Env: env})
	require.NoError(t, err)
	client, err := redisdb.Open(&loaded.Config)
	if client != nil {
		t.Cleanup(func() { client.Close() })
	}
	return client, err
}

// at is the host and port of an address, as variables.
func at(t *testing.T, address string) []string {
	t.Helper()
	host, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	return []string{"TYK_DB_REDISHOST=" + host, "TYK_DB_REDISPORT=" + port}
}

func TestNothingConfiguredIsNoClient(t *testing.T) {
	client, err := open(t, "TYK_DB_REDISPORT=6379", "TYK_DB_REDISUSESSL=true")
	require.NoError(t, err)
	require.Nil(t, client)
}

func TestRedisIsReachedAsConfigured(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		run  func(t *testing.T) (env []string)
	}{
		{"by host and port", func(t *testing.T) []string { return at(t, startServer(t)) }},
		{"by a list of addresses", func(t *testing.T) []string { return []string{"TYK_DB_REDISADDRS=" + startServer(t)} }},
		{"by the older map of hosts", func(t *testing.T) []string { return []string{"TYK_DB_HOSTS=" + startServer(t)} }},
		{"with a password", func(t *testing.T) []string {
			return append(at(t, startServer(t, "--requirepass", "pass word")), "TYK_DB_REDISPASSWORD=pass word")
		}},
		{"as a user", func(t *testing.T) []string {
			return append(
				at(t, startServer(t, "--user", "tyk", "on", ">secret", "~*", "&*", "+@all")),
				"TYK_DB_REDISUSERNAME=tyk",
				"TYK_DB_REDISPASSWORD=secret",
			)
		}},
		{"over TLS with an authority of its own and a client certificate", func(t *testing.T) []string {
			dir, address := startTLS(t)
			return append(at(t, address), "TYK_DB_REDISUSESSL=true", "TYK_DB_REDISCAFILE="+dir+"/ca.pem",
				"TYK_DB_REDISCERTFILE="+dir+"/cert.pem", "TYK_DB_REDISKEYFILE="+dir+"/key.pem", "TYK_DB_REDISTLSMINVERSION=1.3")
		}},
		{"over TLS without looking at the certificate", func(t *testing.T) []string {
			dir, address := startTLS(t)
			return append(at(t, address), "TYK_DB_REDISUSESSL=true", "TYK_DB_REDISSSLINSECURESKIPVERIFY=true",
				"TYK_DB_REDISCERTFILE="+dir+"/cert.pem", "TYK_DB_REDISKEYFILE="+dir+"/key.pem", "TYK_DB_REDISTLSMAXVERSION=1.2")
		}},
		{"as a cluster", func(t *testing.T) []string {
			return append(at(t, startCluster(t)), "TYK_DB_ENABLECLUSTER=true")
		}},
		{"through sentinels", func(t *testing.T) []string {
			return []string{
				"TYK_DB_REDISADDRS=" + startSentinel(t, startServer(t, "--requirepass", "of-master"), "of-master", "of-sentinel"),
				"TYK_DB_REDISMASTERNAME=main",
				"TYK_DB_REDISPASSWORD=of-master",
				"TYK_DB_REDISSENTINELPASSWORD=of-sentinel",
			}
		}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			client, err := open(t, tc.run(t)...)
			require.NoError(t, err)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			require.EventuallyWithT(t, func(c *assert.CollectT) {
				require.NoError(c, client.Set(ctx, "greeting", "hello", 0).Err())
			}, 20*time.Second, 20*time.Millisecond) // clusters and sentinels settle first
			require.Equal(t, "hello", client.Get(ctx, "greeting").Val())
			up, heard := make(chan struct{}, 1), make(chan string, 1)
			go redisdb.Listen(
				ctx,
				client,
				"news",
				redisdb.Listener{Up: func() { up <- struct{}{} }, Message: func(m string) { heard <- m }},
			)
			<-up
			require.NoError(t, client.Publish(ctx, "news", "spring").Err())
			require.Equal(t, "spring", <-heard)
		})
	}
}

func TestTheDatabaseIsTheConfiguredOne(t *testing.T) {
	t.Parallel()
	address := startServer(t)
	seven, err := open(t, append(at(t, address), "TYK_DB_REDISDATABASE=7")...)
	require.NoError(t, err)
	zero, err := open(t, at(t, address)...)
	require.NoError(t, err)
	require.NoError(t, seven.Set(t.Context(), "k", "v", 0).Err())
	require.ErrorIs(t, zero.Get(t.Context(), "k").Err(), redis.Nil)
	require.Equal(t, "v", seven.Get(t.Context(), "k").Val())
}

func TestACertificateOfAnUnknownAuthorityIsRefused(t *testing.T) {
	t.Parallel()
	dir, address := startTLS(t)
	client, err := open(t, append(at(t, address), "TYK_DB_REDISUSESSL=true",
		"TYK_DB_REDISCERTFILE="+dir+"/cert.pem", "TYK_DB_REDISKEYFILE="+dir+"/key.pem")...)
	require.NoError(t, err)
	require.ErrorContains(t, client.Ping(t.Context()).Err(), "unknown authority")
}

func TestFilesThatCannotBeUsedAreNamed(t *testing.T) {
	text := filepath.Join(t.TempDir(), "text.pem")
	require.NoError(t, os.WriteFile(text, []byte("not PEM"), 0o600))
	for name, tc := range map[string]struct {
		env  []string
		says []string
	}{
		"authorities that are not there":    {[]string{"TYK_DB_REDISCAFILE=/no/such.pem"}, []string{"redis_ca_file: ", "/no/such.pem"}},
		"authorities that are none":         {[]string{"TYK_DB_REDISCAFILE=" + text}, []string{"redis_ca_file: " + text, "no certificate"}},
		"a client certificate that is none": {[]string{"TYK_DB_REDISCERTFILE=" + text, "TYK_DB_REDISKEYFILE=" + text}, []string{"redis_cert_file: cannot use " + text}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := open(t, append(tc.env, "TYK_DB_REDISHOST=h", "TYK_DB_REDISUSESSL=true")...)
			for _, want := range tc.says {
				require.ErrorContains(t, err, want)
			}
		})
	}
}

// TestARedisThatIsGoneCostsTwoSecondsAtMost has one that refuses and one that accepts and is silent, as behind a
// firewall.
func TestARedisThatIsGoneCostsTwoSecondsAtMost(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // of a test
	require.NoError(t, err)
	t.Cleanup(func() { silent.Close() })
	for name, address := range map[string]string{"refused": redistest.FreeAddress(t), "silent": silent.Addr().String()} {
		for mode, env := range map[string][]string{"one server": nil, "a cluster": {"TYK_DB_ENABLECLUSTER=true"}, "sentinels": {"TYK_DB_REDISMASTERNAME=m"}} {
			t.Run(name+", "+mode, func(t *testing.T) {
				t.Parallel()
				client, err := open(t, append(env, "TYK_DB_REDISADDRS="+address)...)
				require.NoError(t, err)
				start := time.Now()
				require.Error(t, client.Get(t.Context(), "k").Err())
				_, err = client.Pipelined(t.Context(), func(p redis.Pipeliner) error { p.Get(t.Context(), "k"); return nil })
				require.Error(t, err)
				require.Less(t, time.Since(start), 5*time.Second, "two commands")
			})
		}
	}
}

func TestTheLibraryLogsWhereWeDo(t *testing.T) {
	var out bytes.Buffer
	redisdb.LogTo(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})))
	t.Cleanup(func() { redisdb.LogTo(slog.New(slog.DiscardHandler)) })
	client, err := open(t, "TYK_DB_REDISADDRS="+redistest.FreeAddress(t), "TYK_DB_REDISMASTERNAME=the-master")
	require.NoError(t, err)
	require.Error(t, client.Ping(t.Context()).Err())
	require.Contains(t, out.String(), "level=DEBUG msg=redis")
	require.Contains(t, out.String(), "the-master")
}
