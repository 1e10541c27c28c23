package resolvers_test

import (
	"encoding/json"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/apptest"
	"gatehouse/internal/core"
	"gatehouse/internal/gateway/gatewaytest"
	"gatehouse/internal/gateway/notify"
)

const (
	makeEcho = `mutation($doc: JSON!) { createApi(input: {definition: $doc}) { id } }`
	send     = `mutation($in: ProxyRequestInput!) { it: proxyRequest(input: $in) { statusCode headers body truncated logs } }`
)

func echoApi(id, listenPath, domain string) map[string]any {
	return map[string]any{
		"doc": `{"name":"` + id + `","api_id":"` + id + `","domain":"` + domain + `","proxy":{"listen_path":"` + listenPath + `"}}`,
	}
}

func TestAProxiedRequestShowsWhatClientsGet(t *testing.T) {
	t.Parallel()
	g := gatewaytest.New(t)
	s := apptest.New(t, apptest.WithEnv(g.Env()...))
	r := must(t, s.GraphQL(t, send, map[string]any{"in": map[string]any{"method": "POST", "url": g.URL + "/echo/get",
		"headers": map[string]any{"Authorization": "the key of a client"}, "body": map[string]any{"a": 1}}}))
	assert.EqualValues(t, 200, r.Get("data.it.statusCode").Int())
	assert.Equal(t, "one, two", r.Get("data.it.headers.X-Echo").Str)
	assert.JSONEq(t, `{"a":1}`, r.Get("data.it.body.body").Str)
	assert.Equal(t, "the key of a client", r.Get("data.it.body.headers.Authorization.0").Str)
	assert.Equal(t, "null", r.Get("data.it.logs").Raw, "the gateway was not asked for logs")
	assert.NotContains(t, string(r.Body), s.AccessKey, "the caller's own credentials go nowhere")
	assert.Empty(t, g.Calls(), "the gateway's own API was not called")

	r = must(t, s.GraphQL(t, send, map[string]any{"in": map[string]any{"url": g.URL + "/echo/large"}}))
	assert.True(t, r.Get("data.it.truncated").Bool())
	refused(
		t,
		s.GraphQL(t, send, map[string]any{"in": map[string]any{"url": "http://elsewhere.test/"}}),
		"FORBIDDEN",
		"not a recognised gateway URL",
	)
	refused(
		t,
		s.GraphQL(t, send, map[string]any{"in": map[string]any{"url": g.URL + "/x", "method": "TRACE"}}),
		"INVALID",
		"method must be one of GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS",
	)
	refused(
		t,
		s.GraphQL(t, send, map[string]any{"in": map[string]any{"url": g.URL + "/x", "headers": []string{"a"}}}),
		"INVALID",
		"headers must be an object",
	)
}

func TestGatewaysOfTheConfigurationCanBeCalled(t *testing.T) {
	t.Parallel()
	g := gatewaytest.New(t)
	for name, env := range map[string]string{
		"the name of the gateways": "TYK_DB_HOSTCONFIG_GATEWAYHOSTNAME=" + g.URL,
		"an edge endpoint":         `TYK_DB_EDGEENDPOINTS=[{"name": "edge", "endpoint": "` + g.URL + `", "tags": ["edge"]}]`,
	} {
		t.Run(name, func(t *testing.T) {
			s := apptest.New(t, apptest.WithEnv(env))
			must(t, s.GraphQL(t, send, map[string]any{"in": map[string]any{"url": g.URL + "/echo/"}}))
			refused(
				t,
				s.GraphQL(t, send, map[string]any{"in": map[string]any{"url": g.URL + "/echo/", "debug": true}}),
				"UNAVAILABLE",
				"tyk_api_config.Secret",
			)
		})
	}
	s := apptest.New(t)
	refused(
		t,
		s.GraphQL(t, send, map[string]any{"in": map[string]any{"url": "http://localhost:8080/"}}),
		"UNAVAILABLE",
		"set tyk_api_config.Host",
	)
}

func TestOnlyOwnApisAreDebugged(t *testing.T) {
	t.Parallel()
	g := gatewaytest.New(t)
	s := apptest.New(t, apptest.WithEnv(g.Env()...))
	must(t, s.GraphQL(t, makeEcho, echoApi("mine", "/echo/mine/", "")))
	must(t, s.GraphQL(t, makeEcho, echoApi("named", "/echo/named", "api.example")))
	_, other := s.Organisation(t, "other")
	ask := func(path, host, key string) apptest.Reply {
		return s.GraphQL(
			t,
			send,
			map[string]any{"in": map[string]any{"url": g.URL + path, "debug": true, "headers": map[string]any{"Host": host}}},
			"Authorization: "+key,
		)
	}
	r := must(t, ask("/echo/mine/deep/er?q=1", "", s.AccessKey))
	assert.Equal(t, "/echo/mine/deep/er?q=1", r.Get("data.it.body.url").Str)
	assert.Equal(t, `{"level":"debug","msg":"Started"}`, r.Get("data.it.logs.0").Str)
	assert.Equal(t, []string{"POST /tyk/debug"}, g.Calls(), "the request goes out once")
	must(t, ask("/echo/named/x", "API.example:443", s.AccessKey))

	refused(t, ask("/echo/named/x", "", s.AccessKey), "FORBIDDEN", "no API of your organisation")
	refused(t, ask("/echo/mine-not/", "", s.AccessKey), "FORBIDDEN")
	refused(t, ask("/echo/mine/", "", other), "FORBIDDEN", "no API of your organisation")
	g.Calls()
	g.Fail(500)
	refused(t, ask("/echo/mine/", "", s.AccessKey), "UNAVAILABLE", "the gateway failed")
}

func TestAnApiIsDebuggedAsGatewaysAreToldIt(t *testing.T) {
	t.Parallel()
	g := gatewaytest.New(t)
	c := newCertified(t, g.Env()...)
	must(t, c.GraphQL(t, makeEcho, echoApi("theirs", "/theirs/", "")))
	a := c.written(
		t,
		"echo",
		`"upstream_certificates":{"*":"`+c.foreign+`"},"version_data":{"versions":{"Default":{"extended_paths":{"url_rewrites":[{"rewrite_to":"tyk://theirs/"}]}}}}`,
	)
	ask := map[string]any{"in": map[string]any{"url": g.URL + "/echo/", "debug": true}}
	must(t, c.GraphQL(t, send, ask, as(c.ours)))
	told := core.Document(g.Debugged())
	assert.Equal(t, core.NoCertificate(c.ourOrg), told.Text("upstream_certificates.*"))
	assert.Equal(
		t,
		"tyk://"+core.ZeroID+"/",
		told.Text("version_data.versions.Default.extended_paths.url_rewrites.0.rewrite_to"),
	)
	g.Calls()
	bad := *a
	bad.Definition = a.Definition.Set("api_definition.enable_jwt", "yes")
	require.NoError(t, c.Store.Apis.Update(t.Context(), &bad))
	refused(t, c.GraphQL(t, send, ask, as(c.ours)), "INVALID", "gateways must not be given the API", "enable_jwt")
	assert.Empty(t, g.Calls())
}

func TestGatewaysAreToldToForgetByRedis(t *testing.T) {
	t.Parallel()
	server := miniredis.RunT(t)
	client := redis.NewClient(&redis.Options{Addr: server.Addr()})
	t.Cleanup(func() { _ = client.Close() })
	heard := client.Subscribe(t.Context(), notify.Channel)
	t.Cleanup(func() { _ = heard.Close() })
	_, err := heard.Receive(t.Context())
	require.NoError(t, err)
	s := apptest.New(t, apptest.WithRedis(server.Addr()))
	id := must(t, s.GraphQL(t, makeEcho, echoApi("pets", "/pets/", ""))).Get("data.createApi.id").Str

	for mutation, want := range map[string]string{"invalidateApiCache": "DeleteAPICache", "invalidateJwksCache": "InvalidateJWKSCacheForAPI"} {
		r := must(t, s.GraphQL(t, `mutation { it: `+mutation+`(apiId: "`+id+`") }`, nil))
		assert.True(t, r.Get("data.it").Bool())
		for command := ""; command != want; {
			m, err := heard.ReceiveMessage(t.Context())
			require.NoError(t, err)
			var n struct{ Command, Payload string }
			require.NoError(t, json.Unmarshal([]byte(m.Payload), &n))
			if command = n.Command; command == want {
				assert.Equal(t, "pets", n.Payload, "gateways know the API by its public id")
			}
		}
	}
	server.Close()
	refused(t, s.GraphQL(t, `mutation { it: invalidateApiCache(apiId: "pets") }`, nil), "UNAVAILABLE")
}
