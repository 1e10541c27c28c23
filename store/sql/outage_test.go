package sql

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"

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
		"PostgreSQL is shut down":             {&postgres, pg("57P01"), reasonStops},
		"PostgreSQL crashed":                  {&postgres, pg("57P02"), reasonStops},
		"PostgreSQL starts":                   {&postgres, pg("57P03"), reasonStarts},
		"a connection exception":              {&postgres, pg("08006"), store.NoAnswer},
		"too many clients":                    {&postgres, pg("53300"), reasonCrowded},
		"the server's disk is full":           {&postgres, pg("53100"), reasonNoSpace},
		"a standby":                           {&postgres, pg("25006"), reasonReadOnly},
		"a conflict that would not end":       {&postgres, pg("40001"), reasonBusy},
		"the server's disk fails":             {&postgres, pg("58030"), reasonDisk},
		"a damaged page":                      {&postgres, pg("XX001"), reasonDamaged},
		"a password that changed":             {&postgres, pg("28P01"), reasonRefused},
		"a startup that was refused":          {&postgres, fmt.Errorf("connect: %w", pg("57P03")), reasonStarts},
		"PostgreSQL closes the connection":    {&postgres, fmt.Errorf("receive: %w", io.ErrUnexpectedEOF), store.NoAnswer},
		"nobody listens":                      {&postgres, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, store.NoAnswer},
		"database/sql gave up":                {&postgres, driver.ErrBadConn, store.NoAnswer},
		"a syntax error is none":              {&postgres, pg("42601"), ""},
		"a unique value is none":              {&postgres, pg("23505"), ""},
		"MySQL is shut down":                  {&mysqlDialect, my(1053, ""), reasonStops},
		"MariaDB killed the connection":       {&mysqlDialect, my(1927, ""), reasonStops},
		"too many connections":                {&mysqlDialect, my(1040, ""), reasonCrowded},
		"read_only is set":                    {&mysqlDialect, my(1290, ""), reasonReadOnly},
		"read-only mode":                      {&mysqlDialect, my(1836, ""), reasonReadOnly},
		"a lock that took too long":           {&mysqlDialect, my(1205, ""), reasonBusy},
		"no space, in InnoDB's words":         {&mysqlDialect, my(1030, `Got error 28 "No space left on device" from storage engine InnoDB`), reasonNoSpace},
		"a table that is full":                {&mysqlDialect, my(1114, ""), reasonNoSpace},
		"a Galera node that has not joined":   {&mysqlDialect, my(1047, "WSREP has not yet prepared node"), reasonStarts},
		"a MySQL connection that is no more":  {&mysqlDialect, mysql.ErrInvalidConn, store.NoAnswer},
		"an end in the middle of an answer":   {&mysqlDialect, io.EOF, store.NoAnswer},
		"a syntax error of MySQL is none":     {&mysqlDialect, my(1064, ""), ""},
		"a taken unique value of it, as well": {&mysqlDialect, my(1062, ""), ""},
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
