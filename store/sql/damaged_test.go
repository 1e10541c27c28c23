package sql_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/store"
	"gatehouse/store/sql"
)

// damage writes over a third of the pages of a database, or cuts it in half.
func damage(t *testing.T, path string, cut bool) {
	t.Helper()
	info, err := os.Stat(path)
	require.NoError(t, err)
	if cut {
		require.NoError(t, os.Truncate(path, info.Size()/2/4096*4096))
		return
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	require.NoError(t, err)
	defer f.Close()
	for at := int64(4096); at < info.Size(); at += 3 * 4096 {
		_, err = f.WriteAt(make([]byte, 4096), at)
		require.NoError(t, err)
	}
}

func filled(t *testing.T, path string, n int) *sql.Engine {
	t.Helper()
	e, err := sql.Open(t.Context(), sql.Config{Type: "sqlite", DSN: path})
	require.NoError(t, err)
	for i := range n {
		require.NoError(t, e.Apply(t.Context(), store.Write{Collection: collection("keys"), Record: benchRecord(i, 1000)}))
	}
	return e
}

func TestADamagedDatabaseDoesNotStart(t *testing.T) {
	for name, cut := range map[string]bool{"pages that are none": false, "half of the file is missing": true} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "gatehouse.db")
			require.NoError(t, filled(t, path, 300).Close())
			damage(t, path, cut)
			_, err := sql.Open(t.Context(), sql.Config{Type: "sqlite", DSN: path})
			require.ErrorIs(t, err, store.ErrDamaged)
			assert.ErrorContains(t, err, path)
			assert.ErrorContains(t, err, "gatehouse restore")
		})
	}
}

func TestADatabaseThatGetsDamagedSaysSoUntilItIsRestored(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	require.NoError(t, filled(t, path, 3000).Close())
	e, err := sql.Open(t.Context(), sql.Config{Type: "sqlite", DSN: path})
	require.NoError(t, err)
	t.Cleanup(func() { _ = e.Close() })
	require.NoError(t, e.Ping(t.Context()))
	damage(t, path, false)
	_, err = e.List(t.Context(), collection("keys"), store.Query{Tenant: store.AllTenants(), Limit: 3000})
	var outage *store.Outage
	require.True(t, errors.As(err, &outage), "%v", err)
	assert.Contains(t, outage.Reason, "the database is damaged")
	require.ErrorAs(t, e.Ping(t.Context()), &outage, "a part that can be read does not make it whole")
	assert.Contains(t, outage.Reason, "restored from a backup")
}
