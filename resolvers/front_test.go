package resolvers_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gatehouse/internal/apptest"
	"gatehouse/internal/core"
	"gatehouse/store"
)

func TestEveryKindCanBePatched(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	ask := func(query string, headers ...string) apptest.Reply {
		t.Helper()
		if headers == nil {
			headers = []string{"Authorization: " + s.AccessKey}
		}
		return s.GraphQL(t, query, nil, headers...)
	}
	must(t, ask(`mutation { createApi(input: {apiId: "a1", name: "One", targetUrl: "http://x.test"}) { id } }`))
	hook := must(t, ask(`mutation { it: createWebhook(input: {document: "{\"name\":\"h\",\"method\":\"POST\",`+
		`\"target_path\":\"http://x.test\",\"event_timeout\":1.0,\"kept\":12345678901234567890}"}) { id } }`)).Get("data.it.id").Str
	must(t, ask(`mutation { createKey(input: {customId: "key-one", apiIds: ["a1"], alias: "k"}) { token } }`))
	must(t, ask(`mutation { createBasicAuthUser(username: "someone", password: "pass-word", input: {apiIds: ["a1"]}) { token } }`))
	jo, _ := person(t, s, "jo@x.test", map[string]string{"apis": "read"})

	r := must(t, ask(fmt.Sprintf(`mutation { it: patchWebhook(id: %q, patch: {name: "renamed"}) { name documentText } }`, hook)))
	require.Equal(t, "renamed", r.Get("data.it.name").Str)
	require.Contains(t, r.Get("data.it.documentText").Str, `"event_timeout":1.0`, "what the patch does not name stays byte for byte")
	require.Contains(t, r.Get("data.it.documentText").Str, `"kept":12345678901234567890`)

	r = must(t, ask(`mutation { it: patchKey(id: "key-one", patch: {is_inactive: true, quota_max: 5000000000}) { inactive alias quotaMax sessionText } }`))
	require.JSONEq(t, `{"inactive":true,"alias":"k","quotaMax":5000000000}`,
		fmt.Sprintf(`{"inactive":%s,"alias":%s,"quotaMax":%s}`, r.Get("data.it.inactive").Raw, r.Get("data.it.alias").Raw, r.Get("data.it.quotaMax").Raw))
	before := must(t, ask(`{ it: key(id: "someone") { id } }`)).Get("data.it.id").Str
	stored, err := s.Store.Keys.Find(t.Context(), store.Org(s.OrgID), before)
	require.NoError(t, err)
	must(t, ask(`mutation { it: patchKey(id: "someone", patch: {alias: "Some One"}) { alias } }`))
	after, err := s.Store.Keys.Find(t.Context(), store.Org(s.OrgID), before)
	require.NoError(t, err)
	require.Equal(t, stored.Session.Text("basic_auth_data.password"), after.Session.Text("basic_auth_data.password"),
		"a patch of something else keeps the password")

	r = must(t, ask(fmt.Sprintf(`mutation { it: patchUser(id: %q, patch: {first_name: "Jo", active: false}) { firstName active } }`, jo)))
	require.JSONEq(t, `{"firstName":"Jo","active":false}`, r.Get("data.it").Raw)
	require.True(t, hasPassword(t, s, jo, "password one"))
	refused := ask(fmt.Sprintf(`mutation { it: patchUser(id: %q, patch: {password: "another one"}) { id } }`, jo))
	require.Equal(t, "FORBIDDEN", refused.Get("errors.0.extensions.code").Str, "a password takes the admin secret, by a patch too")

	r = must(t, ask(fmt.Sprintf(`mutation { it: patchOrganisation(id: %q, patch: {owner_name: "New"}) { name } }`, s.OrgID), admin))
	require.Equal(t, "New", r.Get("data.it.name").Str)

	for patch, want := range map[string]string{
		`{proxy: {listen_path: "/elsewhere/"}}`: "proxy is a field of api_definition",
		`{active: false}`:                       "active is a field of api_definition",
	} {
		r := ask(`mutation { it: patchApi(id: "a1", patch: ` + patch + `) { id } }`)
		require.Equal(t, "INVALID", r.Get("errors.0.extensions.code").Str, string(r.Body))
		require.Contains(t, r.Get("errors.0.message").Str, want)
	}
	r = ask(`mutation { it: patchWebhook(id: "` + hook + `", patch: {name: "stale"}, revision: 1) { id } }`)
	require.Equal(t, "STALE", r.Get("errors.0.extensions.code").Str)
}

func TestListsAreSortedAndFilteredAsAsked(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	ask := func(query string, headers ...string) apptest.Reply {
		t.Helper()
		if headers == nil {
			headers = []string{"Authorization: " + s.AccessKey}
		}
		return must(t, s.GraphQL(t, query, nil, headers...))
	}
	for _, n := range []string{"b", "c", "a"} {
		ask(fmt.Sprintf(`mutation {
			createApi(input: {apiId: %[1]q, name: "%[1]s #x", listenPath: "/%[1]s/", domain: "%[1]s.Example", targetUrl: "http://%[1]s.internal:8080/x", tags: ["edge-%[1]s"], internal: false}) { id }
			createWebhook(input: {name: %[1]q, method: POST, targetPath: "http://x.test"}) { id }
		}`, n))
		ask(fmt.Sprintf(`mutation { createKey(input: {customId: "key-%[1]s", apiIds: [%[1]q], alias: %[1]q}) { token } }`, n))
		ask(fmt.Sprintf(`mutation { createPolicy(input: {policyId: "p-%[1]s", name: %[1]q, apiIds: [%[1]q], inactive: true, partitions: {quota: true}, metaData: {tier: %[1]q}}) { id } }`, n))
	}
	for query, want := range map[string]string{
		`{ it: webhooks(sort: NAME) { nodes { v: name } } }`:                                                `["a","b","c"]`,
		`{ it: webhooks(sort: NAME_DESC) { nodes { v: name } } }`:                                           `["c","b","a"]`,
		`{ it: webhooks { nodes { v: name } } }`:                                                            `["b","c","a"]`,
		`{ it: keys(sort: ALIAS) { nodes { v: alias } } }`:                                                  `["a","b","c"]`,
		`{ it: keys(sort: UPDATED_AT) { nodes { v: alias } } }`:                                             `["b","c","a"]`,
		`{ it: keys { nodes { v: alias } } }`:                                                               `["a","c","b"]`,
		`{ it: policies(sort: UPDATED_AT_DESC) { nodes { v: name } } }`:                                     `["a","c","b"]`,
		`{ it: apis(sort: NAME_DESC) { nodes { v: apiId } } }`:                                              `["c","b","a"]`,
		`{ it: apis(sort: NAME, filter: {categories: [], authTypes: []}) { nodes { v: apiId } } }`:          `["a","b","c"]`,
		`{ it: apis(filter: {listenPath: "/b/"}) { nodes { v: apiId } } }`:                                  `["b"]`,
		`{ it: apis(filter: {domain: "C.EXAMPLE"}) { nodes { v: apiId } } }`:                                `["c"]`,
		`{ it: apis(filter: {target: "a.internal"}) { nodes { v: apiId } } }`:                               `["a"]`,
		`{ it: apis(filter: {target: "A.internal:8080"}) { nodes { v: apiId } } }`:                          `["a"]`,
		`{ it: apis(filter: {tag: "edge-b"}) { nodes { v: apiId } } }`:                                      `["b"]`,
		`{ it: apis(filter: {updatedSince: "2999-01-01"}) { nodes { v: apiId } } }`:                         `[]`,
		`{ it: keys(filter: {updatedSince: "2999-01-01"}) { nodes { v: alias } } }`:                         `[]`,
		`{ it: policies(sort: NAME, filter: {updatedSince: "2020-01-01", ids: []}) { nodes { v: name } } }`: `["a","b","c"]`,
		`{ it: users(sort: EMAIL_DESC, filter: {updatedSince: "2999-01-01"}) { nodes { v: email } } }`:      `[]`,
		`{ it: certificates(sort: EXPIRES) { nodes { v: id } } }`:                                           `[]`,
	} {
		require.JSONEq(t, want, ask(query).Get("data.it.nodes.#.v").Raw, query)
	}
	require.JSONEq(t, `["New organisation"]`, func() string {
		ask(`mutation { createOrganisation(input: {name: "New organisation", slug: "new"}) { id } }`, admin)
		return ask(`{ it: organisations(first: 1, sort: CREATED_AT_DESC) { nodes { v: name } } }`, admin).Get("data.it.nodes.#.v").Raw
	}())
	policy := ask(`{ it: policy(id: "p-a") { isInactive partitions { quota acl } document } }`).Get("data.it")
	require.True(t, policy.Get("isInactive").Bool())
	require.JSONEq(t, `{"quota":true,"acl":false}`, policy.Get("partitions").Raw)
	require.Equal(t, "a", policy.Get("document.meta_data.tier").Str)
}

func TestGatewaysAreSortedAsAsked(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	for _, g := range []struct {
		hostname string
		silent   time.Duration
	}{{"b.internal", time.Hour}, {"A.internal", 0}, {"c.internal", 2 * time.Hour}} {
		n := &core.Node{
			Meta:      core.Meta{ID: core.NewID(s.Store.Now())},
			NodeState: core.NodeState{Session: g.hostname, Hostname: g.hostname, LastSeen: s.Store.Now().Add(-g.silent)},
		}
		require.NoError(t, s.Store.Nodes.Create(t.Context(), n))
	}
	page := func(arguments string) apptest.Reply {
		t.Helper()
		return s.GraphQL(t, `{ it: gateways(first: 1`+arguments+`) { nodes { hostname } pageInfo { hasNextPage endCursor } } }`, nil)
	}
	for sort, want := range map[string]string{
		"": "c A b", "REGISTERED_AT": "b A c", "REGISTERED_AT_DESC": "c A b", "HOSTNAME": "A b c", "HOSTNAME_DESC": "c b A",
		"LAST_SEEN": "c b A", "LAST_SEEN_DESC": "A b c",
	} {
		order := ""
		if sort != "" {
			order = ", sort: " + sort
		}
		var got []string
		for after := ""; len(got) < 5; {
			r := page(order + after)
			got = append(got, strings.TrimSuffix(r.Get("data.it.nodes.0.hostname").Str, ".internal"))
			if !r.Get("data.it.pageInfo.hasNextPage").Bool() {
				break
			}
			after = ", after: " + r.Get("data.it.pageInfo.endCursor").Raw
		}
		require.Equal(t, want, strings.Join(got, " "), sort)
	}
	first := page("").Get("data.it.pageInfo.endCursor").Raw
	for _, sort := range []string{"REGISTERED_AT", "HOSTNAME", "LAST_SEEN_DESC"} {
		r := page(", sort: " + sort + ", after: " + first)
		require.Contains(t, r.Get("errors.0.message").Str, "a cursor of another list, or of another order", sort)
	}
}
