package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"
)

// node is a gateway, as far as the node protocol goes.
type node struct{ id, nonce string }

// call makes a call of the node protocol, and takes up the nonce of the answer.
func (n *node) call(t *testing.T, s *server, target string) gjson.Result {
	t.Helper()
	r, err := s.request("GET", target, "", "Authorization: "+faultSecret, "x-tyk-hostname: gw-1",
		"x-tyk-session-id: 5f2b9c1e-0000-4000-8000-000000000001", "x-tyk-nodeid: "+n.id, "x-tyk-nonce: "+n.nonce)
	require.NoError(t, err)
	require.Equal(t, 200, r.status, "%s: %s", target, r.body)
	require.NotEmpty(t, r.get("Nonce").Str)
	require.NotEqual(t, n.nonce, r.get("Nonce").Str)
	n.nonce = r.get("Nonce").Str
	return gjson.Parse(r.body)
}

func TestAGatewayGoesOnWithAnotherServerWhenItsOwnIsKilled(t *testing.T) {
	for name, withRedis := range map[string]bool{"with Redis": true, "with the database alone": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := startPair(t, withRedis)
			first := p.server(0)
			first.do(t, 200, "POST", "/api/apis", `{"api_definition":{"name":"Weather","active":true}}`)
			var n node
			n.id = n.call(t, first, "/register/node").Get("Message.NodeID").Str
			require.NotEmpty(t, n.id)
			id := n.id
			n.call(t, first, "/system/apis")
			n.call(t, first, "/register/ping")

			first.kill()
			for range 3 {
				n.call(t, p.server(1), "/register/ping")
			}
			assert.Equal(t, "Weather", n.call(t, p.server(1), "/system/apis").Get("Message.0.api_definition.name").Str)

			// The other way round, with a server that has only just started.
			p.servers[0].Store(first.again(t, p.env...))
			p.server(1).kill()
			n.call(t, p.server(0), "/register/ping")
			nodes := p.server(0).do(t, 200, "GET", "/api/gateways", "").get("gateways")
			require.Len(t, nodes.Array(), 1, nodes.Raw)
			assert.Equal(t, id, nodes.Get("0.id").Str)
			assert.Equal(t, "gw-1", nodes.Get("0.hostname").Str)
		})
	}
}
