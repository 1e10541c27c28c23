package nodes_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"
	"go.uber.org/goleak"

	"gatehouse/internal/changes"
	"gatehouse/internal/core"
	"gatehouse/internal/gateway/definition"
	"gatehouse/internal/gateway/nodes"
	"gatehouse/store"
	"gatehouse/store/sql"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret = "the node secret of these tests"

// gateway is a client of the node protocol that does what stock gateways do: it takes the node id and each new nonce
// out of the answers, and sends them with the next call.
type gateway struct {
	handler  http.Handler
	session  string
	id       string
	nonce    string
	hostname string
	secret   string
}

func newGateway(h http.Handler) *gateway {
	return &gateway{handler: h, session: core.NewHex(), hostname: "gw.example", secret: secret}
}

// reply is an answer of the server.
type reply struct {
	status int
	body   string
	nonce  string
}

// get reads the body with a gjson path.
func (r reply) get(path string) gjson.Result { return gjson.Get(r.body, path) }

// ask makes a call with the nonce of now, and leaves it to the caller to take up the new one: calls of a gateway
// overlap.
func (g *gateway) ask(t testing.TB, method, path, body string) reply {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	req.Header.Set("authorization", g.secret)
	req.Header.Set("x-tyk-hostname", g.hostname)
	req.Header.Set("x-tyk-session-id", g.session)
	if g.id != "" {
		req.Header.Set("x-tyk-nodeid", g.id)
		req.Header.Set("x-tyk-nonce", g.nonce)
	}
	w := httptest.NewRecorder()
	g.handler.ServeHTTP(w, req)
	raw, err := io.ReadAll(w.Body)
	require.NoError(t, err)
	require.True(t, json.Valid(raw), "%s", raw)
	return reply{w.Code, string(raw), gjson.GetBytes(raw, "Nonce").Str}
}

// must makes a call that has to succeed, and takes up its nonce.
func (g *gateway) must(t testing.TB, method, path, body string) reply {
	t.Helper()
	r := g.ask(t, method, path, body)
	require.Equal(t, http.StatusOK, r.status, "%s %s: %s", method, path, r.body)
	require.NotEmpty(t, r.nonce)
	g.nonce = r.nonce
	return r
}

func (g *gateway) register(t testing.TB) {
	t.Helper()
	g.id = g.must(t, "GET", "/register/node", "").get("Message.NodeID").Str
	require.True(t, core.IsID(g.id))
}

func (g *gateway) beat(t testing.TB) { t.Helper(); g.must(t, "GET", "/register/ping", "") }

// load reloads, in the order of a gateway.
func (g *gateway) load(t testing.TB) (policies, apis reply) {
	t.Helper()
	policies = g.must(t, "GET", "/system/policies", "")
	return policies, g.must(t, "GET", "/system/apis", "")
}

// refused makes a call that has to be refused with words that make gateways register again.
func (g *gateway) refused(t testing.TB, words string) {
	t.Helper()
	r := g.ask(t, "GET", "/register/ping", "")
	require.Equal(t, http.StatusForbidden, r.status, r.body)
	require.Contains(t, r.body, words)
	require.Empty(t, r.nonce)
}

// clock is a time that a test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func openEngine(t testing.TB) store.Engine {
	t.Helper()
	e, err := sql.OpenMemory(context.Background())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	return e
}

// logs collects what is logged.
type logs struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// server is a Registry on a store, without the loops of Run.
type server struct {
	*nodes.Registry
	store  *store.Store
	broker *changes.Broker
	log    *logs
}

func newServer(t testing.TB, e store.Engine, opts ...store.Option) *server {
	t.Helper()
	s := &server{store: store.New(e, opts...), broker: changes.NewBroker(), log: &logs{}}
	s.Registry = nodes.New(
		nodes.Options{
			Rules:  definition.New(definition.Oldest),
			Store:  s.store,
			Secret: secret,
			Broker: s.broker,
			Log:    slog.New(slog.NewTextHandler(s.log, nil)),
		},
	)
	return s
}

// run runs the loops until the test ends.
func (s *server) run(t testing.TB) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); s.Run(ctx) }()
	t.Cleanup(func() { stop(); <-done })
}

// one is the only gateway that the server knows.
func (s *server) one(t testing.TB) *core.Node {
	t.Helper()
	all, err := s.List(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 1)
	return all[0]
}

const org = "5e9d9544a1dcd60001d0ed20"

// api puts a definition into the store, past what is checked when one is saved.
func (s *server) api(t testing.TB, definition string) *core.Api {
	t.Helper()
	apiID := core.NewHex()
	doc := core.Document(`{"api_definition":`+definition+`,"user_owners":[]}`).Set("api_definition.api_id", apiID).
		Set("api_definition.slug", apiID).Set("api_definition.proxy.listen_path", "/"+apiID+"/")
	a := core.NewApi(core.Meta{ID: core.NewID(time.Now()), OrgID: org}, doc)
	require.NoError(t, s.store.Apis.Create(t.Context(), a))
	return a
}
