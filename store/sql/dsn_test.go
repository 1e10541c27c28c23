package sql_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gatehouse/store"
	"gatehouse/store/sql"
)

func TestErrorsOfOpenNameTheFaultAndNoPassword(t *testing.T) {
	for _, tc := range []struct{ name, kind, dsn, want string }{
		{"an unknown type names those that there are", "oracle", "x", "sqlite, postgres or mysql"},
		{"an empty path", "sqlite", "", "path of a file"},
		{"a database that would be lost", "sqlite", ":memory:", "name a file"},
		{"a path that is a folder", "sqlite", os.TempDir(), "is a directory"},
		{"an empty PostgreSQL string", "postgres", "", "give user, password, host"},
		{"a PostgreSQL port that is none", "postgres", "user=u password=geheim host=localhost port=abc database=d", "port"},
		{"a PostgreSQL string that ends in a quote", "postgres", "user=u password='geheim host=localhost", "PostgreSQL"},
		{"a PostgreSQL URL with a broken escape", "postgres", "postgres://u:geheim%zz@localhost/d", "PostgreSQL"},
		{"a PostgreSQL URL with a bad port", "postgres", "postgres://u:geheim@localhost:port/d", "PostgreSQL"},
		{"an unknown sslmode", "postgres", "user=u password=geheim host=localhost sslmode=maybe", "sslmode"},
		{"a PostgreSQL server that is not there", "postgres", "user=u password=geheim host=127.0.0.1 port=1 database=d", "127.0.0.1"},
		{"an empty MySQL string", "mysql", "", "mysql://"},
		{"a MySQL URL without a database", "mysql", "mysql://u:geheim@localhost:3306", "names no database"},
		{"a MySQL URL with a broken escape", "mysql", "mysql://u:geheim%zz@localhost/d", "escaped"},
		{"a MySQL string of the driver that is broken", "mysql", "u:geheim@tcp(localhost:3306/d", "MySQL"},
		{"an unknown key", "mysql", "user=u hots=localhost password=geheim database=d", `"hots"`},
		{"a MySQL password with a space", "mysql", "user=u password=a geheim host=h database=d", "quote a value"},
		{"a MySQL password with a space and an =", "mysql", "user=u password=a geheim=x host=h database=d", "behind the password"},
		{"a MySQL password with a quote too few", "mysql", "user=u password='geheim host=h database=d", "must end with one"},
		{"a MySQL password with a quote in it", "mysql", "user=u password='a'geheim host=h database=d", "escaped"},
		{"a MySQL password with what ends a host", "mysql", "user=u password=top@geheim/x host=127.0.0.1 port=1 database=d", "127.0.0.1:1"},
		{"the same in the driver's form", "mysql", "u:top@geheim/x@tcp(127.0.0.1:1)/d", "127.0.0.1:1"},
		{"the same in the driver's form, cut short", "mysql", "u:top@geheim/x", "cannot be read"},
		{"a MySQL URL with an @ and a / in the password", "mysql", "mysql://u:a@geheim/x@127.0.0.1:1/d", "escaped"},
		{"a MySQL URL with a ? in the password", "mysql", "mysql://u:12?geheim@127.0.0.1:1/d", "escaped"},
		{"a MySQL URL with a # in the password", "mysql", "mysql://u:12#geheim@127.0.0.1:1/d", "escaped"},
		{"a MySQL socket that is not there", "mysql", "user=u password=geheim host=/nowhere/mysqld.sock database=d", "/nowhere/mysqld.sock"},
		{"a PostgreSQL URL with an @ and a / in the password", "postgres", "postgres://u:a@geheim/x@127.0.0.1:1/d", "escaped"},
		{"a PostgreSQL URL with a ? in the password", "postgres", "postgres://u:12?geheim@127.0.0.1:1/d", "escaped"},
		{"a PostgreSQL URL with a # in the password", "postgres", "postgres://u:a#geheim@127.0.0.1:1/d", "escaped"},
		{"a PostgreSQL password with a space", "postgres", "user=u password=a geheim host=127.0.0.1 port=1 database=d", "quote"},
		{"a PostgreSQL password without a key", "postgres", "user=u password=x y geheim", "quotes"},
		{"SQLite with another database's string", "sqlite", "postgres://u:geheim@127.0.0.1/d", "set the type"},
		{"SQLite with another database's pairs", "sqlite", "user=u password=geheim", "set the type"},
		{"a pair without a value", "mysql", "user=u password=geheim localhost", "pairs"},
		{"a MySQL server that is not there", "mysql", "user=u password=geheim host=127.0.0.1 port=1 database=d", "127.0.0.1"},
		{"a MySQL server by URL that is not there", "mysql", "mysql://u:geheim@127.0.0.1:1/d", "127.0.0.1"},
		{"a MySQL server by the driver's form that is not there", "mysql", "u:geheim@tcp(127.0.0.1:1)/d", "127.0.0.1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			_, err := sql.Open(ctx, sql.Config{Type: tc.kind, DSN: tc.dsn})
			require.ErrorContains(t, err, tc.want)
			require.NotContains(t, err.Error(), "geheim")
		})
	}
}

func TestSQLiteFilesAreForTheOwnerOnly(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "data of #1?")
	path := filepath.Join(folder, "gate%house.db")
	e := open(t, sql.Config{Type: "sqlite", DSN: path})
	require.NoError(t, e.Ping(t.Context()))
	files, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, f := range files {
		info, err := f.Info()
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), f.Name())
		require.Contains(t, f.Name(), "gate%house.db")
	}
}

func TestAReplicaIsReadFrom(t *testing.T) {
	dsn, other := postgresSchema(t), postgresSchema(t)
	open(t, sql.Config{Type: "postgres", DSN: other})
	e := open(t, sql.Config{Type: "postgres", DSN: dsn, ReadDSN: other})
	require.NoError(t, e.Ping(t.Context()))
	require.NoError(t, e.Apply(t.Context(), store.Write{Collection: collection("keys"), Record: benchRecord(1, 100)}))
	n, err := e.Count(t.Context(), collection("keys"), store.AllTenants(), nil)
	require.NoError(t, err)
	require.Zero(t, n, "the other database has no keys")
}

func TestTheCharsetOfAStringDoesNotCount(t *testing.T) {
	dsn := driverDSN(t, mysqlDatabase(t))
	separator := "?"
	if strings.Contains(dsn, "?") {
		separator = "&"
	}
	e := open(t, sql.Config{Type: "mysql", DSN: dsn + separator + "charset=utf8&parseTime=True&loc=Local"})
	written := benchRecord(1, 100)
	written.Doc = []byte(`{"a":"\U0001F510"}`)
	require.NoError(t, e.Apply(t.Context(), store.Write{Collection: collection("keys"), Record: written}))
	read, err := e.Find(t.Context(), collection("keys"), store.AllTenants(), "id", []string{written.ID})
	require.NoError(t, err)
	require.Len(t, read, 1)
	require.Equal(t, string(written.Doc), string(read[0].Doc))
}
