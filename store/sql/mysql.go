package sql

import (
	stdsql "database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

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
	config.Collation = "utf8mb4_bin"
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
		return nil, unreadable("MySQL", dsn, err)
	}
	return stdsql.OpenDB(connector{made, config.Timeout}), nil
}

func mysqlConfig(dsn string) (*mysql.Config, error) {
	var config *mysql.Config
	var err error
	switch {
	case dsn == "":
		return nil, errors.New(
			"store: the connection string of MySQL is empty: give mysql://user:password@host:3306/database",
		)
	case strings.HasPrefix(dsn, "mysql://"):
		config, err = mysqlURL(dsn)
	case strings.Contains(dsn, "/"):
		config, err = mysql.ParseDSN(dsn)
	default:
		config, err = mysqlPairs(dsn)
	}
	if err != nil {
		return nil, unreadable("MySQL", dsn, err)
	}
	if config.DBName == "" {
		return nil, errors.New("store: the connection string of MySQL names no database")
	}
	return config, nil
}

// mysqlURL reads mysql://user:password@host:3306/database?parameters.
func mysqlURL(dsn string) (*mysql.Config, error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return nil, errors.New("it is no URL; characters such as @ : / ? # % in the password must be escaped, %40 for @")
	}
	config, err := mysql.ParseDSN("/?" + u.RawQuery)
	if err != nil {
		return nil, err
	}
	config.User = u.User.Username()
	config.Passwd, _ = u.User.Password()
	config.Net, config.Addr = "tcp", address(u.Hostname(), u.Port())
	config.DBName = strings.Trim(u.Path, "/")
	return config, nil
}

// mysqlPairs reads user=... password=... host=... port=... database=..., the form of PostgreSQL.
func mysqlPairs(dsn string) (*mysql.Config, error) {
	config := mysql.NewConfig()
	host, port := "", ""
	for _, pair := range strings.Fields(dsn) {
		name, value, ok := strings.Cut(pair, "=")
		switch {
		case !ok:
			return nil, errors.New("it must be pairs such as user=gatehouse, with spaces between them")
		case name == "user":
			config.User = value
		case name == "password":
			config.Passwd = value
		case name == "host":
			host = value
		case name == "port":
			port = value
		case name == "database" || name == "dbname":
			config.DBName = value
		case name == "tls" || name == "sslmode":
			config.TLSConfig = map[string]string{"disable": "false", "require": "skip-verify", "verify-full": "true"}[value]
			if config.TLSConfig == "" {
				config.TLSConfig = value
			}
		default:
			return nil, fmt.Errorf("it has a key %q; known are user, password, host, port, database and tls", name)
		}
	}
	config.Net, config.Addr = "tcp", address(host, port)
	if strings.HasPrefix(host, "/") {
		config.Net, config.Addr = "unix", host
	}
	return config, nil
}

func address(host, port string) string {
	if host == "" {
		host = "127.0.0.1"
	}
	if port == "" {
		port = "3306"
	}
	return net.JoinHostPort(host, port)
}
