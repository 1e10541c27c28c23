package app_test

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gatehouse/internal/apptest"
	"gatehouse/internal/rules"
	"gatehouse/internal/rules/rulestest"
)

// withRules runs a server whose rules in Rego decide.
func withRules(t *testing.T, more ...apptest.Option) api {
	t.Helper()
	return api{Server: apptest.New(t, append([]apptest.Option{
		apptest.WithEnv("TYK_DB_SECURITY_OPENPOLICY_ENABLED=true", "TYK_DB_SECURITY_OPENPOLICY_ENABLEAPI=true"),
	}, more...)...)}
}

// setRules gives the first organisation a text.
func setRules(t *testing.T, srv api, text string) {
	t.Helper()
	r := srv.rest(t, "PUT", "/api/org/opa", `{"open_policy":{"enabled":true,"rules":`+strconv.Quote(text)+`}}`)
	require.Equal(t, 200, r.Status, "%s", r.Body)
}

// person makes a user with permissions, and returns their access key.
func person(t *testing.T, srv api, name, permissions string) (key, id string) {
	t.Helper()
	made := srv.graphql(t, `mutation { createUser(input: {firstName: "`+name+`", lastName: "X", active: true, email: "`+name+
		`@example.org", permissions: `+permissions+`}) { id accessKey } }`)
	require.NotEmpty(t, made.Get("data.createUser.accessKey").Str, "%s", made.Body)
	return made.Get("data.createUser.accessKey").Str, made.Get("data.createUser.id").Str
}

const petsAPI = `{"api_definition":{"name":"%s","active":true,"use_keyless":true,"proxy":{"listen_path":"/%s/","target_url":"http://upstream.example","strip_listen_path":true},"version_data":{"not_versioned":true,"versions":{"Default":{"name":"Default"}}}}}`

// editors are rules to be put at the end of the default ones, by which who is an editor of APIs may not create any.
const editors = `
request_intent = "create" { input.request.method == "POST" }
request_intent = "update" { input.request.method == "PUT" }
intent_match("create", "write")
intent_match("update", "write")
deny["API Editors not allowed to create APIs."] {
	input.user.user_permissions.api_editor
	request_permission.apis
	request_intent == "create"
}
`

// locks are rules to be put at the end of the default ones: some may not switch APIs on or off, and what some save
// under a certain name goes through a proxy.
const locks = `
deny["You do not have permission to change the API status."] {
	input.user.user_permissions.test_disable_deploy
	request_permission.apis
	request_intent == "write"
	change := TykDiff(TykAPIGet(input.request.path), input.request.body)
	not is_null(change.api_definition.active)
}
patch_request[patch] {
	input.user.user_permissions.test_patch_request
	request_permission.apis
	request_intent == "write"
	contains(input.request.body.api_definition.name, "#external")
	patch := {"api_definition": {"proxy": {"transport": {"proxy_url": "http://company-proxy:8080"}}}}
}
`

// onTexts runs a test on each text: ours always, and the documented one where it is at hand.
func onTexts(t *testing.T, ours string, documented func(rulestest.Stock) string, test func(*testing.T, string)) {
	t.Helper()
	t.Run("ours", func(t *testing.T) { t.Parallel(); test(t, rules.Default+ours) })
	if stock, ok := rulestest.At(); ok {
		t.Run("the documented one", func(t *testing.T) { t.Parallel(); test(t, documented(stock)) })
	}
}

func TestAnApiEditorMayUpdateButNotCreate(t *testing.T) {
	t.Parallel()
	onTexts(t, editors, func(s rulestest.Stock) string { return s.Worked }, apiEditor)
}

func apiEditor(t *testing.T, text string) {
	srv := withRules(t)
	setRules(t, srv, text)
	created := srv.rest(t, "POST", "/api/apis", fmt.Sprintf(petsAPI, "pets", "pets"))
	require.Equal(t, 200, created.Status, "%s", created.Body)
	id := created.Get("ID").Str
	if id == "" {
		id = created.Get("Meta").Str
	}
	editor, _ := person(t, srv, "editor", `{apis: "write", api_editor: "write"}`)
	writer, _ := person(t, srv, "writer", `{apis: "write"}`)

	refused := srv.as(editor).rest(t, "POST", "/api/apis", fmt.Sprintf(petsAPI, "more", "more"))
	require.Equal(t, 403, refused.Status)
	require.Equal(t, "access denied: API Editors not allowed to create APIs.", refused.Get("Message").Str)
	aliased := srv.as(editor).graphql(t, `mutation { a: updateApi(id: "`+id+`", input: {name: "renamed"}) { name }
		b: createApi(input: {name: "sly", listenPath: "/sly/", targetUrl: "http://upstream.example"}) { id } }`)
	require.Equal(t, "renamed", aliased.Get("data.a.name").Str, "%s", aliased.Body)
	require.Equal(t, "access denied: API Editors not allowed to create APIs.", aliased.Get("errors.0.message").Str)
	require.Equal(t, "FORBIDDEN", aliased.Get("errors.0.extensions.code").Str)
	require.Equal(t, 200, srv.as(editor).rest(t, "PUT", "/api/apis/"+id, fmt.Sprintf(petsAPI, "again", "pets")).Status)
	require.Equal(t, 200, srv.as(writer).rest(t, "POST", "/api/apis", fmt.Sprintf(petsAPI, "more", "more")).Status)
	require.Equal(t, 2, int(srv.graphql(t, `{ apis { totalCount } }`).Get("data.apis.totalCount").Int()))
}

func TestRulesThatCompareWhatIsSavedAndThatChangeIt(t *testing.T) {
	t.Parallel()
	onTexts(t, locks, func(s rulestest.Stock) string { return s.Default }, lockedAndProxied)
}

func lockedAndProxied(t *testing.T, text string) {
	srv := withRules(t)
	setRules(t, srv, text)
	created := srv.rest(t, "POST", "/api/apis", fmt.Sprintf(petsAPI, "pets", "pets"))
	require.Equal(t, 200, created.Status, "%s", created.Body)
	id := created.Get("Meta").Str

	group := srv.graphql(t, `mutation { createUserGroup(input: {name: "locked", permissions: {apis: "write", test_disable_deploy: "write"}}) { id } }`)
	locked, member := person(t, srv, "locked", `{apis: "deny"}`)
	moved := srv.graphql(t, `mutation { updateUser(id: "`+member+`", input: {groupIds: ["`+group.Get("data.createUserGroup.id").Str+`"]}) { id } }`)
	require.Empty(t, moved.Get("errors").Raw)
	for what, r := range map[string]apptest.Reply{
		"GraphQL, partial input": srv.as(locked).graphql(t, `mutation { updateApi(id: "`+id+`", input: {active: false}) { id } }`),
		"GraphQL, merge patch":   srv.as(locked).graphql(t, `mutation { patchApi(id: "`+id+`", patch: {api_definition: {active: false}}) { id } }`),
	} {
		require.Equal(t, "access denied: You do not have permission to change the API status.", r.Get("errors.0.message").Str, what)
	}
	off := strings.Replace(fmt.Sprintf(petsAPI, "pets", "pets"), `"active":true`, `"active":false`, 1)
	require.Equal(t, 403, srv.as(locked).rest(t, "PUT", "/api/apis/"+id, off).Status)
	renamed := srv.as(locked).graphql(t, `mutation { updateApi(id: "`+id+`", input: {name: "renamed"}) { name active } }`)
	require.JSONEq(t, `{"data":{"updateApi":{"name":"renamed","active":true}}}`, string(renamed.Body))

	proxied, _ := person(t, srv, "proxied", `{apis: "write", test_patch_request: "write"}`)
	for what, change := range map[string]func(name string){
		"REST": func(name string) {
			require.Equal(t, 200, srv.as(proxied).rest(t, "PUT", "/api/apis/"+id, fmt.Sprintf(petsAPI, name, "pets")).Status)
		},
		"GraphQL": func(name string) {
			r := srv.as(proxied).graphql(t, `mutation { updateApi(id: "`+id+`", input: {name: "`+name+`"}) { id } }`)
			require.Empty(t, r.Get("errors").Raw, "%s", r.Body)
		},
	} {
		proxy := func() string {
			return srv.rest(t, "GET", "/api/apis/"+id, "").Get("api_definition.proxy.transport.proxy_url").Str
		}
		change("plain")
		require.NotEqual(t, "http://company-proxy:8080", proxy(), what)
		change("pets #external")
		require.Equal(t, "http://company-proxy:8080", proxy(), what)
		srv.graphql(t, `mutation { patchApi(id: "`+id+`", patch: {api_definition: {name: "plain", proxy: {transport: null}}}) { id } }`)
	}
}

func TestRulesOfAnOrganisation(t *testing.T) {
	t.Parallel()
	srv := withRules(t)
	get := func() apptest.Reply { return srv.rest(t, "GET", "/api/org/opa", "") }
	put := func(body string) apptest.Reply { return srv.rest(t, "PUT", "/api/org/opa", body) }
	require.Equal(t, rules.Default, get().Get("open_policy.rules").Str)
	reader, _ := person(t, srv, "reader", `{apis: "read", keys: "write", policies: "write"}`)

	text := "# <b>ünï</b>\r\npackage dashboard_users\r\ndeny[\"closed on Sundays\"] { input.request.method == \"GET\"; not input.user.user_permissions.IsAdmin }\r\n"
	setRules(t, srv, text)
	require.Equal(t, text, get().Get("open_policy.rules").Str, "a text is kept byte for byte")
	refused := srv.as(reader).rest(t, "GET", "/api/apis", "")
	require.Equal(t, 403, refused.Status)
	require.Equal(t, "access denied: closed on Sundays", refused.Get("Message").Str)
	require.Equal(t, 200, srv.as(reader).rest(t, "GET", "/api/users/me", "").Status, "what everybody may do for themselves is no matter of rules")

	t.Run("a text that cannot be used changes nothing", func(t *testing.T) {
		r := put(`{"open_policy":{"rules":"package dashboard_users\ndeny[x] { x := nobody }"}}`)
		require.Equal(t, 400, r.Status)
		require.Contains(t, r.Get("Message").Str, "Invalid OPA rules. line 2, column 11")
		admin := srv.admin(t, "PATCH", "/admin/organisations/"+srv.OrgID, `{"open_policy":{"rules":"package x"}}`)
		require.Equal(t, 400, admin.Status, "nor by the admin API")
		require.Equal(t, 400, srv.admin(t, "POST", "/admin/organisations/import", `{"id":"5d7f6ae2bc5f2c0001e0c1aa","owner_name":"I","open_policy":{"rules":"package x"}}`).Status)
		require.Equal(t, 400, put(`{"open_policy":{"enabled":1}}`).Status)
		require.Equal(t, 400, put(`{}`).Status)
		require.Equal(t, text, get().Get("open_policy.rules").Str)
	})
	t.Run("a text that locks its author out is refused, and the admin secret may save it, and put it back", func(t *testing.T) {
		lock := `deny["no"] { input.request.method != "GET" }`
		r := put(`{"open_policy":{"rules":` + strconv.Quote(lock) + `}}`)
		require.Equal(t, 400, r.Status)
		require.Contains(t, r.Get("Message").Str, "lock you out")
		require.Equal(t, 400, put(`{"open_policy":{"rules":"deny[x] { x := TykAPIGet(\"/api/apis/1\").a; false }\ndeny = \"a\" { true }"}}`).Status)
		require.Equal(t, 200, srv.admin(t, "PATCH", "/admin/organisations/"+srv.OrgID, `{"open_policy":{"rules":`+strconv.Quote(lock)+`}}`).Status)
		require.Equal(t, 403, srv.rest(t, "POST", "/api/apis", fmt.Sprintf(petsAPI, "pets", "pets")).Status)
		require.Equal(t, 200, srv.admin(t, "PATCH", "/admin/organisations/"+srv.OrgID, `{"open_policy":{"rules":`+strconv.Quote(text)+`}}`).Status)
	})
	t.Run("they are for administrators", func(t *testing.T) {
		require.Equal(t, 403, srv.as(reader).rest(t, "PUT", "/api/org/opa", `{"open_policy":{"enabled":false}}`).Status)
		require.Equal(t, 403, srv.as(reader).rest(t, "GET", "/api/org/opa", "").Status)
		asked := srv.as(reader).graphql(t, `mutation { setOpenPolicy(input: {enabled: false}) { enabled } }`)
		require.Equal(t, "FORBIDDEN", asked.Get("errors.0.extensions.code").Str)
	})
	t.Run("switched off, the permissions decide", func(t *testing.T) {
		require.Equal(t, 200, put(`{"open_policy":{"enabled":false}}`).Status)
		require.Equal(t, 200, srv.as(reader).rest(t, "GET", "/api/apis", "").Status)
		require.Equal(t, 403, srv.as(reader).rest(t, "GET", "/api/certs", "").Status)
		require.Equal(t, text, get().Get("open_policy.rules").Str)
		require.Equal(t, 200, put(`{"open_policy":{"enabled":true}}`).Status)
		require.Equal(t, 403, srv.as(reader).rest(t, "GET", "/api/apis", "").Status)
	})
	t.Run("relations are judged, too", func(t *testing.T) {
		setRules(t, srv, "deny[\"no keys\"] { input.permissions[_].permission == \"keys\"; not input.user.user_permissions.IsAdmin }")
		srv.graphql(t, `mutation { createPolicy(input: {name: "p", accessRights: []}) { id } }`)
		r := srv.as(reader).graphql(t, `{ policies { nodes { name keys { totalCount } } } apis { totalCount } }`)
		require.Contains(t, string(r.Body), "access denied: no keys")
		require.False(t, r.Get("errors").Raw == "")
	})
	t.Run("another organisation has none of it", func(t *testing.T) {
		setRules(t, srv, "deny[\"no\"] { not input.user.user_permissions.IsAdmin }")
		org := srv.admin(t, "POST", "/admin/organisations", `{"owner_name":"Other"}`).Get("Meta").Str
		made := srv.admin(t, "POST", "/admin/users", `{"org_id":"`+org+`","first_name":"O","last_name":"O","email_address":"o@example.org","active":true,"user_permissions":{"apis":"read"}}`)
		require.Equal(t, 200, srv.as(made.Get("Message").Str).rest(t, "GET", "/api/apis", "").Status)
		require.Equal(t, 403, srv.as(reader).rest(t, "GET", "/api/apis", "").Status)
	})
	t.Run("an empty text goes back", func(t *testing.T) {
		require.Equal(t, 200, put(`{"open_policy":{"rules":""}}`).Status)
		require.Equal(t, rules.Default, get().Get("open_policy.rules").Str)
		require.Equal(t, 200, srv.as(reader).rest(t, "GET", "/api/apis", "").Status)
		shown := srv.graphql(t, `{ openPolicy { enabled inForce own warnings } }`)
		require.JSONEq(t, `{"data":{"openPolicy":{"enabled":true,"inForce":true,"own":false,"warnings":[]}}}`, string(shown.Body))
	})
}

// api calls a server as the user with an access key; "" is the first one.
type api struct {
	*apptest.Server
	key string
}

func (a api) rest(t *testing.T, method, target, body string) apptest.Reply {
	t.Helper()
	return a.Do(t, method, target, body, "Authorization: "+cmp.Or(a.key, a.AccessKey))
}

func (a api) graphql(t *testing.T, query string) apptest.Reply {
	t.Helper()
	return a.GraphQL(t, query, nil, "Authorization: "+cmp.Or(a.key, a.AccessKey))
}

func (a api) admin(t *testing.T, method, target, body string) apptest.Reply {
	t.Helper()
	return a.Do(t, method, target, body, "admin-auth: "+apptest.AdminSecret)
}

// as is the same server, called by somebody else.
func (a api) as(key string) api { return api{a.Server, key} }
