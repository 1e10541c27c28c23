package app_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"gatehouse/internal/apptest"
)

// statusOf is what REST answers for each code, where an endpoint has no legacy answer of its own.
var statusOf = map[string]int{
	"":                200,
	"MALFORMED":       400,
	"INVALID":         400,
	"UNAUTHENTICATED": 401,
	"FORBIDDEN":       403,
	"NOT_FOUND":       404,
	"CONFLICT":        409,
	"STALE":           412,
	"TOO_LARGE":       413,
	"LIMIT":           400,
}

// step is one operation on both faces; SELF stands for the id of the user who does it.
type step struct {
	name               string
	method, path, body string
	header             string
	query              string
	variables          map[string]any
	code               string
	legacy             int // the status of the endpoint's own, 0 for that of the code
}

// parityCases are run on one server for each face, one after the other: what one leaves behind is there for the next.
func parityCases() []step {
	const api = `{"api_definition":{"name":"Parity","api_id":"parity","slug":"parity","proxy":{"listen_path":"/parity/","target_url":"http://a.test"},"x_new":1.0},"hook_references":[]}`
	const hook = `{"name":"h","webhook_id":"w","method":"POST","target_path":"http://h.test"}`
	createApi := `mutation($doc: JSON) { createApi(input: {definition: $doc}) { id } }`
	updateApi := `mutation($id: ID!, $doc: JSON, $rev: Int) { updateApi(id: $id, input: {definition: $doc}, revision: $rev) { id } }`
	patchApi := `mutation($id: ID!, $doc: JSON!, $rev: Int) { patchApi(id: $id, patch: $doc, revision: $rev) { id } }`
	createPolicy := `mutation($doc: JSON) { createPolicy(input: {document: $doc}) { id } }`
	updatePolicy := `mutation($id: ID!, $doc: JSON, $rev: Int) { updatePolicy(id: $id, input: {document: $doc}, revision: $rev) { id } }`
	createHook := `mutation($doc: JSON) { createWebhook(input: {document: $doc}) { id } }`
	createUser := `mutation($doc: JSON) { createUser(input: {document: $doc}) { id } }`
	custom := `mutation($doc: JSON) { createKey(input: {customId: "parity", session: $doc}) { token } }`
	const policy = `{"name":"Parity","id":"parity-policy","rate":10,"access_rights":{"parity":{"api_id":"parity","api_name":"","versions":["Default"]}}}`
	const session = `{"alias":"parity","access_rights":{"parity":{"versions":["Default"]}}}`
	const person = `{"email_address":"parity@x.test","first_name":"P","user_permissions":{"apis":"read"}}`
	return []step{
		{name: "a good API is created", method: "POST", path: "/api/apis", body: api, query: createApi},
		{
			name:   "the same API again is a conflict",
			method: "POST",
			path:   "/api/apis",
			body:   api,
			query:  createApi,
			code:   "CONFLICT",
		},
		{
			name:   "an API without a name is invalid",
			method: "POST",
			path:   "/api/apis",
			body:   `{"api_definition":{}}`,
			query:  createApi,
			code:   "INVALID",
		},
		{
			name:   "an API that is no object is malformed",
			method: "POST",
			path:   "/api/apis",
			body:   `[]`,
			query:  createApi,
			code:   "MALFORMED",
		},
		{
			name:   "an API of another type is invalid",
			method: "POST",
			path:   "/api/apis",
			body:   `{"api_definition":{"name":1}}`,
			query:  createApi,
			code:   "INVALID",
		},
		{
			name:      "a save replaces an API",
			method:    "PUT",
			path:      "/api/apis/parity",
			body:      strings.Replace(api, "a.test", "b.test", 1),
			query:     updateApi,
			variables: map[string]any{"id": "parity"},
		},
		{
			name:      "a save of the revision that is there passes",
			method:    "PUT",
			path:      "/api/apis/parity",
			body:      strings.Replace(api, "a.test", "c.test", 1),
			header:    `If-Match: "2"`,
			query:     updateApi,
			variables: map[string]any{"id": "parity", "rev": 2},
		},
		{
			name:      "a save of an older revision is stale",
			method:    "PUT",
			path:      "/api/apis/parity",
			body:      api,
			header:    `If-Match: "1"`,
			query:     updateApi,
			variables: map[string]any{"id": "parity", "rev": 1},
			code:      "STALE",
		},
		{
			name:      "a save of an unknown API finds nothing",
			method:    "PUT",
			path:      "/api/apis/nope",
			body:      api,
			query:     updateApi,
			variables: map[string]any{"id": "nope"},
			code:      "NOT_FOUND",
		},
		{
			name:      "a merge patch changes what it names",
			method:    "PATCH",
			path:      "/api/apis/parity",
			body:      `{"api_definition":{"x_new":null,"active":true}}`,
			query:     patchApi,
			variables: map[string]any{"id": "parity"},
		},
		{
			name:      "a merge patch to what is invalid is refused",
			method:    "PATCH",
			path:      "/api/apis/parity",
			body:      `{"api_definition":{"name":null}}`,
			query:     patchApi,
			variables: map[string]any{"id": "parity"},
			code:      "INVALID",
		},
		{
			name:      "a merge patch of an older revision is stale",
			method:    "PATCH",
			path:      "/api/apis/parity",
			body:      `{}`,
			header:    `If-Match: "1"`,
			query:     patchApi,
			variables: map[string]any{"id": "parity", "rev": 1},
			code:      "STALE",
		},
		{
			name:   "owners are set",
			method: "PUT",
			path:   "/api/apis/parity/access",
			body:   `{"userIds":["5e9d9544a1dcd60001d0ed20"],"userGroupIds":[]}`,
			query:  `mutation { setApiOwners(id: "parity", input: {userIds: ["5e9d9544a1dcd60001d0ed20"], userGroupIds: []}) { id } }`,
		},
		{
			name:   "owners that are no ids are invalid",
			method: "PUT",
			path:   "/api/apis/parity/access",
			body:   `{"userIds":["x"],"userGroupIds":[]}`,
			query:  `mutation { setApiOwners(id: "parity", input: {userIds: ["x"], userGroupIds: []}) { id } }`,
			code:   "INVALID",
		},

		{name: "a good policy is created", method: "POST", path: "/api/portal/policies", body: policy, query: createPolicy},
		{
			name:   "a policy of the same name is a conflict",
			method: "POST",
			path:   "/api/portal/policies",
			body:   strings.Replace(policy, "parity-policy", "other", 1),
			query:  createPolicy,
			code:   "CONFLICT",
			legacy: 400,
		},
		{
			name:   "a policy comes before its API",
			method: "POST",
			path:   "/api/portal/policies",
			body:   `{"name":"n","access_rights":{"nope":{}}}`,
			query:  createPolicy,
		},
		{
			name:      "a save replaces a policy",
			method:    "PUT",
			path:      "/api/portal/policies/parity-policy",
			body:      strings.Replace(policy, "10", "20", 1),
			query:     updatePolicy,
			variables: map[string]any{"id": "parity-policy"},
		},
		{
			name:      "a stale save of a policy is refused",
			method:    "PUT",
			path:      "/api/portal/policies/parity-policy",
			body:      policy,
			header:    `If-Match: "1"`,
			query:     updatePolicy,
			variables: map[string]any{"id": "parity-policy", "rev": 1},
			code:      "STALE",
		},
		{
			name:      "a save of an unknown policy finds nothing",
			method:    "PUT",
			path:      "/api/portal/policies/nope",
			body:      policy,
			query:     updatePolicy,
			variables: map[string]any{"id": "nope"},
			code:      "NOT_FOUND",
		},

		{name: "a custom key is created", method: "POST", path: "/api/keys/parity", body: session, query: custom},
		{
			name:   "a custom key is replaced",
			method: "POST",
			path:   "/api/keys/parity",
			body:   strings.Replace(session, `"parity"`, `"again"`, 1),
			query:  custom,
		},
		{
			name:   "a key for an unknown API is invalid",
			method: "POST",
			path:   "/api/keys/parity",
			body:   `{"access_rights":{"nope":{}}}`,
			query:  custom,
			code:   "INVALID",
		},
		{
			name:   "a key that is no object is malformed",
			method: "POST",
			path:   "/api/keys/parity",
			body:   `1`,
			query:  custom,
			code:   "MALFORMED",
			legacy: 403,
		},
		{
			name:   "a key without rights is invalid",
			method: "POST",
			path:   "/api/keys/parity",
			body:   `{}`,
			query:  custom,
			code:   "INVALID",
		},
		{
			name:   "an unknown key is not deleted",
			method: "DELETE",
			path:   "/api/keys/nope",
			query:  `mutation { deleteKey(id: "nope") { id } }`,
			code:   "NOT_FOUND",
		},
		{
			name:   "a key is deleted",
			method: "DELETE",
			path:   "/api/keys/parity",
			query:  `mutation { deleteKey(id: "parity") { id } }`,
		},

		{name: "a good webhook is created", method: "POST", path: "/api/hooks", body: hook, query: createHook},
		{
			name:   "a webhook with the same public id is a conflict",
			method: "POST",
			path:   "/api/hooks",
			body:   hook,
			query:  createHook,
			code:   "CONFLICT",
		},
		{
			name:   "a webhook with an unknown method is invalid",
			method: "POST",
			path:   "/api/hooks",
			body:   strings.Replace(hook, "POST", "FETCH", 1),
			query:  createHook,
			code:   "INVALID",
		},
		{
			name:   "an unknown webhook is not deleted",
			method: "DELETE",
			path:   "/api/hooks/nope",
			query:  `mutation { deleteWebhook(id: "nope") { id } }`,
			code:   "NOT_FOUND",
		},

		{name: "a good user is created", method: "POST", path: "/api/users", body: person, query: createUser},
		{
			name:   "a user with the same address is a conflict",
			method: "POST",
			path:   "/api/users",
			body:   person,
			query:  createUser,
			code:   "CONFLICT",
			legacy: 403,
		},
		{
			name:   "a user with an address that is none is invalid",
			method: "POST",
			path:   "/api/users",
			body:   strings.Replace(person, "@", "", 1),
			query:  createUser,
			code:   "INVALID",
		},
		{
			name:   "a user that sets a password by an update is refused",
			method: "PUT",
			path:   "/api/users/SELF",
			body:   `{"email_address":"admin@gatehouse.local","user_permissions":{"IsAdmin":"admin"},"password":"a-password"}`,
			query:  `mutation($doc: JSON) { updateUser(id: "SELF", input: {document: $doc}) { id } }`,
			code:   "FORBIDDEN",
		},
		{name: "an operation of the admin secret is refused", method: "", query: `mutation { reload }`, code: "FORBIDDEN"},

		{
			name:   "an API is deleted",
			method: "DELETE",
			path:   "/api/apis/parity",
			query:  `mutation { deleteApi(id: "parity", force: true) { id } }`,
		},
		{
			name:   "an API that is gone is not deleted",
			method: "DELETE",
			path:   "/api/apis/parity",
			query:  `mutation { deleteApi(id: "parity", force: true) { id } }`,
			code:   "NOT_FOUND",
		},
	}
}

// made is what is made anew on each server: ids, times, hashes and what is sealed.
var made = regexp.MustCompile(
	`[0-9a-f]{16,}|\d{4}-\d\d-\d\dT[^"]*|"AccessKeySealed": "[^"]*"|"access_key_sealed": "[^"]*"|\$2a\$[^"]*|\$argon2id\$[^"]*|eyJ[A-Za-z0-9+/=_-]+`,
)

func TestBothFacesDoTheSame(t *testing.T) {
	t.Parallel()
	env := apptest.WithEnv("TYK_DB_ALLOWEXPLICITPOLICYID=true")
	overREST, overGraphQL := apptest.New(t, env), apptest.New(t, env)
	stored := func(srv *apptest.Server) string {
		return made.ReplaceAllString(dumpEverything(t, srv.Store), "<made>")
	}
	for _, s := range parityCases() {
		t.Run(s.name, func(t *testing.T) {
			variables := map[string]any{"doc": s.body}
			for name, v := range s.variables {
				variables[name] = v
			}
			g := overGraphQL.GraphQL(t, strings.ReplaceAll(s.query, "SELF", overGraphQL.UserID), variables)
			code := g.Get("errors.0.extensions.code").Str
			require.Equal(t, s.code, code, "GraphQL: %s", g.Body)
			if s.method == "" {
				return
			}
			headers := []string{"Authorization: " + overREST.AccessKey}
			if s.header != "" {
				headers = append(headers, s.header)
			}
			r := overREST.Do(t, s.method, strings.ReplaceAll(s.path, "SELF", overREST.UserID), s.body, headers...)
			want := s.legacy
			if want == 0 {
				want = statusOf[s.code]
			}
			require.Equal(t, want, r.Status, "REST: %s", r.Body)
			same(t, inOrder(stored(overGraphQL)), inOrder(stored(overREST)), "the faces left different objects behind")
		})
	}
}

// inOrder sorts the lines of a dump: objects come by ids, and those are random.
func inOrder(dump string) string {
	set := map[string]int{}
	for _, line := range strings.Split(dump, "\n") {
		set[line]++
	}
	var out strings.Builder
	for _, line := range sortedKeys(set) {
		fmt.Fprintln(&out, set[line], line)
	}
	return out.String()
}

// JSON arguments come as objects, whose names GraphQL does not keep in order, or as texts, which keep every byte.
func TestAJSONArgumentMayBeAnObjectOrItsText(t *testing.T) {
	t.Parallel()
	srv := apptest.New(t)
	const create = `mutation($doc: JSON) { createPolicy(input: {document: $doc}) { document } }`
	text := srv.GraphQL(
		t,
		create,
		map[string]any{"doc": `{"z":1.0,"name":"text","a":{"z":1e3,"b":123456789012345678901234567890}}`},
	)
	require.True(
		t,
		strings.HasPrefix(
			text.Get("data.createPolicy.document").Raw,
			`{"z":1.0,"name":"text","a":{"z":1e3,"b":123456789012345678901234567890}`,
		),
		"%s",
		text.Body,
	)

	object := srv.Do(
		t,
		"POST",
		"/graphql",
		fmt.Sprintf(
			`{"query":%q,"variables":{"doc":{"z":1.0,"name":"object","a":{"z":1e3,"b":123456789012345678901234567890}}}}`,
			create,
		),
		"Authorization: "+srv.AccessKey,
		"Content-Type: application/json",
	)
	doc := object.Get("data.createPolicy.document")
	require.Equal(t, "object", doc.Get("name").Str, "%s", object.Body)
	for path, want := range map[string]string{"z": "1.0", "a.z": "1e3", "a.b": "123456789012345678901234567890"} {
		require.Equal(t, want, gjson.Get(doc.Raw, path).Raw, "the number at %s is spelled anew", path)
	}

	literal := srv.GraphQL(
		t,
		`mutation { createPolicy(input: {document: {z: 1.0, name: "literal", a: {b: [1, true, null, "x"]}}}) { document } }`,
		nil,
	)
	require.Equal(t, `{"b":[1,true,null,"x"]}`, literal.Get("data.createPolicy.document.a").Raw, "%s", literal.Body)
}
