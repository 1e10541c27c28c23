package app_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"gatehouse/internal/apptest"
	"gatehouse/store"
	"gatehouse/store/sql"
	"gatehouse/store/storetest"
)

// An answer that takes longer for a known key would tell it from an unknown one. Clocks lie in tests; what can be held is that
// both take the same way: one look-up, of a value of the same length, and nothing after it.
func TestAnUnknownAccessKeyCostsAsMuchAsAKnownOne(t *testing.T) {
	t.Parallel()
	memory, err := sql.OpenMemory(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, memory.Close()) })
	engine := &storetest.Counting{Engine: memory}
	srv := apptest.New(t, apptest.WithEngine(engine), apptest.WithStore(store.WithCacheTTL(0)))
	calls := func(key string) int64 {
		before := engine.Reads()
		srv.Do(t, "GET", "/api/users/me", "", "Authorization: "+key)
		rest := engine.Reads() - before
		before = engine.Reads()
		srv.GraphQL(t, `{ version }`, nil, "Authorization: "+key)
		require.Equal(t, rest, engine.Reads()-before, "the faces differ")
		return rest
	}
	known := calls(srv.AccessKey)
	require.EqualValues(t, 1, known)
	for _, key := range []string{"0123456789abcdef0123456789abcdef", srv.AccessKey[:31] + "x", srv.AccessKey + "x", "x", srv.OrgID} {
		require.Equal(t, known, calls(key), key)
	}
}
