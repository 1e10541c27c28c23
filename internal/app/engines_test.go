package app_test

import (
	"context"
	stdsql "database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"gatehouse/internal/core"
	"gatehouse/store"
	gatehousemongo "gatehouse/store/mongo"
	"gatehouse/store/sql"
)

// onEveryEngine runs a test on each engine that there is here, in a database of its own.
func onEveryEngine(t *testing.T, run func(t *testing.T, e store.Engine)) {
	t.Helper()
	for _, engine := range []struct {
		name string
		open func(t *testing.T) store.Engine
	}{
		{"SQLite in memory", func(t *testing.T) store.Engine {
			e, err := sql.OpenMemory(t.Context())
			require.NoError(t, err)
			return e
		}},
		{"SQLite in a file", func(t *testing.T) store.Engine {
			return openSQL(t, "sqlite", filepath.Join(t.TempDir(), "gatehouse.db"))
		}},
		{"PostgreSQL", openPostgres},
		{"MySQL", openMySQL},
		{"MongoDB", openMongo},
	} {
		if underRace && engine.name != "SQLite in memory" {
			// all that differs is the engine, whose own suite the detector watches; scripts/test runs these without it, too
			continue
		}
		t.Run(engine.name, func(t *testing.T) {
			e := engine.open(t)
			t.Cleanup(func() { require.NoError(t, e.Close()) })
			run(t, e)
		})
	}
}

func openSQL(t *testing.T, kind, dsn string) store.Engine {
	t.Helper()
	e, err := sql.Open(t.Context(), sql.Config{Type: kind, DSN: dsn})
	require.NoError(t, err)
	return e
}

// fresh makes a name that no other test and no other run has.
func fresh() string { return "gatehouse_app_" + core.NewID(time.Now()) }

func openPostgres(t *testing.T) store.Engine { return openSQL(t, "postgres", postgresDSN(t)) }

// postgresDSN makes a schema of its own for the test, and returns a connection string for it.
func postgresDSN(t *testing.T) string {
	t.Helper()
	dsn := os.Getenv("GATEHOUSE_TEST_POSTGRES")
	if dsn == "" {
		t.Skip("no PostgreSQL: set GATEHOUSE_TEST_POSTGRES to a connection string")
	}
	schema := fresh()
	during(t, "pgx", dsn, "CREATE SCHEMA "+schema, "DROP SCHEMA "+schema+" CASCADE")
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

func openMySQL(t *testing.T) store.Engine { return openSQL(t, "mysql", mysqlDSN(t)) }

// mysqlDSN makes a database of its own for the test, and returns a connection string for it.
func mysqlDSN(t *testing.T) string {
	t.Helper()
	dsn := os.Getenv("GATEHOUSE_TEST_MYSQL")
	if dsn == "" {
		t.Skip(
			"no MySQL or MariaDB: set GATEHOUSE_TEST_MYSQL to a connection string such as mysql://root@127.0.0.1:3306/test",
		)
	}
	u, err := url.Parse(dsn)
	require.NoError(t, err)
	database := fresh()
	during(t, "mysql", fmt.Sprintf("%s@tcp(%s)%s", strings.TrimPrefix(u.User.String(), ":"), u.Host, u.Path),
		"CREATE DATABASE "+database, "DROP DATABASE "+database)
	u.Path = "/" + database
	return u.String()
}

// during runs one statement now and another when the test ends.
func during(t *testing.T, driver, dsn, begin, end string) {
	t.Helper()
	db, err := stdsql.Open(driver, dsn)
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), begin)
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := db.ExecContext(context.Background(), end)
		require.NoError(t, err)
		require.NoError(t, db.Close())
	})
}

func openMongo(t *testing.T) store.Engine {
	dsn := os.Getenv("MONGO_URL")
	if dsn == "" {
		t.Skip("MONGO_URL names no MongoDB to test on: set it to the URL of a replica set")
	}
	u, err := url.Parse(dsn)
	require.NoError(t, err)
	if q := u.Query(); u.User != nil && !q.Has("authSource") {
		q.Set("authSource", "admin")
		if name := strings.Trim(u.Path, "/"); name != "" {
			q.Set("authSource", name)
		}
		u.RawQuery = q.Encode()
	}
	database := fresh()
	u.Path = "/" + database
	t.Cleanup(func() {
		client, err := mongo.Connect(options.Client().ApplyURI(u.String()))
		require.NoError(t, err)
		require.NoError(t, client.Database(database).Drop(context.Background()))
		require.NoError(t, client.Disconnect(context.Background()))
	})
	e, err := gatehousemongo.Open(t.Context(), gatehousemongo.Config{URL: u.String()})
	require.NoError(t, err)
	return e
}
