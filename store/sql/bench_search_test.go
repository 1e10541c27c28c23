package sql_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gatehouse/store"
	"gatehouse/store/sql"
)

// benchKeys is how many keys are searched: 100,000, or what GATEHOUSE_BENCH_KEYS says.
func benchKeys(b *testing.B) int {
	text := os.Getenv("GATEHOUSE_BENCH_KEYS")
	if text == "" {
		return 100_000
	}
	n, err := strconv.Atoi(text)
	require.NoError(b, err, "GATEHOUSE_BENCH_KEYS must be a number")
	return n
}

var benchWords = []string{
	"acme",
	"north",
	"wind",
	"mobile",
	"partner",
	"checkout",
	"billing",
	"internal",
	"staging",
	"analytics",
	"shipping",
	"europe",
	"asia",
	"retail",
	"bank",
	"insurance",
	"portal",
	"legacy",
	"batch",
	"nightly",
	"sync",
	"search",
	"mail",
	"geo",
	"maps",
	"weather",
}

// benchKey is a key like those of a large installation of total keys: one policy has all, one a thousandth, ten share
// them; so have APIs.
func benchKey(r *rand.Rand, n, total int) store.Record {
	at := time.Unix(1_700_000_000, 0).Add(time.Duration(n) * time.Second)
	word := func() string { return benchWords[r.IntN(len(benchWords))] }
	key := store.Record{
		ID: fmt.Sprintf("%016x", r.Uint64()), OrgID: benchOrg, Revision: 1, CreatedAt: at, UpdatedAt: at,
		Doc:  fmt.Appendf(nil, `{"alias":"x","pad":"%0500d"}`, n),
		Text: map[string]string{"alias": fmt.Sprintf("customer %s-%s %07d", word(), word(), n)},
		Int:  map[string]int64{"inactive": int64(n % 2)},
		Labels: map[string][]string{
			"policy": {"all", fmt.Sprintf("tenth-%d", n%10)},
			"api":    {"everywhere", fmt.Sprintf("api-%d", n%50)},
		},
	}
	if n%(max(total/1000, 1)) == 7 {
		key.Labels["policy"] = append(key.Labels["policy"], "rare")
		key.Labels["api"] = append(key.Labels["api"], "rare")
	}
	return key
}

// BenchmarkSearch searches many keys as the lists of keys do: a page of ten, the newest first, with the total.
func BenchmarkSearch(b *testing.B) {
	for name, config := range map[string]func() sql.Config{
		"sqlite": func() sql.Config {
			return sql.Config{Type: "sqlite", DSN: filepath.Join(b.TempDir(), "gatehouse.db")}
		},
		"postgres": func() sql.Config { return sql.Config{Type: "postgres", DSN: postgresSchema(b)} },
		"mysql":    func() sql.Config { return sql.Config{Type: "mysql", DSN: mysqlDatabase(b)} },
	} {
		if env := map[string]string{"postgres": "GATEHOUSE_TEST_POSTGRES", "mysql": "GATEHOUSE_TEST_MYSQL"}[name]; env != "" &&
			os.Getenv(env) == "" {
			continue
		}
		b.Run(name, func(b *testing.B) {
			total := benchKeys(b)
			e, c := open(b, config()), collection("keys")
			began, used := time.Now(), cpuTime()
			random := rand.New(rand.NewPCG(1, 2))
			for done := 0; done < total; {
				var writes []store.Write
				for ; done < total && len(writes) < 5000; done++ {
					writes = append(writes, store.Write{Collection: c, Record: benchKey(random, done, total)})
				}
				require.NoError(b, e.Apply(context.Background(), writes...))
			}
			b.Logf(
				"%d keys made in %v, %v of the processors",
				total,
				time.Since(began).Round(time.Second),
				(cpuTime() - used).Round(time.Second),
			)
			benchSearches(b, e, c, total)
		})
	}
}

func benchSearches(b *testing.B, e store.Engine, c *store.Collection, total int) {
	alias := func(text string) []store.Cond { return []store.Cond{store.Contains("alias", text)} }
	opens := func(values ...string) []store.Cond {
		return []store.Cond{store.AnyOf(store.HasLabel("api", values[0]), store.HasLabel("policy", values[1:]...))}
	}
	for _, bc := range []struct {
		name  string
		where []store.Cond
		want  int // -1: not counted here
	}{
		{"no condition", nil, total},
		{"alias: one match", alias(fmt.Sprintf("%07d", total/2)), 1},
		{"alias: none", alias("nobody at all"), 0},
		{"alias: two words", alias("acme-bank"), -1},
		{"alias: 8 percent", alias("acme"), -1},
		{"alias: all", alias("customer"), total},
		{"alias: one letter", alias("c"), total},
		{"alias: none of one letter", alias("ß"), 0},
		{"alias or id: one match", []store.Cond{store.AnyOf(store.Contains("id", fmt.Sprintf("%07d", total/2)), store.Contains("alias", fmt.Sprintf("%07d", total/2)))}, -1},
		{"policy: all", []store.Cond{store.HasLabel("policy", "all")}, total},
		{"policy: a tenth", []store.Cond{store.HasLabel("policy", "tenth-3")}, total / 10},
		{"policy: a thousandth", []store.Cond{store.HasLabel("policy", "rare")}, 1000},
		{"api or policies: a thousandth", opens("rare", "rare", "nothing"), 1000},
		{"api or policies: all twice", opens("everywhere", "all"), total},
		{"api or policies: a tenth and a fiftieth", opens("api-3", "tenth-3"), -1},
		{"api or policies: half of them", opens("api-3", "tenth-1", "tenth-2", "tenth-4", "tenth-6", "tenth-8"), -1},
		{"policy of all and alias: one match", append(alias(fmt.Sprintf("%07d", total/2)), store.HasLabel("policy", "all")), 1},
		{"policy of all and active", []store.Cond{store.HasLabel("policy", "all"), store.Between("inactive", 0, 0)}, total / 2},
	} {
		b.Run(bc.name, func(b *testing.B) {
			q := store.Query{Tenant: store.Org(benchOrg), Limit: 10, Total: true, Desc: true, Where: bc.where}
			var page store.Page
			used := cpuTime()
			for b.Loop() {
				var err error
				if page, err = e.List(context.Background(), c, q); err != nil {
					b.Fatal(err)
				}
			}
			if bc.want >= 0 && page.Total != bc.want {
				b.Fatalf("%d matches, want %d", page.Total, bc.want)
			}
			b.ReportMetric(float64(page.Total), "matches")
			b.ReportMetric(float64(b.Elapsed().Microseconds())/1000/float64(b.N), "ms/search")
			b.ReportMetric(float64((cpuTime()-used).Microseconds())/1000/float64(b.N), "cpu-ms/search")
		})
	}
	b.Run("five keys of each policy", func(b *testing.B) {
		values := []string{"all", "rare"}
		for i := range 10 {
			values = append(values, fmt.Sprintf("tenth-%d", i))
		}
		for b.Loop() {
			if got, err := e.TopByLabel(context.Background(), c, store.Org(benchOrg), "policy", values, 5); err != nil ||
				len(got) != len(values) {
				b.Fatal(got, err)
			}
		}
	})
}
