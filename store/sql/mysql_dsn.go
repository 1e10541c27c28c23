package sql

import (
	"errors"
	"net"
	"net/url"
	"regexp"
	"strings"

	"github.com/go-sql-driver/mysql"
)

// mysqlPair begins a connection string of pairs. The driver's own form may hold an = too, but not behind such a word.
var mysqlPair = regexp.MustCompile(`^\s*(?:user|password|host|port|database|dbname|tls|sslmode)=`)

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
	case mysqlPair.MatchString(dsn), !strings.Contains(dsn, "/"):
		config, err = mysqlPairs(dsn)
	default:
		config, err = mysqlDSN(dsn)
	}
	if err != nil {
		return nil, unreadable("MySQL", err)
	}
	if config.DBName == "" {
		return nil, errors.New("store: the connection string of MySQL names no database")
	}
	return config, nil
}

// mysqlDSN reads the driver's own form, user:password@tcp(host:3306)/database?parameters. The driver looks for its
// parts from the end, so that a password may hold what it likes.
func mysqlDSN(dsn string) (*mysql.Config, error) {
	config, err := mysql.ParseDSN(dsn)
	if err != nil {
		return nil, plainMySQL(err)
	}
	return config, nil
}

// plainMySQL is an error of the driver where its text is a fixed one. Others repeat parts of the string, and which part
// is the password is what the driver could not tell.
func plainMySQL(err error) error {
	text := err.Error()
	if strings.HasPrefix(text, "invalid DSN: ") {
		return errors.New(strings.TrimPrefix(text, "invalid DSN: "))
	}
	return errors.New(
		"a network, or a parameter, is none that MySQL's driver knows; " +
			"the form is user:password@tcp(host:3306)/database?parameter=value",
	)
}

// mysqlURL reads mysql://user:password@host:3306/database?parameters.
func mysqlURL(dsn string) (*mysql.Config, error) {
	u, err := parseURL(dsn)
	if err != nil {
		return nil, err
	}
	config, err := mysql.ParseDSN("/?" + u.RawQuery)
	if err != nil {
		return nil, plainMySQL(err)
	}
	config.User = u.User.Username()
	config.Passwd, _ = u.User.Password()
	config.Net, config.Addr = "tcp", address(u.Hostname(), u.Port())
	config.DBName = strings.Trim(u.Path, "/")
	return config, nil
}

var errNoURL = errors.New(
	"it is no URL; characters such as @ : / ? # % in the password must be escaped, %40 for @",
)

// parseURL reads a URL whose password may be the reason that it is none. Where a / ? or # in the password ends what is
// read as the host, an @ is left behind it.
func parseURL(dsn string) (*url.URL, error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return nil, errNoURL
	}
	first, _, _ := strings.Cut(u.RawQuery, "@")
	if strings.Contains(u.EscapedPath()+u.Fragment, "@") ||
		strings.Contains(u.RawQuery, "@") && !strings.Contains(first, "=") {
		return nil, errNoURL
	}
	return u, nil
}

// mysqlPairs reads user=... password=... host=... port=... database=..., the form of PostgreSQL. A value that holds
// spaces stands between single quotes, in which \' and \\ stand for themselves.
func mysqlPairs(dsn string) (*mysql.Config, error) {
	config := mysql.NewConfig()
	host, port, last := "", "", ""
	for rest := strings.TrimSpace(dsn); rest != ""; rest = strings.TrimSpace(rest) {
		name, after, ok := strings.Cut(rest, "=")
		if !ok || strings.ContainsAny(name, " \t\r\n") {
			return nil, errors.New(
				"it must be pairs such as user=gatehouse, with spaces between them; quote a value that holds spaces, password='a b'",
			)
		}
		value, left, err := pairValue(after)
		if err != nil {
			return nil, err
		}
		rest = left
		switch name {
		case "user":
			config.User = value
		case "password":
			config.Passwd = value
		case "host":
			host = value
		case "port":
			port = value
		case "database", "dbname":
			config.DBName = value
		case "tls", "sslmode":
			config.TLSConfig = map[string]string{"disable": "false", "require": "skip-verify", "verify-full": "true"}[value]
			if config.TLSConfig == "" {
				config.TLSConfig = value
			}
		default:
			return nil, unknownKey(name, last)
		}
		last = name
	}
	config.Net, config.Addr = "tcp", address(host, port)
	if strings.HasPrefix(host, "/") {
		config.Net, config.Addr = "unix", host
	}
	return config, nil
}

// unknownKey names the key, unless it may be a part of a password with a space in it.
func unknownKey(name, before string) error {
	const known = "known are user, password, host, port, database and tls"
	if before == "password" {
		return errors.New("it has a key behind the password that is not known: " + known +
			"; quote a password that holds spaces, password='a b'")
	}
	return errors.New(`it has a key "` + name + `"; ` + known)
}

// pairValue cuts the value of a pair off, and takes its quotes away.
func pairValue(s string) (value, rest string, err error) {
	if !strings.HasPrefix(s, "'") {
		if i := strings.IndexAny(s, " \t\r\n"); i >= 0 {
			return s[:i], s[i:], nil
		}
		return s, "", nil
	}
	var out strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			i++
			out.WriteByte(s[i])
		case s[i] != '\'':
			out.WriteByte(s[i])
		case i+1 < len(s) && !strings.ContainsAny(s[i+1:i+2], " \t\r\n"):
			return "", "", errors.New(`a quote inside of a quoted value must be escaped, \'`)
		default:
			return out.String(), s[i+1:], nil
		}
	}
	return "", "", errors.New("a value that begins with a quote must end with one")
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
