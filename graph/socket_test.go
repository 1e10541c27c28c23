package graph_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"gatehouse/internal/apptest"
)

// fatal are the close codes after which the client of graphql-ws (graphql-transport-ws) does not connect again by
// itself.
var fatal = []websocket.StatusCode{4400, 4401, 4406, 4409, 4429, 4500}

// user makes a user with permissions, as JSON, and returns the id and the access key.
func user(t *testing.T, srv *apptest.Server, permissions string) (id, key string) {
	t.Helper()
	r := srv.REST(
		t,
		"POST",
		"/admin/users",
		fmt.Sprintf(
			`{"org_id":%q,"email_address":"u%d@x.test","active":true,"user_permissions":%s}`,
			srv.OrgID,
			time.Now().UnixNano(),
			permissions,
		),
	)
	require.Equal(t, 200, r.Status, "%s", r.Body)
	return r.Get("Meta.id").Str, r.Get("Message").Str
}

// ask runs an operation on a websocket and returns its first message.
func (s *socket) ask(t *testing.T, id, query string) (message, error) {
	t.Helper()
	body, err := json.Marshal(map[string]string{"query": query})
	require.NoError(t, err)
	if err := wsjson.Write(s.ctx, s.Conn, message{ID: id, Type: "subscribe", Payload: body}); err != nil {
		return message{}, err
	}
	return s.next()
}

func TestAWebsocketIsAsGoodAsItsCredentialsAreNow(t *testing.T) {
	srv, web := serve(t)
	for name, end := range map[string]func(t *testing.T, id string){
		"the user is deleted": func(t *testing.T, id string) {
			srv.GraphQL(t, `mutation($id: ID!) { deleteUser(id: $id) { id } }`, map[string]any{"id": id})
		},
		"the access key is replaced": func(t *testing.T, id string) { srv.REST(t, "PUT", "/api/users/"+id+"/actions/key/reset", "{}") },
	} {
		t.Run(name, func(t *testing.T) {
			id, key := user(t, srv, `{"IsAdmin":"admin"}`)
			s, err := open(t, web.URL, "", map[string]string{"Authorization": key})
			require.NoError(t, err)
			m, err := s.ask(t, "1", createHook)
			require.NoError(t, err)
			require.Contains(t, string(m.Payload), `"revision":1`)
			_, _ = s.next() // complete
			before := srv.GraphQL(t, `{ webhooks { totalCount } }`, nil).Get("data.webhooks.totalCount").Int()

			end(t, id)
			for err = error(nil); err == nil; {
				_, err = s.ask(t, "2", createHook)
			}
			assert.Contains(t, fatal, websocket.CloseStatus(err), "%v", err)
			assert.ErrorContains(t, err, "credentials of this connection ended")
			assert.Equal(
				t,
				before,
				srv.GraphQL(t, `{ webhooks { totalCount } }`, nil).Get("data.webhooks.totalCount").Int(),
				"nothing was made after the end",
			)
		})
	}
	t.Run("the user is demoted", func(t *testing.T) {
		id, key := user(t, srv, `{"hooks":"write"}`)
		s, err := open(t, web.URL, "", map[string]string{"Authorization": key})
		require.NoError(t, err)
		m, err := s.ask(t, "1", createHook)
		require.NoError(t, err)
		require.Contains(t, string(m.Payload), `"revision":1`)
		_, _ = s.next() // complete
		r := srv.GraphQL(
			t,
			`mutation($id: ID!) { updateUser(id: $id, input: {permissions: {hooks: "read"}}) { id } }`,
			map[string]any{"id": id},
		)
		require.False(t, r.Get("errors").Exists(), "%s", r.Body)
		m, err = s.ask(t, "2", createHook)
		require.NoError(t, err, "who may still do something stays")
		assert.Equal(t, "FORBIDDEN", gjson.GetBytes(m.Payload, "errors.0.extensions.code").Str, "%s", m.Payload)
	})
}

func TestASubscriptionEndsWithTheCredentialsOfItsConnection(t *testing.T) {
	srv, web := serve(t)
	id, key := user(t, srv, `{"hooks":"read","websockets":"read"}`)
	s, err := open(t, web.URL, "", map[string]string{"Authorization": key})
	require.NoError(t, err)
	s.subscribe(t, watch)
	s.listening(t, srv)
	srv.GraphQL(t, `mutation($id: ID!) { deleteUser(id: $id) { id } }`, map[string]any{"id": id})
	probe(t, srv)
	var heard []message
	for err == nil {
		var m message
		if m, err = s.next(); err == nil {
			heard = append(heard, m)
		}
	}
	assert.Contains(t, fatal, websocket.CloseStatus(err), "%v", err)
	for _, m := range heard {
		assert.NotContains(t, string(m.Payload), "fell too far behind")
	}
}

func TestAStreamOfEventsEndsWithItsCredentials(t *testing.T) {
	srv, web := serve(t)
	id, key := user(t, srv, `{"hooks":"read","websockets":"read"}`)
	r, err := http.NewRequestWithContext(
		t.Context(),
		"POST",
		web.URL+"/graphql",
		strings.NewReader(`{"query":"`+watch+`"}`),
	)
	require.NoError(t, err)
	r.Header = http.Header{"Accept": {"text/event-stream"}, "Authorization": {key}}
	resp, err := web.Client().Do(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	srv.GraphQL(t, `mutation($id: ID!) { deleteUser(id: $id) { id } }`, map[string]any{"id": id})
	var text bytes.Buffer
	_, err = text.ReadFrom(resp.Body)
	require.NoError(t, err)
	assert.Contains(t, text.String(), "UNAUTHENTICATED")
	assert.Contains(t, text.String(), "event: complete")
}

func TestAWebsocketKeepsTheRulesOfItsProtocol(t *testing.T) {
	srv, web := serve(t)
	key := map[string]string{"Authorization": srv.AccessKey}
	for name, c := range map[string]struct {
		say  []message
		code websocket.StatusCode
		text string
	}{
		"the same id twice is an error": {[]message{{ID: "1", Type: "subscribe", Payload: json.RawMessage(`{"query":"` + watch + `"}`)},
			{ID: "1", Type: "subscribe", Payload: json.RawMessage(`{"query":"` + watch + `"}`)}}, 4409, "Subscriber for 1 already exists"},
		"greeting twice is an error":         {[]message{{Type: "connection_init"}}, 4429, "initialisation"},
		"an unknown message is an error":     {[]message{{Type: "start"}}, 4400, "unexpected message"},
		"an operation without id is one":     {[]message{{Type: "subscribe", Payload: json.RawMessage(`{"query":"{version}"}`)}}, 4400, "id"},
		"an id of any length is one":         {[]message{{ID: strings.Repeat("x", 300), Type: "subscribe", Payload: json.RawMessage(`{"query":"{version}"}`)}}, 4400, "id"},
		"a message of any length is one too": {[]message{{Type: "ping", Payload: json.RawMessage(`"` + strings.Repeat("x", 2<<20) + `"`)}}, websocket.StatusMessageTooBig, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := open(t, web.URL, "", key)
			require.NoError(t, err)
			for _, m := range c.say {
				_ = wsjson.Write(s.ctx, s.Conn, m)
			}
			for err == nil {
				_, err = s.next()
			}
			assert.Equal(t, c.code, websocket.CloseStatus(err), "%v", err)
			assert.ErrorContains(t, err, c.text)
		})
	}
	t.Run("an id is free again after its operation", func(t *testing.T) {
		s, err := open(t, web.URL, "", key)
		require.NoError(t, err)
		for range 3 {
			m, err := s.ask(t, "1", `{ version }`)
			require.NoError(t, err)
			assert.Equal(t, "next", m.Type)
			m, err = s.next()
			require.NoError(t, err)
			assert.Equal(t, "complete", m.Type)
		}
	})
	t.Run("a query that is wrong is told as an error", func(t *testing.T) {
		s, err := open(t, web.URL, "", key)
		require.NoError(t, err)
		m, err := s.ask(t, "1", `{ nothing }`)
		require.NoError(t, err)
		assert.Equal(t, "error", m.Type)
		assert.Equal(t, "GRAPHQL_VALIDATION_FAILED", gjson.GetBytes(m.Payload, "0.extensions.code").Str)
	})
	t.Run("who does not greet first is refused", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		conn, _, err := websocket.Dial(
			ctx,
			web.URL+"/graphql",
			&websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}},
		)
		require.NoError(t, err)
		require.NoError(
			t,
			wsjson.Write(ctx, conn, message{ID: "1", Type: "subscribe", Payload: json.RawMessage(`{"query":"{version}"}`)}),
		)
		_, _, err = conn.Read(ctx)
		assert.Equal(t, websocket.StatusCode(4401), websocket.CloseStatus(err))
	})
}

func TestTheOlderProtocolIsSpokenToo(t *testing.T) {
	srv, web := serve(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, web.URL+"/graphql", &websocket.DialOptions{Subprotocols: []string{"graphql-ws"}})
	require.NoError(t, err)
	defer conn.CloseNow()
	hear := func() (m message) {
		for m.Type == "" || m.Type == "ka" {
			require.NoError(t, wsjson.Read(ctx, conn, &m))
		}
		return m
	}
	require.NoError(
		t,
		wsjson.Write(
			ctx,
			conn,
			message{Type: "connection_init", Payload: json.RawMessage(`{"authorization":"Bearer ` + srv.AccessKey + `"}`)},
		),
	)
	assert.Equal(t, "connection_ack", hear().Type)
	require.NoError(
		t,
		wsjson.Write(ctx, conn, message{ID: "7", Type: "start", Payload: json.RawMessage(`{"query":"{ version }"}`)}),
	)
	m := hear()
	assert.Equal(t, message{ID: "7", Type: "data", Payload: json.RawMessage(`{"data":{"version":"test"}}`)}, m)
	m = hear()
	assert.Equal(t, message{ID: "7", Type: "complete"}, m)
	require.NoError(
		t,
		wsjson.Write(ctx, conn, message{ID: "8", Type: "start", Payload: json.RawMessage(`{"query":"{ nothing }"}`)}),
	)
	m = hear()
	assert.Equal(t, "error", m.Type)
	assert.Contains(t, gjson.GetBytes(m.Payload, "message").Str, "nothing")
	require.NoError(t, wsjson.Write(ctx, conn, message{Type: "connection_terminate"}))
	_, _, err = conn.Read(ctx)
	assert.Equal(t, websocket.StatusNormalClosure, websocket.CloseStatus(err))
}

func TestWhatOneCallerKeepsOpenIsBounded(t *testing.T) {
	srv, web := serve(
		t,
		apptest.WithEnv(
			"GATEHOUSE_GRAPHQL_MAXOPERATIONSPERSOCKET=2",
			"GATEHOUSE_GRAPHQL_MAXSUBSCRIPTIONSPERCALLER=3",
			"GATEHOUSE_GRAPHQL_MAXWEBSOCKETSPERCALLER=2",
		),
	)
	key := map[string]string{"Authorization": srv.AccessKey}
	subscribe := func(s *socket, id string) {
		s.send(t, message{ID: id, Type: "subscribe", Payload: json.RawMessage(`{"query":"` + watch + `"}`)})
	}
	first, err := open(t, web.URL, "", key)
	require.NoError(t, err)
	subscribe(first, "1")
	subscribe(first, "2")
	heard := make(chan error, 1)
	go func() { // what has heard of a change is counted
		ids := map[string]bool{}
		for len(ids) < 2 {
			m, err := first.next()
			if err != nil {
				heard <- err
				return
			}
			ids[m.ID] = true
		}
		heard <- nil
	}()
	probeUntil(t, srv, heard)
	subscribe(first, "3")
	m, err := first.next()
	for err == nil && m.Type == "next" {
		m, err = first.next()
	}
	require.NoError(t, err)
	assert.Equal(t, "3", m.ID)
	assert.Equal(t, "error", m.Type, "one websocket has an end")
	assert.Contains(t, string(m.Payload), "max_operations_per_socket")

	second, err := open(t, web.URL, "", key)
	require.NoError(t, err)
	subscribe(second, "4")
	subscribe(second, "5")
	m, err = second.next()
	require.NoError(t, err)
	assert.Equal(t, "error", m.Type, "and so has one caller")
	assert.Contains(t, string(m.Payload), "max_subscriptions_per_caller")

	_, err = open(t, web.URL, "", key)
	assert.Equal(t, websocket.StatusCode(4429), websocket.CloseStatus(err), "%v", err)
	assert.Contains(t, fatal, websocket.CloseStatus(err), "and the client does not try again and again")
	_, other := srv.Organisation(t, "other")
	_, err = open(t, web.URL, "", map[string]string{"Authorization": other})
	require.NoError(t, err, "others are not concerned")

	require.NoError(t, first.Close(websocket.StatusNormalClosure, ""))
	require.Eventually(t, func() bool {
		_, err := open(t, web.URL, "", key)
		return err == nil
	}, 10*time.Second, 10*time.Millisecond, "what is closed counts no more")
}

// lines is a log that can be read while it is written.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func TestEachOperationOnAWebsocketIsALineOfTheAccessLog(t *testing.T) {
	var log lines
	srv, web := serve(t, apptest.WithAccessLog(slog.New(slog.NewJSONHandler(&log, nil))))
	s, err := open(t, web.URL, "", map[string]string{"Authorization": srv.AccessKey})
	require.NoError(t, err)
	for i, query := range []string{`query Version { version }`, `{ organisations { totalCount } }`, `{ nothing }`} {
		_, err := s.ask(t, fmt.Sprint(i), query)
		require.NoError(t, err)
		if i < 2 {
			_, _ = s.next() // complete
		}
	}
	var found []gjson.Result
	require.Eventually(t, func() bool {
		found = nil
		for line := range strings.Lines(log.String()) {
			if gjson.Get(line, "msg").Str == "operation" {
				found = append(found, gjson.Parse(line))
			}
		}
		return len(found) == 3
	}, 10*time.Second, time.Millisecond)
	byID := map[string]gjson.Result{}
	for _, line := range found {
		byID[line.Get("operation_id").Str] = line
		assert.Equal(t, srv.UserID, line.Get("actor_id").Str)
		assert.NotEmpty(t, line.Get("request_id").Str)
		assert.Positive(t, line.Get("duration").Int())
	}
	assert.Equal(t, "Version", byID["0"].Get("name").Str)
	assert.Equal(t, "query", byID["0"].Get("operation").Str)
	assert.Equal(t, "FORBIDDEN", byID["1"].Get("code").Str)
	assert.Equal(t, "GRAPHQL_VALIDATION_FAILED", byID["2"].Get("code").Str)
	assert.NotContains(t, log.String(), srv.AccessKey)
}
