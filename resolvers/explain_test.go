package resolvers_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/graph"
	"gatehouse/internal/apptest"
	"gatehouse/internal/authz"
	"gatehouse/store"
)

const explain = `query($user: ID!, $op: String!, $in: JSON) { it: explainAccess(userId: $user, operation: $op, input: $in) {
	allowed message decidedBy method path permission access level needed grants { level own groupName } rules { name line } } }`

// explained asks why somebody may or may not make a call.
func explained(t *testing.T, s *apptest.Server, user, operation string, input any, headers ...string) apptest.Reply {
	t.Helper()
	return s.GraphQL(t, explain, map[string]any{"user": user, "op": operation, "in": input}, headers...)
}

func TestACallIsExplained(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	group := func(name, permissions string, active bool) string {
		r := must(t, s.GraphQL(t, fmt.Sprintf(
			`mutation { it: createUserGroup(input: {name: %q, active: %t, permissions: {%s}}) { id } }`, name, active, permissions), nil))
		return r.Get("data.it.id").Str
	}
	readers, off := group("readers", `apis: "read"`, true), group("off", `apis: "write"`, false)
	jo, joKey := person(t, s, "jo@x.test", map[string]string{"apis": "deny", "keys": "write"})
	must(t, s.GraphQL(t, changeUser, map[string]any{"id": jo, "in": map[string]any{"groupIds": []string{readers, off}}}))
	ada, _ := person(t, s, "ada@x.test", map[string]string{"IsAdmin": "admin", "policies": "deny"})
	gone, _ := person(t, s, "gone@x.test", map[string]string{"apis": "write"})
	must(t, s.GraphQL(t, changeUser, map[string]any{"id": gone, "in": map[string]any{"active": false}}))
	id := map[string]string{"id": "5d7f6ae2bc5f2c0001e0c1aa"}
	for _, c := range []struct {
		name, user, operation string
		input                 any
		want                  string
	}{
		{
			"a group gives it", jo, "api", id,
			`{"allowed":true,"message":"","decidedBy":"BUILT_IN","method":"GET","path":"/api/apis/5d7f6ae2bc5f2c0001e0c1aa","permission":"apis","access":"READ",
			"level":"read","needed":"read on apis","grants":[{"level":"deny","own":true,"groupName":""},{"level":"read","own":false,"groupName":"readers"}],"rules":[]}`,
		},
		{
			"a group that is off gives nothing", jo, "updateApi", id,
			`{"allowed":false,"message":"access denied: You do not have permission to access /api/apis/5d7f6ae2bc5f2c0001e0c1aa","decidedBy":"BUILT_IN",
			"method":"PUT","path":"/api/apis/5d7f6ae2bc5f2c0001e0c1aa","permission":"apis","access":"WRITE",
			"level":"read","needed":"write on apis","grants":[{"level":"deny","own":true,"groupName":""},{"level":"read","own":false,"groupName":"readers"}],"rules":[]}`,
		},
		{
			"an administrator has it", ada, "deleteApi", id,
			`{"allowed":true,"message":"","decidedBy":"BUILT_IN","method":"DELETE","path":"/api/apis/5d7f6ae2bc5f2c0001e0c1aa","permission":"apis","access":"WRITE",
			"level":"admin","needed":"write on apis","grants":[{"level":"admin","own":true,"groupName":""}],"rules":[]}`,
		},
		{
			"deny binds an administrator", ada, "policies", nil,
			`{"allowed":false,"message":"access denied: You do not have permission to access /api/portal/policies","decidedBy":"BUILT_IN","method":"GET",
			"path":"/api/portal/policies","permission":"policies","access":"READ","level":"deny","needed":"read on policies",
			"grants":[{"level":"deny","own":true,"groupName":""}],"rules":[]}`,
		},
		{
			"everybody may do it to themselves", jo, "user", map[string]string{"id": jo},
			`{"allowed":true,"message":"","decidedBy":"FLOOR","method":"GET","path":"/api/users/` + jo + `","permission":"users","access":"READ","level":"",
			"needed":"read on users, or to be that user","grants":[],"rules":[]}`,
		},
		{
			"the floor asks for the admin secret", ada, "organisations", nil,
			`{"allowed":false,"message":"this needs the admin secret, in the header admin-auth","decidedBy":"FLOOR","method":"GET","path":"/admin/organisations",
			"permission":"admin","access":"READ","level":"admin","needed":"the admin secret","grants":[{"level":"admin","own":true,"groupName":""}],"rules":[]}`,
		},
		{
			"the floor stops who is switched off", gone, "apis", nil,
			`{"allowed":false,"message":"access denied: User is not active","decidedBy":"FLOOR","method":"GET","path":"/api/apis","permission":"apis","access":"READ",
			"level":"write","needed":"read on apis","grants":[{"level":"write","own":true,"groupName":""}],"rules":[]}`,
		},
		{
			"strangers may", jo, "requestPasswordReset", nil,
			`{"allowed":true,"message":"","decidedBy":"FLOOR","method":"POST","path":"/forgot","permission":"open","access":"WRITE","level":"","needed":"nothing",
			"grants":[],"rules":[]}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := must(t, explained(t, s, c.user, c.operation, c.input))
			assert.JSONEq(t, c.want, r.Get("data.it").Raw)
		})
	}
	for name, c := range map[string]struct {
		user, operation string
		input           any
		code, says      string
	}{
		"an operation that there is not": {jo, "deleteEverything", nil, "INVALID", "names no root field"},
		"an id that is missing":          {jo, "updateApi", nil, "INVALID", "must hold id"},
		"an id that is no text":          {jo, "updateApi", map[string]any{"id": []string{"x"}}, "INVALID", "must hold id"},
		"a body that is none":            {jo, "updateApi", map[string]any{"id": "x", "body": 1}, "INVALID", "an object as body"},
		"somebody who is not there":      {"5d7f6ae2bc5f2c0001e0c1aa", "apis", nil, "NOT_FOUND", "no such user"},
	} {
		t.Run(name, func(t *testing.T) { refused(t, explained(t, s, c.user, c.operation, c.input), c.code, c.says) })
	}
	refused(t, explained(t, s, jo, "apis", nil, as(joKey)), "FORBIDDEN", "for administrators")
	_, other := s.Organisation(t, "other")
	refused(t, explained(t, s, jo, "apis", nil, as(other)), "NOT_FOUND", "no such user")
}

func TestTheRulesThatHeldAreNamed(t *testing.T) {
	t.Parallel()
	s := apptest.New(t, apptest.WithEnv("TYK_DB_SECURITY_OPENPOLICY_ENABLED=true", "TYK_DB_SECURITY_OPENPOLICY_ENABLEAPI=true"))
	made := must(t, s.GraphQL(t, `mutation { it: createApi(input: {name: "Pets", active: true, listenPath: "/pets/", targetUrl: "http://pets.test"}) { id definition } }`, nil))
	id, definition := made.Get("data.it.id").Str, made.Get("data.it.definition").Raw
	text := strings.Join([]string{
		`package dashboard_users`,
		`import rego.v1`,
		`writes if input.request.method == "PUT"`,
		`renamed if {`,
		`  old := TykAPIGet(input.request.path)`,
		`  TykDiff(old, input.request.body).api_definition.name`,
		`}`,
		`deny contains "names stay" if { writes; renamed }`,
		`deny contains "nobody deletes" if input.request.method == "DELETE"`,
	}, "\n")
	must(t, s.GraphQL(t, `mutation($rules: String!) { setOpenPolicy(input: {enabled: true, rules: $rules}) { own } }`, map[string]any{"rules": text}))
	jo, joKey := person(t, s, "jo@x.test", map[string]string{"apis": "write"})
	al, _ := person(t, s, "al@x.test", map[string]string{"keys": "read"})
	ask := func(user, operation, body string) apptest.Reply {
		in := map[string]any{"id": id}
		if body != "" {
			in["body"] = json.RawMessage(body)
		}
		return must(t, explained(t, s, user, operation, in))
	}
	renamed := strings.Replace(definition, `"Pets"`, `"Cats"`, 1)
	require.NotEqual(t, definition, renamed)

	r := ask(jo, "updateApi", renamed)
	assert.Equal(t, `{"allowed":false,"message":"access denied: names stay","decidedBy":"RULES"}`, pick(r, "allowed", "message", "decidedBy"))
	assert.JSONEq(t, `[{"name":"writes","line":3},{"name":"renamed","line":4},{"name":"deny","line":8}]`, r.Get("data.it.rules").Raw)
	r = ask(jo, "updateApi", definition)
	assert.Equal(t, `{"allowed":true,"message":"","decidedBy":"RULES"}`, pick(r, "allowed", "message", "decidedBy"))
	assert.JSONEq(t, `[{"name":"writes","line":3}]`, r.Get("data.it.rules").Raw)
	r = ask(al, "updateApi", renamed)
	assert.JSONEq(t, `[{"name":"writes","line":3},{"name":"renamed","line":4},{"name":"deny","line":8}]`, r.Get("data.it.rules").Raw,
		"who cannot read an API compares with nothing")
	r = ask(jo, "deleteApi", "")
	assert.JSONEq(t, `[{"name":"deny","line":9}]`, r.Get("data.it.rules").Raw)

	// What is explained is what happens, and nothing happened by explaining it.
	refused(t, s.GraphQL(t, `mutation($id: ID!, $doc: JSON!) { updateApi(id: $id, input: {definition: $doc}) { id } }`,
		map[string]any{"id": id, "doc": json.RawMessage(renamed)}, as(joKey)), "FORBIDDEN", "names stay")
	stored, err := s.Store.Apis.Find(t.Context(), store.AllTenants(), id)
	require.NoError(t, err)
	assert.EqualValues(t, 1, stored.Revision)
	assert.Equal(t, "Pets", stored.Name)
}

// pick shows some fields of an answer.
func pick(r apptest.Reply, fields ...string) string {
	var out []string
	for _, f := range fields {
		out = append(out, fmt.Sprintf("%q:%s", f, r.Get("data.it."+f).Raw))
	}
	return "{" + strings.Join(out, ",") + "}"
}

// TestWhatIsExplainedIsWhatIsDecided compares what is said of random operations with what the guard does.
func TestWhatIsExplainedIsWhatIsDecided(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	people := map[string]map[string]string{
		"reads@x.test": {"apis": "read", "keys": "read", "users": "read"}, "writes@x.test": {"apis": "write", "policies": "write", "users": "write"},
		"ada@x.test": {"IsAdmin": "admin", "keys": "deny"}, "denied@x.test": {"apis": "deny"},
	}
	for email, permissions := range people {
		id, _ := person(t, s, email, permissions)
		u, err := s.Store.Users.Find(t.Context(), store.AllTenants(), id)
		require.NoError(t, err)
		for name, op := range graph.Operations() {
			in := map[string]string{}
			op.Call(func(name string) string { in[name] = "5d7f6ae2bc5f2c0001e0c1aa"; return "" })
			r := must(t, explained(t, s, id, name, in))
			call := op.Call(func(name string) string { return in[name] })
			want := authz.Rules{}.Check(context.Background(), authz.Actor{User: u}, call)
			assert.Equal(t, want == nil, r.Get("data.it.allowed").Bool(), "%s of %s", name, email)
		}
	}
}
