package resolvers_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/apptest"
	"gatehouse/internal/gateway/gatewaytest"
)

// used is an organisation in which everything names something.
type used struct {
	*apptest.Server
	api, policy, hook, jo string
}

func newUsed(t *testing.T) used {
	t.Helper()
	u := used{Server: apptest.New(t, apptest.WithEnv(gatewaytest.New(t).Env()...))}
	id := func(query string, args map[string]any) string {
		return must(t, u.GraphQL(t, query, args)).Get("data.it.id").Str
	}
	u.jo, _ = person(t, u.Server, "jo@x.test", map[string]string{"apis": "read"})
	u.hook = id(`mutation { it: createWebhook(input: {name: "W", method: GET, targetPath: "http://w.test"}) { id } }`, nil)
	u.api = id(`mutation { it: createApi(input: {apiId: "a1", name: "One", definition: {api_definition: {use_oauth2: true}}}) { id } }`, nil)
	u.policy = id(`mutation { it: createPolicy(input: {name: "Gold", apiIds: ["a1"]}) { id } }`, nil)
	id(`mutation { it: createPolicy(input: {name: "Silver", apiIds: ["a1"]}) { id } }`, nil)
	for n := range 5 {
		id(fmt.Sprintf(`mutation { it: createKey(input: {alias: "k%d", apiIds: ["a1"]}) { token } }`, n), nil)
	}
	id(`mutation($p: [ID!]!) { it: createKey(input: {alias: "of policy", policyIds: $p}) { token } }`,
		map[string]any{"p": []string{u.policy}})
	id(`mutation($p: ID) { it: createOauthClient(apiId: "a1", input: {clientId: "c1", description: "Phone", policyId: $p,
		redirectUris: ["http://x.test"]}) { id } }`, map[string]any{"p": u.policy})
	createApi(t, u.Server, fmt.Sprintf(`{"api_definition":{"name":"Base","api_id":"base","jwt_default_policies":[%q],`+
		`"definition":{"enabled":true,"name":"v","versions":{"v1":"a1"}}},"user_owners":[%q],`+
		`"hook_references":[{"event_name":"E","hook":{"id":%q}}]}`, u.policy, u.jo, u.hook))
	return u
}

const everyUse = `usedBy(first: 20) { totalCount pageInfo { hasNextPage endCursor } nodes { kind id name } }`

// uses are what the answer says of each.
func uses(r apptest.Reply, at string) (out []string) {
	for _, n := range r.Get(at + ".nodes").Array() {
		out = append(out, n.Get("kind").Str+" "+n.Get("name").Str)
	}
	return out
}

func TestUsedByShowsWhateverNamesAnObject(t *testing.T) {
	t.Parallel()
	u := newUsed(t)
	r := must(t, u.GraphQL(t, `query($p: ID!, $h: ID!, $u: ID!) { api(id: "a1") { `+everyUse+` } policy(id: $p) { `+everyUse+` }
		webhook(id: $h) { `+everyUse+` } user(id: $u) { `+everyUse+` } base: api(id: "base") { `+everyUse+` } }`,
		map[string]any{"p": u.policy, "h": u.hook, "u": u.jo}))
	for at, want := range map[string][]string{
		"api": {"POLICY Silver", "POLICY Gold", "KEY k4", "KEY k3", "KEY k2", "KEY k1", "KEY k0",
			"OAUTH_CLIENT Phone", "API Base"},
		"policy":  {"KEY of policy", "OAUTH_CLIENT Phone", "API Base"},
		"webhook": {"API Base"},
		"user":    {"API Base"},
		"base":    nil,
	} {
		assert.Equal(t, want, uses(r, "data."+at+".usedBy"), at)
		assert.EqualValues(t, len(want), r.Get("data."+at+".usedBy.totalCount").Int(), at)
		assert.False(t, r.Get("data."+at+".usedBy.pageInfo.hasNextPage").Bool(), at)
	}
	assert.Equal(t, "c1", r.Get("data.policy.usedBy.nodes.1.id").Str, "a client goes by its client id")
	certificate := keep(t, u.Server, "own.test", 100*day)
	createApi(t, u.Server, fmt.Sprintf(`{"api_definition":{"name":"Secured","client_certificates":[%q]}}`, certificate))
	r = must(t, u.GraphQL(t, `query($id: ID!) { it: certificate(id: $id) { `+everyUse+` } }`, map[string]any{"id": certificate}))
	assert.Equal(t, []string{"API Secured"}, uses(r, "data.it.usedBy"))
}

func TestUsedByGoesFromPageToPageAcrossKinds(t *testing.T) {
	t.Parallel()
	u := newUsed(t)
	all := uses(must(t, u.GraphQL(t, `{ it: api(id: "a1") { `+everyUse+` } }`, nil)), "data.it.usedBy")
	for size := 1; size <= len(all); size++ {
		var got []string
		var after any
		for more := true; more; {
			r := must(t, u.GraphQL(t, `query($n: Int, $after: String) { it: api(id: "a1") { usedBy(first: $n, after: $after) {
				totalCount pageInfo { hasNextPage endCursor } nodes { kind name } } } }`, map[string]any{"n": size, "after": after}))
			page := uses(r, "data.it.usedBy")
			require.LessOrEqual(t, len(page), size)
			require.NotEmpty(t, page, "no page is empty that was promised, of %d", size)
			got, after = append(got, page...), r.Get("data.it.usedBy.pageInfo.endCursor").Str
			more = r.Get("data.it.usedBy.pageInfo.hasNextPage").Bool()
			require.EqualValues(t, len(all), r.Get("data.it.usedBy.totalCount").Int())
		}
		require.Equal(t, all, got, "pages of %d", size)
	}
	cursor := must(t, u.GraphQL(t, `{ it: api(id: "a1") { usedBy(first: 1) { pageInfo { endCursor } } } }`, nil)).
		Get("data.it.usedBy.pageInfo.endCursor").Str
	for _, after := range []string{"nonsense", cursor} {
		r := u.GraphQL(t, `query($after: String) { it: api(id: "base") { usedBy(after: $after) { nodes { id } } } }`,
			map[string]any{"after": after})
		require.Equal(t, "INVALID", r.Get("errors.0.extensions.code").Str, "%s", r.Body)
	}
}

func TestUsedByLeavesOutKindsThatTheCallerMayNotRead(t *testing.T) {
	t.Parallel()
	u := newUsed(t)
	_, key := person(t, u.Server, "few@x.test", map[string]string{"apis": "write", "policies": "write"})
	r := must(t, u.GraphQL(t, `query($p: ID!) { api(id: "a1") { `+everyUse+` } policy(id: $p) { `+everyUse+` } }`,
		map[string]any{"p": u.policy}, "Authorization: "+key))
	assert.Equal(t, []string{"POLICY Silver", "POLICY Gold", "API Base"}, uses(r, "data.api.usedBy"))
	assert.EqualValues(t, 3, r.Get("data.api.usedBy.totalCount").Int())
	assert.Equal(t, []string{"API Base"}, uses(r, "data.policy.usedBy"))
	assert.EqualValues(t, 1, r.Get("data.policy.usedBy.totalCount").Int())

	// A cursor of a kind is no way to it.
	after := must(t, u.GraphQL(t, `{ api(id: "a1") { usedBy(first: 4) { pageInfo { endCursor } } } }`, nil)).
		Get("data.api.usedBy.pageInfo.endCursor").Str
	r = u.GraphQL(t, `query($after: String) { api(id: "a1") { usedBy(after: $after) { nodes { name } } } }`,
		map[string]any{"after": after}, "Authorization: "+key)
	assert.Equal(t, "INVALID", r.Get("errors.0.extensions.code").Str, "%s", r.Body)

	r = u.GraphQL(t, `mutation($p: ID!) { deletePolicy(id: $p) { id } }`, map[string]any{"p": u.policy}, "Authorization: "+key)
	assert.Equal(t, `the policy is in use, by 1 API ("Base"), and by others that you may not see: `+
		`change them first, or delete it with force: true`, r.Get("errors.0.message").Str)
}

func TestWhatIsInUseIsDeletedByForceAlone(t *testing.T) {
	t.Parallel()
	u := newUsed(t)
	for query, by := range map[string]string{
		`deleteApi(id: "a1"`: `the API is in use, by 2 policies ("Silver", "Gold"), and by 5 keys ("k4", "k3", "k2", ...), ` +
			`and by 1 API ("Base")`,
		`deletePolicy(id: "` + u.policy + `"`: `the policy is in use, by 1 key ("of policy"), and by 1 OAuth client ("Phone"), ` +
			`and by 1 API ("Base")`,
	} {
		for _, force := range []string{")", ", force: false)", ", force: null)"} {
			r := u.GraphQL(t, `mutation { it: `+query+force+` { id } }`, nil)
			require.Equal(t, "CONFLICT", r.Get("errors.0.extensions.code").Str, "%s", r.Body)
			require.Equal(t, by+": change them first, or delete it with force: true", r.Get("errors.0.message").Str)
		}
	}
	must(t, u.GraphQL(t, `mutation($id: ID!) { deletePolicy(id: $id, force: true) { id } }`, map[string]any{"id": u.policy}))
	must(t, u.GraphQL(t, `mutation { deleteApi(id: "base") { id } }`, nil)) // which nothing names
	require.Equal(t, 200, u.REST(t, "DELETE", "/api/apis/a1", "").Status, "old scripts delete what is in use")
}

func TestAnApiThatItsOwnClientsAloneNameIsDeletedWithThem(t *testing.T) {
	t.Parallel()
	s := apptest.New(t, apptest.WithEnv(gatewaytest.New(t).Env()...))
	must(t, s.GraphQL(t, `mutation { createApi(input: {apiId: "a1", name: "One", definition: {api_definition: {use_oauth2: true}}}) { id } }`, nil))
	must(t, s.GraphQL(t, `mutation { createOauthClient(apiId: "a1", input: {clientId: "c1", redirectUris: ["http://x.test"]}) { id } }`, nil))
	must(t, s.GraphQL(t, `mutation { deleteApi(id: "a1") { id } }`, nil))
}
