// Package apptest runs the whole program in a test: the store in memory, or any engine, and both faces behind one
// handler.
package apptest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"
	"golang.org/x/crypto/bcrypt"

	"gatehouse/internal/app"
	"gatehouse/internal/config"
	"gatehouse/internal/gateway/redisdb"
	"gatehouse/internal/secret"
	"gatehouse/store"
	"gatehouse/store/sql"
)

// AdminSecret opens /admin.
const AdminSecret = "the-admin-secret"

// Server is a running program with one organisation and its administrator.
type Server struct {
	Handler http.Handler
	App     *app.App
	Store   *store.Store
	// OrgID, UserID and AccessKey are those of the organisation that was there first.
	OrgID, UserID, AccessKey string
}

// Option changes what New runs.
type Option func(*options)

type options struct {
	env    []string
	engine store.Engine
	store  []store.Option
	log    *slog.Logger
	access *slog.Logger
}

// WithEnv sets configuration variables, as NAME=value.
func WithEnv(env ...string) Option { return func(o *options) { o.env = append(o.env, env...) } }

// WithEngine runs on an engine other than SQLite in memory. The test closes it.
func WithEngine(e store.Engine) Option { return func(o *options) { o.engine = e } }

// WithStore passes options to store.New, a clock for example.
func WithStore(opts ...store.Option) Option {
	return func(o *options) { o.store = append(o.store, opts...) }
}

// WithRedis runs with the Redis at host:port as that of the gateways.
func WithRedis(address string) Option { return WithEnv("TYK_DB_REDISADDRS=" + address) }

// WithLog sends the log somewhere; the default is nowhere.
func WithLog(l *slog.Logger) Option { return func(o *options) { o.log = l } }

// WithAccessLog sends the access log somewhere; the default is none.
func WithAccessLog(l *slog.Logger) Option { return func(o *options) { o.access = l } }

// New runs the program until the test ends.
func New(t testing.TB, opts ...Option) *Server {
	t.Helper()
	o := options{log: slog.New(slog.DiscardHandler)}
	for _, opt := range opts {
		opt(&o)
	}
	loaded, err := config.Load(config.Sources{Env: o.env})
	require.NoError(t, err)
	if o.engine == nil {
		o.engine, err = sql.OpenMemory(t.Context())
		require.NoError(t, err)
		t.Cleanup(func() { _ = o.engine.Close() })
	}
	redisdb.LogTo(slog.New(slog.DiscardHandler))
	a, s, err := app.Open(
		context.Background(),
		app.Options{
			Config:       &loaded.Config,
			AdminSecret:  AdminSecret,
			Log:          o.log,
			AccessLog:    o.access,
			Version:      "test",
			PasswordCost: bcrypt.MinCost,
		},
		app.Sources{
			Engine: func(context.Context) (store.Engine, error) { return o.engine, nil },
			Keyring: func(context.Context, *store.Store) (*secret.Keyring, error) {
				return secret.Load("", "a key for tests only, of enough length")
			},
			Store: o.store,
		},
	)
	require.NoError(t, err)
	t.Cleanup(a.Close)
	made, err := a.Bootstrap(context.Background(), app.DefaultBootstrap())
	require.NoError(t, err)
	srv := &Server{Handler: a.Handler, App: a, Store: s, OrgID: made.OrgID, AccessKey: made.AccessKey}
	srv.UserID = gjson.GetBytes(srv.REST(t, "GET", "/api/users/me", "").Body, "id").Str
	return srv
}

// Reply is an answer.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte
}

// Get reads the answer's body with a gjson path.
func (r Reply) Get(path string) gjson.Result { return gjson.GetBytes(r.Body, path) }

// Do sends a request. Headers are "Name: value".
func (s *Server) Do(t testing.TB, method, target, body string, headers ...string) Reply {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	s.Handler.ServeHTTP(w, r)
	raw, err := io.ReadAll(w.Body)
	require.NoError(t, err)
	return Reply{Status: w.Code, Header: w.Header(), Body: raw}
}

// REST sends a request to /api as the administrator, or to /admin with the admin secret.
func (s *Server) REST(t testing.TB, method, target, body string) Reply {
	t.Helper()
	if strings.HasPrefix(target, "/admin/") {
		return s.Do(t, method, target, body, "admin-auth: "+AdminSecret)
	}
	return s.Do(t, method, target, body, "Authorization: "+s.AccessKey)
}

// GraphQL sends an operation as the administrator; headers, when there are any, are sent in the place of the access
// key.
func (s *Server) GraphQL(t testing.TB, query string, variables map[string]any, headers ...string) Reply {
	t.Helper()
	if len(headers) == 0 {
		headers = []string{"Authorization: " + s.AccessKey}
	}
	var body bytes.Buffer
	require.NoError(t, json.NewEncoder(&body).Encode(map[string]any{"query": query, "variables": variables}))
	return s.Do(t, "POST", "/graphql", body.String(), append(headers, "Content-Type: application/json")...)
}

// Organisation makes another organisation with an administrator, and returns its id and access key.
func (s *Server) Organisation(t testing.TB, slug string) (orgID, accessKey string) {
	t.Helper()
	made, err := s.App.Bootstrap(
		context.Background(),
		app.Bootstrap{Organisation: slug, Slug: slug, Email: "admin@" + slug + ".test"},
	)
	require.NoError(t, err)
	return made.OrgID, made.AccessKey
}
