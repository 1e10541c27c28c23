package sql

import (
	"context"
	stdsql "database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"gatehouse/store"
)

// Engine keeps records in an SQL database.
type Engine struct {
	dialect *dialect
	tables  map[string]*table
	logger  *slog.Logger
	// writes is the pool of the main database, reads that of the readers; they may be one. finds reads single records by
	// id or unique value: from the main database even where there is a replica, since what is found decides who signs in
	// and which revision a write names.
	writes       *stdsql.DB
	reads, finds *pool
	// writer and file are there for SQLite only.
	writer *writer
	file   *file
	limits limits

	closing  sync.Once
	closeErr error
}

var _ store.Engine = (*Engine)(nil)

// Config says which database to open.
type Config struct {
	// Type is sqlite, postgres or mysql (which MariaDB is too).
	Type string
	// DSN says where the database is.
	//
	//	sqlite    a path, or file:path
	//	postgres  user=gatehouse password=... host=localhost port=5432 database=gatehouse (dbname=, sslmode= and the other
	//	          parameters of libpq too), or postgres://user:password@host:5432/database
	//	mysql     mysql://user:password@host:3306/database, user:password@tcp(host:3306)/database, or
	//	          user=... password=... host=... port=... database=...
	DSN string
	// ReadDSN is a replica to list and count from; "" uses the main database, from which single records are read in any
	// case. Lists from a replica that lags behind show older records than this program has written.
	ReadDSN string
	// PreferSimpleProtocol sends PostgreSQL no prepared statements, for poolers that lose them.
	PreferSimpleProtocol bool
	// MaxConns bounds the connections of each pool to a server, and the readers of SQLite; 0 is a default that fits most.
	MaxConns int
	// Logger hears of migrations; nil is silence.
	Logger *slog.Logger
}

// Open connects to the database, creates or migrates its tables, and returns the engine. It returns
// store.ErrNewerSchema when a newer program has migrated the database. No error shows a password.
func Open(ctx context.Context, c Config) (*Engine, error) {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	switch c.Type {
	case "sqlite":
		return openSQLite(ctx, c)
	case "postgres":
		return openServer(ctx, c, &postgres, openPostgres)
	case "mysql":
		return openServer(ctx, c, &mysqlDialect, openMySQL)
	}
	return nil, fmt.Errorf("store: the type of the database must be sqlite, postgres or mysql, not %q", c.Type)
}

func newEngine(d *dialect, c Config, writes *stdsql.DB, reads *pool) *Engine {
	e := &Engine{
		dialect: d,
		tables:  map[string]*table{},
		logger:  c.Logger,
		writes:  writes,
		reads:   reads,
		finds:   reads,
		limits:  defaultLimits,
	}
	for _, collection := range store.Collections() {
		e.tables[collection.Name] = newTable(d, collection)
	}
	return e
}

// serverConns is how many calls a server serves us at a time, in each pool, unless Config.MaxConns says more or less.
const serverConns = 20

// openServer opens an engine on a database server.
func openServer(
	ctx context.Context,
	c Config,
	d *dialect,
	open func(dsn string, c Config) (*stdsql.DB, error),
) (*Engine, error) {
	conns := c.MaxConns
	if conns <= 0 {
		conns = serverConns
	}
	limited := func(dsn string) (*pool, error) {
		db, err := open(dsn, c)
		if err != nil {
			return nil, err
		}
		// Below the idle times after which servers and proxies hang up.
		db.SetConnMaxIdleTime(4 * time.Minute)
		return newPool(db, conns, false), nil
	}
	main, err := limited(c.DSN)
	if err != nil {
		return nil, err
	}
	if err := migrate(ctx, d, main.db, c.Logger); err != nil {
		return nil, errors.Join(err, main.close())
	}
	reads := main
	if c.ReadDSN != "" && c.ReadDSN != c.DSN {
		if reads, err = limited(c.ReadDSN); err == nil {
			err = reads.db.PingContext(ctx)
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("store: the database to read from: %w", err), main.close())
		}
	}
	e := newEngine(d, c, main.db, reads)
	e.finds = main
	return e, nil
}

// Ping implements store.Engine: it asks both the main database and the one that is read from, whoever else is waiting
// for them.
func (e *Engine) Ping(ctx context.Context) error {
	if e.writer != nil {
		return e.pingSQLite(ctx)
	}
	for _, db := range []*stdsql.DB{e.reads.db, e.writes} {
		var one int
		if err := db.QueryRowContext(ctx, "SELECT 1").Scan(&one); err != nil {
			return e.because(ctx, fmt.Errorf("store: %s does not answer: %w", e.dialect.name, err))
		}
	}
	return nil
}

// Close implements store.Engine. Closing again does nothing.
func (e *Engine) Close() error {
	e.closing.Do(func() {
		var stopped error
		if e.writer != nil {
			stopped = e.writer.stop()
		}
		// The pools may be one; closing it twice is harmless.
		e.closeErr = errors.Join(stopped, e.reads.close(), e.writes.Close())
	})
	return e.closeErr
}
