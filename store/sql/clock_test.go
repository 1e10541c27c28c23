package sql_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/store/sql"
)

func TestTheClockOfADatabaseIsThatOfItsServer(t *testing.T) {
	for name, dsn := range map[string]func(*testing.T) string{
		"postgres": func(t *testing.T) string { t.Helper(); return postgresSchema(t) },
		"mysql":    func(t *testing.T) string { t.Helper(); return mysqlDatabase(t) },
	} {
		t.Run(name, func(t *testing.T) {
			now, ok, err := sql.Clock(t.Context(), sql.Config{Type: name, DSN: dsn(t)})
			require.NoError(t, err)
			assert.True(t, ok)
			assert.WithinDuration(t, time.Now(), now, time.Minute)
		})
	}
	_, ok, err := sql.Clock(t.Context(), sql.Config{Type: "sqlite", DSN: "x"})
	require.NoError(t, err)
	assert.False(t, ok, "the embedded one has none")
}
