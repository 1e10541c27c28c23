package graph_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/apptest"
)

// event is a change as subscribers see it.
type event struct {
	Kind, Object, ID, OrgID, ActorID string
	Revision                         int
}

// message is one of graphql-transport-ws.
type message struct {
	ID      string          `json:"id,omitempty"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

type payload struct {
	Data   struct{ Changes event }
	Errors []struct {
		Message    string
		Extensions struct{ Code string }
	}
}

// socket is a client of a websocket.
type socket struct {
	*websocket.Conn
	ctx context.Context
}

// open connects and greets with the payload of connection_init; origin is that of the page, "" for none.
func open(t *testing.T, url, origin string, init map[string]string) (*socket, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 20*time.Second)
	t.Cleanup(cancel)
	header := http.Header{}
	if origin != "" {
		header.Set("Origin", origin)
	}
	conn, _, err := websocket.Dial(
		ctx,
		url+"/graphql",
		&websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}, HTTPHeader: header},
	)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	s := &socket{conn, ctx}
	hello, err := json.Marshal(init)
	require.NoError(t, err)
	s.send(t, message{Type: "connection_init", Payload: hello})
	first, err := s.next()
	if err == nil {
		require.Equal(t, "connection_ack", first.Type)
	}
	return s, err
}

func (s *socket) send(t *testing.T, m message) {
	t.Helper()
	require.NoError(t, wsjson.Write(s.ctx, s.Conn, m))
}

func (s *socket) next() (m message, err error) {
	for {
		err = wsjson.Read(s.ctx, s.Conn, &m)
		if err != nil || (m.Type != "ping" && m.Type != "pong") {
			return m, err
		}
	}
}

func (s *socket) subscribe(t *testing.T, query string) {
	t.Helper()
	body, err := json.Marshal(map[string]string{"query": query})
	require.NoError(t, err)
	s.send(t, message{ID: "1", Type: "subscribe", Payload: body})
}

// result reads the next answer of a subscription.
func (s *socket) result(t *testing.T) (p payload) {
	t.Helper()
	m, err := s.next()
	require.NoError(t, err)
	require.Equal(t, "next", m.Type, "%s", m.Payload)
	require.NoError(t, json.Unmarshal(m.Payload, &p))
	return p
}

const watch = `subscription { changes { kind object id orgId revision actorId } }`

// listening makes changes until the subscription reports the first, then has it report everything up to a last one.
func (s *socket) listening(t *testing.T, srv *apptest.Server) {
	t.Helper()
	first := make(chan error, 1)
	go func() {
		_, err := s.next()
		first <- err
	}()
	probeUntil(t, srv, first)
	for end := probe(t, srv); s.result(t).Data.Changes.ID != end; {
	}
}

// probeUntil makes changes until a listener has heard, and wants no error from it.
func probeUntil(t *testing.T, srv *apptest.Server, heard <-chan error) {
	t.Helper()
	for {
		probe(t, srv)
		select {
		case err := <-heard:
			require.NoError(t, err)
			return
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// probe changes something that every subscriber of these tests hears of.
func probe(t *testing.T, srv *apptest.Server) (id string) {
	t.Helper()
	r := srv.GraphQL(t, createHook, nil)
	require.False(t, r.Get("errors").Exists(), "%s", r.Body)
	return r.Get("data.createWebhook.id").Str
}

// serve runs the program behind a listener.
func serve(t *testing.T, opts ...apptest.Option) (*apptest.Server, *httptest.Server) {
	t.Helper()
	srv := apptest.New(t, opts...)
	web := httptest.NewServer(srv.Handler)
	t.Cleanup(web.Close)
	return srv, web
}

func TestAWebsocketReportsEveryKindOfChangeWithRevisionAndActor(t *testing.T) {
	srv, web := serve(t)
	s, err := open(t, web.URL, "", map[string]string{"admin-auth": apptest.AdminSecret})
	require.NoError(t, err)
	s.subscribe(t, watch)
	s.listening(t, srv)

	api := srv.GraphQL(t, `mutation { it: createApi(input: {name: "A"}) { id apiId } }`, nil)
	apiID := api.Get("data.it.apiId").Str
	for _, object := range []struct {
		name                   string
		create, update, delete string
		admin                  bool
	}{
		{"Api", `createApi(input: {name: "B"}) { id }`, `updateApi(id: $id, input: {name: "C"}) { id }`, `deleteApi(id: $id) { id }`, false},
		{"Policy", `createPolicy(input: {name: "P"}) { id }`, `patchPolicy(id: $id, patch: {name: "Q"}) { id }`, `deletePolicy(id: $id) { id }`, false},
		{"Webhook", `createWebhook(input: {name: "W", method: GET, targetPath: "http://w.test"}) { id }`, `updateWebhook(id: $id, input: {name: "V"}) { id }`, `deleteWebhook(id: $id) { id }`, false},
		{"Key", `createKey(input: {alias: "K", apiIds: ["` + apiID + `"]}) { key { id } }`, `updateKey(id: $id, input: {alias: "L"}) { id }`, `deleteKey(id: $id) { id }`, false},
		{"User", `createUser(input: {email: "jo@x.test", permissions: {apis: "read"}}) { id }`, `updateUser(id: $id, input: {firstName: "Jo"}) { id }`, `deleteUser(id: $id) { id }`, false},
		{"Organisation", `createOrganisation(input: {name: "O"}) { id }`, `updateOrganisation(id: $id, input: {name: "P"}) { id }`, `deleteOrganisation(id: $id) { id }`, true},
	} {
		t.Run(object.name, func(t *testing.T) {
			actor, org, header := srv.UserID, srv.OrgID, "Authorization: "+srv.AccessKey
			if object.admin {
				actor, org, header = "", "", "admin-auth: "+apptest.AdminSecret
			}
			created := srv.GraphQL(t, `mutation { it: `+object.create+` }`, nil, header)
			id := created.Get("data.it.id").Str + created.Get("data.it.key.id").Str
			require.NotEmpty(t, id, "%s", created.Body)
			for _, change := range []string{object.update, object.delete} {
				r := srv.GraphQL(t, `mutation($id: ID!) { it: `+change+` }`, map[string]any{"id": id}, header)
				require.False(t, r.Get("errors").Exists(), "%s", r.Body)
			}
			for i, kind := range []string{"CREATED", "UPDATED", "DELETED"} {
				for {
					got := s.result(t).Data.Changes
					if got.ID != id {
						continue // the API that keys are made for
					}
					want := event{Kind: kind, Object: strings.ToUpper(object.name), ID: id, OrgID: org, ActorID: actor, Revision: min(i+1, 2)}
					assert.Equal(t, want, got)
					break
				}
			}
		})
	}
}

func TestASubscriptionReportsOnlyTheObjectsItAsksFor(t *testing.T) {
	srv, web := serve(t)
	s, err := open(t, web.URL, "", map[string]string{"Authorization": srv.AccessKey})
	require.NoError(t, err)
	s.subscribe(t, `subscription { changes(objects: [WEBHOOK, POLICY]) { kind object id orgId revision actorId } }`)
	s.listening(t, srv)
	srv.GraphQL(t, `mutation { createApi(input: {name: "Unheard"}) { id } }`, nil)
	policy := srv.GraphQL(
		t,
		`mutation { createPolicy(input: {name: "Heard"}) { id } }`,
		nil,
	).Get(
		"data.createPolicy.id",
	).Str
	assert.Equal(t, policy, s.result(t).Data.Changes.ID)
}

func TestAWebsocketIsGuarded(t *testing.T) {
	srv, web := serve(t)
	t.Run("a wrong access key is refused before anything runs", func(t *testing.T) {
		_, err := open(t, web.URL, "", map[string]string{"Authorization": "no-such-key"})
		assert.Equal(t, websocket.StatusCode(4403), websocket.CloseStatus(err))
		assert.ErrorContains(t, err, "Not authorised")
	})
	t.Run("a wrong admin secret is refused before anything runs", func(t *testing.T) {
		_, err := open(t, web.URL, "", map[string]string{"admin-auth": "wrong"})
		assert.Equal(t, websocket.StatusCode(4403), websocket.CloseStatus(err))
	})
	t.Run("nobody may subscribe without credentials", func(t *testing.T) {
		s, err := open(t, web.URL, "", nil)
		require.NoError(t, err)
		s.subscribe(t, watch)
		p := s.result(t)
		require.Len(t, p.Errors, 1)
		assert.Equal(t, "UNAUTHENTICATED", p.Errors[0].Extensions.Code)
	})
	t.Run("a page of another site cannot open one, whatever it knows", func(t *testing.T) {
		_, err := open(t, web.URL, "https://elsewhere.test", map[string]string{"Authorization": srv.AccessKey})
		assert.ErrorContains(t, err, "403")
	})
	t.Run("our own pages can", func(t *testing.T) {
		_, err := open(t, web.URL, web.URL, map[string]string{"Authorization": "Bearer " + srv.AccessKey})
		assert.NoError(t, err)
	})
	t.Run("queries are answered, too, and guarded by the same rules", func(t *testing.T) {
		s, err := open(t, web.URL, "", map[string]string{"Authorization": srv.AccessKey})
		require.NoError(t, err)
		s.subscribe(t, `{ organisations { totalCount } }`)
		p := s.result(t)
		require.Len(t, p.Errors, 1)
		assert.Equal(t, "FORBIDDEN", p.Errors[0].Extensions.Code)
	})
}

func TestASubscriberThatMayNotReadATypeDoesNotHearOfIt(t *testing.T) {
	srv, web := serve(t)
	r := srv.REST(
		t,
		"POST",
		"/admin/users",
		`{"org_id":"`+srv.OrgID+`","email_address":"jo@x.test","active":true,"user_permissions":{"hooks":"read","apis":"deny","websockets":"read"}}`,
	)
	s, err := open(t, web.URL, "", map[string]string{"Authorization": r.Get("Message").Str})
	require.NoError(t, err)
	s.subscribe(t, watch)
	s.listening(t, srv)
	srv.GraphQL(t, `mutation { createApi(input: {name: "Unheard"}) { id } }`, nil)
	id := probe(t, srv)
	assert.Equal(t, id, s.result(t).Data.Changes.ID)
}

func TestOperationGuardsEverySubscriptionField(t *testing.T) {
	srv, web := serve(t)
	inactive := srv.REST(
		t,
		"POST",
		"/admin/users",
		`{"org_id":"`+srv.OrgID+`","email_address":"off@x.test","active":false,"user_permissions":{"IsAdmin":"admin"}}`,
	)
	schema := srv.GraphQL(t, `{ __schema { subscriptionType { fields { name } } } }`, nil)
	fields := schema.Get("data.__schema.subscriptionType.fields").Array()
	require.NotEmpty(t, fields)
	for _, f := range fields {
		name := f.Get("name").Str
		s, err := open(t, web.URL, "", map[string]string{"Authorization": inactive.Get("Message").Str})
		require.NoError(t, err)
		s.subscribe(t, fmt.Sprintf(`subscription { %s { __typename } }`, name))
		p := s.result(t)
		require.Len(t, p.Errors, 1, name)
		assert.Equal(t, "FORBIDDEN", p.Errors[0].Extensions.Code, name)
		assert.Contains(t, p.Errors[0].Message, "not active", name)
	}
}
