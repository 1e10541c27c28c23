package sql

import (
	"context"
	stdsql "database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

var sqliteDialect = dialect{
	name:         "sqlite",
	quote:        `"`,
	document:     "doc",
	contains:     "instr(%s, ?) > 0",
	containsID:   "instr(lower(%s), ?) > 0",
	materialized: "MATERIALIZED ",
	indexed:      true,
	labelsByTime: true,
	outage:       sqliteOutage,
	fault: func(err error) fault {
		var e *sqlite.Error
		if !errors.As(err, &e) {
			return faultOther
		}
		switch e.Code() {
		case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
			return faultUnique
		}
		return faultOther
	},
}

// Settings of connections. In WAL mode, readers do not wait for the writer; with full synchronisation, a commit
// survives a power cut. Another process that writes (a backup, a second server) is waited for. The writer changes pages
// of many indexes, which it keeps at hand (32 MB at most), and brings them home from the log when that has 16 MB: most
// were changed several times by then.
const (
	sqliteShared = "_pragma=busy_timeout(10000)&_pragma=temp_store(MEMORY)"
	sqliteWriter = sqliteShared + "&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)" +
		"&_pragma=cache_size(-32000)&_pragma=wal_autocheckpoint(4000)&_txlock=immediate"
	sqliteReader = sqliteShared + "&_pragma=query_only(1)&_pragma=cache_size(-16000)"
)

func openSQLite(ctx context.Context, c Config) (*Engine, error) {
	path, query, err := sqlitePath(c.DSN)
	if err != nil {
		return nil, err
	}
	f := &file{}
	if !strings.Contains(query, "vfs=memdb") {
		f.path = path
		if _, err := os.Stat(path + restoreMark); err == nil {
			return nil, fmt.Errorf(
				"store: %s: a restore was interrupted: run gatehouse restore again with the same backup",
				path,
			)
		}
		if err := createFile(path); err != nil {
			return nil, err
		}
		if f.opened, err = os.Stat(path); err != nil {
			return nil, fmt.Errorf("store: the SQLite database: %w", err)
		}
	}
	name := "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + query
	writes, err := stdsql.Open("sqlite", name+sqliteWriter)
	if err != nil {
		return nil, fmt.Errorf("store: open %s: %w", path, err)
	}
	writes.SetMaxOpenConns(1)
	reads, err := stdsql.Open("sqlite", name+sqliteReader)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("store: open %s: %w", path, err), writes.Close())
	}
	conns := c.MaxConns
	if conns <= 0 {
		conns = max(4, 2*runtime.GOMAXPROCS(0))
	}
	e := newEngine(&sqliteDialect, c, writes, newPool(reads, conns, true))
	e.file = f

	if err = f.checkAtStart(ctx, writes, c.Logger); err == nil {
		err = migrate(ctx, e.dialect, writes, c.Logger)
	}
	var conn *stdsql.Conn
	if err == nil {
		conn, err = writes.Conn(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("store: %s: %w", path, err), e.Close())
	}
	e.writer = newWriter(e, conn)
	return e, nil
}

var memories atomic.Int64

// OpenMemory returns an engine on an empty SQLite database of its own in memory, which is gone when the engine is
// closed. It is for tests.
func OpenMemory(ctx context.Context) (*Engine, error) {
	return Open(
		ctx,
		Config{Type: "sqlite", DSN: "file:/gatehouse-" + strconv.FormatInt(memories.Add(1), 10) + "?vfs=memdb"},
	)
}

// sqlitePath takes a DSN apart into a path and the parameters of a URI, which end with & when there are any.
func sqlitePath(dsn string) (path, query string, err error) {
	if scheme, _, found := strings.Cut(dsn, "://"); found && scheme != "file" && !strings.Contains(scheme, "/") ||
		strings.Contains(dsn, "password=") {
		return "", "", errors.New(
			"store: the connection string of SQLite is that of another database: name a file, or set the type",
		)
	}
	path, isURI := strings.CutPrefix(dsn, "file:")
	if !isURI {
		path = dsn
	} else {
		path, query, _ = strings.Cut(path, "?")
		path = strings.TrimPrefix(path, "//")
		if path, err = url.PathUnescape(path); err != nil {
			return "", "", fmt.Errorf("store: the path of the SQLite database has a broken %% escape: %s", dsn)
		}
		if query != "" {
			query += "&"
		}
	}
	switch {
	case path == "":
		return "", "", errors.New(
			"store: the connection string of SQLite must be the path of a file, such as data/gatehouse.db",
		)
	case path == ":memory:":
		return "", "", errors.New("store: an SQLite database in memory would be lost with the program: name a file")
	}
	return path, query, nil
}

// createFile makes the file, and the folder that it is in, for nobody else to read: it holds hashes of passwords and
// tokens. SQLite gives the files beside it the same mode.
func createFile(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("store: the folder of the SQLite database: %w", err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("store: the SQLite database: %w", err)
	}
	return f.Close()
}
