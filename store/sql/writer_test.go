package sql_test

import (
	"context"
	stdsql "database/sql"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gatehouse/store"
	"gatehouse/store/sql"
)

func TestWritesWaitForAnotherProcessAndAreWithdrawnWithTheirContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	e, c := open(t, sql.Config{Type: "sqlite", DSN: path}), collection("keys")
	create := func(ctx context.Context, n int) error {
		return e.Apply(ctx, store.Write{Collection: c, Record: benchRecord(n, 100)})
	}
	other, err := stdsql.Open("sqlite", "file:"+path+"?_txlock=immediate")
	require.NoError(t, err)
	defer other.Close()
	tx, err := other.Begin()
	require.NoError(t, err)

	waiting := make(chan error, 1)
	go func() { waiting <- create(t.Context(), 1) }()
	time.Sleep(50 * time.Millisecond) // for the writer to take it up
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, create(ctx, 2), context.DeadlineExceeded)
	n, err := e.Count(t.Context(), c, store.AllTenants(), nil)
	require.NoError(t, err, "readers do not wait for a writer")
	require.Zero(t, n)
	require.Empty(t, waiting)

	require.NoError(t, tx.Rollback())
	require.NoError(t, <-waiting)
	require.NoError(t, create(t.Context(), 3))
	got, err := e.Find(
		t.Context(),
		c,
		store.AllTenants(),
		"id",
		[]string{benchRecord(1, 100).ID, benchRecord(2, 100).ID, benchRecord(3, 100).ID},
	)
	require.NoError(t, err)
	require.Len(t, got, 2, "what was withdrawn is not made")
}

func TestCloseKeepsWhatWasAcknowledgedAndAnswersEverybody(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	e, c := open(t, sql.Config{Type: "sqlite", DSN: path}), collection("keys")
	const callers = 32
	answers := make(chan error, callers)
	for n := range callers {
		go func() {
			answers <- e.Apply(context.Background(), store.Write{Collection: c, Record: benchRecord(n, 100)})
		}()
	}
	time.Sleep(time.Millisecond)
	require.NoError(t, e.Close())
	made := 0
	for range callers {
		if err := <-answers; err == nil {
			made++
		}
	}
	n, err := open(t, sql.Config{Type: "sqlite", DSN: path}).Count(t.Context(), c, store.AllTenants(), nil)
	require.NoError(t, err)
	require.Equal(t, made, n)
}
