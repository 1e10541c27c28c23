package app_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/apptest"
	"gatehouse/store"
)

// lineToDatabase stands between the program and a database server, and breaks as networks and servers do.
type lineToDatabase struct {
	t        *testing.T
	target   string
	listener net.Listener
	mu       sync.Mutex
	conns    map[net.Conn]bool
	refuses  bool
	hangs    atomic.Bool
	running  sync.WaitGroup
}

func newLine(t *testing.T, target string) *lineToDatabase {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // of a test
	require.NoError(t, err)
	w := &lineToDatabase{t: t, target: target, listener: l, conns: map[net.Conn]bool{}}
	w.running.Go(w.accept)
	t.Cleanup(func() {
		_ = l.Close()
		w.hangs.Store(false)
		w.refuse(true)
		w.running.Wait()
	})
	return w
}

func (w *lineToDatabase) accept() {
	for {
		client, err := w.listener.Accept()
		if err != nil {
			return
		}
		w.running.Go(func() { w.serve(client) })
	}
}

func (w *lineToDatabase) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", w.target) //nolint:noctx // of a test
	if err != nil {
		return
	}
	defer server.Close()
	w.mu.Lock()
	if w.refuses {
		w.mu.Unlock()
		return
	}
	w.conns[client], w.conns[server] = true, true
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.conns, client)
		delete(w.conns, server)
	}()
	done := make(chan struct{}, 2)
	for _, way := range [][2]net.Conn{{server, client}, {client, server}} {
		w.running.Go(func() {
			w.pass(way[0], way[1])
			done <- struct{}{}
		})
	}
	<-done
}

// pass copies until one end closes; a wire that hangs keeps what it has.
func (w *lineToDatabase) pass(to, from net.Conn) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		for w.hangs.Load() {
			time.Sleep(time.Millisecond)
		}
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// refuse lets nobody in, or everybody again; those who are in are cut off, in the middle of what they do.
func (w *lineToDatabase) refuse(on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.refuses = on
	w.cutLocked()
}

func (w *lineToDatabase) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cutLocked()
}

func (w *lineToDatabase) cutLocked() {
	for c := range w.conns {
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = c.Close()
	}
}

// onEveryServer runs a test on each database server that there is here, behind a wire.
func onEveryServer(t *testing.T, run func(t *testing.T, w *lineToDatabase, e store.Engine)) {
	t.Helper()
	t.Run("PostgreSQL", func(t *testing.T) {
		dsn := postgresDSN(t)
		u, err := url.Parse(dsn)
		require.NoError(t, err)
		if u.Host == "" {
			t.Skip("GATEHOUSE_TEST_POSTGRES must be a URL, so that a wire can be put before the server")
		}
		w := newLine(t, u.Host)
		u.Host = w.listener.Addr().String()
		e := openSQL(t, "postgres", u.String())
		t.Cleanup(func() { _ = e.Close() })
		run(t, w, e)
	})
	t.Run("MySQL", func(t *testing.T) {
		u, err := url.Parse(mysqlDSN(t))
		require.NoError(t, err)
		w := newLine(t, u.Host)
		u.Host = w.listener.Addr().String()
		e := openSQL(t, "mysql", u.String())
		t.Cleanup(func() { _ = e.Close() })
		run(t, w, e)
	})
}

// load is clients of both faces that go on until they are told to stop.
type load struct {
	s        *apptest.Server
	mu       sync.Mutex
	statuses map[int]int
	odd      []string
	kept     map[string]string // what was acknowledged: id and name
	stop     chan struct{}
	running  sync.WaitGroup
}

func startLoad(t *testing.T, s *apptest.Server, clients int) *load {
	t.Helper()
	l := &load{s: s, statuses: map[int]int{}, kept: map[string]string{}, stop: make(chan struct{})}
	for client := range clients {
		l.running.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-l.stop:
					return
				default:
				}
				name := fmt.Sprintf("outage %d %d", client, n)
				switch n % 3 {
				case 0:
					r := s.REST(
						t,
						"POST",
						"/api/apis",
						`{"api_definition":{"name":"`+name+`","proxy":{"listen_path":"/`+fmt.Sprintf("%d-%d", client, n)+`/"}}}`,
					)
					l.note(r, "")
					if r.Status == http.StatusOK {
						l.keep(r.Get("ID").Str, name)
					}
				case 1:
					l.note(s.REST(t, "GET", "/api/apis", ""), "")
				case 2:
					r := s.Do(
						t,
						"POST",
						"/graphql",
						`{"query":"{ apis(first: 5) { totalCount } }"}`,
						"Authorization: "+s.AccessKey,
						"Content-Type: application/json",
					)
					l.note(r, r.Get("errors.0.extensions.code").Str)
				}
			}
		})
	}
	return l
}

func (l *load) note(r apptest.Reply, code string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.statuses[r.Status]++
	fine := r.Status == http.StatusOK && code == ""
	down := r.Status == http.StatusServiceUnavailable && r.Header.Get("Retry-After") != "" &&
		(code == "" || code == "UNAVAILABLE")
	if !fine && !down && len(l.odd) < 5 {
		l.odd = append(l.odd, fmt.Sprintf("%d %s %s", r.Status, r.Header.Get("Retry-After"), r.Body))
	}
}

func (l *load) keep(id, name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kept[id] = name
}

func (l *load) count(status int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.statuses[status]
}

func waitFor(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !holds(); time.Sleep(2 * time.Millisecond) {
		require.True(t, time.Now().Before(end), "waited for %s", what)
	}
}

func TestADatabaseThatBreaksIsAnsweredWith503AndLosesNothing(t *testing.T) {
	onEveryServer(t, func(t *testing.T, w *lineToDatabase, e store.Engine) {
		log := &lines{}
		s := apptest.New(
			t,
			apptest.WithEngine(e),
			apptest.WithStore(store.WithCacheTTL(0)),
			apptest.WithLog(slog.New(slog.NewTextHandler(log, nil))),
		)
		began := time.Now()
		l := startLoad(t, s, 6)
		some := func(status, more int) {
			t.Helper()
			was := l.count(status)
			waitFor(t, fmt.Sprintf("%d answers with %d", more, status), func() bool { return l.count(status) >= was+more })
		}
		some(200, 20)
		for range 2 {
			w.cut() // in the middle of whatever is under way
			some(200, 10)
			w.refuse(true)
			some(503, 20)
			waitFor(t, "/hello to say why", func() bool { // it is at most a second old
				health := s.Do(t, "GET", "/hello", "")
				return health.Status == 503 && health.Get("status").Str == "fail" &&
					health.Get("details.store.output").Str == store.NoAnswer
			})
			w.refuse(false)
			some(200, 20)
			waitFor(t, "/hello to pass", func() bool { return s.Do(t, "GET", "/hello", "").Status == 200 })
		}
		close(l.stop)
		l.running.Wait()
		assert.Empty(t, l.odd, "neither done nor 503 with Retry-After")
		assert.NotEmpty(t, l.kept)
		for id, name := range l.kept {
			r := s.REST(t, "GET", "/api/apis/"+id, "")
			require.Equal(t, 200, r.Status, "%s was acknowledged", name)
			require.Equal(t, name, r.Get("api_definition.name").Str)
		}
		told := strings.Count(log.String(), "msg=unavailable")
		assert.Positive(t, told)
		assert.LessOrEqual(t, told, int(time.Since(began)/time.Second)+1, "one line a second")
		assert.NotContains(t, log.String(), "internal error")
		t.Logf("answers: %v, lines of the outage: %d", l.statuses, told)
	})
}

// lines is a log that is read while it is written.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

var _ io.Writer = (*lines)(nil)

// Write implements io.Writer.
func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

// String returns what was written so far.
func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}
