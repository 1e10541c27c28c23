package keyspace_test

import (
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/core"
	"gatehouse/store"
)

func TestSessionsThatNameWhatIsAnothersAreConfinedWhereverTheyComeFrom(t *testing.T) {
	t.Parallel()
	s := database(t)
	const other = "5e9d9544a1dcd60001d0ed21"
	writes, _, err := s.ReservingIDs(
		t.Context(),
		other,
		store.Ids{Apis: []string{"theirs"}, Policies: []string{"their-policy"}},
	)
	require.NoError(t, err)
	require.NoError(t, s.Apply(t.Context(), writes...))
	foreign := []string{
		"access_rights",
		`{"theirs":{"api_id":"theirs"},"weather":{}}`,
		"apply_policies",
		`["their-policy"]`,
	}
	const want = `"access_rights":{"weather":{}}`
	confined := func(what string, w *world, n int) {
		t.Helper()
		got := w.get(t, name(n))
		assert.Contains(t, got, want, what)
		assert.NotContains(t, got, "their", what)
		eventually(t, func(c *assert.CollectT) {
			row := w.row(t, id(n))
			if assert.NotNil(c, row, what) {
				assert.Equal(c, got, string(row.Session), "%s: the index follows", what)
			}
		})
	}

	// The index of an earlier version, over a Redis that is empty.
	require.NoError(t, s.Keys.Create(t.Context(), key(1, foreign...)))
	require.NoError(t, s.Keys.Create(t.Context(), key(2, "org_id", `"`+other+`"`)))
	redis := miniredis.RunT(t)
	w := start(t, s, redis.Addr()).anchored(t)
	confined("restored", w, 1)
	assert.Equal(t, org, w.one(t, id(2)).Session.Text("org_id"), "of the organisation that its row says")

	// What lies in Redis: found by somebody who looks for it, and by a scan.
	w.set(t, name(3), string(key(3, foreign...).Session))
	require.NotNil(t, w.one(t, id(3)))
	confined("looked up", w, 3)
	w.set(t, name(4), string(key(4, foreign...).Session))
	w.Rebuild()
	eventually(t, func(c *assert.CollectT) { assert.NotContains(c, w.get(t, name(4)), "theirs") })
	confined("scanned", w, 4)

	// It comes back empty.
	redis.FlushAll()
	require.NoError(t, w.store.Keys.Update(t.Context(), core.NewKey(w.row(t, id(4)).Meta, key(4, foreign...).Session)))
	eventually(t, func(c *assert.CollectT) { assert.NotEmpty(c, w.get(t, name(4))) })
	confined("restored again", w, 4)

	// One that says no organisation was made by whoever holds the gateways' secret.
	w.set(t, name(5), `{"access_rights":{"theirs":{}}}`)
	w.Rebuild()
	eventually(t, func(c *assert.CollectT) { assert.NotNil(c, w.row(t, id(5))) })
	assert.Equal(t, `{"access_rights":{"theirs":{}}}`, w.get(t, name(5)))
}
