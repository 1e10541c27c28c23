package sql

import (
	"context"
	stdsql "database/sql"
	"errors"
	"time"
)

// Clock asks the server of a database what time it is; the embedded one has none of its own, and ok is false. No error
// shows a password.
func Clock(ctx context.Context, c Config) (now time.Time, ok bool, err error) {
	var db *stdsql.DB
	var ask string
	switch c.Type {
	case "postgres":
		db, err = openPostgres(c.DSN, c)
		ask = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)"
	case "mysql":
		db, err = openMySQL(c.DSN, c)
		ask = "SELECT CAST(UNIX_TIMESTAMP(SYSDATE(6)) * 1000000 AS SIGNED)"
	default:
		return time.Time{}, false, nil
	}
	if err != nil {
		return time.Time{}, false, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var micros int64
	if err := db.QueryRowContext(ctx, ask).Scan(&micros); err != nil {
		return time.Time{}, false, err
	}
	return time.UnixMicro(micros), true, nil
}
