package keyspace_test

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"gatehouse/internal/apptest"
	"gatehouse/internal/gateway/redistest"
	"gatehouse/store"
	"gatehouse/store/sql"
)

// BenchmarkCreateByREST makes keys through the whole program, beneath the network: the store in a file, as in
// production.
func BenchmarkCreateByREST(b *testing.B) {
	for _, where := range []string{"store", "Redis"} {
		b.Run("keys in "+where, func(b *testing.B) {
			engine, err := sql.Open(context.Background(), sql.Config{Type: "sqlite", DSN: filepath.Join(b.TempDir(), "db")})
			require.NoError(b, err)
			b.Cleanup(func() { _ = engine.Close() })
			opts := []apptest.Option{apptest.WithEngine(engine)}
			if where == "Redis" {
				opts = append(opts, apptest.WithRedis(redistest.Start(b).Addr))
			}
			s := apptest.New(b, opts...)
			made := s.REST(
				b,
				"POST",
				"/api/apis",
				`{"api_definition":{"name":"Weather","proxy":{"listen_path":"/weather/","target_url":"http://upstream.test"}}}`,
			)
			require.Equal(b, 200, made.Status, string(made.Body))
			api := gjson.GetBytes(made.Body, "ID").Str
			body := `{"rate":1000,"per":60,"quota_max":-1,"alias":"customer","tags":["gold","team"],"access_rights":{"` + api + `":{"api_id":"` + api + `","api_name":"Weather","versions":["Default"]}}}`
			b.SetParallelism(16)
			var failed atomic.Int64
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if r := s.REST(b, "POST", "/api/keys", body); r.Status != 200 {
						failed.Add(1)
					}
				}
			})
			s.REST(b, "GET", "/api/keys?p=1", "") // what is queued is indexed
			b.StopTimer()
			require.Zero(b, failed.Load())
		})
	}
}

// BenchmarkScan measures how long the index takes to be made of a Redis that is full, and to be found whole, and what
// memory it takes. GATEHOUSE_BENCH_KEYS is how many keys that are; 100,000 by default.
func BenchmarkScan(b *testing.B) {
	n, err := strconv.Atoi(cmp.Or(os.Getenv("GATEHOUSE_BENCH_KEYS"), "100000"))
	require.NoError(b, err)
	for b.Loop() {
		b.StopTimer()
		engine, err := sql.Open(context.Background(), sql.Config{Type: "sqlite", DSN: filepath.Join(b.TempDir(), "db")})
		require.NoError(b, err)
		s := store.New(engine)
		srv := redistest.Start(b)
		fill := redis.NewClient(&redis.Options{Addr: srv.Addr})
		for i := 0; i < n; i += 1000 {
			_, err := fill.Pipelined(context.Background(), func(p redis.Pipeliner) error {
				for j := i; j < i+1000; j++ {
					session := fmt.Sprintf(
						`{"org_id":%q,"alias":"customer %d","rate":1000,"per":60,"quota_max":-1,"tags":["gold","team-%d"],"access_rights":{"api-%d":{"api_id":"api-%d","api_name":"Service","versions":["Default"]}},"meta_data":{"contract":"%d"}}`,
						org,
						j,
						j%50,
						j%1000,
						j%1000,
						j,
					)
					p.Set(context.Background(), fmt.Sprintf("apikey-%016x", j*7919), session, 0)
				}
				return nil
			})
			require.NoError(b, err)
		}
		_ = fill.Close()
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		b.StartTimer()
		began := time.Now()
		w := start(b, s, srv.Addr)
		done := func() time.Time {
			for {
				status, err := w.Status(context.Background())
				if err == nil && !status.Scanning && !status.CompletedAt.IsZero() {
					return status.CompletedAt
				}
				time.Sleep(10 * time.Millisecond)
			}
		}
		first := done()
		b.ReportMetric(time.Since(began).Seconds(), "s-to-index")
		began = time.Now()
		w.Rebuild()
		for !done().After(first) {
			time.Sleep(10 * time.Millisecond)
		}
		b.ReportMetric(time.Since(began).Seconds(), "s-to-verify")
		b.StopTimer()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.Sys-before.Sys)/(1<<20), "more-MB")
		require.Equal(b, n, w.total(b))
		w.stop()
		require.NoError(b, s.Close())
		srv.Kill()
		b.StartTimer()
	}
}
