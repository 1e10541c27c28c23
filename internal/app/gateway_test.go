package app_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"gatehouse/internal/apptest"
	"gatehouse/internal/gateway/notify"
	"gatehouse/internal/gateway/redistest"
	"gatehouse/internal/gateway/token"
	"gatehouse/store/sql"
)

// wire is a client of what gateways use: the node protocol over TCP, and Redis.
type wire struct {
	url, session, id, nonce string
	redis                   *redis.Client
	heard                   <-chan *redis.Message
}

// newWire listens to Redis before it registers, as a gateway that has been up for a while.
func newWire(t *testing.T, redisAddr, url string) *wire {
	t.Helper()
	w := &wire{
		url:     url,
		session: "5f2b9c1e-0000-4000-8000-000000000001",
		redis:   redis.NewClient(&redis.Options{Addr: redisAddr}),
	}
	channel := w.redis.Subscribe(t.Context(), notify.Channel)
	_, err := channel.Receive(t.Context())
	require.NoError(t, err)
	w.heard = channel.Channel()
	t.Cleanup(func() { _ = channel.Close(); _ = w.redis.Close() })
	return w
}

// call makes a call of the node protocol, and takes up the nonce of its answer.
func (w *wire) call(t *testing.T, method, path string) gjson.Result {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, w.url+path, nil)
	require.NoError(t, err)
	for name, value := range map[string]string{"authorization": nodeSecret, "x-tyk-hostname": "gw-1", "x-tyk-session-id": w.session,
		"x-tyk-nodeid": w.id, "x-tyk-nonce": w.nonce} {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, resp.StatusCode, "%s %s: %s", method, path, raw)
	got := gjson.ParseBytes(raw)
	w.nonce = got.Get("Nonce").Str
	require.NotEmpty(t, w.nonce)
	return got
}

func (w *wire) register(t *testing.T) {
	t.Helper()
	w.id = w.call(t, "GET", "/register/node").Get("Message.NodeID").Str
	require.NotEmpty(t, w.id)
}

// forget passes over what was said so far.
func (w *wire) forget() {
	for {
		select {
		case <-w.heard:
		default:
			return
		}
	}
}

// told waits for a notification of a command, holds that a gateway would take its signature, and returns its payload. A
// reload of all stands for those of APIs and policies: what comes at the same moment is said once.
func (w *wire) told(t *testing.T, command notify.Command) string {
	t.Helper()
	reload := command == notify.ApiUpdated || command == notify.PolicyChanged
	for end := time.After(10 * time.Second); ; {
		select {
		case m := <-w.heard:
			n := gjson.Parse(m.Payload)
			sum := sha256.Sum256([]byte(n.Get("command").Str + n.Get("payload").Str + nodeSecret))
			require.Equal(t, hex.EncodeToString(sum[:]), n.Get("signature").Str)
			require.EqualValues(t, 5, n.Get("algorithm").Int())
			if said := notify.Command(n.Get("command").Str); said == command || reload && said == notify.GroupReload {
				return n.Get("payload").Str
			}
		case <-end:
			t.Fatalf("nobody says %s", command)
		}
	}
}

// overTCP serves a program over TCP.
func overTCP(t *testing.T, srv *apptest.Server) string {
	t.Helper()
	s := httptest.NewServer(srv.Handler)
	t.Cleanup(s.Close)
	return s.URL
}

// TestWhatAGatewaySeesOverTheWire goes through a gateway's day with the protocol alone: two servers of ours on one
// database and one Redis, of which it speaks to either.
func TestWhatAGatewaySeesOverTheWire(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	engine, err := sql.OpenMemory(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { _ = engine.Close() })
	options := []apptest.Option{
		apptest.WithEngine(engine),
		apptest.WithRedis(server.Addr),
		apptest.WithEnv("TYK_DB_NODESECRET=" + nodeSecret),
	}
	one := apptest.New(t, options...)
	two := apptest.New(t, options...)
	first, second := overTCP(t, one), overTCP(t, two)
	w := newWire(t, server.Addr, first)
	w.register(t)
	require.Empty(t, w.call(t, "GET", "/system/apis").Get("Message").Array())

	// What goes through one server is told, and served by the other; a trailing slash of the configured address does no
	// harm.
	w.url = second + "/"
	w.call(t, "GET", "/register/ping")
	w.forget()
	created := one.GraphQL(
		t,
		`mutation { createApi(input: {apiId: "weather", name: "Weather", listenPath: "/weather/", targetUrl: "http://up.test"}) { id } }`,
		nil,
	)
	require.False(t, created.Get("errors").Exists(), "%s", created.Body)
	w.told(t, notify.ApiUpdated)
	require.Equal(t, "/weather/", w.call(t, "GET", "/system/apis").Get("Message.0.api_definition.proxy.listen_path").Str)

	w.forget()
	policy := two.REST(
		t,
		"POST",
		"/api/portal/policies",
		`{"id":"basic","name":"Basic","active":true,"rate":5,"per":1,"quota_max":-1,"access_rights":{"weather":{"api_id":"weather","versions":["Default"]}}}`,
	)
	require.Equal(t, 200, policy.Status, "%s", policy.Body)
	w.told(t, notify.PolicyChanged)
	require.Equal(t, "basic", w.call(t, "GET", "/system/policies").Get("Message.0.id").Str)

	// A key is in Redis, under the gateway's name for it, when the answer is out; its deletion empties the gateway's
	// cache.
	key := one.REST(t, "POST", "/api/keys", `{"alias":"ada","apply_policies":["basic"]}`)
	require.Equal(t, 200, key.Status, "%s", key.Body)
	tok := key.Get("key_id").Str
	name := "apikey-" + token.Hash(tok)
	session, err := w.redis.Get(t.Context(), name).Result()
	require.NoError(t, err)
	require.Equal(t, "ada", gjson.Get(session, "alias").Str)
	require.Equal(t, 200, two.REST(t, "DELETE", "/api/keys/"+tok, "").Status)
	require.Contains(t, strings.Split(w.told(t, notify.KeySpaceUpdated), ","), token.Hash(tok))
	require.Zero(t, w.redis.Exists(t.Context(), name).Val())

	// The server that it called lists it as it is; the other one has it from the store, some seconds later.
	want := fmt.Sprintf(`[{"id":%q,"hostname":"gw-1","state":"ACTIVE","apisServed":1,"lag":0}]`, w.id)
	listed := func(srv *apptest.Server) string {
		return srv.GraphQL(
			t,
			`{ gateways { nodes { id hostname state apisServed lag } } }`,
			nil,
		).Get(
			"data.gateways.nodes",
		).Raw
	}
	require.JSONEq(t, want, listed(two))
	require.Eventually(t, func() bool { return listed(one) == want }, 15*time.Second, 100*time.Millisecond)
	require.Equal(t, 200, one.REST(t, "POST", "/api/gateways/reload", "").Status)
	w.told(t, notify.GroupReload)
	w.call(t, "DELETE", "/system/node")
}
