package app_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"gatehouse/internal/apptest"
	"gatehouse/store"
	"gatehouse/store/sql"
)

// askedEngine counts what an engine is asked for.
type askedEngine struct {
	store.Engine
	calls atomic.Int64
}

func (c *askedEngine) Find(ctx context.Context, k *store.Collection, t store.Tenant, field string, values []string) ([]store.Record, error) {
	c.calls.Add(1)
	return c.Engine.Find(ctx, k, t, field, values)
}

func (c *askedEngine) List(ctx context.Context, k *store.Collection, q store.Query) (store.Page, error) {
	c.calls.Add(1)
	return c.Engine.List(ctx, k, q)
}

// An answer that takes longer for a known key would tell it from an unknown one. Clocks lie in tests; what can be held is that
// both take the same way: one look-up, of a value of the same length, and nothing after it.
func TestAnUnknownAccessKeyCostsAsMuchAsAKnownOne(t *testing.T) {
	t.Parallel()
	memory, err := sql.OpenMemory(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, memory.Close()) })
	engine := &askedEngine{Engine: memory}
	srv := apptest.New(t, apptest.WithEngine(engine), apptest.WithStore(store.WithCacheTTL(0)))
	calls := func(key string) int64 {
		before := engine.calls.Load()
		srv.Do(t, "GET", "/api/users/me", "", "Authorization: "+key)
		rest := engine.calls.Load() - before
		before = engine.calls.Load()
		srv.GraphQL(t, `{ version }`, nil, "Authorization: "+key)
		require.Equal(t, rest, engine.calls.Load()-before, "the faces differ")
		return rest
	}
	known := calls(srv.AccessKey)
	require.EqualValues(t, 1, known)
	for _, key := range []string{"0123456789abcdef0123456789abcdef", srv.AccessKey[:31] + "x", srv.AccessKey + "x", "x", srv.OrgID} {
		require.Equal(t, known, calls(key), key)
	}
}
