package sql

import (
	stdsql "database/sql"
	"errors"
	"fmt"

	"github.com/go-sql-driver/mysql"
)

var mysqlDialect = dialect{
	name:       "mysql",
	quote:      "`",
	document:   "doc",
	contains:   "INSTR(%s, BINARY ?) > 0",
	containsID: "INSTR(LOWER(CONVERT(%s USING utf8mb4)) COLLATE utf8mb4_bin, ?) > 0",
	outage:     mysqlOutage,
	fault: func(err error) fault {
		var e *mysql.MySQLError
		if !errors.As(err, &e) {
			return faultOther
		}
		switch e.Number {
		case 1062: // ER_DUP_ENTRY
			return faultUnique
		case 1213, 1020: // ER_LOCK_DEADLOCK; ER_CHECKREAD, by which MariaDB reports a write conflict
			return faultRetry
		}
		return faultOther
	},
}

// openMySQL makes a pool; nothing is asked of the server yet.
func openMySQL(dsn string, _ Config) (*stdsql.DB, error) {
	config, err := mysqlConfig(dsn)
	if err != nil {
		return nil, err
	}
	// Whatever the string says of charsets: documents are UTF-8 with four bytes, and are compared byte for byte.
	if err := config.Apply(mysql.Charset("utf8mb4", "utf8mb4_bin")); err != nil {
		return nil, fmt.Errorf("store: MySQL: %w", err)
	}
	// One round trip for a statement; the driver quotes the arguments.
	config.InterpolateParams = true
	// An update tells how many rows it met, not how many differ now.
	config.ClientFoundRows = true
	// Too long values are errors, whatever the server's habit.
	if config.Params == nil {
		config.Params = map[string]string{}
	}
	config.Params["sql_mode"] = "'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'"
	config.Logger = &mysql.NopLogger{}
	if config.Timeout == 0 {
		config.Timeout = connectTimeout
	}
	made, err := mysql.NewConnector(config)
	if err != nil {
		return nil, unreadable("MySQL", plainMySQL(err))
	}
	return stdsql.OpenDB(connector{made, config.Timeout}), nil
}
