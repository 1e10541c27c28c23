package sql_test

import (
	"context"
	stdsql "database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"

	"gatehouse/store"
	"gatehouse/store/sql"
	"gatehouse/store/storetest"
)

func TestConformanceOnSQLiteInAFile(t *testing.T) {
	t.Parallel()
	storetest.RunAll(t, func(t *testing.T) store.Engine {
		return open(t, sql.Config{Type: "sqlite", DSN: filepath.Join(t.TempDir(), "gatehouse.db")})
	})
}

func TestConformanceOnSQLiteInMemory(t *testing.T) {
	t.Parallel()
	storetest.RunAll(t, func(t *testing.T) store.Engine {
		e, err := sql.OpenMemory(t.Context())
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, e.Close()) })
		return e
	})
}

func TestConformanceOnSQLiteWithWhatIsMeantForManyRecords(t *testing.T) {
	t.Parallel()
	for _, limits := range [][2]int{{0, 0}, {3, 10}} {
		t.Run(fmt.Sprint(limits), func(t *testing.T) {
			storetest.RunAll(t, func(t *testing.T) store.Engine {
				e, err := sql.OpenMemory(t.Context())
				require.NoError(t, err)
				t.Cleanup(func() { require.NoError(t, e.Close()) })
				e.Limit(limits[0], int64(limits[1]))
				return e
			})
		})
	}
}

func TestConformanceOnPostgreSQL(t *testing.T) {
	dsn := postgresSchema(t)
	storetest.RunAll(t, func(t *testing.T) store.Engine {
		return open(t, sql.Config{Type: "postgres", DSN: emptied(t, "pgx", dsn, dsn)})
	})
}

func TestConformanceOnPostgreSQLWithTheSimpleProtocol(t *testing.T) {
	dsn := postgresSchema(t)
	storetest.RunAll(t, func(t *testing.T) store.Engine {
		return open(t, sql.Config{Type: "postgres", DSN: emptied(t, "pgx", dsn, dsn), PreferSimpleProtocol: true})
	})
}

func TestConformanceOnMySQL(t *testing.T) {
	dsn := mysqlDatabase(t)
	storetest.RunAll(t, func(t *testing.T) store.Engine {
		return open(t, sql.Config{Type: "mysql", DSN: emptied(t, "mysql", driverDSN(t, dsn), dsn)})
	})
}

// emptied returns dsn, and sees to it that the tables are empty again when the case ends: that is much faster than new
// tables.
func emptied(t *testing.T, driver, driverDSN, dsn string) string {
	t.Helper()
	t.Cleanup(func() {
		db, err := stdsql.Open(driver, driverDSN)
		require.NoError(t, err)
		for _, table := range append(tableNames(), "labels") {
			if driver == "mysql" {
				table = "`" + table + "`"
			}
			_, err := db.ExecContext(context.Background(), "DELETE FROM "+table)
			require.NoError(t, err)
		}
		require.NoError(t, db.Close())
	})
	return dsn
}

func tableNames() []string {
	var out []string
	for _, c := range store.Collections() {
		out = append(out, c.Name)
	}
	return out
}

func open(t testing.TB, c sql.Config) *sql.Engine {
	t.Helper()
	e, err := sql.Open(t.Context(), c)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	return e
}

var names atomic.Int64

// fresh makes a name that no other test and no other run has.
func fresh() string { return fmt.Sprintf("gatehouse_test_%d_%d", os.Getpid(), names.Add(1)) }

// postgresSchema makes a schema of the database that GATEHOUSE_TEST_POSTGRES names, and returns a connection string for
// it.
func postgresSchema(t testing.TB) string {
	t.Helper()
	dsn := os.Getenv("GATEHOUSE_TEST_POSTGRES")
	if dsn == "" {
		t.Skip("no PostgreSQL: set GATEHOUSE_TEST_POSTGRES to a connection string")
	}
	schema := fresh()
	db, err := stdsql.Open("pgx", dsn)
	require.NoError(t, err)
	_, err = db.Exec("CREATE SCHEMA " + schema)
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := db.ExecContext(context.Background(), "DROP SCHEMA "+schema+" CASCADE")
		require.NoError(t, err)
		require.NoError(t, db.Close())
	})
	if strings.HasPrefix(dsn, "postgres") {
		u, err := url.Parse(dsn)
		require.NoError(t, err)
		q := u.Query()
		q.Set("search_path", schema)
		u.RawQuery = q.Encode()
		return u.String()
	}
	return dsn + " search_path=" + schema
}

// mysqlDatabase makes a database on the server that GATEHOUSE_TEST_MYSQL names, and returns a connection string for it.
func mysqlDatabase(t testing.TB) string {
	t.Helper()
	dsn := os.Getenv("GATEHOUSE_TEST_MYSQL")
	if dsn == "" {
		t.Skip(
			"no MySQL or MariaDB: set GATEHOUSE_TEST_MYSQL to a connection string such as mysql://root@127.0.0.1:3306/test",
		)
	}
	db, err := stdsql.Open("mysql", driverDSN(t, dsn))
	require.NoError(t, err)
	database := fresh()
	_, err = db.Exec("CREATE DATABASE " + database)
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := db.ExecContext(context.Background(), "DROP DATABASE "+database)
		require.NoError(t, err)
		require.NoError(t, db.Close())
	})
	u, err := url.Parse(dsn)
	require.NoError(t, err)
	u.Path = "/" + database
	return u.String()
}

// driverDSN is a mysql:// URL in the form of the driver.
func driverDSN(t testing.TB, dsn string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	require.NoError(t, err)
	require.Equal(t, "mysql", u.Scheme, "GATEHOUSE_TEST_MYSQL must be a mysql:// URL")
	credentials := u.User.Username()
	if password, ok := u.User.Password(); ok {
		credentials += ":" + password
	}
	return credentials + "@tcp(" + u.Host + ")" + u.Path
}
