package graph_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/apptest"
)

// TestAClientThatDoesNotReadIsCut has clients that ask for 4 MB, more than the buffers of two machines hold, and read
// none of it.
func TestAClientThatDoesNotReadIsCut(t *testing.T) {
	srv := apptest.New(t, apptest.WithEnv("GATEHOUSE_REQUESTTIMEOUT=2s"))
	ended := make(chan string, 3)
	web := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		srv.Handler.ServeHTTP(w, r)
		ended <- r.Header.Get("X-Request-ID")
	}))
	web.Config.ConnState = func(c net.Conn, state http.ConnState) {
		if tcp, ok := c.(*net.TCPConn); ok && state == http.StateNew {
			_ = tcp.SetWriteBuffer(64 << 10)
		}
	}
	web.Start()
	defer web.Close()
	largeAPIs(t, srv, 2)
	query := `{ apis { nodes { a: definition b: definition } } }`
	body, err := json.Marshal(map[string]string{"query": query})
	require.NoError(t, err)

	dial := func() net.Conn {
		c, err := new(net.Dialer).DialContext(t.Context(), "tcp", web.Listener.Addr().String())
		require.NoError(t, err)
		require.NoError(t, c.(*net.TCPConn).SetReadBuffer(64<<10))
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	for name, accept := range map[string]string{"answer": "application/json", "events": "text/event-stream"} {
		r, err := http.NewRequestWithContext(t.Context(), "POST", web.URL+"/graphql", strings.NewReader(string(body)))
		require.NoError(t, err)
		r.Header = http.Header{"Accept": {accept}, "Authorization": {srv.AccessKey}, "X-Request-Id": {name}}
		require.NoError(t, r.Write(dial()))
	}
	conn := dial()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ws, _, err := websocket.Dial(
		ctx,
		web.URL+"/graphql",
		&websocket.DialOptions{
			Subprotocols: []string{"graphql-transport-ws"},
			HTTPHeader:   http.Header{"X-Request-Id": {"websocket"}},
			HTTPClient: &http.Client{
				Transport: &http.Transport{
					DialContext: func(context.Context, string, string) (net.Conn, error) { return conn, nil },
				},
			},
		},
	)
	require.NoError(t, err)
	require.NoError(
		t,
		wsjson.Write(
			ctx,
			ws,
			message{Type: "connection_init", Payload: json.RawMessage(`{"Authorization":"` + srv.AccessKey + `"}`)},
		),
	)
	require.NoError(t, wsjson.Write(ctx, ws, message{ID: "1", Type: "subscribe", Payload: body}))

	cut := map[string]bool{}
	for len(cut) < 3 {
		select {
		case name := <-ended:
			cut[name] = true
		case <-time.After(40 * time.Second):
			require.Len(t, cut, 3, "these were cut: %v", cut)
		}
	}
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	_, err = io.Copy(io.Discard, bufio.NewReader(conn))
	assert.False(t, errors.Is(err, os.ErrDeadlineExceeded), "the connection is gone")
}
