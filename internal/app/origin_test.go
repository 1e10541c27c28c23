package app_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/apptest"
)

func TestPagesOfOtherSitesCallUsWhereTheirOriginIsAllowed(t *testing.T) {
	t.Parallel()
	const ours, theirs = "https://portal.test", "https://elsewhere.test"
	closed := apptest.New(t)
	open := apptest.New(t, apptest.WithEnv("GATEHOUSE_ALLOWEDORIGINS="+ours+",http://localhost:5173"))
	for name, c := range map[string]struct {
		srv     *apptest.Server
		origin  string
		allowed string
	}{
		"an origin that is listed":  {open, ours, ours},
		"one that is not":           {open, theirs, ""},
		"any, where none is listed": {closed, ours, ""},
	} {
		t.Run(name, func(t *testing.T) {
			for _, path := range []string{"/graphql", "/api/apis", "/admin/organisations"} {
				r := c.srv.Do(
					t,
					"OPTIONS",
					path,
					"",
					"Origin: "+c.origin,
					"Access-Control-Request-Method: POST",
					"Access-Control-Request-Headers: authorization,content-type",
				)
				assert.Equal(t, c.allowed, r.Header.Get("Access-Control-Allow-Origin"), "asked before %s", path)
				r = c.srv.Do(t, "GET", path, "", "Origin: "+c.origin)
				assert.Equal(t, c.allowed, r.Header.Get("Access-Control-Allow-Origin"), "%s", path)
				assert.Empty(t, r.Header.Get("Access-Control-Allow-Credentials"), "nothing is sent by itself")
			}
			server := httptest.NewServer(c.srv.Handler)
			t.Cleanup(server.Close)
			ws, answer, err := websocket.Dial(
				t.Context(),
				strings.Replace(server.URL, "http", "ws", 1)+"/graphql",
				&websocket.DialOptions{
					Subprotocols: []string{"graphql-transport-ws"},
					HTTPHeader:   map[string][]string{"Origin": {c.origin}},
				},
			)
			if c.allowed == "" {
				require.Error(t, err)
				assert.Equal(t, 403, answer.StatusCode)
				return
			}
			require.NoError(t, err)
			require.NoError(t, ws.CloseNow())
		})
	}
}
