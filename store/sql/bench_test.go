package sql_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gatehouse/internal/core"
	"gatehouse/store"
	"gatehouse/store/sql"
)

const benchOrg = "5e9d9544a1dcd60001d0ed20"

func collection(name string) *store.Collection {
	for _, c := range store.Collections() {
		if c.Name == name {
			return c
		}
	}
	panic(name)
}

// benchRecord is like an API or a key of a real installation: a document of so many bytes, three labels.
func benchRecord(n, size int) store.Record {
	at := time.Unix(1_700_000_000+int64(n), 0)
	return store.Record{
		ID: fmt.Sprintf("65e0f1a2b3c4d5e6%08x", n*7919%1_000_003), OrgID: benchOrg, Revision: 1, CreatedAt: at, UpdatedAt: at,
		Doc:  []byte(`{"name":"` + strings.Repeat("x", size-12) + `"}`),
		Text: map[string]string{"name": fmt.Sprintf("api number %d", n), "alias": fmt.Sprintf("alias of customer %d", n)},
		Labels: map[string][]string{
			"policy": {fmt.Sprintf("policy-%d", n%20)},
			"api":    {fmt.Sprintf("api-%d", n%50)},
			"tag":    {"gold"},
		},
	}
}

func fill(b *testing.B, e store.Engine, c *store.Collection, n, size int) {
	b.Helper()
	for done := 0; done < n; {
		var writes []store.Write
		for ; done < n && len(writes) < 1000; done++ {
			writes = append(writes, store.Write{Collection: c, Record: benchRecord(done, size)})
		}
		require.NoError(b, e.Apply(context.Background(), writes...))
	}
}

func benchEngine(b *testing.B) *sql.Engine {
	return open(b, sql.Config{Type: "sqlite", DSN: filepath.Join(b.TempDir(), "gatehouse.db")})
}

func BenchmarkFindOf7KBByID(b *testing.B) {
	e, c := benchEngine(b), collection("apis")
	fill(b, e, c, 1000, 7<<10)
	id := []string{benchRecord(500, 100).ID}
	b.ReportAllocs()
	for b.Loop() {
		if got, err := e.Find(context.Background(), c, store.Org(benchOrg), "id", id); err != nil || len(got) != 1 {
			b.Fatal(got, err)
		}
	}
}

func BenchmarkFindOf7KBByIDWith32Readers(b *testing.B) {
	e, c := benchEngine(b), collection("apis")
	fill(b, e, c, 1000, 7<<10)
	id := []string{benchRecord(500, 100).ID}
	b.SetParallelism(16)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if got, err := e.Find(context.Background(), c, store.Org(benchOrg), "id", id); err != nil || len(got) != 1 {
				b.Error(got, err)
			}
		}
	})
}

func BenchmarkPageOf10Of10000(b *testing.B) {
	e, c := benchEngine(b), collection("apis")
	fill(b, e, c, 10_000, 7<<10)
	for name, q := range map[string]store.Query{
		"first":  {},
		"total":  {Total: true},
		"offset": {Total: true, After: core.OffsetCursor(5000)},
		"byName": {Total: true, Sort: "name", Desc: true},
		"label":  {Total: true, Where: []store.Cond{store.HasLabel("owner", "none")}},
		"text":   {Total: true, Where: []store.Cond{store.AnyOf(store.Contains("name", "99"), store.Contains("id", "abc"))}},
	} {
		q.Tenant, q.Limit = store.Org(benchOrg), 10
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := e.List(context.Background(), c, q); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// cpuTime is what this process has used of the processors.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkCreateKey(b *testing.B) {
	for _, bc := range []struct {
		name           string
		writers, batch int
	}{{"1 writer", 1, 1}, {"32 writers", 32, 1}, {"1 writer of batches of 500", 1, 500}} {
		b.Run(bc.name, func(b *testing.B) {
			e, c := benchEngine(b), collection("keys")
			var n atomic.Int64
			next := func() {
				writes := make([]store.Write, bc.batch)
				for i := range writes {
					writes[i] = store.Write{Collection: c, Record: benchRecord(int(n.Add(1)), 1500)}
				}
				if err := e.Apply(context.Background(), writes...); err != nil {
					b.Error(err)
				}
			}
			used := cpuTime()
			if bc.writers == 1 {
				for b.Loop() {
					next()
				}
			} else {
				b.SetParallelism(bc.writers / 2)
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						next()
					}
				})
			}
			b.ReportMetric(float64(n.Load())/b.Elapsed().Seconds(), "keys/s")
			b.ReportMetric(float64((cpuTime()-used).Microseconds())/float64(n.Load()), "cpu-µs/key")
		})
	}
}
