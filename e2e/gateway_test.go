package e2e

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// soon is what a platform team is promised: the gateway's own reload interval of a second, and less than one more.
const soon = 2 * time.Second

// patient is for what waits on a restart.
const patient = 60 * time.Second

// TestAStockGatewayRunsOnGatehouse is one story, told in order: each part leaves the installation as it found it.
func TestAStockGatewayRunsOnGatehouse(t *testing.T) {
	in := install(t)
	// A gateway that is told of no API at all keeps those that it has, so one stays throughout.
	in.api(t, "always-there", nil)
	// A gateway that has just started waits ten seconds before it listens to Redis.
	in.becomes(t, patient, http.StatusOK, "/always-there/")
	for _, part := range []struct {
		name string
		tell func(*testing.T, *installation)
	}{
		{"the gateway registers and is listed", registers},
		{"an API that GraphQL creates proxies within two seconds, and is gone as soon after its deletion", proxies},
		{"an update changes the listen path", changesPath},
		{"a key that REST makes is accepted at once, and refused at once after its deletion", keys},
		{"a custom key works by its name", customKey},
		{"a key that the gateway's own API makes appears here", foreignKey},
		{"the rate limit of a policy holds", rateLimit},
		{"the quota of a policy holds, is shown, and can be reset", quota},
		{"a change of a policy reaches the gateway", policyChange},
		{"a user of basic authentication signs in, with the new password only after a change", basicAuth},
		{"an OAuth client gets a token with its credentials, uses it, and loses it when it is revoked", oauth},
		{"mutual TLS with uploaded certificates", mutualTLS},
		{"a burst of changes becomes few reloads", burst},
		{"the gateway goes on when Gatehouse is killed, and hears of changes when it is back", gatehouseRestarts},
		{"the gateway is killed, and serves everything when it is back", gatewayRestarts},
		{"Redis is killed and comes back: what was saved meanwhile is served, and keys work", redisRestarts},
		{"Redis comes back empty: the keys are put back", redisLosesEverything},
		{"a gateway with a wrong node secret is refused", wrongSecret},
	} {
		if !t.Run(part.name, func(t *testing.T) { part.tell(t, in) }) {
			return // the parts after it would fail for its reason
		}
	}
}

func registers(t *testing.T, in *installation) {
	eventually(t, patient, "one active gateway is listed", func() (bool, string) {
		l := in.graphQL(t, `{ gateways(state: ACTIVE) { nodes { id hostname lastSeen apisLoadedAt lag } } }`, nil).Get("gateways.nodes")
		return len(l.Array()) == 1 && l.Get("0.apisLoadedAt").Str != "", l.Raw
	})
	version := in.call("GET", in.gatewayURL+"/hello", "").get("version").Str
	t.Logf(
		"gateway %s is registered: %s",
		version,
		in.graphQL(t, `{ gateways { nodes { id hostname state version } } }`, nil).Get("gateways.nodes").Raw,
	)
}

func proxies(t *testing.T, in *installation) {
	id := in.api(t, "weather", nil)
	took := in.becomes(t, soon, http.StatusOK, "/weather/today")
	t.Logf("proxied %d ms after the answer to createApi", took.Milliseconds())
	assert.Equal(t, "upstream was asked for /today", in.through("/weather/today").body)
	in.graphQL(t, `mutation($id: ID!) { deleteApi(id: $id) { id } }`, map[string]any{"id": id})
	took = in.becomes(t, soon, http.StatusNotFound, "/weather/today")
	t.Logf("gone %d ms after the answer to deleteApi", took.Milliseconds())
}

func changesPath(t *testing.T, in *installation) {
	id := in.api(t, "old", nil)
	in.becomes(t, soon, http.StatusOK, "/old/")
	in.graphQL(
		t,
		`mutation($id: ID!) { patchApi(id: $id, patch: {api_definition: {proxy: {listen_path: "/new/"}}}) { listenPath } }`,
		map[string]any{"id": id},
	)
	took := in.becomes(t, soon, http.StatusOK, "/new/")
	t.Logf("served under the new path %d ms after the answer to patchApi", took.Milliseconds())
	assert.Equal(t, http.StatusNotFound, in.through("/old/").status)
	in.drop(t, id)
}

// drop deletes an API and waits until the gateway has heard.
func (in *installation) drop(t *testing.T, apis ...string) {
	t.Helper()
	for _, id := range apis {
		in.rest(t, "DELETE", "/api/apis/"+id, "")
	}
}

// protected is an API that asks for a key.
func (in *installation) protected(t *testing.T, name string) string {
	t.Helper()
	id := in.api(t, name, map[string]any{"use_keyless": false, "use_standard_auth": true})
	in.becomes(t, soon, http.StatusUnauthorized, "/"+name+"/")
	return id
}

func rights(api string) string {
	return fmt.Sprintf(`"access_rights": {%q: {"api_id": %q, "api_name": "", "versions": ["Default"]}}`, api, api)
}

func keys(t *testing.T, in *installation) {
	id := in.protected(t, "members")
	token := in.rest(
		t,
		"POST",
		"/api/keys",
		`{"alias": "ada", "rate": 100, "per": 1, "quota_max": -1, `+rights(id)+`}`,
	).get(
		"key_id",
	).Str
	got := in.through("/members/", "Authorization: "+token)
	require.Equal(t, http.StatusOK, got.status, "the very first call after the key was made: %s", got)
	in.rest(t, "DELETE", "/api/keys/"+token, "")
	took := in.becomes(t, time.Second, http.StatusForbidden, "/members/", "Authorization: "+token)
	t.Logf("accepted in the first call, refused %d ms after the answer to the deletion", took.Milliseconds())
	in.drop(t, id)
}

func customKey(t *testing.T, in *installation) {
	id := in.protected(t, "custom")
	in.rest(
		t,
		"POST",
		"/api/keys/my-custom-key",
		`{"alias": "custom", "rate": 100, "per": 1, "quota_max": -1, `+rights(id)+`}`,
	)
	got := in.through("/custom/", "Authorization: my-custom-key")
	require.Equal(t, http.StatusOK, got.status, "%s", got)
	in.rest(t, "DELETE", "/api/keys/my-custom-key", "")
	in.becomes(t, time.Second, http.StatusForbidden, "/custom/", "Authorization: my-custom-key")
	in.drop(t, id)
}

func foreignKey(t *testing.T, in *installation) {
	id := in.protected(t, "foreign")
	made := in.call(
		"POST",
		in.gatewayURL+"/tyk/keys/create",
		`{"alias": "made at the gateway", "org_id": "`+in.org+`", "rate": 100, "per": 1, "quota_max": -1, `+rights(id)+`}`,
		"x-tyk-authorization: "+gatewaySecret,
	)
	require.Equal(t, http.StatusOK, made.status, "%s", made)
	token := made.get("key").Str
	got := in.rest(t, "GET", "/api/keys/"+token, "")
	assert.Equal(t, "made at the gateway", got.get("data.alias").Str, "%s", got)
	in.rest(t, "DELETE", "/api/keys/"+token, "")
	in.becomes(t, time.Second, http.StatusForbidden, "/foreign/", "Authorization: "+token)
	in.drop(t, id)
}

// policy makes a policy and a key that applies it.
func (in *installation) policy(t *testing.T, api, limits string) (policy, token string) {
	t.Helper()
	policy = in.rest(
		t,
		"POST",
		"/api/portal/policies",
		`{"name": "policy of `+api+`", "active": true, `+limits+`, `+rights(api)+`}`,
	).get(
		"Message",
	).Str
	token = in.rest(t, "POST", "/api/keys", `{"alias": "by policy", "apply_policies": ["`+policy+`"]}`).get("key_id").Str
	eventually(t, soon, "the gateway has loaded the policy", func() (bool, string) {
		l := in.call("GET", in.gatewayURL+"/tyk/policies/"+policy, "", "x-tyk-authorization: "+gatewaySecret)
		return l.status == http.StatusOK, l.String()
	})
	return policy, token
}

// calls counts the answers to a number of calls by their status.
func (in *installation) calls(n int, path, token string) map[int]int {
	out := map[int]int{}
	for range n {
		out[in.through(path, "Authorization: "+token).status]++
	}
	return out
}

func rateLimit(t *testing.T, in *installation) {
	id := in.protected(t, "limited")
	_, token := in.policy(t, id, `"rate": 3, "per": 30, "quota_max": -1`)
	got := in.calls(10, "/limited/", token)
	t.Logf("ten calls with 3 per 30 seconds: %v", got)
	assert.Positive(t, got[http.StatusOK])
	assert.LessOrEqual(t, got[http.StatusOK], 4, "the gateway's own limiter lets one more through, at most")
	assert.Equal(t, 10-got[http.StatusOK], got[http.StatusTooManyRequests])
	in.rest(t, "DELETE", "/api/keys/"+token, "")
	in.drop(t, id)
}

func quota(t *testing.T, in *installation) {
	id := in.protected(t, "metered")
	_, token := in.policy(t, id, `"rate": 1000, "per": 1, "quota_max": 5, "quota_renewal_rate": 3600`)
	got := in.calls(8, "/metered/", token)
	t.Logf("eight calls with a quota of 5: %v", got)
	assert.Equal(t, map[int]int{http.StatusOK: 5, http.StatusForbidden: 3}, got)
	show := func() string {
		return in.graphQL(
			t,
			`query($id: ID!) { key(id: $id) { usage { counters { nodes { quotaMax quotaRemaining quotaRenews } } } } }`,
			map[string]any{"id": token},
		).Get(
			"key.usage.counters.nodes",
		).Raw
	}
	spent := show()
	assert.Contains(t, spent, `"quotaRemaining":0`)
	in.graphQL(t, `mutation($id: ID!) { resetKeyQuota(id: $id) { id } }`, map[string]any{"id": token})
	again := in.through("/metered/", "Authorization: "+token)
	assert.Equal(t, http.StatusOK, again.status, "after the quota was reset: %s", again)
	t.Logf("shown when spent: %s; after a reset and one call: %s", spent, show())
	in.rest(t, "DELETE", "/api/keys/"+token, "")
	in.drop(t, id)
}

func policyChange(t *testing.T, in *installation) {
	id := in.protected(t, "revised")
	policy, token := in.policy(t, id, `"rate": 1000, "per": 1, "quota_max": -1`)
	require.Equal(t, http.StatusOK, in.through("/revised/", "Authorization: "+token).status)
	in.graphQL(
		t,
		`mutation($id: ID!) { patchPolicy(id: $id, patch: {is_inactive: true}) { policyId } }`,
		map[string]any{"id": policy},
	)
	took := in.becomes(t, 3*time.Second, http.StatusForbidden, "/revised/", "Authorization: "+token)
	t.Logf("keys of the policy are refused %d ms after it was switched off", took.Milliseconds())
	in.rest(t, "DELETE", "/api/keys/"+token, "")
	in.drop(t, id)
}

func basicAuth(t *testing.T, in *installation) {
	id := in.api(t, "basic", map[string]any{"use_keyless": false, "use_basic_auth": true})
	in.becomes(t, soon, http.StatusUnauthorized, "/basic/")
	// Gateways take no name of three characters or less (min_token_length).
	header := func(password string) string {
		return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("lovelace:"+password))
	}
	body := func(password string) string {
		return `{"alias": "lovelace", "rate": 100, "per": 1, "quota_max": -1, "basic_auth_data": {"password": "` + password + `"}, ` + rights(
			id,
		) + `}`
	}
	in.rest(t, "POST", "/api/apis/keys/basic/lovelace", body("first"))
	got := in.through("/basic/", header("first"))
	require.Equal(t, http.StatusOK, got.status, "%s", got)
	assert.Equal(t, http.StatusUnauthorized, in.through("/basic/", header("wrong")).status)
	in.rest(t, "PUT", "/api/keys/lovelace?username=true", body("second"))
	in.becomes(t, time.Second, http.StatusOK, "/basic/", header("second"))
	assert.Equal(t, http.StatusUnauthorized, in.through("/basic/", header("first")).status)
	in.rest(t, "DELETE", "/api/keys/lovelace?username=true", "")
	in.becomes(t, time.Second, http.StatusUnauthorized, "/basic/", header("second"))
	in.drop(t, id)
}

func oauth(t *testing.T, in *installation) {
	id := in.api(t, "oauth", map[string]any{"use_keyless": false, "use_oauth2": true,
		"oauth_meta": map[string]any{
			"allowed_access_types":    []string{"client_credentials"},
			"allowed_authorize_types": []string{},
			"auth_login_redirect":     "",
		}})
	policy := in.rest(
		t,
		"POST",
		"/api/portal/policies",
		`{"name": "for OAuth", "active": true, "rate": 100, "per": 1, "quota_max": -1, `+rights(id)+`}`,
	).get(
		"Message",
	).Str
	client := in.rest(
		t,
		"POST",
		"/api/apis/oauth/"+id,
		`{"redirect_uri": "http://client.test/callback", "policy_id": "`+policy+`"}`,
	)
	in.becomes(t, soon, http.StatusBadRequest, "/oauth/")
	clientID, secret := client.get("client_id").Str, client.get("secret").Str
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {clientID}, "client_secret": {secret}}.Encode()
	basic := "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(clientID+":"+secret))
	var token string
	eventually(t, soon, "the gateway gives a token", func() (bool, string) {
		a := in.call(
			"POST",
			in.gatewayURL+"/oauth/oauth/token/",
			form,
			basic,
			"Content-Type: application/x-www-form-urlencoded",
		)
		token = a.get("access_token").Str
		return token != "", a.String()
	})
	got := in.through("/oauth/", "Authorization: Bearer "+token)
	require.Equal(t, http.StatusOK, got.status, "%s", got)
	listed := in.rest(t, "GET", "/api/apis/oauth/"+id+"/"+clientID+"/tokens", "")
	assert.Len(t, listed.get("@this").Array(), 1, "%s", listed)
	in.rest(t, "POST", "/api/apis/oauth/"+clientID+"/revoke", `{"token": "`+token+`", "token_type_hint": "access_token"}`)
	took := in.becomes(t, 2*time.Second, http.StatusForbidden, "/oauth/", "Authorization: Bearer "+token)
	t.Logf("refused %d ms after the answer to the revocation", took.Milliseconds())
	in.rest(t, "DELETE", "/api/apis/oauth/"+id+"/"+clientID, "")
	in.drop(t, id)
}

func burst(t *testing.T, in *installation) {
	before := strings.Count(in.gateway.said.String(), "API reload complete")
	var wait sync.WaitGroup
	ids := make([]string, 100)
	start := time.Now()
	for w := range 4 {
		wait.Go(func() {
			for i := w; i < len(ids); i += 4 {
				ids[i] = in.api(t, fmt.Sprintf("burst-%d", i), nil)
			}
		})
	}
	wait.Wait()
	spent := time.Since(start)
	took := in.becomes(t, soon, http.StatusOK, "/burst-99/")
	for _, i := range []int{0, 33, 66} {
		assert.Equal(t, http.StatusOK, in.through(fmt.Sprintf("/burst-%d/", i)).status)
	}
	reloads := strings.Count(in.gateway.said.String(), "API reload complete") - before
	t.Logf(
		"100 APIs in %d ms: all served %d ms later, after %d reloads",
		spent.Milliseconds(),
		took.Milliseconds(),
		reloads,
	)
	assert.LessOrEqual(t, reloads, int(spent/time.Second)+3)
	in.drop(t, ids...)
	in.becomes(t, 2*soon, http.StatusNotFound, "/burst-99/")
}

func gatehouseRestarts(t *testing.T, in *installation) {
	id := in.protected(t, "steady")
	token := in.rest(
		t,
		"POST",
		"/api/keys",
		`{"alias": "steady", "rate": 100, "per": 1, "quota_max": -1, `+rights(id)+`}`,
	).get(
		"key_id",
	).Str
	node := in.graphQL(t, `{ gateways(state: ACTIVE) { nodes { id } } }`, nil).Get("gateways.nodes.0.id").Str
	in.gatehouse.stop(syscall.SIGKILL)
	require.Equal(t, http.StatusOK, in.through("/steady/", "Authorization: "+token).status, "while Gatehouse is down")
	time.Sleep(5 * time.Second) // the gateway misses two of its calls
	in.startGatehouse(t)
	other := in.api(t, "after", nil)
	took := in.becomes(t, 2*soon, http.StatusOK, "/after/")
	eventually(t, patient, "the gateway is active again", func() (bool, string) {
		l := in.graphQL(t, `{ gateways { nodes { id state } } }`, nil).Get("gateways.nodes")
		return l.Get(`#(state=="ACTIVE").id`).Str == node, l.Raw
	})
	t.Logf("the same node is active, and a new API is served %d ms after it was saved", took.Milliseconds())
	in.rest(t, "DELETE", "/api/keys/"+token, "")
	in.becomes(t, 2*time.Second, http.StatusForbidden, "/steady/", "Authorization: "+token)
	in.drop(t, id, other)
}

func gatewayRestarts(t *testing.T, in *installation) {
	id := in.protected(t, "lasting")
	_, token := in.policy(t, id, `"rate": 1000, "per": 1, "quota_max": -1`)
	require.Equal(t, http.StatusOK, in.through("/lasting/", "Authorization: "+token).status)
	in.gateway.stop(syscall.SIGKILL)
	start := time.Now()
	in.startGateway(t)
	in.becomes(t, patient, http.StatusOK, "/lasting/", "Authorization: "+token)
	t.Logf("served again %d ms after its start", time.Since(start).Milliseconds())
	eventually(t, patient, "one gateway is active, the dead one is stale or away", func() (bool, string) {
		l := in.graphQL(t, `{ gateways { nodes { id state } } }`, nil).Get("gateways.nodes")
		return len(l.Get(`#(state=="ACTIVE")#`).Array()) == 1 && len(l.Array()) >= 2, l.Raw
	})
	in.rest(t, "DELETE", "/api/keys/"+token, "")
	in.drop(t, id)
}

func redisRestarts(t *testing.T, in *installation) {
	id := in.protected(t, "surviving")
	token := in.rest(
		t,
		"POST",
		"/api/keys",
		`{"alias": "surviving", "rate": 100, "per": 1, "quota_max": -1, `+rights(id)+`}`,
	).get(
		"key_id",
	).Str
	in.redis.stop(syscall.SIGKILL)
	other := in.api(t, "meanwhile", nil)
	refused := in.call("POST", in.url+"/api/keys", `{"alias": "no Redis", `+rights(id)+`}`, "Authorization: "+in.key)
	assert.Equal(t, http.StatusServiceUnavailable, refused.status, "a key while Redis is down: %s", refused)
	hello := in.call("GET", in.url+"/hello", "")
	assert.Equal(t, http.StatusOK, hello.status, "%s", hello)
	assert.Equal(t, "warn", hello.get("status").Str, "%s", hello)
	in.startRedis(t)
	start := time.Now()
	in.becomes(t, patient, http.StatusOK, "/meanwhile/")
	t.Logf(
		"what was saved while Redis was down is served %d ms after its return; the gateway itself waits ten seconds to listen again",
		time.Since(start).Milliseconds(),
	)
	in.becomes(t, patient, http.StatusOK, "/surviving/", "Authorization: "+token)
	in.rest(t, "DELETE", "/api/keys/"+token, "")
	in.becomes(t, 2*time.Second, http.StatusForbidden, "/surviving/", "Authorization: "+token)
	in.drop(t, id, other)
}

func redisLosesEverything(t *testing.T, in *installation) {
	id := in.protected(t, "restored")
	token := in.rest(
		t,
		"POST",
		"/api/keys",
		`{"alias": "restored", "rate": 100, "per": 1, "quota_max": -1, `+rights(id)+`}`,
	).get(
		"key_id",
	).Str
	// Nothing was sent with this key so far, so no gateway has it in a cache.
	in.redis.stop(syscall.SIGKILL)
	forgetRedis(t, in.dir)
	in.startRedis(t)
	start := time.Now()
	in.becomes(t, patient, http.StatusOK, "/restored/", "Authorization: "+token)
	t.Logf("the key works again %d ms after an empty Redis came up", time.Since(start).Milliseconds())
	in.rest(t, "DELETE", "/api/keys/"+token, "")
	in.becomes(t, patient, http.StatusForbidden, "/restored/", "Authorization: "+token)
	in.drop(t, id)
}

func wrongSecret(t *testing.T, in *installation) {
	address := fmt.Sprintf("http://127.0.0.1:%d", freePort(t))
	stranger := in.newGateway(t, "stranger", address, map[string]any{"node_secret": "a guess"})
	stranger.start(t)
	defer stranger.stop(syscall.SIGKILL)
	eventually(t, patient, "the gateway says that it was refused", func() (bool, string) {
		return strings.Contains(stranger.said.String(), "403"), stranger.tail(5)
	})
	assert.NotContains(t, in.gatehouse.said.String(), "a guess", "secrets have no place in the log")
	assert.NotContains(t, in.gatehouse.said.String(), nodeSecret)
}
