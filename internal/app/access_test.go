package app_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gatehouse/graph"
	"gatehouse/internal/apptest"
	"gatehouse/internal/authz"
	"gatehouse/internal/core"
	"gatehouse/rest"
)

func TestRelationsNeverLeaveTheOrganisation(t *testing.T) {
	t.Parallel()
	f := newForeigners(t)
	// Objects that name those of the host get past no check of ours; they are written into the store behind it.
	v, h := f.visitor, f.host
	ctx := t.Context()
	now := time.Now()
	id := func() core.Meta { return core.Meta{ID: core.NewID(now), OrgID: v.id} }
	api := core.NewApi(
		id(),
		core.Document(
			fmt.Sprintf(
				`{"api_definition":{"name":"spy","api_id":"spy","slug":"spy","proxy":{"listen_path":"/spy/"},"definition":{"versions":{"v":%q}}},
		"hook_references":[{"event_name":"E","hook":{"id":%q}}],"user_owners":[%q]}`,
				h.apiID,
				h.webhook,
				h.userID,
			),
		),
	)
	policy := core.NewPolicy(id(), core.Document(fmt.Sprintf(`{"name":"spy","access_rights":{%q:{}}}`, h.apiID)))
	key := core.NewKey(
		core.Meta{ID: "5057", OrgID: v.id},
		core.Document(fmt.Sprintf(`{"alias":"spy","access_rights":{%q:{}},"apply_policies":[%q]}`, h.apiID, h.policy)),
	)
	require.NoError(t, f.Store.Apis.Create(ctx, api))
	require.NoError(t, f.Store.Policies.Create(ctx, policy))
	require.NoError(t, f.Store.Keys.Create(ctx, key))

	s := contract()
	for name, args := range map[string]map[string]any{"api": {"id": api.ID}, "policy": {"id": policy.ID}, "key": {"id": key.ID}, "me": {}, "apis": {}, "policies": {}, "keys": {}, "webhooks": {}} {
		r := f.GraphQL(t, operation(s, s.Query.Fields.ForName(name), 5), args, "Authorization: "+v.accessKey)
		require.True(t, r.Get("data.it").IsObject(), "%s: %.500s", name, r.Body)
		require.NotContains(t, strings.ToLower(string(r.Body)), marker, "the relations of %s leave the organisation", name)
	}
	// Nor do the objects of the host count those that name them from outside.
	r := f.GraphQL(t, `query($api: ID!, $policy: ID!, $hook: ID!) {
		api(id: $api) { policies { totalCount nodes { name } } keys { totalCount nodes { alias } } }
		policy(id: $policy) { keys { totalCount nodes { alias } } }
		webhook(id: $hook) { apis { totalCount nodes { name } } usedBy { totalCount nodes { name } } }
		used: api(id: $api) { usedBy { totalCount nodes { name } } } }`,
		map[string]any{"api": h.apiID, "policy": h.policy, "hook": h.webhook}, "Authorization: "+h.accessKey)
	require.Empty(t, r.Get("errors").Raw)
	require.NotContains(t, string(r.Body), "spy")
	require.EqualValues(t, 1, r.Get("data.api.policies.totalCount").Int(), "%s", r.Body)
	require.EqualValues(t, 2, r.Get("data.api.keys.totalCount").Int(), "%s", r.Body)
	require.EqualValues(t, 1, r.Get("data.policy.keys.totalCount").Int(), "%s", r.Body)
	require.EqualValues(t, 1, r.Get("data.webhook.apis.totalCount").Int(), "%s", r.Body)
	require.EqualValues(t, 1, r.Get("data.webhook.usedBy.totalCount").Int(), "%s", r.Body)
	require.EqualValues(t, 3, r.Get("data.used.usedBy.totalCount").Int(), "%s", r.Body)
}

func TestASuperUserActsInEveryOrganisation(t *testing.T) {
	t.Parallel()
	f := newForeigners(t)
	_, super := user(t, f.Server, "", true, map[string]string{"IsAdmin": "admin"})
	r := f.GraphQL(
		t,
		`query($org: ID!, $api: ID!) { all: apis { nodes { orgId } } one: apis(filter: {orgId: $org}) { nodes { orgId } } api(id: $api) { name } }`,
		map[string]any{"org": f.host.id, "api": f.host.apiID},
		"Authorization: "+super,
	)
	require.Empty(t, r.Get("errors").Raw)
	require.Contains(t, r.Get("data.all.nodes.#.orgId").Raw, f.host.id)
	require.Contains(t, r.Get("data.all.nodes.#.orgId").Raw, f.visitor.id)
	require.NotContains(t, r.Get("data.one.nodes.#.orgId").Raw, f.visitor.id)
	require.Contains(t, r.Get("data.api.name").Str, marker)
	require.Equal(t, 200, f.Do(t, "GET", "/api/portal/policies/"+f.host.policy, "", "Authorization: "+super).Status)

	// What it creates needs an organisation.
	made := f.Do(
		t,
		"POST",
		"/api/hooks",
		`{"name":"x","method":"GET","target_path":"http://x.test"}`,
		"Authorization: "+super,
	)
	require.Equal(t, 400, made.Status)
	require.Contains(t, string(made.Body), "org_id is required")
	made = f.Do(
		t,
		"POST",
		"/api/hooks",
		`{"name":"x","method":"GET","target_path":"http://x.test","org_id":"`+f.host.id+`"}`,
		"Authorization: "+super,
	)
	require.Equal(t, 200, made.Status, "%s", made.Body)
	stored := f.Do(t, "GET", "/api/hooks/"+made.Get("ID").Str, "", "Authorization: "+f.host.accessKey)
	require.Equal(t, 200, stored.Status, "%s", stored.Body)
}

func TestTheAdminSecretOpensOnlyWhatTheSchemaSays(t *testing.T) {
	t.Parallel()
	f := newForeigners(t)
	s := contract()
	operations := graph.Operations()
	for _, field := range rootFields(s) {
		op := operations[field.Name]
		if op.Permission == authz.PermissionOpen {
			continue // it opens nothing by itself: see session_test.go
		}
		r := f.GraphQL(t, operation(s, field, 0), f.variables(s, field, place{}, ""), "admin-auth: "+apptest.AdminSecret)
		code := r.Get("errors.0.extensions.code").Str
		if op.AdminPath != "" || op.Permission == authz.PermissionNone {
			require.NotContains(t, []string{"UNAUTHENTICATED", "FORBIDDEN"}, code, "%s: %s", field.Name, r.Body)
		} else {
			require.Equal(t, "UNAUTHENTICATED", code, "%s: %s", field.Name, r.Body)
		}
		// Neither a wrong secret nor none opens anything.
		for _, header := range []string{"admin-auth: wrong", "X-None: none"} {
			r := f.GraphQL(t, operation(s, field, 0), f.variables(s, field, place{}, ""), header)
			require.Equal(
				t,
				"UNAUTHENTICATED",
				r.Get("errors.0.extensions.code").Str,
				"%s with %s: %s",
				field.Name,
				header,
				r.Body,
			)
			require.Equal(t, 401, r.Status, "%s with %s", field.Name, header)
		}
	}
	for _, route := range rest.Routes() {
		if operations[route.Operation].Permission == authz.PermissionOpen {
			continue
		}
		path := strings.NewReplacer("{id}", core.NewID(time.Now()), "{api}", "x", "{username}", "x").Replace(route.Path)
		headers := []string{"X-None: none", "Authorization: wrong", "admin-auth: wrong"}
		if strings.HasPrefix(path, "/admin/") {
			headers = append(headers, "Authorization: "+f.visitor.accessKey)
		} else {
			headers = append(headers, "admin-auth: "+apptest.AdminSecret)
		}
		for _, header := range headers {
			r := f.Do(t, route.Method, path, `{}`, header)
			require.Contains(
				t,
				[]int{401, 403},
				r.Status,
				"%s %s with %s: %s",
				route.Method,
				path,
				strings.SplitN(header, ":", 2)[0],
				r.Body,
			)
			require.Equal(t, "Error", r.Get("Status").Str)
		}
	}
}

// permissions are those that guard operations, and one that guards none.
func permissions() []string {
	set := map[string]bool{"analytics": true}
	for _, op := range graph.Operations() {
		set[op.Permission] = true
	}
	delete(set, authz.PermissionNone)
	delete(set, authz.PermissionOpen)
	delete(set, authz.PermissionAdmin)
	delete(set, authz.PermissionIsAdmin)
	delete(set, authz.PermissionResetPassword)
	return sortedKeys(set)
}

func TestAPermissionOpensJustItsOperations(t *testing.T) {
	t.Parallel()
	f := newForeigners(t)
	s := contract()
	operations := graph.Operations()
	for _, permission := range permissions() {
		for _, level := range []string{"read", "write", "deny", "admin", "IsAdmin"} {
			granted := map[string]string{permission: level}
			if level == "IsAdmin" {
				granted = map[string]string{"IsAdmin": "admin", permission: "deny"}
			}
			_, key := user(t, f.Server, f.visitor.id, true, granted)
			for _, field := range rootFields(s) {
				op := operations[field.Name]
				variables := f.variables(s, field, place{}, "")
				if _, ok := variables["id"]; ok {
					variables["id"] = "nobody-has-this-id"
				}
				var allowed bool
				switch {
				case op.Permission == authz.PermissionAdmin, op.Permission == authz.PermissionResetPassword:
				case op.Permission == authz.PermissionNone, op.Permission == authz.PermissionOpen:
					allowed = true
				case op.Permission == authz.PermissionIsAdmin:
					allowed = level == "IsAdmin"
				case level == "IsAdmin":
					allowed = op.Permission != permission
				case op.Permission == permission:
					allowed = level == "write" || level == "admin" || level == "read" && op.Method == http.MethodGet
				}
				r := f.GraphQL(t, operation(s, field, 0), variables, "Authorization: "+key)
				code := r.Get(`errors.#(path.#==1).extensions.code`).Str
				if allowed {
					denied := strings.Contains(r.Get("errors").Raw, "You do not have permission to access")
					require.False(t, denied, "%s: %s should open %s: %s", permission, level, field.Name, r.Body)
				} else {
					require.Equal(t, "FORBIDDEN", code, "%s: %s should not open %s: %s", permission, level, field.Name, r.Body)
					require.Equal(t, "null", r.Get("data.it").Raw, "a refusal blanks %s alone: %s", field.Name, r.Body)
				}
			}
			f.checkRelations(t, key, granted)
		}
	}
}

// checkRelations holds that a relation field needs the permission that @permission names, beside that of the field
// above it.
func (f *foreigners) checkRelations(t *testing.T, key string, granted map[string]string) {
	t.Helper()
	s := contract()
	above := map[string]string{"Api": "api", "Policy": "policy", "Key": "key", "Webhook": "webhook", "Organisation": "me",
		"User": "user", "UserGroup": "userGroup"}
	opens := func(permission string) bool {
		level := granted[permission]
		return level != "deny" && (level != "" || granted["IsAdmin"] == "admin")
	}
	checked := 0
	for kind, root := range above {
		op := graph.Operations()[root]
		for _, field := range s.Types[kind].Fields {
			d := field.Directives.ForName("permission")
			if d == nil || (op.Permission != authz.PermissionNone && !opens(op.Permission)) {
				continue
			}
			checked++
			query := fmt.Sprintf(
				"query { it: %s(id: %q) { %s%s } }",
				root,
				f.own(kind),
				field.Name,
				selection(s, field.Type.Name(), 0, nil),
			)
			if root == "me" {
				query = fmt.Sprintf("query { it: me { organisation { %s { totalCount } } } }", field.Name)
			} else if strings.HasSuffix(field.Type.Name(), "Connection") {
				query = fmt.Sprintf("query { it: %s(id: %q) { %s { totalCount } } }", root, f.own(kind), field.Name)
			}
			r := f.GraphQL(t, query, nil, "Authorization: "+key)
			needed := d.Arguments.ForName("read").Value.Raw
			if opens(needed) {
				require.Empty(t, r.Get("errors").Raw, "%v should open %s.%s", granted, kind, field.Name)
			} else {
				require.Equal(t, "FORBIDDEN", r.Get("errors.0.extensions.code").Str, "%v should not open %s.%s: %s", granted, kind, field.Name, r.Body)
				require.True(t, r.Get("data.it").IsObject(), "a refusal blanks %s.%s alone: %s", kind, field.Name, r.Body)
			}
		}
	}
	require.Positive(t, checked)
}

func TestAnInactiveUserMayDoNothing(t *testing.T) {
	t.Parallel()
	f := newForeigners(t)
	s := contract()
	id, key := user(t, f.Server, f.visitor.id, false, map[string]string{"IsAdmin": "admin"})
	operations := graph.Operations()
	for _, field := range rootFields(s) {
		if operations[field.Name].Permission == authz.PermissionOpen {
			continue
		}
		r := f.GraphQL(t, operation(s, field, 0), f.variables(s, field, place{}, ""), "Authorization: "+key)
		require.Equal(t, "FORBIDDEN", r.Get("errors.0.extensions.code").Str, "%s: %s", field.Name, r.Body)
	}
	for _, route := range rest.Routes() {
		if strings.HasPrefix(route.Path, "/api/") && operations[route.Operation].Permission != authz.PermissionOpen {
			path := strings.NewReplacer("{id}", id, "{api}", f.visitor.apiID, "{username}", "x").Replace(route.Path)
			r := f.Do(t, route.Method, path, `{}`, "Authorization: "+key)
			require.Equal(t, 403, r.Status, "%s %s: %s", route.Method, path, r.Body)
		}
	}
}
