package sql

import (
	"context"
	stdsql "database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"gatehouse/store"
)

//go:embed migrations
var migrations embed.FS

// migrate brings the tables to the newest version, under a lock that keeps other servers out. It refuses a database
// that is at a version which this program does not know.
func migrate(ctx context.Context, d *dialect, db *stdsql.DB, logger *slog.Logger) error {
	provider, err := newProvider(d, db)
	if err != nil {
		return err
	}
	if err := checkVersion(ctx, provider); err != nil {
		return err
	}
	var done []*goose.MigrationResult
	for range sqliteStarts {
		if done, err = provider.Up(ctx); err == nil || d != &sqliteDialect {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("store: migrate the database: %w", err)
	}
	for _, m := range done {
		logger.InfoContext(ctx, "database migrated", "version", m.Source.Version, "took", m.Duration)
	}
	return checkVersion(ctx, provider)
}

// sqliteStarts is how often a migration of SQLite, which has no locks that outlive a transaction, is tried: when
// another process has just made the step, the next try finds it made.
const sqliteStarts = 3

func newProvider(d *dialect, db *stdsql.DB) (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations/"+d.name)
	if err != nil {
		return nil, err
	}
	options := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger())}
	dialect := goose.DialectSQLite3
	switch d {
	case &postgres:
		dialect = goose.DialectPostgres
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300))
		if err != nil {
			return nil, err
		}
		options = append(options, goose.WithSessionLocker(locker))
	case &mysqlDialect:
		dialect = goose.DialectMySQL
		options = append(options, goose.WithSessionLocker(namedLock{}))
	}
	return goose.NewProvider(dialect, db, files, options...)
}

func checkVersion(ctx context.Context, p *goose.Provider) error {
	sources := p.ListSources()
	newest := sources[len(sources)-1].Version
	version, err := p.GetDBVersion(ctx)
	if err != nil {
		return fmt.Errorf("store: read the version of the database: %w", err)
	}
	if version > newest {
		return fmt.Errorf(
			"%w: it is at version %d, this program knows versions up to %d: upgrade the program",
			store.ErrNewerSchema,
			version,
			newest,
		)
	}
	return nil
}

// namedLock keeps servers that start at once apart with a named lock of MySQL. Such names are those of the whole
// server, so the lock has that of the database in it, hashed since names are short.
type namedLock struct{}

const lockName = "CONCAT('gatehouse.', SHA1(DATABASE()))"

// SessionLock waits up to five minutes for the lock.
func (namedLock) SessionLock(ctx context.Context, conn *stdsql.Conn) error {
	var got stdsql.NullInt64
	if err := conn.QueryRowContext(ctx, "SELECT GET_LOCK("+lockName+", 300)").Scan(&got); err != nil {
		return err
	}
	if got.Int64 != 1 {
		return errors.New("store: another server has been migrating the database for five minutes")
	}
	return nil
}

// SessionUnlock gives the lock back.
func (namedLock) SessionUnlock(ctx context.Context, conn *stdsql.Conn) error {
	_, err := conn.ExecContext(ctx, "DO RELEASE_LOCK("+lockName+")")
	return err
}
