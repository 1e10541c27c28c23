package graph_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/apptest"
	"gatehouse/store"
)

func TestAnOrganisationHasNoMoreSocketsOpenThanItMay(t *testing.T) {
	srv, web := serve(t, apptest.WithEnv("GATEHOUSE_ORGANISATIONLIMITS_SOCKETS=2"))
	credentials := map[string]string{"Authorization": srv.AccessKey}
	first, err := open(t, web.URL, "", credentials)
	require.NoError(t, err)
	_, key := user(t, srv, `{"apis":"read"}`)
	_, err = open(t, web.URL, "", map[string]string{"Authorization": key})
	require.NoError(t, err)
	third := refusedOn(t, web.URL, credentials)
	assert.Equal(
		t,
		websocket.StatusCode(4429),
		websocket.CloseStatus(third),
		"whoever of the organisation opens it: %v",
		third,
	)

	// Where the credentials come with the upgrade, and for streams of events, it is a status.
	for _, headers := range [][]string{{"Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="}, {"Accept: text/event-stream"}} {
		r := srv.Do(
			t,
			"POST",
			"/graphql",
			`{"query":"subscription { changes { id } }"}`,
			append(headers, "Content-Type: application/json", "Authorization: "+srv.AccessKey)...)
		require.Equal(t, http.StatusTooManyRequests, r.Status, "%s", r.Body)
		require.NotEmpty(t, r.Header.Get("Retry-After"))
		require.Equal(t, "TOO_MANY", r.Get("errors.0.extensions.code").Str)
	}
	_, other := srv.Organisation(t, "other")
	_, err = open(t, web.URL, "", map[string]string{"Authorization": other})
	require.NoError(t, err, "another organisation has its own")
	_, err = open(t, web.URL, "", map[string]string{"admin-auth": apptest.AdminSecret})
	require.NoError(t, err, "and the admin secret belongs to none")

	require.NoError(t, first.Close(websocket.StatusNormalClosure, ""))
	require.Eventually(t, func() bool {
		s, err := open(t, web.URL, "", credentials)
		return err == nil && s != nil
	}, 10*time.Second, 10*time.Millisecond, "one that closed makes room")
}

func TestOperationsOnAWebsocketCountAsRequests(t *testing.T) {
	now := time.Now()
	srv, web := serve(
		t,
		apptest.WithEnv("GATEHOUSE_ORGANISATIONLIMITS_REQUESTSPERSECOND=5"),
		apptest.WithStore(store.WithClock(func() time.Time { return now })),
	)
	s, err := open(t, web.URL, "", map[string]string{"Authorization": srv.AccessKey})
	require.NoError(t, err)
	refused := 0
	for i := range 10 {
		m, err := s.ask(t, fmt.Sprint(i), `{ version }`)
		require.NoError(t, err, "the websocket stays open")
		if m.Type == "error" {
			refused++
			require.Contains(t, string(m.Payload), "TOO_MANY")
			require.Contains(t, string(m.Payload), "retryAfter")
			continue
		}
		require.Contains(t, string(m.Payload), `"version"`)
		_, err = s.next() // complete
		require.NoError(t, err)
	}
	require.GreaterOrEqual(t, refused, 5)
	require.Less(t, refused, 10)
}

// refusedOn opens a websocket and returns what ended it.
func refusedOn(t *testing.T, url string, credentials map[string]string) error {
	t.Helper()
	conn, _, err := websocket.Dial(
		t.Context(),
		url+"/graphql",
		&websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}},
	)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.CloseNow() })
	require.NoError(t, wsjson.Write(t.Context(), conn, map[string]any{"type": "connection_init", "payload": credentials}))
	for {
		if _, _, err := conn.Read(t.Context()); err != nil {
			return err
		}
	}
}
