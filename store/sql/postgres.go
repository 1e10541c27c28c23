package sql

import (
	stdsql "database/sql"
	"errors"
	"os"
	"regexp"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

var postgres = dialect{
	name:          "postgres",
	quote:         `"`,
	numbered:      true,
	document:      "doc::text",
	contains:      "%s LIKE ?",
	containsID:    "lower(%s) LIKE ?",
	like:          true,
	materialized:  "MATERIALIZED ",
	failureAborts: true,
	outage:        postgresOutage,
	fault: func(err error) fault {
		var e *pgconn.PgError
		if !errors.As(err, &e) {
			return faultOther
		}
		switch e.Code {
		case "23505": // unique_violation
			return faultUnique
		case "40001", "40P01": // serialization_failure, deadlock_detected
			return faultRetry
		}
		return faultOther
	},
}

// postgresTimeout finds a time-out for connecting in a connection string of either form.
var postgresTimeout = regexp.MustCompile(`\bconnect_timeout\s*=`)

// openPostgres makes a pool; nothing is asked of the server yet.
func openPostgres(dsn string, c Config) (*stdsql.DB, error) {
	if dsn == "" {
		return nil, errors.New(
			"store: the connection string of PostgreSQL is empty: give user, password, host, port and database as key=value, or a URL",
		)
	}
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, unreadable("PostgreSQL", plainPostgres(dsn, err))
	}
	if err := checkPostgres(dsn, config.RuntimeParams); err != nil {
		return nil, unreadable("PostgreSQL", err)
	}
	if c.PreferSimpleProtocol {
		config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	}
	// Without a setting, pgx takes two minutes.
	if !postgresTimeout.MatchString(dsn) && os.Getenv("PGCONNECT_TIMEOUT") == "" {
		config.ConnectTimeout = connectTimeout
	}
	// Documents are UTF-8 whatever the machine's locale, and the simple protocol asks for it.
	config.RuntimeParams["client_encoding"] = "UTF8"
	config.RuntimeParams["standard_conforming_strings"] = "on"
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "gatehouse"
	}
	return stdlib.OpenDB(*config), nil
}
