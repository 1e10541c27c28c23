package app_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gatehouse/graph"
)

// allWrite are permissions that let a user write everything, and probe, by which rules know the user.
const allWrite = `{apis: "write", policies: "write", keys: "write", users: "write", user_groups: "write", hooks: "write", portal: "write", probe: "write"}`

// TestEveryDocumentIsJudged has each operation that leaves a document behind refused by a rule that asks for a document
// alone, so that one which the table of such operations lacks, or which writes before it is judged, is found.
func TestEveryDocumentIsJudged(t *testing.T) {
	t.Parallel()
	srv := withRules(t)
	id := func(mutation, field string) string {
		t.Helper()
		r := srv.graphql(t, "mutation { it: "+mutation+" }")
		require.NotEmpty(t, r.Get("data.it."+field).Str, "%s", r.Body)
		return r.Get("data.it." + field).Str
	}
	api := id(`createApi(input: {name: "a", apiId: "petsapi", listenPath: "/a/", targetUrl: "http://up.example"}) { id }`, "id")
	policy := id(`createPolicy(input: {name: "p", accessRights: []}) { id }`, "id")
	key := id(`createKey(input: {alias: "k", apiIds: ["petsapi"]}) { key { id } }`, "key.id")
	group := id(`createUserGroup(input: {name: "g", permissions: {apis: "read"}}) { id }`, "id")
	hook := id(`createWebhook(input: {name: "h", method: POST, targetPath: "http://up.example/x"}) { id }`, "id")
	page := id(`createPortalDocument(type: PAGE, input: {document: {title: "t", slug: "s", template_name: "x"}}) { id }`, "id")
	probe, _ := person(t, srv, "probe", allWrite)
	_, user := person(t, srv, "other", `{apis: "read"}`)
	setRules(t, srv, `deny["judged"] { input.user.user_permissions.probe; input.request.body }`)

	person := `firstName: "N", lastName: "N", email: "n@example.org", permissions: {apis: "read"}`
	mutations := map[string]string{
		"createApi":            `(input: {name: "b", listenPath: "/b/", targetUrl: "http://up.example"}) { id }`,
		"updateApi":            `(id: "` + api + `", input: {name: "c"}) { id }`,
		"patchApi":             `(id: "` + api + `", patch: {api_definition: {name: "c"}}) { id }`,
		"setApiOwners":         `(id: "` + api + `", input: {userIds: ["` + user + `"], userGroupIds: []}) { id }`,
		"createPolicy":         `(input: {name: "q", accessRights: []}) { id }`,
		"updatePolicy":         `(id: "` + policy + `", input: {name: "q"}) { id }`,
		"patchPolicy":          `(id: "` + policy + `", patch: {name: "q"}) { id }`,
		"createKey":            `(input: {alias: "l", apiIds: ["petsapi"]}) { token }`,
		"createBasicAuthUser":  `(username: "jo", password: "secret1", input: {alias: "l", apiIds: ["petsapi"]}) { token }`,
		"updateKey":            `(id: "` + key + `", input: {alias: "l"}) { id }`,
		"patchKey":             `(id: "` + key + `", patch: {alias: "l"}) { id }`,
		"createUser":           `(input: {` + person + `}) { id }`,
		"updateUser":           `(id: "` + user + `", input: {firstName: "Z"}) { id }`,
		"patchUser":            `(id: "` + user + `", patch: {first_name: "Z"}) { id }`,
		"createUserGroup":      `(input: {name: "q", permissions: {apis: "read"}}) { id }`,
		"updateUserGroup":      `(id: "` + group + `", input: {name: "q"}) { id }`,
		"patchUserGroup":       `(id: "` + group + `", patch: {name: "q"}) { id }`,
		"createWebhook":        `(input: {name: "i", method: POST, targetPath: "http://up.example/x"}) { id }`,
		"updateWebhook":        `(id: "` + hook + `", input: {name: "i"}) { id }`,
		"patchWebhook":         `(id: "` + hook + `", patch: {name: "i"}) { id }`,
		"createPortalDocument": `(type: PAGE, input: {document: {title: "u", slug: "u", template_name: "x"}}) { id }`,
		"updatePortalDocument": `(id: "` + page + `", input: {document: {title: "u", slug: "u", template_name: "x"}}) { id }`,
		"patchPortalDocument":  `(id: "` + page + `", patch: {title: "u"}) { id }`,
	}
	changes := regexp.MustCompile("^(create|update|patch|set)(Api|Policy|Key|BasicAuth|User|Webhook|Portal.*)")
	for name, op := range graph.Operations() {
		if changes.MatchString(name) && op.Permission != "admin" && name != "setUserPassword" && name != "setPortalCname" {
			require.Contains(t, mutations, name, "an operation that leaves a document behind, or one to except here")
		}
	}
	// Of those that may be made, half would be undone by the other: they are asked in a batch, as aliases.
	for name, rest := range mutations {
		r := srv.as(probe).graphql(t, "mutation { it: "+name+rest+" }")
		require.Equal(t, "access denied: judged", r.Get("errors.0.message").Str, "%s: %s", name, r.Body)
		require.Empty(t, r.Get("data.it").Str, name)
	}
	setRules(t, srv, `deny["not judged"] { input.user.user_permissions.probe; input.request.method != "GET"; not input.request.body }`)
	for name, rest := range mutations {
		r := srv.as(probe).graphql(t, "mutation { it: "+name+rest+" }")
		require.NotContains(t, string(r.Body), "not judged", name)
		require.NotEqual(t, "INTERNAL", r.Get("errors.0.extensions.code").Str, "%s: %s", name, r.Body)
	}
}

func TestAPatchOfRulesGivesNoRights(t *testing.T) {
	t.Parallel()
	srv := withRules(t)
	people, _ := person(t, srv, "people", `{users: "write", apis: "read", probe: "read"}`)
	_, other := person(t, srv, "other", `{apis: "read"}`)
	for _, given := range []string{`{"IsAdmin": "admin"}`, `{"keys": "write"}`, `{"apis": "write"}`} {
		setRules(t, srv, `patch_request[x] { input.user.user_permissions.probe; x := {"user_permissions": `+given+`} }`)
		for what, mutation := range map[string]string{
			"update": `updateUser(id: "` + other + `", input: {firstName: "Z"}) { id }`,
			"create": `createUser(input: {firstName: "N", lastName: "N", email: "n@example.org", permissions: {apis: "read"}}) { id }`,
		} {
			r := srv.as(people).graphql(t, "mutation { it: "+mutation+" }")
			require.Equal(t, "FORBIDDEN", r.Get("errors.0.extensions.code").Str, "%s of %s: %s", what, given, r.Body)
		}
	}
	require.Equal(t, `{"apis":"read"}`, strings.ReplaceAll(srv.rest(t, "GET", "/api/users/"+other, "").Get("user_permissions").Raw, " ", ""))

	org, _ := srv.Organisation(t, "other")
	setRules(t, srv, `patch_request[x] { input.request.body.api_definition; x := {"api_definition": {"org_id": "`+org+`"}} }`)
	r := srv.rest(t, "POST", "/api/apis", fmt.Sprintf(petsAPI, "pets", "pets"))
	require.Equal(t, 403, r.Status, "%s", r.Body)
	require.Equal(t, 0, int(srv.graphql(t, `{ apis { totalCount } }`).Get("data.apis.totalCount").Int()))
}
