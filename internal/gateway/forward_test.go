package gateway_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/core"
	"gatehouse/internal/gateway"
	"gatehouse/internal/gateway/gatewaytest"
)

func TestTargetsAreUnderConfiguredGateways(t *testing.T) {
	f := gateway.NewForwarder("http://gw.test:8080", "https://edge.test/ignored/path", "http://[2001:db8::1]", "none", "")
	tests := []struct {
		name, url string
		code      core.Code
	}{
		{"a path under the gateway", "http://gw.test:8080/pets/get?a=/tyk/", ""},
		{"capitals in the host", "http://GW.Test:8080/pets", ""},
		{"capitals in the scheme", "HTTP://gw.test:8080/pets", ""},
		{"the usual port, named", "https://edge.test:443/pets", ""},
		{"an address of version 6", "http://[2001:DB8::1]:80/pets", ""},
		{"a path that only starts as the gateway's own", "http://gw.test:8080/tyk-pets/", ""},
		{"endpoints of an API with that name", "http://gw.test:8080/pets/tyk/oauth/token", ""},
		{"another port", "http://gw.test:8081/pets", core.CodeForbidden},
		{"no port where the gateway has one", "http://gw.test/pets", core.CodeForbidden},
		{"another scheme", "https://gw.test:8080/pets", core.CodeForbidden},
		{"a scheme that is not of the web", "file:///etc/passwd", core.CodeForbidden},
		{"another host", "http://169.254.169.254/pets", core.CodeForbidden},
		{"a host that begins alike", "http://gw.test:8080.evil.test/pets", core.CodeInvalid},
		{"the gateway as a user", "http://gw.test:8080@evil.test/pets", core.CodeForbidden},
		{"a user at the gateway", "http://user:secret@gw.test:8080/pets", core.CodeForbidden},
		{"a backslash in the host", `http://gw.test:8080\@evil.test/`, core.CodeInvalid},
		{"no host", "/pets", core.CodeForbidden},
		{"no scheme", "gw.test:8080/pets", core.CodeForbidden},
		{"nothing", "", core.CodeForbidden},
		{"a line break", "http://gw.test:8080/pets\r\nHost: evil", core.CodeInvalid},
		{"a url without end", "http://gw.test:8080/" + strings.Repeat("a", 9000), core.CodeInvalid},
		{"the gateway's own API", "http://gw.test:8080/tyk/keys", core.CodeForbidden},
		{"its root", "http://gw.test:8080/tyk", core.CodeForbidden},
		{"it in capitals", "http://gw.test:8080/TYK/keys", core.CodeForbidden},
		{"it behind slashes", "http://gw.test:8080///tyk//keys", core.CodeForbidden},
		{"it behind dots", "http://gw.test:8080/pets/../tyk/keys", core.CodeForbidden},
		{"it behind escaped dots", "http://gw.test:8080/pets/%2e%2e/tyk/keys", core.CodeForbidden},
		{"it with an escape", "http://gw.test:8080/%74yk/keys", core.CodeForbidden},
		{"it with escapes of escapes", "http://gw.test:8080/%252574yk%25252fkeys", core.CodeForbidden},
		{"it behind a backslash", `http://gw.test:8080/pets\..\tyk\keys`, core.CodeForbidden},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := f.Target(tt.url)
			assert.Equal(t, tt.code, core.CodeOf(err), "%v", err)
		})
	}
	_, err := gateway.NewForwarder().Target("http://localhost:8080/")
	assert.Equal(t, core.CodeUnavailable, core.CodeOf(err), "no gateway is known")
}

func TestForwardSendsOneRequestAndKeepsABoundedAnswer(t *testing.T) {
	g := gatewaytest.New(t)
	f := gateway.NewForwarder(g.URL)
	send := func(path string, header http.Header) *gateway.Forwarded {
		t.Helper()
		target, err := f.Target(g.URL + path)
		require.NoError(t, err)
		out, err := f.Forward(t.Context(), &gateway.Request{Method: "GET", Target: target, Header: header})
		require.NoError(t, err)
		return out
	}
	moved := send("/echo/moved", nil)
	assert.Equal(t, http.StatusFound, moved.Status, "redirects are not followed")
	assert.Equal(t, "/tyk/keys", moved.Header.Get("Location"))
	assert.Empty(t, g.Calls(), "the gateway's own API was not called")

	large := send("/echo/large", nil)
	assert.True(t, large.Truncated)
	assert.Len(t, large.Body, gateway.MaxForwarded)

	header := http.Header{
		"X-Tyk-Authorization": {"s"},
		"Admin-Auth":          {"s"},
		"Connection":          {"x-hop, close"},
		"X-Hop":               {"1"},
		"X-Own":               {"1", "2"},
	}
	assert.Contains(t, string(send("/echo/", header).Body), `"headers":{"X-Own":["1","2"]}`)
}

func TestForwardSaysWhichGatewayIsSilent(t *testing.T) {
	f := gateway.NewForwarder("http://127.0.0.1:1")
	target, err := f.Target("http://127.0.0.1:1/pets")
	require.NoError(t, err)
	_, err = f.Forward(t.Context(), &gateway.Request{Method: "GET", Target: target})
	assert.Equal(t, core.CodeUnavailable, core.CodeOf(err))
	assert.Equal(t, "the gateway at 127.0.0.1:1 does not answer", core.AsError(err).Message)
}
