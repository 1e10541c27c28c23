package sql

import (
	"context"
	stdsql "database/sql"
	"errors"
	"fmt"
)

// Schema asks a database for the version of its tables, and changes nothing: 0 is one without tables of ours. newest is
// the version that this program would bring it to. No error shows a password.
func Schema(ctx context.Context, c Config) (version, newest int64, err error) {
	var d *dialect
	var db *stdsql.DB
	switch c.Type {
	case "sqlite":
		d = &sqliteDialect
		var path string
		if path, err = FilePath(c.DSN); err == nil {
			db, err = openFile(path, "mode=rw&_pragma=query_only(1)&"+sqliteExists)
		}
	case "postgres":
		d = &postgres
		db, err = openPostgres(c.DSN, c)
	case "mysql":
		d = &mysqlDialect
		db, err = openMySQL(c.DSN, c)
	default:
		err = fmt.Errorf("store: the type of the database must be sqlite, postgres or mysql, not %q", c.Type)
	}
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	provider, err := newProvider(d, db)
	if err != nil {
		return 0, 0, err
	}
	sources := provider.ListSources()
	newest = sources[len(sources)-1].Version
	if err := db.PingContext(ctx); err != nil {
		return 0, newest, err
	}
	var tables int
	there := map[*dialect]string{
		&sqliteDialect: "SELECT COUNT(*) FROM sqlite_schema WHERE name = 'goose_db_version'",
		&postgres:      "SELECT COUNT(*) FROM pg_class WHERE oid = to_regclass('goose_db_version')",
		&mysqlDialect: "SELECT COUNT(*) FROM information_schema.tables " +
			"WHERE table_schema = DATABASE() AND table_name = 'goose_db_version'",
	}[d]
	if err := db.QueryRowContext(ctx, there).Scan(&tables); err != nil || tables == 0 {
		return 0, newest, damaged(err)
	}
	err = db.QueryRowContext(ctx, "SELECT COALESCE(MAX(version_id), 0) FROM goose_db_version").Scan(&version)
	return version, newest, damaged(err)
}
