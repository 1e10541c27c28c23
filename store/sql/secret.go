package sql

import (
	"errors"
	"fmt"
	"strings"
)

// unreadable says what is wrong with a connection string. The cause must hold no part of it that may be of a password:
// parsers that could not tell the parts apart repeat the wrong ones, so their texts are replaced by ours.
func unreadable(database string, cause error) error {
	return fmt.Errorf("store: the connection string of %s cannot be read: %w", database, cause)
}

// plainPostgres says what is wrong with a connection string that pgx refuses, in words of which none is the string's.
func plainPostgres(dsn string, err error) error {
	if isPostgresURL(dsn) {
		if _, err := parseURL(dsn); err != nil {
			return err
		}
	}
	// The outermost text repeats the string, and hides what it takes for the password.
	if inner := errors.Unwrap(err); inner != nil {
		err = inner
	}
	text := err.Error()
	for _, known := range []struct{ part, says string }{
		{"sslmode is invalid", "sslmode is none of disable, allow, prefer, require, verify-ca and verify-full"},
		{"invalid port", "the port is no number from 1 to 65535"},
		{"parsing", "the port, or a time-out, is no number that is allowed"},
		{"outside range", "the port is no number from 1 to 65535"},
		{"unterminated quoted", "a value that begins with a quote must end with one"},
		{"NUL", "it holds a NUL byte"},
		{"sslcert", "sslcert and sslkey name files that belong together, and can be read"},
		{"CA ", "sslrootcert names a file with certificates in PEM that can be read"},
		{"service", "the service, or its file, cannot be found"},
	} {
		if strings.Contains(text, known.part) {
			return errors.New(known.says)
		}
	}
	return errors.New(
		"give pairs such as user=gatehouse, with spaces between them and quotes around a value that holds spaces, " +
			"password='a b', or a URL in whose password @ : / ? # % are escaped, %40 for @",
	)
}

func isPostgresURL(dsn string) bool {
	return strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://")
}

// checkPostgres refuses what pgx takes, but not as it is meant: a password that ends the host's part of a URL, and one
// with a space, whose rest becomes a parameter of the session with a space in its name.
func checkPostgres(dsn string, parameters map[string]string) error {
	if isPostgresURL(dsn) {
		_, err := parseURL(dsn)
		return err
	}
	for name := range parameters {
		if strings.ContainsAny(name, " \t\r\n") {
			return errors.New("a value that holds spaces must be quoted, password='a b'")
		}
	}
	return nil
}
