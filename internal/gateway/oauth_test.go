package gateway_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/core"
	"gatehouse/internal/gateway"
	"gatehouse/internal/gateway/gatewaytest"
)

func client(g *gatewaytest.Gateway) *gateway.Client {
	return gateway.New(gateway.Options{URL: g.URL, Secret: gatewaytest.Secret})
}

var sample = gateway.OauthClient{
	ClientID:    "c",
	Secret:      "s",
	RedirectURI: "/cats",
	ApiID:       "api",
	PolicyID:    "p",
	MetaData:    json.RawMessage(`{"a":1,"b":2}`),
}

func TestPuttingAClientDoesWhatItTakes(t *testing.T) {
	with := func(change func(c *gateway.OauthClient)) gateway.OauthClient {
		c := sample
		change(&c)
		return c
	}
	const get, create, put = "GET /tyk/oauth/clients/api/c", "POST /tyk/oauth/clients/create", "PUT /tyk/oauth/clients/api/c"
	for name, c := range map[string]struct {
		there *gateway.OauthClient
		want  []string
	}{
		"one that is missing is created":                          {nil, []string{get, create}},
		"one that is the same is left alone":                      {new(with(func(c *gateway.OauthClient) { c.MetaData = json.RawMessage(`{"b":2, "a":1}`) })), []string{get}},
		"one with another policy is changed":                      {new(with(func(c *gateway.OauthClient) { c.PolicyID = "old" })), []string{get, put}},
		"one with another secret is changed, and then made again": {new(with(func(c *gateway.OauthClient) { c.Secret = "old" })), []string{get, put, create}},
	} {
		t.Run(name, func(t *testing.T) {
			g := gatewaytest.New(t)
			if c.there != nil {
				g.Set(*c.there)
			}
			changed, err := client(g).PutOauthClient(t.Context(), sample, 0)
			require.NoError(t, err)
			assert.Equal(t, len(c.want) > 1, changed)
			assert.Equal(t, c.want, g.Calls())
			now, ok := g.Client("api", "c")
			require.True(t, ok)
			assert.True(t, now.Same(sample), "%+v", now)
		})
	}
}

func TestAGatewayThatHasNotLoadedTheAPIIsAskedAgainForAWhile(t *testing.T) {
	g := gatewaytest.New(t)
	g.Unload(2)
	_, err := client(g).PutOauthClient(t.Context(), sample, time.Minute)
	require.NoError(t, err)
	_, ok := g.Client("api", "c")
	assert.True(t, ok)

	g.LoseRedis()
	g.Unload(1000)
	_, err = client(g).PutOauthClient(t.Context(), sample, 300*time.Millisecond)
	require.Error(t, err)
	assert.Contains(t, err.Error(), "API doesn't exist")
}

func TestWhatTheGatewaySaysIsExplained(t *testing.T) {
	for name, c := range map[string]struct {
		status  int
		body    string
		code    core.Code
		message string
	}{
		"a wrong secret":         {403, `{"status":"error","message":"Attempted administrative access with invalid or missing key!"}`, core.CodeUnavailable, "tyk_api_config.Secret"},
		"a refusal":              {400, `{"message":"API is not OAuth2"}`, core.CodeInvalid, "the gateway refuses: API is not OAuth2"},
		"a refusal of OAuth 2.0": {403, `{"error":"invalid_request","error_description":"is malformed"}`, core.CodeInvalid, "the gateway refuses: is malformed"},
		"a failure":              {500, `{"message":"Failure in storing client data."}`, core.CodeUnavailable, "Failure in storing"},
		"no JSON":                {404, `404 page not found`, core.CodeInvalid, "it answered 404"},
		"a very long message":    {400, `{"message":"` + strings.Repeat("x", 5000) + `"}`, core.CodeInvalid, "…"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.body))
			}))
			defer server.Close()
			err := gateway.Explain(
				gateway.New(gateway.Options{URL: server.URL, Secret: "s"}).RevokeOauthToken(t.Context(), "o", "c", "t", ""),
			)
			assert.Equal(t, c.code, core.CodeOf(err))
			assert.Contains(t, core.AsError(err).Message, c.message)
			assert.Less(t, len(core.AsError(err).Message), 1000)
		})
	}
}

func TestWithoutAGatewayTheErrorSaysWhatToConfigure(t *testing.T) {
	for name, o := range map[string]gateway.Options{"no host": {Secret: "s"}, "no secret": {URL: "http://gw"}} {
		t.Run(name, func(t *testing.T) {
			_, err := gateway.New(o).OauthTokens(t.Context(), "a", "c")
			assert.Equal(t, core.CodeUnavailable, core.CodeOf(err))
			assert.Contains(t, core.AsError(err).Message, "tyk_api_config.Host")
		})
	}
}

func TestAnAnswerThatIsTooLongIsNotRead(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		chunk := []byte(strings.Repeat(" ", 1<<20))
		for range 17 {
			_, _ = w.Write(chunk)
		}
	}))
	defer server.Close()
	_, err := gateway.New(gateway.Options{URL: server.URL, Secret: "s"}).OauthTokens(t.Context(), "a", "c")
	assert.Equal(t, core.CodeLimit, core.CodeOf(err))
}

func TestAuthorisingAsksTheGatewayWhereItServesTheAPI(t *testing.T) {
	for name, c := range map[string]struct{ domain, listenPath, host, path string }{
		"under its listen path":                   {"", "/cats/", "", "/cats/tyk/oauth/authorize-client/"},
		"without the slashes of it":               {"", "cats", "", "/cats/tyk/oauth/authorize-client/"},
		"under a path of several parts":           {"", "/a/b", "", "/a/b/tyk/oauth/authorize-client/"},
		"under the root":                          {"", "/", "", "/tyk/oauth/authorize-client/"},
		"on its domain":                           {"api.test", "/cats/", "api.test", "/cats/tyk/oauth/authorize-client/"},
		"never on the host that a path may smell": {"", "@evil.test/", "", "/@evil.test/tyk/oauth/authorize-client/"},
		"nor with a query":                        {"", "/cats?x=", "", "/cats%3Fx=/tyk/oauth/authorize-client/"},
		"nor on the host of a doubled slash":      {"", "//evil.test/", "", "/evil.test/tyk/oauth/authorize-client/"},
	} {
		t.Run(name, func(t *testing.T) {
			var got *http.Request
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_ = r.ParseForm()
				got = r
				_, _ = w.Write([]byte(`{"code":"x","redirect_to":"y"}`))
			}))
			defer server.Close()
			answer, err := gateway.New(
				gateway.Options{URL: server.URL, Secret: "s"},
			).Authorize(
				t.Context(),
				c.domain,
				c.listenPath,
				url.Values{"client_id": {"c"}},
			)
			require.NoError(t, err)
			assert.JSONEq(t, `{"code":"x","redirect_to":"y"}`, string(answer))
			assert.Equal(t, c.path, got.URL.EscapedPath())
			assert.Equal(t, "c", got.PostForm.Get("client_id"))
			assert.Equal(t, "s", got.Header.Get("x-tyk-authorization"))
			if c.host == "" {
				c.host = strings.TrimPrefix(server.URL, "http://")
			}
			assert.Equal(t, c.host, got.Host)
		})
	}
}
