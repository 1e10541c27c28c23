package mongo

import (
	"context"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"gatehouse/internal/core"
	"gatehouse/store"
	"gatehouse/store/storetest"
)

// quiet is a logger for tests that are not about the log.
var quiet = slog.New(slog.DiscardHandler)

// withoutTransactions leaves out what a server can only do with transactions; Apply says what holds without them.
func withoutTransactions() []storetest.Option {
	const isolation = "without transactions others see the writes of an Apply one by one"
	return []storetest.Option{
		storetest.WithSkip("concurrency/a reader never sees half of an Apply", isolation),
		storetest.WithSkip(
			"concurrency/writers that cross each other all come through",
			isolation+", and a write on top of one that is undone keeps it",
		),
	}
}

// TestSuite runs on a real MongoDB, in databases that it makes beside the one that MONGO_URL names, and drops.
func TestSuite(t *testing.T) {
	url := mongoURL(t)
	var opts []storetest.Option
	if !openDatabase(t, url).transactions {
		opts = withoutTransactions()
	}
	storetest.RunAll(t, func(t *testing.T) store.Engine { return openDatabase(t, url) }, opts...)
}

// TestSuiteWithoutTransactions runs the path that single servers take on whatever MONGO_URL names.
func TestSuiteWithoutTransactions(t *testing.T) {
	url := mongoURL(t)
	storetest.RunAll(t, func(t *testing.T) store.Engine {
		e := openDatabase(t, url)
		e.transactions = false
		return e
	}, withoutTransactions()...)
}

func mongoURL(t *testing.T) string {
	t.Helper()
	url := os.Getenv("MONGO_URL")
	if url == "" {
		t.Skip("MONGO_URL names no MongoDB to test on: set it to the URL of a replica set")
	}
	return url
}

// openDatabase opens an engine on a database of its own, which is dropped when the test ends.
func openDatabase(t *testing.T, url string) *Engine {
	t.Helper()
	parsed, err := parseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	url = inDatabase(parsed.url, "gatehouse_test_"+core.NewID(time.Now()))
	open := func(ctx context.Context) *Engine {
		e, err := Open(ctx, Config{URL: url, Logger: quiet})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	e := open(t.Context())
	t.Cleanup(func() {
		_ = e.Close() // a case may have closed it, so the database is dropped over another connection
		e := open(context.Background())
		if err := e.db.Drop(context.Background()); err != nil {
			t.Error(err)
		}
		_ = e.Close()
	})
	return e
}

// inDatabase is a connection URL with another database; users stay in the one that knows them.
func inDatabase(url, database string) string {
	scheme, rest, _ := strings.Cut(url, "://")
	authority, path, query := splitURL(rest)
	if strings.Contains(authority, "@") && !strings.Contains(strings.ToLower(query), "authsource=") {
		if path == "" {
			path = "admin"
		}
		query = "?authSource=" + path + strings.Replace(query, "?", "&", 1)
	}
	return scheme + "://" + authority + "/" + database + query
}

func TestInDatabase(t *testing.T) {
	for url, want := range map[string]string{
		"mongodb://db/":                       "mongodb://db/x",
		"mongodb://a,b/tyk?replicaSet=r":      "mongodb://a,b/x?replicaSet=r",
		"mongodb://u:p@db/":                   "mongodb://u:p@db/x?authSource=admin",
		"mongodb://u:p@db/tyk?tls=true":       "mongodb://u:p@db/x?authSource=tyk&tls=true",
		"mongodb://u:p@db/tyk?authSource=adm": "mongodb://u:p@db/x?authSource=adm",
	} {
		if got := inDatabase(url, "x"); got != want {
			t.Errorf("%s became %s, want %s", url, got, want)
		}
	}
}

func TestOpenSaysWhatIsWrongWithTheConfiguration(t *testing.T) {
	for name, tc := range map[string]struct {
		config Config
		says   string
	}{
		"no URL":                   {Config{}, "there is no connection URL"},
		"an unknown option value":  {Config{URL: "mongodb://u:hunter2@db/?tls=maybe"}, "maybe"},
		"an unknown consistency":   {Config{URL: "mongodb://db", SessionConsistency: "weak"}, "strong, monotonic or eventual"},
		"a negative batch size":    {Config{URL: "mongodb://db", BatchSize: -1}, "must not be negative"},
		"a missing CA file":        {Config{URL: "mongodb://db", UseSSL: true, CAFile: "testdata/missing.pem"}, "testdata/missing.pem"},
		"a CA file without any":    {Config{URL: "mongodb://db", UseSSL: true, CAFile: "mongo_test.go"}, "holds no PEM certificate"},
		"a missing key file":       {Config{URL: "mongodb://db", UseSSL: true, PEMKeyFile: "testdata/missing.pem"}, "testdata/missing.pem"},
		"several hosts, directly":  {Config{URL: "mongodb://a,b", DirectConnection: true}, "direct connection"},
		"a host that is not there": {Config{URL: "mongodb://u:hunter2@" + closedPort(t) + "/"}, "check that MongoDB runs there"},
	} {
		t.Run(name, func(t *testing.T) {
			defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
			start := time.Now()
			e, err := Open(t.Context(), tc.config)
			if err == nil {
				_ = e.Close()
				t.Fatal("opened")
			}
			if !strings.Contains(err.Error(), tc.says) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("error %q must say %q, and not the password", err, tc.says)
			}
			if took := time.Since(start); took > 3*selectionTimeout {
				t.Errorf("took %v", took)
			}
		})
	}
}

func TestOpenHonoursItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	if _, err := Open(ctx, Config{URL: "mongodb://" + silent(t)}); err == nil {
		t.Fatal("opened")
	}
	if took := time.Since(start); took > selectionTimeout/2 {
		t.Errorf("took %v", took)
	}
}

func TestReadPreference(t *testing.T) {
	for consistency, want := range map[string]string{"": "primary", "strong": "primary", "Monotonic": "primaryPreferred", "eventual": "nearest"} {
		got, err := readPreference(consistency)
		if err != nil || got.Mode().String() != want {
			t.Errorf("%q reads from %v, %v, want %s", consistency, got, err, want)
		}
	}
}

// closedPort is an address that refuses connections.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// silent is an address that takes connections and never answers.
func silent(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_, _ = io.Copy(io.Discard, conn)
			}()
		}
	}()
	return l.Addr().String()
}
