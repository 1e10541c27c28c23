package app_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"gatehouse/internal/apptest"
	"gatehouse/store"
	"gatehouse/store/sql"
	"gatehouse/store/storetest"
)

// An answer that takes longer for a key that is nearly right would help to guess it. Clocks lie in tests; what can be
// held is that all keys take the same way: one look-up, of a value of the same length. After it, nothing is done for
// whoever is unknown; for a caller who is known, and told so, the organisation is read for its limits.
func TestAnUnknownAccessKeyCostsOneLookUpWhateverItIs(t *testing.T) {
	t.Parallel()
	memory, err := sql.OpenMemory(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, memory.Close()) })
	engine := &storetest.Counting{Engine: memory}
	srv := apptest.New(t, apptest.WithEngine(engine), apptest.WithStore(store.WithCacheTTL(0)))
	// What runs beside the requests reads too, now and then: it only ever adds, so the least of a few is what one costs.
	least := func(ask func()) int64 {
		reads := int64(math.MaxInt64)
		for range 5 {
			before := engine.Reads()
			ask()
			reads = min(reads, engine.Reads()-before)
		}
		return reads
	}
	calls := func(key string) int64 {
		rest := least(func() { srv.Do(t, "GET", "/api/users/me", "", "Authorization: "+key) })
		graph := least(func() { srv.GraphQL(t, `{ version }`, nil, "Authorization: "+key) })
		require.Equal(t, rest, graph, "the faces differ")
		return rest
	}
	require.EqualValues(t, 2, calls(srv.AccessKey))
	for _, key := range []string{"0123456789abcdef0123456789abcdef", srv.AccessKey[:31] + "x", srv.AccessKey + "x", "x", srv.OrgID} {
		require.EqualValues(t, 1, calls(key), key)
	}
}
