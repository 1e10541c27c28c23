package mongo

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"
)

// target is a connection URL, taken apart as far as we need it.
type target struct {
	url      string
	hosts    string
	database string
	// secrets are the spellings of the password that must not show.
	secrets []string
}

// parseURL finds hosts, database and password in a connection URL; the rest of the URL is the driver's to judge. It
// completes what older drivers let people leave out: the scheme, and the slash before the options.
func parseURL(raw string) (target, error) {
	raw = strings.TrimSpace(raw)
	if raw == "" {
		return target{}, errors.New(
			"mongo: there is no connection URL: give one such as mongodb://localhost:27017/" + DefaultDatabase,
		)
	}
	if !utf8.ValidString(raw) || strings.ContainsRune(raw, 0) {
		return target{}, errors.New("mongo: the connection URL must be UTF-8 text without NUL bytes")
	}
	scheme, rest, found := strings.Cut(raw, "://")
	if !found {
		scheme, rest = "mongodb", raw
	}
	if scheme != "mongodb" && scheme != "mongodb+srv" {
		return target{}, errors.New("mongo: the connection URL must start with mongodb:// or mongodb+srv://")
	}
	authority, path, query := splitURL(rest)
	// A / or ? in a password ends what is read as the hosts, and leaves an @ behind.
	if first, _, at := strings.Cut(query, "@"); strings.Contains(path, "@") || at && !strings.Contains(first, "=") {
		return target{}, errSpecial
	}
	user, hosts, secrets, err := splitAuthority(authority)
	if err != nil {
		return target{}, err
	}
	if hosts == "" {
		return target{}, errors.New(
			"mongo: the connection URL names no host: give one such as mongodb://localhost:27017/" + DefaultDatabase,
		)
	}
	database, err := databaseName(path)
	if err != nil {
		return target{}, err
	}
	return target{
		url:      scheme + "://" + user + hosts + "/" + path + query,
		hosts:    hosts,
		database: database,
		secrets:  secrets,
	}, nil
}

var errSpecial = errors.New(
	"mongo: user or password in the connection URL holds a special character: " +
		"write @ as %40, : as %3A, / as %2F, ? as %3F, # as %23 and % as %25",
)

// splitURL cuts authority/path?query. The query keeps its question mark.
func splitURL(s string) (authority, path, query string) {
	if i := strings.IndexByte(s, '?'); i >= 0 {
		s, query = s[:i], s[i:]
	}
	authority, path, _ = strings.Cut(s, "/")
	return authority, path, query
}

// splitAuthority cuts user:password@hosts; user keeps its @. What is wrong with the password is said without its text.
func splitAuthority(authority string) (user, hosts string, secrets []string, err error) {
	at := strings.LastIndexByte(authority, '@')
	if at < 0 {
		return "", authority, nil, nil
	}
	user, hosts = authority[:at+1], authority[at+1:]
	name, password, _ := strings.Cut(user[:at], ":")
	if strings.ContainsAny(name+password, "@:") {
		return "", "", nil, errSpecial
	}
	for _, part := range []string{name, password} {
		plain, err := url.PathUnescape(part)
		if err != nil {
			return "", "", nil, errors.New(
				"mongo: user or password in the connection URL holds a % that starts no escape: write % as %25",
			)
		}
		if part == password && password != "" {
			secrets = []string{password, plain, url.QueryEscape(plain), fmt.Sprintf("%q", plain)}
		}
	}
	return user, hosts, secrets, nil
}

// databaseName reads the path of a URL. The rules are MongoDB's for names that work on every platform.
func databaseName(path string) (string, error) {
	name, err := url.QueryUnescape(path) // as the driver does, + included
	switch {
	case err != nil:
		return "", errors.New(
			"mongo: the database name in the connection URL holds a % that starts no escape: write % as %25",
		)
	case name == "":
		return DefaultDatabase, nil
	case len(name) > 63 || !utf8.ValidString(name) || strings.ContainsAny(name, "/\\. \"$*<>:|?\x00"):
		return "", fmt.Errorf(
			"mongo: the database name %q in the connection URL must have at most 63 bytes "+
				"and none of / \\ . \" $ * < > : | ? or space",
			name,
		)
	}
	return name, nil
}

// hide takes the password out of an error. What errors.Is finds in it stays.
func (t target) hide(err error) error {
	text := err.Error()
	for _, secret := range t.secrets {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "***")
		}
	}
	if text == err.Error() {
		return err
	}
	return hiddenError{text: text, err: err}
}

// hiddenError shows text in place of the text of err.
type hiddenError struct {
	text string
	err  error
}

func (e hiddenError) Error() string        { return e.text }
func (e hiddenError) Is(target error) bool { return errors.Is(e.err, target) }
