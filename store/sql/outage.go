package sql

import (
	"context"
	stdsql "database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"gatehouse/store"
)

// The reasons of outages, for people. Where no code tells more, a broken connection is store.NoAnswer.
const (
	reasonStarts   = "the database is starting"
	reasonStops    = "the database is stopping"
	reasonCrowded  = "the database has no connection left for us"
	reasonNoSpace  = "the disk of the database is full"
	reasonNoMemory = "the database has no memory left"
	reasonDisk     = "the disk of the database fails"
	reasonReadOnly = "the database takes no writes"
	reasonBusy     = "the database is too busy"
	reasonDamaged  = "the database is damaged"
	reasonRefused  = "the database does not let us in"
	reasonMissing  = "the database is missing"

	reasonLocked       = "another program keeps the database locked"
	reasonCannotOpen   = "the file of the database cannot be opened"
	reasonFileReadOnly = "the database, or the disk that it is on, is read-only"
	reasonMoved        = "the file of the database was moved away, or replaced"
)

// because says what ended a call: its context, for which some drivers have no more than "interrupted", or an outage of
// the database. Everything that leaves the engine goes through here.
func (e *Engine) because(ctx context.Context, err error) error {
	switch {
	case err == nil, refused(err):
		return err
	case ctx.Err() != nil:
		return fmt.Errorf("%w (%w)", ctx.Err(), err)
	}
	var known *store.Outage
	if errors.As(err, &known) {
		return err
	}
	if reason := e.dialect.outage(err); reason != "" {
		if e.file != nil {
			reason = e.file.explain(reason)
		}
		return &store.Outage{Reason: reason, Err: err}
	}
	return err
}

// lost are errors of connections that are no more, or whose two ends no longer agree on where they are: of
// database/sql, and of the drivers, each of which has names of its own for it.
var lost = []error{
	driver.ErrBadConn, stdsql.ErrConnDone, stdsql.ErrTxDone,
	mysql.ErrInvalidConn, mysql.ErrMalformPkt, mysql.ErrPktSync, mysql.ErrPktSyncMul, mysql.ErrBusyBuffer,
	pgconn.ErrConnClosed, pgx.ErrTxClosed,
}

// broken is the reason of an error that has no code of the database.
func broken(err error) string {
	var connecting *connectError
	if errors.As(err, &connecting) || store.Broken(err) ||
		slices.ContainsFunc(lost, func(one error) bool { return errors.Is(err, one) }) {
		return store.NoAnswer
	}
	return ""
}

// connectError is what a driver said when no connection could be made. Its own errors for that cannot be told from
// others.
type connectError struct{ err error }

// Error says what the driver said.
func (e *connectError) Error() string { return "connect: " + e.err.Error() }

// Unwrap returns what the driver said.
func (e *connectError) Unwrap() error { return e.err }

// connector makes connections with another one, within a time, and marks its errors. The drivers' own time-outs may end
// with the dialling, although a server that hangs lets everybody dial.
type connector struct {
	driver.Connector
	within time.Duration
}

// Connect implements driver.Connector.
func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, c.within)
	defer cancel()
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, &connectError{err}
	}
	return conn, nil
}

// postgresOutages are codes of PostgreSQL, or the classes that they begin with, and what they mean to us.
var postgresOutages = map[string]string{
	"08":    store.NoAnswer, // connection exceptions
	"57P01": reasonStops,    // admin_shutdown
	"57P02": reasonStops,    // crash_shutdown
	"57P03": reasonStarts,   // cannot_connect_now
	"57P04": reasonMissing,  // database_dropped
	"57P05": store.NoAnswer, // idle_session_timeout
	"57014": reasonBusy,     // query_canceled, by a statement_timeout: our own cancelling is that of a context
	"25P03": store.NoAnswer, // idle_in_transaction_session_timeout
	"25006": reasonReadOnly, // read_only_sql_transaction: a standby, or one that has become it
	"53100": reasonNoSpace,  // disk_full
	"53200": reasonNoMemory, // out_of_memory
	"53300": reasonCrowded,  // too_many_connections
	"53":    reasonBusy,     // other insufficient resources
	"55P03": reasonBusy,     // lock_not_available
	"40001": reasonBusy,     // serialization_failure, as often as we tried
	"40P01": reasonBusy,     // deadlock_detected, as often as we tried
	"40003": store.NoAnswer, // statement_completion_unknown
	"58":    reasonDisk,     // system errors, such as of the disk
	"XX001": reasonDamaged,  // data_corrupted
	"XX002": reasonDamaged,  // index_corrupted
	"28":    reasonRefused,  // invalid authorization
	"3D000": reasonMissing,  // invalid_catalog_name
}

func postgresOutage(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		if reason, ok := postgresOutages[e.Code]; ok || len(e.Code) < 2 {
			return reason
		}
		return postgresOutages[e.Code[:2]]
	}
	var connect *pgconn.ConnectError
	var tooLong *pgproto3.ExceededMaxBodyLenErr
	// What is safe to try again was never sent: the connection was closed under us.
	if errors.As(err, &connect) || errors.As(err, &tooLong) || pgconn.SafeToRetry(err) || pgconn.Timeout(err) ||
		garbled(err) {
		return store.NoAnswer
	}
	return broken(err)
}

// garbled tells whether the driver could not read what came from PostgreSQL, for which it has no type.
func garbled(err error) bool {
	for ; err != nil; err = errors.Unwrap(err) {
		said := err.Error()
		if strings.HasPrefix(said, "unknown message type: ") || strings.HasPrefix(said, "invalid message length: ") ||
			strings.Contains(said, " body is invalid ") || strings.Contains(said, " body must have length of ") {
			return true
		}
	}
	return false
}

// mysqlOutages are codes of MySQL and MariaDB.
var mysqlOutages = map[uint16]string{
	1053: reasonStops, // ER_SERVER_SHUTDOWN
	1077: reasonStops, // ER_NORMAL_SHUTDOWN
	1079: reasonStops, // ER_SHUTDOWN_COMPLETE
	// ER_QUERY_INTERRUPTED: killed, at the latest when the server stops; our own cancelling is that of a context
	1317: reasonStops,
	1927: reasonStops,    // ER_CONNECTION_KILLED of MariaDB
	1040: reasonCrowded,  // ER_CON_COUNT_ERROR
	1203: reasonCrowded,  // ER_TOO_MANY_USER_CONNECTIONS
	1226: reasonCrowded,  // ER_USER_LIMIT_REACHED
	1129: reasonRefused,  // ER_HOST_IS_BLOCKED
	1290: reasonReadOnly, // ER_OPTION_PREVENTS_STATEMENT: read_only
	1792: reasonReadOnly, // ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION
	1836: reasonReadOnly, // ER_READ_ONLY_MODE
	3100: reasonReadOnly, // ER_RUN_HOOK_ERROR: a member of a group that takes no writes now
	1047: reasonStarts,   // ER_UNKNOWN_COM_ERROR: how a Galera node says that it has not joined yet
	1205: reasonBusy,     // ER_LOCK_WAIT_TIMEOUT
	1206: reasonBusy,     // ER_LOCK_TABLE_FULL
	1213: reasonBusy,     // ER_LOCK_DEADLOCK, as often as we tried
	1020: reasonBusy,     // ER_CHECKREAD, as often as we tried
	1969: reasonBusy,     // ER_STATEMENT_TIMEOUT of MariaDB
	3024: reasonBusy,     // ER_QUERY_TIMEOUT of MySQL
	3572: reasonBusy,     // ER_LOCK_NOWAIT
	3:    reasonNoSpace,  // EE_WRITE
	1021: reasonNoSpace,  // ER_DISK_FULL
	1114: reasonNoSpace,  // ER_RECORD_FILE_FULL
	1037: reasonNoMemory, // ER_OUTOFMEMORY
	1038: reasonNoMemory, // ER_OUT_OF_SORTMEMORY
	1041: reasonNoMemory, // ER_OUT_OF_RESOURCES
	1026: reasonDisk,     // ER_ERROR_ON_WRITE
	1030: reasonDisk,     // ER_GET_ERRNO
	1180: reasonDisk,     // ER_ERROR_DURING_COMMIT
	1034: reasonDamaged,  // ER_NOT_KEYFILE
	1194: reasonDamaged,  // ER_CRASHED_ON_USAGE
	1195: reasonDamaged,  // ER_CRASHED_ON_REPAIR
	1044: reasonRefused,  // ER_DBACCESS_DENIED_ERROR
	1045: reasonRefused,  // ER_ACCESS_DENIED_ERROR
	1049: reasonMissing,  // ER_BAD_DB_ERROR
	1152: store.NoAnswer, // ER_ABORTING_CONNECTION
	1158: store.NoAnswer, // ER_NET_READ_ERROR
	1159: store.NoAnswer, // ER_NET_READ_INTERRUPTED
	1160: store.NoAnswer, // ER_NET_ERROR_ON_WRITE
	1161: store.NoAnswer, // ER_NET_WRITE_INTERRUPTED
}

func mysqlOutage(err error) string {
	var e *mysql.MySQLError
	if errors.As(err, &e) {
		// The storage engine's own words for ENOSPC.
		if e.Number == 1030 && strings.Contains(e.Message, "error 28") {
			return reasonNoSpace
		}
		return mysqlOutages[e.Number]
	}
	return broken(err)
}

// sqliteOutages are primary codes of SQLite: the low byte of what it returns.
var sqliteOutages = map[int]string{
	sqlite3.SQLITE_BUSY:     reasonLocked,
	sqlite3.SQLITE_LOCKED:   reasonLocked,
	sqlite3.SQLITE_PROTOCOL: reasonLocked,
	sqlite3.SQLITE_FULL:     reasonNoSpace,
	sqlite3.SQLITE_NOMEM:    reasonNoMemory,
	sqlite3.SQLITE_IOERR:    reasonDisk,
	sqlite3.SQLITE_READONLY: reasonFileReadOnly,
	sqlite3.SQLITE_PERM:     reasonCannotOpen,
	sqlite3.SQLITE_CANTOPEN: reasonCannotOpen,
	sqlite3.SQLITE_CORRUPT:  reasonDamaged,
	sqlite3.SQLITE_NOTADB:   reasonDamaged,
}

func sqliteOutage(err error) string {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return ""
	}
	if e.Code() == sqlite3.SQLITE_READONLY_DBMOVED {
		return reasonMoved
	}
	return sqliteOutages[e.Code()&0xff]
}
