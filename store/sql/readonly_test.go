package sql_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/core"
	"gatehouse/store"
	"gatehouse/store/sql"
)

func TestADatabaseThatTakesNoWritesServesReadsAndSaysSo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	open := func(dsn string) *store.Store {
		e, err := sql.Open(t.Context(), sql.Config{Type: "sqlite", DSN: dsn})
		require.NoError(t, err)
		s := store.New(e, store.WithCacheTTL(0))
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	hook := func(id string) *core.Webhook {
		return core.NewWebhook(core.Meta{ID: id, OrgID: "5e9d9544a1dcd60001d0ed20"}, core.Document(`{"name":"Kept"}`))
	}
	s := open(path)
	require.NoError(t, s.Webhooks.Create(t.Context(), hook("a")))
	require.NoError(t, s.Close())

	// As on a disk that became read-only, for which nobody has to be root.
	s = open("file:" + path + "?_pragma=query_only(1)")
	kept, err := s.Webhooks.Find(t.Context(), store.AllTenants(), "a")
	require.NoError(t, err)
	assert.Equal(t, "Kept", kept.Name)
	for what, err := range map[string]error{"a write": s.Webhooks.Create(t.Context(), hook("b")), "the health": s.Ping(t.Context())} {
		assert.Equal(t, core.CodeUnavailable, core.CodeOf(err), "%s: %v", what, err)
		assert.Contains(t, core.AsError(err).Message, "read-only", what)
	}
}
