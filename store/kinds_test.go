package store_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/core"
	"gatehouse/store"
	"gatehouse/store/sql"
)

// TestKinds says what a kind of object lacks.
func TestKinds(t *testing.T) {
	engine, err := sql.OpenMemory(t.Context())
	require.NoError(t, err)
	s := store.New(engine)
	t.Cleanup(func() { _ = s.Close() })
	collections := map[string]*store.Collection{}
	for _, c := range store.Collections() {
		require.NotNil(t, core.KindIn(c.Name), "the collection %s is of no kind", c.Name)
		collections[c.Name] = c
	}
	names, words := map[string]bool{}, map[string]bool{}
	for _, k := range core.Kinds() {
		assert.NotEmpty(t, k.Word, k.Name)
		assert.NotEmpty(t, k.Plural, k.Name)
		assert.False(t, names[k.Name] || words[k.Word], "%s is there twice", k.Name)
		names[k.Name], words[k.Word] = true, true
		assert.Same(t, k, core.KindNamed(k.Name))
		c := collections[k.Collection]
		require.NotNil(t, c, "the store has no collection for %s", k.Name)
		require.NotNil(t, s.Of(k), "the store has no repository for %s", k.Name)
		assert.Same(t, k, s.Of(k).Kind())
		assert.Equal(
			t,
			k.Owned || k == core.OrganisationKind,
			k.Permission != "",
			"%s: what people have needs a permission, and nothing else does",
			k.Name,
		)
		unique := map[string]bool{"id": true}
		for _, u := range c.Unique {
			unique[u.Name] = true
		}
		for name, conflict := range k.Conflicts {
			assert.True(t, unique[name], "%s has no unique value %s", k.Name, name)
			assert.NotEmpty(t, conflict.Field, "%s.%s", k.Name, name)
		}
		assert.Equal(
			t,
			k.Owned,
			slices.Contains(core.LimitNames(), k.Collection),
			"%s: an organisation has a limit of what it owns",
			k.Name,
		)
	}
}
