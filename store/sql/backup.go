package sql

import (
	"context"
	stdsql "database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"gatehouse/store"
)

// A backup of a SQLite database is one, too, with a table more that says where it comes from: see Notes.

// Notes say where a backup comes from, and may carry what is kept beside the database.
type Notes struct {
	// Made is when, Program the version that made it.
	Made, Program string
	// KeyCheck tells the encryption key that the secrets were sealed with from others; "" when it was not known.
	KeyCheck string
	// Key is that key, "" when the backup is without it.
	Key string
}

// Backup is what is in a backup.
type Backup struct {
	Notes
	// Schema is the version of its tables.
	Schema int64
	// Users, Certificates and OauthClients are how many have something sealed: an access key, a private key, a secret.
	Users, Certificates, OauthClients int
}

const (
	backupTable  = "gatehouse_backup"
	restoreMark  = "-restore"
	notBackup    = "%s is no backup that gatehouse backup made"
	sqliteExists = "_pragma=busy_timeout(10000)"
)

// openFile opens a SQLite database that has to be there, and makes none.
func openFile(path, parameters string) (*stdsql.DB, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	db, err := stdsql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+parameters)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

// FilePath returns the path in the connection string of a SQLite database.
func FilePath(dsn string) (string, error) {
	path, _, err := sqlitePath(dsn)
	return path, err
}

// WriteBackup writes what a SQLite database holds at one moment to a new file that only its owner may read, while
// others go on writing to the database. The file is there whole or not at all, and an existing one is never replaced:
// that is an error that is fs.ErrExist.
func WriteBackup(ctx context.Context, dsn, file string, notes Notes) (err error) {
	path, err := FilePath(dsn)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(file); err == nil {
		return fmt.Errorf("%s: %w", file, fs.ErrExist)
	}
	// CreateTemp opens with O_EXCL and mode 0600; SQLite writes into an empty file.
	tmp, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	if err := tmp.Close(); err != nil {
		return err
	}
	if _, err := os.Stat(path + restoreMark); err == nil {
		return fmt.Errorf("%s: a restore was interrupted: run gatehouse restore again first", path)
	}
	db, err := openFile(path, "mode=rw&"+sqliteExists)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, err := schemaOf(ctx, db); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if _, err := db.ExecContext(ctx, "VACUUM INTO ?", tmp.Name()); err != nil {
		return fmt.Errorf("copy %s: %w", path, damaged(err))
	}
	if err := note(ctx, tmp.Name(), notes); err != nil {
		return fmt.Errorf("finish the backup: %w", err)
	}
	return publish(tmp.Name(), file)
}

// note writes the notes into a backup.
func note(ctx context.Context, path string, notes Notes) (err error) {
	db, err := openFile(path, "mode=rw&_pragma=synchronous(FULL)")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := check(ctx, db, "quick_check(1)"); err != nil {
		return err
	}
	if _, err := db.ExecContext(ctx, "CREATE TABLE "+backupTable+
		" (made TEXT NOT NULL, program TEXT NOT NULL, key_check TEXT NOT NULL, key TEXT NOT NULL) STRICT"); err != nil {
		return err
	}
	_, err = db.ExecContext(
		ctx,
		"INSERT INTO "+backupTable+" VALUES (?, ?, ?, ?)",
		notes.Made,
		notes.Program,
		notes.KeyCheck,
		notes.Key,
	)
	return err
}

// publish gives a file that is written its name, for good.
func publish(tmp, file string) error {
	if err := syncPath(tmp); err != nil {
		return err
	}
	// Unlike a rename, a link fails when the name is taken.
	if err := os.Link(tmp, file); err != nil {
		return err
	}
	return syncPath(filepath.Dir(file))
}

// syncPath makes a file, or the names in a folder, last. Windows cannot do the latter, and needs not.
func syncPath(path string) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() && runtime.GOOS == "windows" {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// schemaOf returns the version of a database's tables. It is store.ErrNewerSchema when this program does not know it.
func schemaOf(ctx context.Context, db *stdsql.DB) (int64, error) {
	provider, err := newProvider(&sqliteDialect, db)
	if err != nil {
		return 0, err
	}
	var version int64
	const newest = "SELECT COALESCE(MAX(version_id), 0) FROM goose_db_version"
	if err := db.QueryRowContext(ctx, newest).Scan(&version); err != nil {
		return 0, damaged(fmt.Errorf("it has no version: %w", err))
	}
	sources := provider.ListSources()
	if newest := sources[len(sources)-1].Version; version > newest {
		return version, fmt.Errorf(
			"%w: it is at version %d, this program knows versions up to %d: upgrade the program",
			store.ErrNewerSchema,
			version,
			newest,
		)
	}
	return version, nil
}

// ReadBackup checks a backup from its first page to the last, and returns what is in it.
func ReadBackup(ctx context.Context, file string) (out *Backup, err error) {
	// It may lie on a disk that takes no writes, and nobody changes it.
	db, err := openFile(file, "mode=ro&immutable=1")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := check(ctx, db, "integrity_check(1)"); err != nil {
		return nil, fmt.Errorf(notBackup+", or it is damaged: %w", file, err)
	}
	out = &Backup{}
	row := db.QueryRowContext(ctx, "SELECT made, program, key_check, key FROM "+backupTable)
	if err := row.Scan(&out.Made, &out.Program, &out.KeyCheck, &out.Key); err != nil {
		return nil, fmt.Errorf(notBackup+": %w", file, err)
	}
	if out.Schema, err = schemaOf(ctx, db); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	for n, query := range map[*int]string{
		&out.Users:        "SELECT COUNT(*) FROM users WHERE access_key IS NOT NULL",
		&out.Certificates: "SELECT COUNT(*) FROM certificates WHERE has_private = 1",
		&out.OauthClients: "SELECT COUNT(*) FROM oauth_clients",
	} {
		// A backup of an earlier version may lack a table.
		if err := db.QueryRowContext(ctx, query).Scan(n); err != nil && ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	return out, nil
}

// ErrInUse means that a program has the database open.
var ErrInUse = errors.New("a program has the database open: stop it first")

// Restore puts what is in a backup in the place of a SQLite database. beside is called when the database is in its
// place, to bring what is kept beside it, before anything may be opened. What was there before keeps its bytes under
// names that end in aside; with an aside of "", an existing database is an error that is fs.ErrExist. A restore that is
// interrupted is known by a mark, with which the database is not opened until a restore has ended.
func Restore(ctx context.Context, file, dsn, aside string, beside func() error) error {
	path, err := FilePath(dsn)
	if err != nil {
		return err
	}
	mark := path + restoreMark
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	_, err = os.Stat(path)
	there := err == nil
	_, err = os.Stat(mark)
	again := err == nil
	if there && aside == "" && !again {
		return fmt.Errorf("%s: %w", path, fs.ErrExist)
	}
	if there {
		if err := inUse(path); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	tmp, err := copyOf(ctx, file, path)
	if err != nil {
		return err
	}
	defer os.Remove(tmp)
	if err := os.WriteFile(mark, []byte("a restore is under way, or was interrupted\n"), 0o600); err != nil {
		return err
	}
	if err := errors.Join(syncPath(mark), syncPath(filepath.Dir(path))); err != nil {
		return err
	}
	if aside == "" {
		aside = ".interrupted-" + time.Now().UTC().Format("20060102T150405.000Z")
	}
	for _, part := range []string{"", "-wal", "-shm"} {
		if err := os.Rename(path+part, path+aside+part); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := os.Rename(tmp, path); err != nil {
		return err
	}
	if err := beside(); err != nil {
		return err
	}
	if err := syncPath(filepath.Dir(path)); err != nil {
		return err
	}
	return errors.Join(os.Remove(mark), syncPath(filepath.Dir(path)))
}

// copyOf copies a backup to a file beside the place where it shall go, without its notes, and returns the name.
func copyOf(ctx context.Context, file, path string) (name string, err error) {
	from, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer from.Close()
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(tmp.Name())
		}
	}()
	_, err = io.Copy(tmp, from)
	if err = errors.Join(err, tmp.Close()); err != nil {
		return "", err
	}
	// The key may be in the notes: what they held is written over.
	db, err := openFile(tmp.Name(), "mode=rw&_pragma=secure_delete(1)&_pragma=synchronous(FULL)")
	if err != nil {
		return "", err
	}
	_, err = db.ExecContext(ctx, "DROP TABLE "+backupTable)
	if err = errors.Join(err, db.Close()); err != nil {
		return "", err
	}
	return tmp.Name(), syncPath(tmp.Name())
}

// CheckFile looks at every page of a SQLite database, and at every index, without changing anything; servers go on
// meanwhile. What it finds is in an error that is store.ErrDamaged. It returns the version of the tables.
func CheckFile(ctx context.Context, dsn string) (schema int64, err error) {
	path, err := FilePath(dsn)
	if err != nil {
		return 0, err
	}
	db, err := openFile(path, "mode=rw&_pragma=query_only(1)&"+sqliteExists)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := check(ctx, db, "integrity_check(1)"); err != nil {
		return 0, err
	}
	return schemaOf(ctx, db)
}
