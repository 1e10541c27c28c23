package resolvers_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/apptest"
	"gatehouse/internal/confine"
	"gatehouse/internal/core"
	"gatehouse/internal/gateway"
	"gatehouse/internal/gateway/gatewaytest"
	"gatehouse/internal/gateway/token"
	"gatehouse/store"
	"gatehouse/store/sql"
	"gatehouse/store/storetest"
)

// oauthWorld is a server with a gateway, and an API there with a policy for it.
type oauthWorld struct {
	*apptest.Server
	gateway     *gatewaytest.Gateway
	engine      store.Engine
	api, policy string
}

const oauthApi = `{"api_definition":{"name":"%[1]s","api_id":"%[1]s","use_oauth2":true,"proxy":{"listen_path":"/%[1]s/","target_url":"http://up.test"}}}`

func newOauthWorld(t *testing.T) *oauthWorld {
	t.Helper()
	engine, err := sql.OpenMemory(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { _ = engine.Close() })
	w := &oauthWorld{gateway: gatewaytest.New(t), engine: engine, api: "cats"}
	w.Server = apptest.New(t, apptest.WithEngine(engine), apptest.WithEnv(w.gateway.Env()...))
	createApi(t, w.Server, fmt.Sprintf(oauthApi, w.api))
	w.policy = w.newPolicy(t, "Cats", w.api)
	w.gateway.Calls()
	return w
}

func (w *oauthWorld) newPolicy(t *testing.T, name, api string) string {
	t.Helper()
	return must(
		t,
		w.GraphQL(
			t,
			`mutation($name: String!, $apis: [ID!]) { it: createPolicy(input: {name: $name, apiIds: $apis}) { policyId } }`,
			map[string]any{"name": name, "apis": []string{api}},
		),
	).Get(
		"data.it.policyId",
	).Str
}

// create makes a client, over REST, of the fields given beside the policy.
func (w *oauthWorld) create(t *testing.T, body string) apptest.Reply {
	t.Helper()
	r := w.REST(t, "POST", "/api/apis/oauth/"+w.api, body)
	require.Equal(t, 200, r.Status, "%s", r.Body)
	return r
}

func (w *oauthWorld) path(clientID string) string { return "/api/apis/oauth/" + w.api + "/" + clientID }

func TestAnOauthClientIsMadeHereAndAtTheGateway(t *testing.T) {
	t.Parallel()
	w := newOauthWorld(t)
	made := w.create(
		t,
		fmt.Sprintf(
			`{"redirect_uri":"/cats,http://x.test/cb","policy_id":%q,"meta_data":{"user":"u"},"client_name":"n"}`,
			w.policy,
		),
	)
	id, secret := made.Get("client_id").Str, made.Get("secret").Str
	assert.Regexp(t, `^[0-9a-f]{32}$`, id)
	plain, err := base64.StdEncoding.DecodeString(secret)
	require.NoError(t, err)
	assert.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, string(plain))
	assert.JSONEq(
		t,
		fmt.Sprintf(
			`{"client_id":%q,"secret":%q,"redirect_uri":"/cats,http://x.test/cb","policy_id":%q,"description":"","client_name":"n","meta_data":{"user":"u"}}`,
			id,
			secret,
			w.policy,
		),
		string(made.Body),
	)

	there, ok := w.gateway.Client(w.api, id)
	require.True(t, ok)
	want := gateway.OauthClient{
		ClientID:    id,
		Secret:      secret,
		RedirectURI: "/cats,http://x.test/cb",
		PolicyID:    w.policy,
		MetaData:    json.RawMessage(`{"user":"u"}`),
	}
	assert.True(t, there.Same(want), "%+v", there)

	stored, err := w.Store.OauthClients.FindBy(t.Context(), store.Org(w.OrgID), "client_id", id)
	require.NoError(t, err)
	assert.NotContains(t, string(stored.Document)+stored.Sealed, secret)
	assert.EqualValues(t, 1, stored.Revision)
	assert.Equal(t, string(made.Body), string(w.REST(t, "GET", w.path(id), "").Body))
	byDatabaseID := w.REST(t, "GET", "/api/apis/"+w.api, "").Get("api_definition.id").Str
	assert.Equal(t, string(made.Body), string(w.REST(t, "GET", "/api/apis/oauth/"+byDatabaseID+"/"+id, "").Body))

	got := must(
		t,
		w.GraphQL(
			t,
			`{ it: oauthClient(apiId: "cats", clientId: "`+id+`") { secret redirectUris document api { apiId } policy { name } organisation { id } } }`,
			nil,
		),
	)
	assert.Equal(t, secret, got.Get("data.it.secret").Str)
	assert.Equal(t, `["/cats","http://x.test/cb"]`, got.Get("data.it.redirectUris").Raw)
	assert.Equal(
		t,
		"cats Cats "+w.OrgID,
		got.Get("data.it.api.apiId").Str+" "+got.Get("data.it.policy.name").Str+" "+got.Get("data.it.organisation.id").Str,
	)
}

func TestTheIdAndTheSecretOfAnOauthClientMayBeGiven(t *testing.T) {
	t.Parallel()
	w := newOauthWorld(t)
	w.create(
		t,
		`{"client_id":"my-client-id","api_id":"cats","secret":"my-client-secret","redirect_uri":"http://example.com"}`,
	)
	there, ok := w.gateway.Client(w.api, "my-client-id")
	require.True(t, ok)
	assert.Equal(t, "my-client-secret", there.Secret)
	again := w.REST(t, "POST", "/api/apis/oauth/cats", `{"client_id":"my-client-id"}`)
	assert.Equal(t, 409, again.Status, "%s", again.Body)
	there, _ = w.gateway.Client(w.api, "my-client-id")
	assert.Equal(t, "my-client-secret", there.Secret, "the one that was there first has changed")
}

func TestOauthClientsThatCannotBeMade(t *testing.T) {
	t.Parallel()
	w := newOauthWorld(t)
	createApi(t, w.Server, `{"api_definition":{"name":"plain","api_id":"plain"}}`)
	other := w.newPolicy(t, "Other", "plain")
	w.gateway.Calls()
	for name, c := range map[string]struct {
		api, body, says string
		status          int
	}{
		"for an API that does not exist":         {"nope", `{}`, "API reference not found.", 400},
		"for an API without OAuth 2.0":           {"plain", `{}`, "API is not OAuth2", 400},
		"with a policy that does not exist":      {"cats", `{"policy_id":"nope"}`, "policy_id names a policy that does not exist", 400},
		"with a policy for another API":          {"cats", fmt.Sprintf(`{"policy_id":%q}`, other), "gives no access to the API", 400},
		"with a redirect URI that is none":       {"cats", `{"redirect_uri":"nowhere"}`, "redirect URI must be", 400},
		"with a secret of spaces":                {"cats", `{"secret":"a b"}`, "secret must be", 400},
		"of a body that is not JSON":             {"cats", `{`, "Request body malformed", 403},
		"of a body that says secret differently": {"cats", `{"Secret":"x"}`, "must be spelled", 400},
	} {
		t.Run(name, func(t *testing.T) {
			r := w.REST(t, "POST", "/api/apis/oauth/"+c.api, c.body)
			assert.Equal(t, c.status, r.Status, "%s", r.Body)
			assert.Contains(t, r.Get("Message").Str, c.says)
		})
	}
	assert.Empty(t, w.gateway.Calls(), "the gateway was asked")
}

func TestAClientOfAnAPIThatTheGatewayIsStillLoadingIsMade(t *testing.T) {
	t.Parallel()
	w := newOauthWorld(t)
	w.gateway.Unload(2)
	id := w.create(t, `{}`).Get("client_id").Str
	_, ok := w.gateway.Client(w.api, id)
	assert.True(t, ok)
}

func TestAClientThatTheGatewayDoesNotTakeIsNotKept(t *testing.T) {
	t.Parallel()
	w := newOauthWorld(t)
	w.gateway.Fail(http.StatusInternalServerError)
	r := w.GraphQL(t, `mutation { createOauthClient(apiId: "cats", input: {clientId: "c"}) { id } }`, nil)
	assert.Equal(t, "UNAVAILABLE", r.Get("errors.0.extensions.code").Str, "%s", r.Body)
	w.gateway.Fail(0)
	assert.Equal(t, `{"apps":[],"pages":0}`, string(w.REST(t, "GET", "/api/apis/oauth/cats", "").Body))
	_, ok := w.gateway.Client(w.api, "c")
	assert.False(t, ok)
}

func TestAWrongGatewaySecretIsNamed(t *testing.T) {
	t.Parallel()
	g := gatewaytest.New(t)
	s := apptest.New(t, apptest.WithEnv(append(g.Env(), "TYK_DB_TYKAPI_SECRET=wrong")...))
	createApi(t, s, fmt.Sprintf(oauthApi, "cats"))
	r := s.REST(t, "POST", "/api/apis/oauth/cats", `{}`)
	assert.Equal(t, 503, r.Status)
	assert.Contains(t, r.Get("Message").Str, "tyk_api_config.Secret")
	assert.NotContains(t, string(r.Body), "wrong")
}

func TestAChangeOfAnOauthClientReachesTheGateway(t *testing.T) {
	t.Parallel()
	w := newOauthWorld(t)
	other := w.newPolicy(t, "Other", "cats")
	made := w.create(t, fmt.Sprintf(`{"client_id":"c","secret":"s","policy_id":%q,"x_new":1.0}`, w.policy))
	w.gateway.Issue("c", "a-token")

	changed := must(
		t,
		w.GraphQL(
			t,
			`mutation($p: ID!) { it: updateOauthClient(apiId: "cats", clientId: "c", input: {policyId: $p}, revision: 1) { revision policyId document } }`,
			map[string]any{"p": other},
		),
	)
	assert.Equal(t, other, changed.Get("data.it.policyId").Str)
	assert.Equal(t, "1.0", changed.Get("data.it.document.x_new").Raw)
	there, _ := w.gateway.Client(w.api, "c")
	assert.Equal(t, other, there.PolicyID)
	assert.Equal(
		t,
		"[]",
		string(w.REST(t, "GET", w.path("c")+"/tokens", "").Body),
		"tokens of the policy before are still there",
	)

	stale := w.Do(t, "PUT", w.path("c"), string(made.Body), "Authorization: "+w.AccessKey, `If-Match: "1"`)
	assert.Equal(t, 412, stale.Status, "%s", stale.Body)
	back := w.REST(t, "PUT", w.path("c"), string(made.Body))
	assert.Equal(t, string(made.Body), string(back.Body))
	there, _ = w.gateway.Client(w.api, "c")
	assert.Equal(t, w.policy+" s", there.PolicyID+" "+there.Secret)

	must(
		t,
		w.GraphQL(
			t,
			`mutation { it: updateOauthClient(apiId: "cats", clientId: "c", input: {secret: "new"}) { secret } }`,
			nil,
		),
	)
	there, _ = w.gateway.Client(w.api, "c")
	assert.Equal(t, "new", there.Secret)
	assert.Equal(t, "new", w.REST(t, "GET", w.path("c"), "").Get("secret").Str)

	moved := w.REST(t, "PUT", w.path("c"), `{"client_id":"d"}`)
	assert.Equal(t, 400, moved.Status, "%s", moved.Body)
}

func TestOauthClientsAreSortedAsAsked(t *testing.T) {
	t.Parallel()
	w := newOauthWorld(t)
	createApi(t, w.Server, fmt.Sprintf(oauthApi, "dogs"))
	require.Equal(t, 200, w.REST(t, "POST", "/api/apis/oauth/dogs", `{"client_id":"d","description":"An app of dogs"}`).Status)
	for _, c := range []string{`{"client_id":"a","description":"the App"}`, `{"client_id":"b","description":"Zoo"}`, `{"client_id":"c"}`} {
		w.create(t, c)
	}
	require.Equal(t, 200, w.REST(t, "PATCH", w.path("a"), `{"meta_data":{}}`).Status)
	for sort, want := range map[string]string{
		"":                         "c b a",
		", sort: CREATED_AT":       "a b c",
		", sort: CREATED_AT_DESC":  "c b a",
		", sort: UPDATED_AT":       "b c a",
		", sort: UPDATED_AT_DESC":  "a c b",
		", sort: DESCRIPTION":      "c a b",
		", sort: DESCRIPTION_DESC": "b a c",
	} {
		var got []string
		for after := "null"; len(got) < 5; {
			page := must(t, w.GraphQL(t, `{ it: oauthClients(apiId: "cats", first: 1, after: `+after+sort+`) {
				nodes { clientId } totalCount pageInfo { hasNextPage endCursor } } }`, nil)).Get("data.it")
			got, after = append(got, page.Get("nodes.0.clientId").Str), page.Get("pageInfo.endCursor").Raw
			require.EqualValues(t, 3, page.Get("totalCount").Int())
			if !page.Get("pageInfo.hasNextPage").Bool() {
				break
			}
		}
		assert.Equal(t, want, strings.Join(got, " "), sort)
	}
}

func TestAPatchOfAnOauthClientChangesWhatItNamesAlone(t *testing.T) {
	t.Parallel()
	w := newOauthWorld(t)
	w.create(t, fmt.Sprintf(`{"client_id":"c","secret":"s","redirect_uri":"/a,/b","policy_id":%q,"x_new":1.0,`+
		`"meta_data":{"big":12345678901234567890,"team":"x"}}`, w.policy))
	const patch = `mutation($patch: JSON!) { it: patchOauthClient(apiId: "cats", clientId: "c", patch: $patch) {
		revision documentText } }`
	const meta = `{"big":12345678901234567890,"role":"y"}`
	// One after the other: what one changes is there for the next.
	for _, c := range []struct {
		patch, revision                string
		secret, uris, policy, metaData string
	}{
		{`{"meta_data":{"team":null,"role":"y"}}`, "2", "s", "/a,/b", w.policy, meta},
		{`{}`, "2", "s", "/a,/b", w.policy, meta},
		{`{"client_id":"c","api_id":"cats","secret":"s","redirect_uri":"/a,/b"}`, "2", "s", "/a,/b", w.policy, meta},
		{`{"secret":"another"}`, "3", "another", "/a,/b", w.policy, meta},
		{`{"redirect_uri":"/d,/e"}`, "4", "another", "/d,/e", w.policy, meta},
		{`{"redirect_uris":["/f"]}`, "5", "another", "/f", w.policy, meta},
		{`{"policy_id":null,"meta_data":null,"redirect_uri":null}`, "6", "another", "", "", ""},
	} {
		r := must(t, w.GraphQL(t, patch, map[string]any{"patch": c.patch})).Get("data.it")
		assert.Equal(t, c.revision, r.Get("revision").Raw, c.patch)
		want := fmt.Sprintf(`{"client_id":"c","secret":%q,"redirect_uri":%q,"policy_id":%q,"x_new":1.0`,
			c.secret, c.uris, c.policy)
		there := gateway.OauthClient{ClientID: "c", Secret: c.secret, RedirectURI: c.uris, PolicyID: c.policy}
		if c.metaData != "" {
			want += `,"meta_data":` + c.metaData
			there.MetaData = json.RawMessage(c.metaData)
		}
		assert.Equal(t, want+`,"description":""}`, r.Get("documentText").Str, c.patch)
		got, _ := w.gateway.Client(w.api, "c")
		assert.True(t, got.Same(there), "%s: the gateway has %+v", c.patch, got)
	}
}

func TestAPatchOfAnOauthClientIsHeldToTheRulesOfAnUpdate(t *testing.T) {
	t.Parallel()
	w := newOauthWorld(t)
	createApi(t, w.Server, `{"api_definition":{"name":"plain","api_id":"plain"}}`)
	other := w.newPolicy(t, "Other", "plain")
	before := w.create(t, `{"client_id":"c","secret":"s","redirect_uri":"/a"}`)
	w.gateway.Calls()
	for name, c := range map[string]struct {
		patch, field, says string
		status             int
	}{
		"a secret of spaces":                        {`{"secret":"a b"}`, "patch.secret", "secret must be", 400},
		"a secret that is taken away":               {`{"secret":null}`, "patch.secret", "secret cannot be taken away", 400},
		"an empty secret":                           {`{"secret":""}`, "patch.secret", "secret cannot be taken away", 400},
		"another id":                                {`{"client_id":"d"}`, "patch.client_id", `cannot be changed: leave it out, or give "c"`, 400},
		"no id":                                     {`{"client_id":null}`, "patch.client_id", "client_id cannot be changed", 400},
		"another API":                               {`{"api_id":"plain"}`, "patch.api_id", "api_id cannot be changed", 400},
		"redirect URIs in two forms":                {`{"redirect_uri":"/b","redirect_uris":["/c"]}`, "patch.redirect_uris", "give one of them", 400},
		"a redirect URI that is none":               {`{"redirect_uri":"javascript:alert(1)"}`, "", "redirect URI must be", 400},
		"a policy that does not exist":              {`{"policy_id":"nope"}`, "patch.policy_id", "policy_id names a policy", 400},
		"a policy for another API":                  {fmt.Sprintf(`{"policy_id":%q}`, other), "", "gives no access to the API", 400},
		"meta data with an API that does not exist": {`{"meta_data":{"policies":[{"access_rights":{"nope":{}}}]}}`, "patch.access_rights.nope", "do not exist in the organisation: nope", 400},
		"a field of another type":                   {`{"description":1}`, "patch.description", "description must be a string", 400},
		"a field in other capitals":                 {`{"Policy_ID":"p"}`, "", `must be spelled "policy_id"`, 400},
		"a patch that is no object":                 {`[]`, "", "object", 403},
		"a patch that is deeper than one may be": {`{"meta_data":` + strings.Repeat(`{"a":`, 32) + "1" + strings.Repeat("}", 33),
			"", "nests deeper than 32 levels", 400},
	} {
		t.Run(name, func(t *testing.T) {
			r := w.REST(t, "PATCH", w.path("c"), c.patch)
			assert.Equal(t, c.status, r.Status, "%s", r.Body)
			assert.Contains(t, r.Get("Message").Str, c.says)
			r = w.GraphQL(t, `mutation($patch: JSON!) { it: patchOauthClient(apiId: "cats", clientId: "c", patch: $patch) { id } }`,
				map[string]any{"patch": c.patch})
			assert.Contains(t, r.Get("errors.0.message").Str, c.says)
			assert.Equal(t, c.field, r.Get("errors.0.extensions.field").Str, "%s", r.Body)
		})
	}
	stale := w.Do(t, "PATCH", w.path("c"), `{}`, "Authorization: "+w.AccessKey, `If-Match: "2"`)
	assert.Equal(t, 412, stale.Status, "%s", stale.Body)
	assert.Equal(t, 404, w.REST(t, "PATCH", w.path("d"), `{}`).Status)
	// The server may still be at the comparison with which it started, which reads.
	asked := slices.DeleteFunc(w.gateway.Calls(), func(call string) bool { return strings.HasPrefix(call, "GET ") })
	assert.Empty(t, asked, "the gateway was told")
	w.gateway.Fail(http.StatusInternalServerError)
	assert.Equal(t, 503, w.REST(t, "PATCH", w.path("c"), `{"redirect_uri":"/after"}`).Status)
	assert.Equal(t, string(before.Body), string(w.REST(t, "GET", w.path("c"), "").Body), "a change that was refused is kept")
}

func TestAChangeThatTheGatewayDoesNotTakeIsUndone(t *testing.T) {
	t.Parallel()
	w := newOauthWorld(t)
	made := w.create(t, `{"client_id":"c","redirect_uri":"/before"}`)
	w.gateway.Fail(http.StatusInternalServerError)
	r := w.REST(t, "PUT", w.path("c"), `{"redirect_uri":"/after"}`)
	assert.Equal(t, 503, r.Status, "%s", r.Body)
	assert.Equal(t, string(made.Body), string(w.REST(t, "GET", w.path("c"), "").Body))
}

func TestOauthClientsSurviveWithoutAGateway(t *testing.T) {
	t.Parallel()
	w := newOauthWorld(t)
	made := w.create(t, `{"client_id":"c"}`)
	alone := &oauthWorld{Server: apptest.New(t, apptest.WithEngine(w.engine)), api: w.api}
	alone.AccessKey = w.AccessKey
	assert.Equal(
		t,
		`{"apps":[`+string(made.Body)+`],"pages":0}`,
		string(alone.REST(t, "GET", "/api/apis/oauth/cats", "").Body),
	)
	for name, c := range map[string]struct{ method, path, body string }{
		"creating one":    {"POST", "/api/apis/oauth/cats", `{}`},
		"changing one":    {"PUT", w.path("c"), `{}`},
		"patching one":    {"PATCH", w.path("c"), `{}`},
		"listing tokens":  {"GET", w.path("c") + "/tokens", ""},
		"revoking one":    {"POST", "/api/apis/oauth/c/revoke", `{"token":"t"}`},
		"revoking all":    {"POST", "/api/apis/oauth/c/revoke_all", `{}`},
		"authorising":     {"POST", "/api/apis/oauth/cats/authorize-client", `{"response_type":"code","client_id":"c","redirect_uri":"/","key_rules":{"access_rights":{"cats":{}}}}`},
		"purging a token": {"DELETE", "/admin/oauth/tokens?scope=lapsed", ""},
	} {
		t.Run(name+" says that there is no gateway", func(t *testing.T) {
			r := alone.REST(t, c.method, c.path, c.body)
			assert.Equal(t, 503, r.Status, "%s", r.Body)
			assert.Contains(t, r.Get("Message").Str, "is configured")
		})
	}
	assert.Equal(t, 200, alone.REST(t, "DELETE", w.path("c"), "").Status)
	assert.Equal(t, 404, alone.REST(t, "GET", w.path("c"), "").Status)
}

func TestAnOauthClientOfBeforeIsConfinedToItsOrganisationAtTheGateway(t *testing.T) {
	t.Parallel()
	w := newOauthWorld(t)
	_, key := w.Organisation(t, "neighbour")
	require.Equal(
		t,
		200,
		w.Do(t, "POST", "/api/apis", strings.NewReplacer("%[1]s", "dogs").Replace(oauthApi), "Authorization: "+key).Status,
	)
	require.Equal(t, 200, w.Do(t, "POST", "/api/apis/oauth/dogs", `{"client_id":"ours"}`, "Authorization: "+key).Status)
	stored, err := w.Store.OauthClients.FindMany(t.Context(), store.AllTenants(), "client_id", []string{"ours"})
	require.NoError(t, err)
	doc := stored[0].Document.Set(
		"policy_id",
		w.policy,
	).SetRaw(
		"meta_data",
		fmt.Appendf(nil, `{"policies":[{"org_id":%q,"access_rights":{"cats":{}}}],"kept":1.50}`, w.OrgID),
	)
	require.NoError(
		t,
		w.Store.OauthClients.Update(t.Context(), core.NewOauthClient(stored[0].Meta, doc, stored[0].Sealed)),
	)
	w.gateway.LoseRedis()
	apptest.New(t, apptest.WithEngine(w.engine), apptest.WithEnv(w.gateway.Env()...))
	var there gateway.OauthClient
	require.Eventually(
		t,
		func() (ok bool) { there, ok = w.gateway.Client("dogs", "ours"); return ok },
		10*time.Second,
		10*time.Millisecond,
	)
	assert.Equal(t, confine.NoPolicy, there.PolicyID)
	assert.JSONEq(
		t,
		fmt.Sprintf(
			`{"policies":[{"org_id":%q,"access_rights":{".none":{"api_id":".none","versions":[]}}}],"kept":1.50}`,
			stored[0].OrgID,
		),
		string(there.MetaData),
	)
}

func TestAGatewayThatLostItsRedisGetsItsClientsBack(t *testing.T) {
	t.Parallel()
	w := newOauthWorld(t)
	w.create(t, `{"client_id":"c","secret":"s"}`)
	w.create(t, `{"client_id":"d","secret":"s"}`)
	w.gateway.LoseRedis()
	revoked := w.REST(t, "POST", "/api/apis/oauth/c/revoke_all", `{"client_secret":"s"}`)
	assert.Equal(t, 200, revoked.Status, "%s", revoked.Body)
	_, ok := w.gateway.Client(w.api, "c")
	assert.True(t, ok, "a call about a client did not give it back")

	apptest.New(t, apptest.WithEngine(w.engine), apptest.WithEnv(w.gateway.Env()...))
	assert.Eventually(
		t,
		func() bool { _, ok := w.gateway.Client(w.api, "d"); return ok },
		10*time.Second,
		10*time.Millisecond,
		"a start did not give it back",
	)
}

func TestAStartLeavesClientsAloneThatTheGatewayHas(t *testing.T) {
	t.Parallel()
	w := newOauthWorld(t)
	w.create(t, `{"client_id":"c","meta_data":{"a":1}}`)
	w.gateway.Set(gateway.OauthClient{ApiID: w.api, ClientID: "made-there", Secret: "x"})
	w.App.Close() // the comparison with which it started, and which knows nothing of the client yet, ends with it
	w.gateway.Calls()
	apptest.New(t, apptest.WithEngine(w.engine), apptest.WithEnv(w.gateway.Env()...))
	var calls []string
	require.Eventually(
		t,
		func() bool { calls = append(calls, w.gateway.Calls()...); return len(calls) > 0 },
		10*time.Second,
		10*time.Millisecond,
	)
	assert.Never(t, func() bool {
		calls = append(calls, w.gateway.Calls()...)
		return slices.ContainsFunc(calls, func(call string) bool { return !strings.HasPrefix(call, "GET ") })
	}, 200*time.Millisecond, 20*time.Millisecond, "it asks, and writes nothing: %s", &calls)
	_, ok := w.gateway.Client(w.api, "made-there")
	assert.True(t, ok)
}

func TestAnOauthClientIsDeletedHereAndAtTheGateway(t *testing.T) {
	t.Parallel()
	w := newOauthWorld(t)
	w.create(t, `{"client_id":"c"}`)
	w.gateway.Fail(http.StatusInternalServerError)
	assert.Equal(t, 503, w.REST(t, "DELETE", w.path("c"), "").Status)
	assert.Equal(t, 200, w.REST(t, "GET", w.path("c"), "").Status, "it is gone here, and still gets tokens at the gateway")
	w.gateway.Fail(0)
	r := w.REST(t, "DELETE", w.path("c"), "")
	assert.Equal(t, "OAuth Client deleted successfully", r.Get("Message").Str, "%s", r.Body)
	_, ok := w.gateway.Client(w.api, "c")
	assert.False(t, ok)
}

func TestDeletingAnAPIDeletesItsOauthClients(t *testing.T) {
	t.Parallel()
	w := newOauthWorld(t)
	createApi(t, w.Server, fmt.Sprintf(oauthApi, "dogs"))
	w.create(t, `{"client_id":"c"}`)
	require.Equal(t, 200, w.REST(t, "POST", "/api/apis/oauth/dogs", `{"client_id":"d"}`).Status)
	require.Equal(t, 200, w.REST(t, "DELETE", "/api/apis/cats", "").Status)
	n, err := w.Store.OauthClients.Count(t.Context(), store.AllTenants())
	require.NoError(t, err)
	assert.Equal(t, 1, n)
	_, cats := w.gateway.Client("cats", "c")
	_, dogs := w.gateway.Client("dogs", "d")
	assert.Equal(t, [2]bool{false, true}, [2]bool{cats, dogs})

	require.Equal(t, 200, w.REST(t, "DELETE", "/admin/organisations/"+w.OrgID+"?cascade=true", "").Status)
	n, err = w.Store.OauthClients.Count(t.Context(), store.AllTenants())
	require.NoError(t, err)
	assert.Zero(t, n)
	_, dogs = w.gateway.Client("dogs", "d")
	assert.False(t, dogs, "an organisation takes its clients with it at the gateway, too")
}

func TestTokensOfAnOauthClient(t *testing.T) {
	t.Parallel()
	w := newOauthWorld(t)
	w.create(t, `{"client_id":"c","secret":"s"}`)
	tok, foreign := token.Custom(
		w.OrgID,
		"one",
		token.Murmur64,
	), token.Custom(
		"5e9d9544a1dcd60001d0ed20",
		"one",
		token.Murmur64,
	)
	w.gateway.Issue("c", tok)
	w.gateway.Issue("c", "0123456789abcdef")
	assert.JSONEq(
		t,
		`[{"code":"`+tok+`","expires":4102444800},{"code":"0123456789abcdef","expires":4102444800}]`,
		string(w.REST(t, "GET", w.path("c")+"/tokens", "").Body),
	)
	for name, c := range map[string]struct {
		path, body, message string
		status              int
		calls               string
	}{
		"a wrong secret revokes nothing":              {"revoke_all", `{"client_secret":"x"}`, "client secret is wrong", 403, ""},
		"a token of another organisation is no token": {"revoke", `{"token":"` + foreign + `"}`, "token revoked successfully", 200, ""},
		"nor is a hash that is not listed":            {"revoke", `{"token":"fedcba9876543210"}`, "token revoked successfully", 200, "/tokens"},
		"a token is needed":                           {"revoke", `{}`, "token is required", 400, ""},
		"a hint that nobody knows is refused":         {"revoke", `{"token":"t","token_type_hint":"id_token"}`, "token_type_hint must be", 400, ""},
		"a form does as well, whatever it calls itself": {"revoke", "token=t&token_type_hint=refresh_token", "token revoked successfully", 200,
			"client_id=c&org_id=" + w.OrgID + "&token=t&token_type_hint=refresh_token"},
		"an unknown client is none": {"../d/revoke", `{"token":"t"}`, "oauth client doesn't exist", 404, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w.gateway.Calls()
			r := w.REST(t, "POST", strings.ReplaceAll("/api/apis/oauth/c/"+c.path, "/c/..", ""), c.body)
			assert.Equal(t, c.status, r.Status, "%s", r.Body)
			assert.Contains(t, r.Get("Message").Str, c.message)
			calls := strings.Join(w.gateway.Calls(), "\n")
			assert.Contains(t, calls, c.calls)
			assert.Equal(t, c.calls == "", calls == "", calls)
		})
	}

	w.gateway.Calls()
	require.Equal(
		t,
		200,
		w.REST(t, "POST", "/api/apis/oauth/c/revoke", `{"token":"0123456789abcdef","token_type_hint":"access_token"}`).Status,
	)
	assert.Contains(
		t,
		strings.Join(w.gateway.Calls(), "\n"),
		"DELETE /tyk/keys/0123456789abcdef?api_id=cats&hashed=1",
		"the session of a token that is listed by its hash is not ended",
	)
	require.Equal(t, 200, w.REST(t, "POST", "/api/apis/oauth/c/revoke", `{"token":"`+tok+`"}`).Status)
	assert.Equal(t, "[]", string(w.REST(t, "GET", w.path("c")+"/tokens", "").Body))
	w.gateway.Issue("c", tok)
	all := w.REST(t, "POST", "/api/apis/oauth/c/revoke_all", `{"client_secret":"s"}`)
	assert.Equal(t, "tokens revoked successfully", all.Get("Message").Str, "%s", all.Body)
	assert.Equal(t, "[]", string(w.REST(t, "GET", w.path("c")+"/tokens", "").Body))
}

func TestAuthorisingAnOauthClient(t *testing.T) {
	t.Parallel()
	w := newOauthWorld(t)
	w.create(t, `{"client_id":"c","redirect_uri":"http://app.test/cb"}`)
	theirs, _ := w.Organisation(t, "neighbour")
	const form = "response_type=code&client_id=c&redirect_uri=http%3A%2F%2Fapp.test%2Fcb&state=x"
	const rules = "&key_rules=%7B%22access_rights%22%3A%7B%22cats%22%3A%7B%22api_id%22%3A%22cats%22%7D%7D%2C%22org_id%22%3A%22"
	w.gateway.Calls()
	got := w.REST(t, "POST", "/api/apis/oauth/cats/authorize-client/", form+rules+theirs+"%22%7D")
	require.Equal(t, 200, got.Status, "%s", got.Body)
	assert.JSONEq(t, `{"code":"code-1","redirect_to":"http://app.test/cb?code=code-1","state":"x"}`, string(got.Body))
	calls := strings.Join(w.gateway.Calls(), "\n")
	assert.Contains(t, calls, "POST /cats/tyk/oauth/authorize-client/ ")
	assert.Contains(t, calls, w.OrgID, "the session is not of the organisation")
	assert.NotContains(t, calls, theirs, "the session is of the organisation that the caller names")

	w.gateway.LoseRedis()
	token := must(
		t,
		w.GraphQL(
			t,
			`mutation { it: authorizeOauthClient(apiId: "cats", input: {responseType: TOKEN, clientId: "c", redirectUri: "http://app.test/cb",
		keyRules: {access_rights: {cats: {}}}}) { code accessToken redirectTo } }`,
			nil,
		),
	)
	assert.Equal(
		t,
		`{"code":null,"accessToken":"token-2","redirectTo":"http://app.test/cb#access_token=token-2"}`,
		token.Get("data.it").Raw,
		"a lost client is not given back",
	)

	w.gateway.Calls()
	for name, c := range map[string]struct{ body, says string }{
		"without rules or a policy":                     {form, "key_rules is required"},
		"with rules that open nothing":                  {form + "&key_rules=%7B%7D", "key_rules: "},
		"with rules for an API of nobody":               {form + "&key_rules=%7B%22access_rights%22%3A%7B%22nope%22%3A%7B%7D%7D%7D", "do not exist in the organisation: nope"},
		"with rules that are no JSON":                   {form + "&key_rules=x", "Request body malformed"},
		"for a client of nobody":                        {strings.Replace(form, "client_id=c", "client_id=d", 1), "oauth client doesn't exist"},
		"with a body that is neither a form nor a JSON": {"%zz", "Request body malformed"},
	} {
		t.Run(name+" is refused here", func(t *testing.T) {
			r := w.REST(t, "POST", "/api/apis/oauth/cats/authorize-client", c.body)
			assert.GreaterOrEqual(t, r.Status, 400)
			assert.Contains(t, r.Get("Message").Str, c.says)
		})
	}
	assert.Empty(t, w.gateway.Calls())

	refused := w.REST(
		t,
		"POST",
		"/api/apis/oauth/cats/authorize-client",
		strings.Replace(form, "app.test", "evil.test", 1)+rules+"%22%7D",
	)
	assert.Equal(t, 400, refused.Status, "%s", refused.Body)
	assert.Contains(t, refused.Get("Message").Str, "the gateway refuses")
}

func TestOauthClientsOfAnotherOrganisationAreNoClients(t *testing.T) {
	t.Parallel()
	w := newOauthWorld(t)
	w.create(t, fmt.Sprintf(`{"client_id":"theirs","secret":"s","policy_id":%q}`, w.policy))
	w.gateway.Issue("theirs", "a-token")
	org, key := w.Organisation(t, "neighbour")
	own := strings.NewReplacer("%[1]s", "dogs").Replace(oauthApi)
	require.Equal(t, 200, w.Do(t, "POST", "/api/apis", own, "Authorization: "+key).Status, org)
	require.Equal(
		t,
		200,
		w.Do(t, "POST", "/api/apis/oauth/dogs", `{"client_id":"ours","redirect_uri":"/"}`, "Authorization: "+key).Status,
	)
	w.gateway.Calls()
	before := fmt.Sprint(w.gateway.Client("cats", "theirs"))
	for _, c := range []struct{ method, path, body string }{
		{"GET", "/api/apis/oauth/cats", ""},
		{"GET", "/api/apis/oauth/cats/theirs", ""},
		{"GET", "/api/apis/oauth/dogs/theirs", ""},
		{"GET", "/api/apis/oauth/cats/theirs/tokens", ""},
		{"GET", "/api/apis/oauth/dogs/theirs/tokens", ""},
		{"POST", "/api/apis/oauth/cats", `{}`},
		{"POST", "/api/apis/oauth/dogs", fmt.Sprintf(`{"policy_id":%q}`, w.policy)},
		{"POST", "/api/apis/oauth/dogs", `{"meta_data":{"policies":[{"access_rights":{"cats":{}}}]}}`},
		{"PUT", "/api/apis/oauth/dogs/ours", `{"meta_data":{"policies":[{"Access_Rights":{"dogs":{"Api_ID":"cats"}}}]}}`},
		{"PUT", "/api/apis/oauth/dogs/ours", fmt.Sprintf(`{"meta_data":{"policies":[{"org_id":%q}]}}`, w.OrgID)},
		{"POST", "/api/apis/oauth/dogs/authorize-client", `{"response_type":"code","client_id":"ours","redirect_uri":"/","key_rules":{"access_rights":{"cats":{}}}}`},
		{"POST", "/api/apis/oauth/dogs/authorize-client", `{"response_type":"code","client_id":"ours","redirect_uri":"/","key_rules":{"access_rights":{"dogs":{}},"meta_data":{"policies":[{"access_rights":{"cats":{}}}]}}}`},
		{"PUT", "/api/apis/oauth/cats/theirs", `{}`},
		{"PUT", "/api/apis/oauth/dogs/theirs", `{}`},
		{"PATCH", "/api/apis/oauth/cats/theirs", `{}`},
		{"PATCH", "/api/apis/oauth/dogs/theirs", `{}`},
		{"PATCH", "/api/apis/oauth/dogs/ours", fmt.Sprintf(`{"policy_id":%q}`, w.policy)},
		{"PATCH", "/api/apis/oauth/dogs/ours", `{"meta_data":{"policies":[{"access_rights":{"cats":{}}}]}}`},
		{"DELETE", "/api/apis/oauth/cats/theirs", ""},
		{"DELETE", "/api/apis/oauth/dogs/theirs", ""},
		{"POST", "/api/apis/oauth/theirs/revoke", `{"token":"a-token"}`},
		{"POST", "/api/apis/oauth/theirs/revoke_all", `{"client_secret":"s"}`},
		{"POST", "/api/apis/oauth/cats/authorize-client", `{"response_type":"code","client_id":"theirs","redirect_uri":"/"}`},
		{"POST", "/api/apis/oauth/dogs/authorize-client", `{"response_type":"code","client_id":"theirs","redirect_uri":"/"}`},
	} {
		ask := func(replace ...string) string {
			r := strings.NewReplacer(replace...)
			got := w.Do(t, c.method, r.Replace(c.path), r.Replace(c.body), "Authorization: "+key)
			return fmt.Sprint(got.Status, " ", r.Replace(string(got.Body)))
		}
		got, unknown := ask(), ask("cats", "nope", "theirs", "nobodys", w.policy, "no-policy")
		assert.Equal(
			t,
			strings.NewReplacer("cats", "nope", "theirs", "nobodys", w.policy, "no-policy").Replace(got),
			unknown,
			"%s %s",
			c.method,
			c.path,
		)
		assert.NotContains(t, got, "200 ", "%s %s", c.method, c.path)
	}
	// The clients of one's own API are compared with the gateway's in the background, soon after the first is made.
	asked := slices.DeleteFunc(w.gateway.Calls(), func(call string) bool { return call == "GET /tyk/oauth/clients/dogs" })
	assert.Empty(t, asked, "the gateway was asked about what is another organisation's")
	assert.Equal(t, before, fmt.Sprint(w.gateway.Client("cats", "theirs")))
}

func TestWhatClientsRelateToIsLoadedTogether(t *testing.T) {
	t.Parallel()
	count := func(t *testing.T, clients int) int64 {
		engine, err := sql.OpenMemory(t.Context())
		require.NoError(t, err)
		t.Cleanup(func() { _ = engine.Close() })
		counting := &storetest.Counting{Engine: engine, Of: ofRequests}
		g := gatewaytest.New(t)
		w := &oauthWorld{
			gateway: g,
			api:     "cats",
			Server: apptest.New(
				t,
				apptest.WithEngine(counting),
				apptest.WithEnv(g.Env()...),
				apptest.WithStore(store.WithCacheTTL(time.Hour)),
			),
		}
		createApi(t, w.Server, fmt.Sprintf(oauthApi, "cats"))
		policies := []string{w.newPolicy(t, "A", "cats"), w.newPolicy(t, "B", "cats")}
		for n := range clients {
			w.create(t, fmt.Sprintf(`{"policy_id":%q}`, policies[n%2]))
		}
		w.GraphQL(t, `{ me { id } }`, nil)
		before := counting.Reads()
		got := must(
			t,
			w.GraphQL(
				t,
				`{ it: oauthClients(apiId: "cats", first: 20) { nodes { api { name } policy { name } organisation { name } } } }`,
				nil,
			),
		)
		require.Len(t, got.Get("data.it.nodes").Array(), clients)
		return counting.Reads() - before
	}
	assert.Equal(t, count(t, 2), count(t, 20))
}

// givingBack is a store before which something happens, just when an OAuth client leaves it.
type givingBack struct {
	store.Engine
	before func()
}

func (e *givingBack) Apply(ctx context.Context, writes ...store.Write) error {
	for _, w := range writes {
		if w.Delete && w.Collection.Name == "oauth_clients" && e.before != nil {
			e.before()
		}
	}
	return e.Engine.Apply(ctx, writes...)
}

func TestADeletedOauthClientStaysDeletedThoughAComparisonWasUnderWay(t *testing.T) {
	t.Parallel()
	engine, err := sql.OpenMemory(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { _ = engine.Close() })
	giving := &givingBack{Engine: engine}
	w := &oauthWorld{gateway: gatewaytest.New(t), engine: giving, api: "cats"}
	w.Server = apptest.New(t, apptest.WithEngine(giving), apptest.WithEnv(w.gateway.Env()...))
	createApi(t, w.Server, fmt.Sprintf(oauthApi, w.api))
	w.policy = w.newPolicy(t, "Cats", w.api)
	id := w.create(t, fmt.Sprintf(`{"redirect_uri":"http://x.test/cb","policy_id":%q}`, w.policy)).Get("client_id").Str
	client, ok := w.gateway.Client(w.api, id)
	require.True(t, ok)
	// The comparison found it missing at the gateway, and still here.
	giving.before = func() { w.gateway.Set(client) }
	require.Equal(t, 200, w.REST(t, "DELETE", w.path(id), "").Status)
	_, ok = w.gateway.Client(w.api, id)
	require.False(t, ok, "it would get tokens for ever")
}
