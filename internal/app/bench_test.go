package app_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"gatehouse/internal/apptest"
	"gatehouse/store/sql"
	"gatehouse/store/storetest"
)

// inProcess runs the program on a database in a file, without HTTP around it: what a profile shows is the program's
// own.
func inProcess(b *testing.B) (*apptest.Server, *storetest.Counting) {
	b.Helper()
	engine, err := sql.Open(b.Context(), sql.Config{Type: "sqlite", DSN: filepath.Join(b.TempDir(), "gatehouse.db")})
	require.NoError(b, err)
	b.Cleanup(func() { _ = engine.Close() })
	c := &storetest.Counting{Engine: engine}
	return apptest.New(b, apptest.WithEngine(c)), c
}

// BenchmarkNestedQuery reads policies, their APIs and 5 keys of each. The store calls must not grow with the policies.
func BenchmarkNestedQuery(b *testing.B) {
	s, engine := inProcess(b)
	for n := range 20 {
		rights := ""
		for i := range 5 {
			id := fmt.Sprintf("api-%d-%d", n, i)
			require.Equal(
				b,
				200,
				s.REST(b, "POST", "/api/apis", fmt.Sprintf(`{"api_definition":{"name":"API %s","api_id":%q}}`, id, id)).Status,
			)
			rights += fmt.Sprintf(`,%q:{"api_id":%q,"versions":["Default"]}`, id, id)
		}
		made := s.REST(
			b,
			"POST",
			"/api/portal/policies",
			fmt.Sprintf(`{"name":"Policy %d","rate":1,"per":1,"access_rights":{%s}}`, n, rights[1:]),
		)
		require.Equal(b, 200, made.Status, string(made.Body))
		for range 10 {
			require.Equal(
				b,
				200,
				s.REST(b, "POST", "/api/keys", fmt.Sprintf(`{"apply_policies":[%q]}`, made.Get("Message").Str)).Status,
			)
		}
	}
	for _, first := range []int{1, 5, 20} {
		b.Run(fmt.Sprintf("%d policies", first), func(b *testing.B) {
			query := fmt.Sprintf(
				`{ policies(first: %d) { nodes { name apis { nodes { name listenPath } } keys(first: 5) { nodes { id alias } } } } }`,
				first,
			)
			last := fmt.Sprintf("data.policies.nodes.%d", first-1)
			before := engine.Reads()
			for b.Loop() {
				r := s.GraphQL(b, query, nil)
				if len(r.Get(last+".apis").Array()) != 5 || len(r.Get(last+".keys.nodes").Array()) != 5 {
					b.Fatal(string(r.Body))
				}
			}
			b.ReportMetric(float64(engine.Reads()-before)/float64(b.N), "store-calls/op")
		})
	}
}

// BenchmarkCreateKey makes keys, 32 at a time.
func BenchmarkCreateKey(b *testing.B) {
	s, _ := inProcess(b)
	require.Equal(b, 200, s.REST(b, "POST", "/api/apis", `{"api_definition":{"name":"API","api_id":"one"}}`).Status)
	policy := s.REST(
		b,
		"POST",
		"/api/portal/policies",
		`{"name":"Gold","rate":1,"per":1,"access_rights":{"one":{"api_id":"one","versions":["Default"]}}}`,
	)
	body := fmt.Sprintf(
		`{"alias":"customer","tags":["gold","eu"],"rate":1000,"per":60,"quota_max":-1,"apply_policies":[%q],`+
			`"access_rights":{"one":{"api_id":"one","api_name":"API","versions":["Default"]}}}`,
		policy.Get("Message").Str,
	)
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if r := s.REST(b, "POST", "/api/keys", body); r.Status != 200 {
				b.Error(string(r.Body))
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "keys/s")
}
