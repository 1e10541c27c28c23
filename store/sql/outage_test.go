package sql

import (
	"context"
	"crypto/tls"
	stdsql "database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/store"
)

func TestWhatADatabaseSaysWhenItCannotServeIsAnOutage(t *testing.T) {
	pg := func(code string) error { return &pgconn.PgError{Code: code, Message: "secret internals"} }
	my := func(code uint16, message string) error { return &mysql.MySQLError{Number: code, Message: message} }
	for name, c := range map[string]struct {
		dialect *dialect
		err     error
		want    string
	}{
		"PostgreSQL is shut down":              {&postgres, pg("57P01"), reasonStops},
		"PostgreSQL crashed":                   {&postgres, pg("57P02"), reasonStops},
		"PostgreSQL starts":                    {&postgres, pg("57P03"), reasonStarts},
		"a connection exception":               {&postgres, pg("08006"), store.NoAnswer},
		"too many clients":                     {&postgres, pg("53300"), reasonCrowded},
		"the server's disk is full":            {&postgres, pg("53100"), reasonNoSpace},
		"a standby":                            {&postgres, pg("25006"), reasonReadOnly},
		"a conflict that would not end":        {&postgres, pg("40001"), reasonBusy},
		"the server's disk fails":              {&postgres, pg("58030"), reasonDisk},
		"a damaged page":                       {&postgres, pg("XX001"), reasonDamaged},
		"a password that changed":              {&postgres, pg("28P01"), reasonRefused},
		"a startup that was refused":           {&postgres, fmt.Errorf("connect: %w", pg("57P03")), reasonStarts},
		"PostgreSQL closes the connection":     {&postgres, fmt.Errorf("receive: %w", io.ErrUnexpectedEOF), store.NoAnswer},
		"nobody listens":                       {&postgres, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, store.NoAnswer},
		"database/sql gave up":                 {&postgres, driver.ErrBadConn, store.NoAnswer},
		"a connection given back":              {&postgres, stdsql.ErrConnDone, store.NoAnswer},
		"a transaction that is gone":           {&postgres, stdsql.ErrTxDone, store.NoAnswer},
		"a transaction that pgx closed":        {&postgres, pgx.ErrTxClosed, store.NoAnswer},
		"a connection that pgx closed":         {&postgres, pgconn.ErrConnClosed, store.NoAnswer},
		"no way to PostgreSQL":                 {&postgres, &pgconn.ConnectError{Config: &pgconn.Config{}}, store.NoAnswer},
		"what PostgreSQL never says":           {&postgres, errors.New("unknown message type: H"), store.NoAnswer},
		"a message of a strange length":        {&postgres, errors.New("invalid message length: 2"), store.NoAnswer},
		"a message that is too long":           {&postgres, &pgproto3.ExceededMaxBodyLenErr{}, store.NoAnswer},
		"a message that cannot be read":        {&postgres, (&pgproto3.ReadyForQuery{}).Decode(nil), store.NoAnswer},
		"a row that cannot be read":            {&postgres, (&pgproto3.DataRow{}).Decode([]byte{0, 1}), store.NoAnswer},
		"a connection that was cut":            {&postgres, &net.OpError{Op: "read", Err: syscall.ECONNRESET}, store.NoAnswer},
		"a write to nobody":                    {&postgres, syscall.EPIPE, store.NoAnswer},
		"no route":                             {&postgres, syscall.EHOSTUNREACH, store.NoAnswer},
		"a connection that we closed":          {&postgres, net.ErrClosed, store.NoAnswer},
		"no TLS where some was":                {&postgres, tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}, store.NoAnswer},
		"a time-out of the driver's own":       {&postgres, context.DeadlineExceeded, store.NoAnswer},
		"another's cancelling":                 {&postgres, context.Canceled, store.NoAnswer},
		"a column that does not fit is none":   {&postgres, errors.New("sql: Scan error on column index 3"), ""},
		"a syntax error is none":               {&postgres, pg("42601"), ""},
		"a unique value is none":               {&postgres, pg("23505"), ""},
		"MySQL is shut down":                   {&mysqlDialect, my(1053, ""), reasonStops},
		"MariaDB killed the connection":        {&mysqlDialect, my(1927, ""), reasonStops},
		"too many connections":                 {&mysqlDialect, my(1040, ""), reasonCrowded},
		"read_only is set":                     {&mysqlDialect, my(1290, ""), reasonReadOnly},
		"read-only mode":                       {&mysqlDialect, my(1836, ""), reasonReadOnly},
		"a lock that took too long":            {&mysqlDialect, my(1205, ""), reasonBusy},
		"no space, in InnoDB's words":          {&mysqlDialect, my(1030, `Got error 28 "No space left on device" from storage engine InnoDB`), reasonNoSpace},
		"a table that is full":                 {&mysqlDialect, my(1114, ""), reasonNoSpace},
		"a Galera node that has not joined":    {&mysqlDialect, my(1047, "WSREP has not yet prepared node"), reasonStarts},
		"a MySQL connection that is no more":   {&mysqlDialect, mysql.ErrInvalidConn, store.NoAnswer},
		"a bad connection of database/sql":     {&mysqlDialect, driver.ErrBadConn, store.NoAnswer},
		"a packet out of order":                {&mysqlDialect, mysql.ErrPktSync, store.NoAnswer},
		"many packets out of order":            {&mysqlDialect, mysql.ErrPktSyncMul, store.NoAnswer},
		"a packet that cannot be read":         {&mysqlDialect, mysql.ErrMalformPkt, store.NoAnswer},
		"a buffer that is in use":              {&mysqlDialect, mysql.ErrBusyBuffer, store.NoAnswer},
		"half a write":                         {&mysqlDialect, io.ErrShortWrite, store.NoAnswer},
		"a MySQL that starts is known by code": {&mysqlDialect, &connectError{my(1047, "")}, reasonStarts},
		"a handshake that nobody answers":      {&mysqlDialect, &connectError{errors.New("bad connection")}, store.NoAnswer},
		"too long a statement is none":         {&mysqlDialect, mysql.ErrPktTooLarge, ""},
		"an end in the middle of an answer":    {&mysqlDialect, io.EOF, store.NoAnswer},
		"a syntax error of MySQL is none":      {&mysqlDialect, my(1064, ""), ""},
		"a taken unique value of it, as well":  {&mysqlDialect, my(1062, ""), ""},
	} {
		t.Run(name, func(t *testing.T) {
			err := (&Engine{dialect: c.dialect}).because(t.Context(), fmt.Errorf("store: find: %w", c.err))
			var outage *store.Outage
			if c.want == "" {
				assert.NotErrorAs(t, err, &outage)
				return
			}
			if assert.ErrorAs(t, err, &outage) {
				assert.Equal(t, c.want, outage.Reason)
			}
			assert.ErrorIs(t, err, c.err, "the cause is there for the log")
		})
	}
}

func TestARequestThatEndedIsNoOutage(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := (&Engine{dialect: &postgres}).because(ctx, io.EOF)
	assert.ErrorIs(t, err, context.Canceled)
	assert.NotErrorAs(t, err, new(*store.Outage))
	assert.Equal(t, store.ErrStale, (&Engine{dialect: &postgres}).because(t.Context(), store.ErrStale))
	assert.NotErrorAs(t, (&Engine{dialect: &postgres}).because(t.Context(), errors.New("anything")), new(*store.Outage))
}

// rude is a server that greets as MySQL does, and hangs up: what the driver says then has no name.
func rude(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // of a test
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			// Of the greeting, just enough for the driver to write its answer, which meets a reset.
			greeting := append(
				[]byte("\x0a5.5.5-10.11\x00\x01\x00\x00\x00abcdefgh\x00\xff\xf7\x2d\x02\x00\xff\xff\x15"),
				make([]byte, 10)...)
			greeting = append(greeting, "abcdefghijkl\x00mysql_native_password\x00"...)
			_, _ = conn.Write(append([]byte{byte(len(greeting)), 0, 0, 0}, greeting...))
			_ = conn.(*net.TCPConn).SetLinger(0)
			_ = conn.Close()
		}
	}()
	return l.Addr().String()
}

func TestAServerThatHangsUpWhileWeConnectIsAnOutage(t *testing.T) {
	db, err := openMySQL("mysql://u:p@"+rude(t)+"/x", Config{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	e := &Engine{dialect: &mysqlDialect}
	for range 50 {
		err := e.because(t.Context(), db.PingContext(t.Context()))
		require.ErrorAs(t, err, new(*store.Outage), "%v", err)
	}
}

func TestAServerThatHangsWhileWeConnectIsAnOutageInTime(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // of a test
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	db, err := openMySQL("mysql://u:p@"+l.Addr().String()+"/x?timeout=50ms", Config{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	err = (&Engine{dialect: &mysqlDialect}).because(ctx, db.PingContext(ctx))
	require.NoError(t, ctx.Err())
	require.ErrorAs(t, err, new(*store.Outage), "%v", err)
}
