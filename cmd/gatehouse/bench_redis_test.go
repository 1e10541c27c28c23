package main_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"gatehouse/internal/gateway/redistest"
)

// BenchmarkKeysInRedis measures what the gateways' Redis adds to the making and reading of keys.
func BenchmarkKeysInRedis(b *testing.B) {
	const connections = 32
	path := program(b)
	for _, where := range []string{"store", "Redis"} {
		b.Run("keys in "+where, func(b *testing.B) {
			dir := b.TempDir()
			org, key := seed(b, dir)
			if where == "Redis" {
				b.Setenv("TYK_DB_REDISADDRS", redistest.Start(b, "--appendonly", "yes").Addr)
			}
			s := start(b, path, dir)
			s.settled(b, key)
			create := newRequest("POST", "/api/keys", string(session(org, 1)), "Authorization: "+key)
			b.Run("create", func(b *testing.B) { s.load(b, connections, always(create)) })
			b.Run("create, one client", func(b *testing.B) { s.load(b, 1, always(create)) })
			one := get("/api/keys/0000000000001eef?hashed=1", key)
			b.Run("read", func(b *testing.B) { s.load(b, connections, always(one)) })
			b.Run("read, one client", func(b *testing.B) { s.load(b, 1, always(one)) })
		})
	}
}

// settled waits until no scan is under way.
func (s *process) settled(b *testing.B, key string) {
	b.Helper()
	c := dial(b, s.addr)
	require.Eventually(b, func() bool {
		var body bytes.Buffer
		require.NoError(b, c.do(get("/api/system/key-index", key), &body))
		return !gjson.GetBytes(body.Bytes(), "in_redis").Bool() ||
			gjson.GetBytes(body.Bytes(), "completed_at").Str != "" && !gjson.GetBytes(body.Bytes(), "scanning").Bool()
	}, 5*time.Minute, 100*time.Millisecond)
}
