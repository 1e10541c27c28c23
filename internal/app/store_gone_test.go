package app_test

import (
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/apptest"
	"gatehouse/store"
	"gatehouse/store/sql"
)

func TestWithoutItsStoreTheProgramSaysSoAndShowsNoInternals(t *testing.T) {
	engine, err := sql.OpenMemory(t.Context())
	require.NoError(t, err)
	var log lines
	s := apptest.New(
		t,
		apptest.WithEngine(engine),
		apptest.WithStore(store.WithCacheTTL(0)),
		apptest.WithLog(slog.New(slog.NewTextHandler(&log, nil))),
	)
	require.Equal(t, 200, s.Do(t, "GET", "/metrics", "").Status)
	require.NoError(t, engine.Close())

	health := s.Do(t, "GET", "/hello", "")
	assert.Equal(t, 503, health.Status)
	assert.Equal(t, "fail", health.Get("status").Str)
	assert.Equal(t, "unavailable", health.Get("details.store.output").Str)

	unspecific := func(t *testing.T, body string) {
		t.Helper()
		for _, internal := range []string{"sql", "database", "closed", "find", "store:", "goroutine"} {
			assert.NotContains(t, strings.ToLower(strings.ReplaceAll(body, `"store"`, "")), internal)
		}
	}
	unspecific(t, string(health.Body))
	for name, c := range map[string]struct {
		method, target, body, header, message string
	}{
		"a read over REST":                   {"GET", "/api/apis", "", "Authorization: " + s.AccessKey, "Message"},
		"a write over REST":                  {"POST", "/admin/organisations", `{"owner_name":"x"}`, "admin-auth: " + apptest.AdminSecret, "Message"},
		"a GraphQL request that signs in":    {"POST", "/graphql", `{"query":"{ me { id } }"}`, "Authorization: " + s.AccessKey, "errors.0.message"},
		"a GraphQL query by the admin":       {"POST", "/graphql", `{"query":"{ organisations { totalCount } }"}`, "admin-auth: " + apptest.AdminSecret, "errors.0.message"},
		"a GraphQL mutation by the admin":    {"POST", "/graphql", `{"query":"mutation { createOrganisation(input: {name: \"x\"}) { id } }"}`, "admin-auth: " + apptest.AdminSecret, "errors.0.message"},
		"a list over REST by the admin":      {"GET", "/admin/organisations?p=0", "", "admin-auth: " + apptest.AdminSecret, "Message"},
		"a deletion of somebody's over REST": {"DELETE", "/admin/organisations/" + s.OrgID, "", "admin-auth: " + apptest.AdminSecret, "Message"},
	} {
		t.Run(name, func(t *testing.T) {
			r := s.Do(t, c.method, c.target, c.body, c.header, "Content-Type: application/json")
			if c.target == "/graphql" && !strings.HasPrefix(c.header, "Authorization") {
				assert.Equal(t, "INTERNAL", r.Get("errors.0.extensions.code").Str)
			} else {
				assert.Contains(t, []int{500, 503}, r.Status)
			}
			assert.Equal(t, "Internal error", r.Get(c.message).Str, "%s", r.Body)
			unspecific(t, string(r.Body))
		})
	}
	t.Run("a websocket that signs in", func(t *testing.T) {
		web := httptest.NewServer(s.Handler)
		defer web.Close()
		ws, _, err := websocket.Dial(
			t.Context(),
			web.URL+"/graphql",
			&websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}},
		)
		require.NoError(t, err)
		defer ws.CloseNow()
		require.NoError(
			t,
			ws.Write(
				t.Context(),
				websocket.MessageText,
				[]byte(`{"type":"connection_init","payload":{"Authorization":"`+s.AccessKey+`"}}`),
			),
		)
		_, _, err = ws.Read(t.Context())
		assert.Equal(t, websocket.StatusCode(4500), websocket.CloseStatus(err))
		assert.ErrorContains(t, err, "Internal error")
		unspecific(t, strings.TrimPrefix(err.Error(), "failed to get reader: "))
	})
	assert.Contains(t, log.String(), "closed", "the log says why")
	assert.NotContains(t, log.String(), s.AccessKey)
}
