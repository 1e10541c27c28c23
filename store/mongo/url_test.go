package mongo

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/connstring"

	"gatehouse/store"
)

func TestParseURL(t *testing.T) {
	long := strings.Repeat("d", 63)
	for name, tc := range map[string]struct {
		raw, url, hosts, database string
	}{
		"a plain one":                       {"mongodb://db:27017/tyk", "mongodb://db:27017/tyk", "db:27017", "tyk"},
		"no database is the default one":    {"mongodb://db", "mongodb://db/", "db", DefaultDatabase},
		"an empty path is the default one":  {"mongodb://db/?tls=true", "mongodb://db/?tls=true", "db", DefaultDatabase},
		"the scheme may be left out":        {"db:27017/tyk", "mongodb://db:27017/tyk", "db:27017", "tyk"},
		"the slash may be left out":         {"mongodb://db?tls=true", "mongodb://db/?tls=true", "db", DefaultDatabase},
		"spaces around are no part of it":   {" mongodb://db/tyk\n", "mongodb://db/tyk", "db", "tyk"},
		"several hosts":                     {"mongodb://a:1,b:2/tyk?replicaSet=rs", "mongodb://a:1,b:2/tyk?replicaSet=rs", "a:1,b:2", "tyk"},
		"SRV":                               {"mongodb+srv://u:p@cluster.example.org/tyk", "mongodb+srv://u:p@cluster.example.org/tyk", "cluster.example.org", "tyk"},
		"IPv6":                              {"mongodb://[::1]:27017/tyk", "mongodb://[::1]:27017/tyk", "[::1]:27017", "tyk"},
		"an escaped password":               {"mongodb://u:p%40s%2Fs@db/tyk", "mongodb://u:p%40s%2Fs@db/tyk", "db", "tyk"},
		"an escaped database name":          {"mongodb://db/t%79k", "mongodb://db/t%79k", "db", "tyk"},
		"a socket":                          {"mongodb://%2Ftmp%2Fm.sock/tyk", "mongodb://%2Ftmp%2Fm.sock/tyk", "%2Ftmp%2Fm.sock", "tyk"},
		"the longest database name":         {"mongodb://db/" + long, "mongodb://db/" + long, "db", long},
		"a question mark in the options":    {"mongodb://db/tyk?appName=a?b", "mongodb://db/tyk?appName=a?b", "db", "tyk"},
		"a slash and an at in the options":  {"mongodb://db/?appName=a/b@c", "mongodb://db/?appName=a/b@c", "db", DefaultDatabase},
		"a user without a password":         {"mongodb://u@db/tyk", "mongodb://u@db/tyk", "db", "tyk"},
		"a scheme-less one with a password": {"u:p@db/tyk", "mongodb://u:p@db/tyk", "db", "tyk"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseURL(tc.raw)
			if err != nil {
				t.Fatal(err)
			}
			if got.url != tc.url || got.hosts != tc.hosts || got.database != tc.database {
				t.Errorf("got %q, hosts %q, database %q", got.url, got.hosts, got.database)
			}
		})
	}
}

func TestParseURLRefuses(t *testing.T) {
	for name, tc := range map[string]struct{ raw, says string }{
		"nothing":                          {" ", "there is no connection URL"},
		"another scheme":                   {"postgres://db/tyk", "must start with mongodb://"},
		"no host":                          {"mongodb:///tyk", "names no host"},
		"a user and no host":               {"mongodb://u:hunter2@/tyk", "names no host"},
		"an at in the password":            {"mongodb://u:hunter2@x@db/tyk", "write @ as %40"},
		"a colon in the password":          {"mongodb://u:hunter2:x@db/tyk", ": as %3A"},
		"a percent in the password":        {"mongodb://u:hunter2%zz@db/tyk", "write % as %25"},
		"a slash in the password":          {"mongodb://u:12/hunter2@db/tyk", "/ as %2F"},
		"a question mark in the password":  {"mongodb://u:12?hunter2@db/tyk", "? as %3F"},
		"a database name with a dot":       {"mongodb://db/a.b", "database name"},
		"a database name with a slash":     {"mongodb://db/a/b", "database name"},
		"a database name that is too long": {"mongodb://db/" + strings.Repeat("d", 64), "at most 63 bytes"},
		"a database name with bad escapes": {"mongodb://db/a%", "write % as %25"},
		"a NUL byte":                       {"mongodb://db/a\x00", "NUL"},
		"bytes that are no text":           {"mongodb://db/\xff", "UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseURL(tc.raw)
			if err == nil {
				t.Fatalf("taken as %+v", got)
			}
			if !strings.Contains(err.Error(), tc.says) {
				t.Errorf("error %q does not say %q", err, tc.says)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("error %q shows the password", err)
			}
		})
	}
}

func TestErrorsHideThePassword(t *testing.T) {
	parsed, err := parseURL("mongodb://u:p%40ss%20word@db/tyk")
	if err != nil {
		t.Fatal(err)
	}
	for _, spelling := range []string{"p%40ss%20word", "p@ss word", "p%40ss+word", `"p@ss word"`} {
		hidden := parsed.hide(fmt.Errorf("cannot reach u:%s@db: %w", spelling, store.ErrNewerSchema))
		if strings.Contains(hidden.Error(), "ss") {
			t.Errorf("%q is shown: %v", spelling, hidden)
		}
		if !errors.Is(hidden, store.ErrNewerSchema) {
			t.Errorf("%v lost its cause", hidden)
		}
	}
	plain := errors.New("connection refused")
	if got := parsed.hide(plain); !errors.Is(got, plain) || got.Error() != plain.Error() {
		t.Errorf("an error without the password became %v", got)
	}
}

// FuzzParseURL checks that our reading of a URL agrees with the driver's: where the driver takes what we make of it, it
// finds the same database, and the password is on our list of secrets.
func FuzzParseURL(f *testing.F) {
	for _, seed := range []string{
		"mongodb://db:27017/tyk", "u:p@db", "mongodb://u:p%40@a,b/t?replicaSet=rs&tls=true", "mongodb://db?x=/@", "mongodb://u:p:q@db/%41", "://", "mongodb://@/",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		got, err := parseURL(raw)
		if err != nil {
			return
		}
		if strings.HasPrefix(got.url, "mongodb+srv") {
			return // the driver would ask the name server
		}
		theirs, err := connstring.Parse(got.url)
		if err != nil {
			return
		}
		want := theirs.Database
		if want == "" {
			want = DefaultDatabase
		}
		if got.database != want {
			t.Errorf("%q: database %q, the driver reads %q", raw, got.database, want)
		}
		if p := theirs.Password; p != "" {
			if text := got.hide(errors.New("is <" + p + ">")).Error(); text == "is <"+p+">" && p != "***" {
				t.Errorf("%q: the password %q is shown", raw, p)
			}
		}
	})
}
