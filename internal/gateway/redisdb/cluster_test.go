package redisdb_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/gateway/redisdb"
	"gatehouse/internal/gateway/redistest"
)

// served waits until a node that is not the dead one serves a key, by its own words, and returns when that was.
func served(t *testing.T, c *redistest.Cluster, dead *redistest.Server, key string) time.Time {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		for _, n := range c.Nodes {
			if n == dead {
				continue
			}
			if err := n.Client(t).Get(t.Context(), key).Err(); err == nil || errors.Is(err, redis.Nil) {
				return time.Now()
			}
		}
	}
	t.Fatal("the cluster does not recover")
	return time.Time{}
}

func TestAClientFollowsAClusterWithinTwoSeconds(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		stop   func(*redistest.Server)
		within time.Duration
	}{
		"whose master is killed": {func(s *redistest.Server) { s.Kill() }, 2 * time.Second},
		// A call that was under way waits for its answer until redis_timeout, which is two seconds.
		"whose master hangs": {func(s *redistest.Server) { s.Freeze(t) }, 3 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := redistest.StartCluster(t, 3)
			client, err := open(t, "TYK_DB_REDISADDRS="+strings.Join(c.Addrs(), ","), "TYK_DB_ENABLECLUSTER=true")
			require.NoError(t, err)
			const key = "gatehouse-keyspace"
			require.NoError(t, client.Set(t.Context(), key, "v", 0).Err())
			require.NoError(t, redisdb.Check(t.Context(), client))
			ctx, cancel := context.WithCancel(t.Context())
			heard := make(chan string, 100)
			go redisdb.Listen(ctx, client, key, redisdb.Listener{Message: func(m string) { heard <- m }})
			defer cancel()

			master := c.Master(t, key)
			tc.stop(master)
			warned := false
			back := make(chan time.Time)
			go func() { back <- served(t, c, master, key) }()
			for warned = redisdb.Check(ctx, client) != nil; !warned; warned = redisdb.Check(ctx, client) != nil {
			}
			at := <-back
			for client.Set(ctx, key, "w", 0).Err() != nil {
				require.Less(t, time.Since(at), 20*time.Second)
			}
			took := time.Since(at)
			t.Logf("writes go on %s after Redis does", took)
			assert.Less(t, took, tc.within)
			for range 100 { // every connection, every pipeline
				require.NoError(t, client.Set(ctx, key, "x", 0).Err())
				_, err := client.Pipelined(
					ctx,
					func(p redis.Pipeliner) error { p.Get(ctx, key); p.Get(ctx, "another"); return nil },
				)
				require.True(t, err == nil || errors.Is(err, redis.Nil), err)
			}
			require.Eventually(t, func() bool {
				client.Publish(ctx, key, "news")
				select {
				case <-heard:
					return true
				case <-time.After(10 * time.Millisecond):
					return false
				}
			}, 10*time.Second, time.Millisecond, "subscriptions go on")
			require.Eventually(t, func() bool { return redisdb.Check(ctx, client) == nil }, 10*time.Second, 20*time.Millisecond)
		})
	}
}

func TestAClientFollowsSentinelsWithinTwoSeconds(t *testing.T) {
	t.Parallel()
	s := redistest.StartSentinels(t)
	client, err := open(t, "TYK_DB_REDISADDRS="+strings.Join(s.Addrs(), ","), "TYK_DB_REDISMASTERNAME=main")
	require.NoError(t, err)
	require.NoError(t, client.Set(t.Context(), "k", "v", 0).Err())
	require.NoError(t, redisdb.Check(t.Context(), client))
	s.Master.Kill()
	require.Error(t, redisdb.Check(t.Context(), client))
	require.Eventually(
		t,
		func() bool { return s.Replica.Client(t).Set(t.Context(), "k", "w", 0).Err() == nil },
		20*time.Second,
		5*time.Millisecond,
	)
	at := time.Now()
	for client.Set(t.Context(), "k", "x", 0).Err() != nil {
		require.Less(t, time.Since(at), 20*time.Second)
	}
	t.Logf("writes go on %s after Redis does", time.Since(at))
	require.Less(t, time.Since(at), 2*time.Second)
	require.NoError(t, redisdb.Check(t.Context(), client))
}
