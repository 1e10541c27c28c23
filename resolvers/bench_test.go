package resolvers_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"gatehouse/internal/apptest"
)

// BenchmarkCreateKeyWithManyApis makes keys that name many APIs: ten times as many take about ten times as long.
func BenchmarkCreateKeyWithManyApis(b *testing.B) {
	for _, n := range []int{1000, 9000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := apptest.New(b)
			apis := manyApis(b, s, n)
			b.ReportAllocs()
			for b.Loop() {
				r := s.GraphQL(
					b,
					`mutation($apis: [ID!]) { createKey(input: {apiIds: $apis}) { token } }`,
					map[string]any{"apis": apis},
				)
				require.NotEmpty(b, r.Get("data.createKey.token").Str, "%.300s", r.Body)
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "µs/API")
		})
	}
}

// BenchmarkPolicyWithManyRights saves a policy that names many APIs.
func BenchmarkPolicyWithManyRights(b *testing.B) {
	for _, n := range []int{1000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := apptest.New(b)
			apis := manyApis(b, s, n)
			id := s.GraphQL(b, manyPolicy, map[string]any{"name": "many", "apis": apis}).Get("data.it.id").Str
			require.NotEmpty(b, id)
			rate := 0
			b.ReportAllocs()
			for b.Loop() {
				rate++
				r := s.GraphQL(
					b,
					`mutation($id: ID!, $apis: [ID!], $rate: Float) { it: updatePolicy(id: $id, input: {apiIds: $apis, rate: $rate}) { rate } }`,
					map[string]any{"id": id, "apis": apis, "rate": rate},
				)
				require.Equal(b, float64(rate), r.Get("data.it.rate").Num, "%.300s", r.Body)
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "µs/API")
		})
	}
}

// BenchmarkPolicyOf10000Apis asks for the policies of the APIs of a policy that names 10,000, and tells how much was
// allocated for one answer and how far the heap grew.
func BenchmarkPolicyOf10000Apis(b *testing.B) {
	s := apptest.New(b)
	require.NotEmpty(
		b,
		s.GraphQL(b, manyPolicy, map[string]any{"name": "rest10k", "apis": manyApis(b, s, 10_000)}).Get("data.it.id").Str,
	)
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var peak uint64
	b.ReportAllocs()
	for b.Loop() {
		r := s.GraphQL(
			b,
			`{ policies(first: 1, filter: {q: "rest10k"}) { nodes { apis { nodes { policies(first: 500) { totalCount } } } } } }`,
			nil,
		)
		require.Len(b, r.Get("data.policies.nodes.0.apis.nodes").Array(), 10, "%.300s", r.Body)
		runtime.ReadMemStats(&after)
		peak = max(peak, after.HeapAlloc)
	}
	b.ReportMetric(float64(peak-min(before.HeapAlloc, peak))/(1<<20), "MB-heap-growth")
}
