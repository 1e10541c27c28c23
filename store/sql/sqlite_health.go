package sql

import (
	"context"
	stdsql "database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"gatehouse/store"
	"gatehouse/store/sql/disk"
)

// file is what the engine knows of the file of a SQLite database. The path is "" for one in memory.
type file struct {
	path string
	// opened is the file as it was when it was opened.
	opened os.FileInfo
	// damaged is set when a read or write met a page that is none; only a repair and a restart end that.
	damaged atomic.Bool
}

// scarce is how many bytes a disk has left, at most, that is full to us: a commit needs more at times.
const scarce = 64 << 10

// explain makes the reason of an outage as plain as the disk lets us, and remembers one that does not pass by itself.
func (f *file) explain(reason string) string {
	switch {
	case reason == reasonDamaged:
		f.damaged.Store(true)
		return reason + ", and must be restored from a backup"
	case f.path == "" || (reason != reasonDisk && reason != reasonCannotOpen):
		return reason
	}
	space, err := disk.Of(filepath.Dir(f.path))
	switch {
	case err != nil:
		return reason
	case space.ReadOnly:
		return reasonFileReadOnly
	case space.Free < scarce:
		return reasonNoSpace
	}
	return reason
}

// missing returns an Outage when another file is in the place of the database, or none: what is written now would be
// found by nobody.
func (f *file) missing() error {
	if f.path == "" {
		return nil
	}
	info, err := os.Stat(f.path)
	if err == nil && os.SameFile(info, f.opened) {
		return nil
	}
	if err == nil {
		err = errors.New("store: the file is another one now: restart")
	}
	return &store.Outage{Reason: reasonMoved, Err: err}
}

// quickCheck bounds the check of a database at the start, which reads it whole.
const quickCheck = 3 * time.Second

// checkAtStart returns store.ErrDamaged for a database whose pages do not fit together, as far as quickCheck allows to
// look.
func (f *file) checkAtStart(ctx context.Context, db *stdsql.DB, log *slog.Logger) error {
	if f.path == "" {
		return nil
	}
	info, err := os.Stat(f.path)
	if err != nil || info.Size() == 0 {
		return nil // a new one
	}
	limited, cancel := context.WithTimeout(ctx, quickCheck)
	defer cancel()
	began := time.Now()
	err = check(limited, db, "quick_check(1)")
	switch {
	case err == nil:
		log.DebugContext(ctx, "database checked", "bytes", info.Size(), "took", time.Since(began))
	case ctx.Err() == nil && limited.Err() != nil && !errors.Is(err, store.ErrDamaged):
		log.InfoContext(
			ctx,
			"the database is too large to be checked whole at each start: gatehouse doctor does",
			"bytes",
			info.Size(),
			"checked_for",
			quickCheck,
		)
		return nil
	}
	return err
}

// check runs one of SQLite's checks. What it finds is in an error that is store.ErrDamaged.
func check(ctx context.Context, db *stdsql.DB, pragma string) error {
	rows, err := db.QueryContext(ctx, "PRAGMA "+pragma)
	if err != nil {
		return damaged(err)
	}
	defer rows.Close()
	var found error
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return damaged(err)
		}
		if line != "ok" && found == nil {
			found = fmt.Errorf("%w: %.200s", store.ErrDamaged, line)
		}
	}
	if found != nil && ctx.Err() == nil {
		return found
	}
	return damaged(rows.Err())
}

// damaged makes what SQLite says of a database that it cannot read an error that is store.ErrDamaged.
func damaged(err error) error {
	var e *sqlite.Error
	if errors.As(err, &e) && (e.Code()&0xff == sqlite3.SQLITE_CORRUPT || e.Code()&0xff == sqlite3.SQLITE_NOTADB) {
		return fmt.Errorf("%w: %w", store.ErrDamaged, err)
	}
	return err
}

// pingSQLite tells whether the database can be read, and takes writes.
func (e *Engine) pingSQLite(ctx context.Context) error {
	if e.file.damaged.Load() {
		return &store.Outage{Reason: e.file.explain(reasonDamaged), Err: store.ErrDamaged}
	}
	if err := e.file.missing(); err != nil {
		return err
	}
	var n int
	if err := e.reads.db.QueryRowContext(ctx, "SELECT COUNT(*) FROM goose_db_version").Scan(&n); err != nil {
		return e.because(ctx, fmt.Errorf("store: the database cannot be read: %w", err))
	}
	return e.because(ctx, e.writer.probe(ctx))
}
