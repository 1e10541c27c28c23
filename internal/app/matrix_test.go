package app_test

import (
	"cmp"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gatehouse/graph"
	"gatehouse/internal/apptest"
	"gatehouse/internal/authz"
	"gatehouse/internal/permission"
	"gatehouse/rest"
)

var update = flag.Bool("update", false, "write the tables of permissions again")

// held compares a text with the file that holds it, or writes the file.
func held(t *testing.T, path, text string) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), text, "%s: go test ./internal/app -run Permissions -update writes it again", path)
}

// caller is somebody who calls every operation.
type caller struct {
	name, header string
	// id is that of the user; "" where it does not matter.
	id string
}

// callers are those who call an operation that needs a permission: the same ones, but for whom the permission is about.
type callers struct {
	// stranger makes somebody without any permission, who may change themselves when they are let in.
	stranger   func() caller
	everywhere []caller
	about      map[string][]caller
}

func newCallers(t *testing.T, f *foreigners) *callers {
	t.Helper()
	org := f.visitor.id
	someone := func(name string, active bool, permissions map[string]string) caller {
		id, key := user(t, f.Server, org, active, permissions)
		return caller{name, "Authorization: " + key, id}
	}
	nothing := func() caller { return someone("nothing", true, map[string]string{"made_up": "write"}) }
	c := &callers{about: map[string][]caller{}, stranger: nothing}
	c.everywhere = []caller{
		{name: "nobody", header: "X-None: none"},
		{name: "a wrong key", header: "Authorization: wrong"},
		{name: "a wrong admin secret", header: "admin-auth: wrong"},
		{name: "the admin secret", header: "admin-auth: " + apptest.AdminSecret},
		nothing(),
		someone("inactive administrator", false, map[string]string{permission.IsAdmin: "admin"}),
		someone("administrator", true, map[string]string{permission.IsAdmin: "admin"}),
		someone("administrator with ResetPassword", true, map[string]string{permission.IsAdmin: "admin", permission.ResetPassword: "admin"}),
		someone("ResetPassword alone", true, map[string]string{permission.ResetPassword: "admin"}),
	}
	all := map[string]string{}
	for _, p := range permission.Known()[1:] {
		all[p.Name] = permission.Write
		c.everywhere = append(c.everywhere,
			someone(p.Name+" read", true, map[string]string{p.Name: permission.Read}),
			someone(p.Name+" write", true, map[string]string{p.Name: permission.Write}))
	}
	c.everywhere = append(c.everywhere, someone("all permissions", true, all))
	for _, p := range permission.Known()[1:] {
		but := map[string]string{}
		for name, level := range all {
			if name != p.Name {
				but[name] = level
			}
		}
		c.about[p.Name] = []caller{
			someone("all permissions but this", true, but),
			someone("this denied", true, map[string]string{p.Name: permission.Deny}),
			someone("administrator with this denied", true, map[string]string{permission.IsAdmin: "admin", p.Name: permission.Deny}),
			f.member(t, "groups that read", group{permissions: p.Name + `: "deny"`}, group{permissions: p.Name + `: "read"`}),
			f.member(t, "groups that write", group{permissions: p.Name + `: "read"`}, group{permissions: p.Name + `: "write"`}),
			f.member(t, "a group that is off", group{permissions: p.Name + `: "write"`, off: true}),
		}
	}
	return c
}

// group is one that a member belongs to.
type group struct {
	permissions string
	off         bool
}

// member makes somebody who has what groups give, and a deny of their own of all of it.
func (f *foreigners) member(t *testing.T, name string, groups ...group) caller {
	t.Helper()
	var ids []string
	own := map[string]string{"made_up": "read"}
	as := "Authorization: " + f.visitor.accessKey
	for _, g := range groups {
		about, _, _ := strings.Cut(g.permissions, ":")
		own[about] = permission.Deny
		made := f.GraphQL(t, fmt.Sprintf(`mutation { it: createUserGroup(input: {name: "g", active: %t, permissions: {%s}}) { id } }`,
			!g.off, g.permissions), nil, as)
		require.NotEmpty(t, made.Get("data.it.id").Str, "%s", made.Body)
		ids = append(ids, made.Get("data.it.id").Str)
	}
	id, key := user(t, f.Server, f.visitor.id, true, own)
	moved := f.GraphQL(t, `mutation($id: ID!, $groups: [ID!]) { updateUser(id: $id, input: {groupIds: $groups}) { id } }`,
		map[string]any{"id": id, "groups": ids}, as)
	require.Empty(t, moved.Get("errors").Raw, "%s", moved.Body)
	return caller{name, "Authorization: " + key, id}
}

// of are the callers of an operation.
func (c *callers) of(op authz.Operation) []caller {
	return slices.Concat(c.everywhere, c.about[op.Permission])
}

// letIn are the names of those of the callers of an operation whom call lets in. call is given the id that it is about.
func (c *callers) letIn(op authz.Operation, call func(c caller, id string) bool) string {
	var in []string
	users := 0
	for _, one := range c.of(op) {
		if call(one, "nobody-has-this-id") {
			in = append(in, one.name)
			if one.id != "" {
				users++
			}
		}
	}
	if all := len(c.of(op)) - 4 - 1; users == all { // but for four without a user, and one who is not active
		in = slices.DeleteFunc(in, func(name string) bool { return name != "the admin secret" })
		in = append(in, "every active user")
	}
	if op.Permission == authz.PermissionOpen { // what it opens is another question: see session_test.go
		var out []string
		for _, one := range c.of(op) {
			if !slices.Contains(in, one.name) && !(slices.Contains(in, "every active user") && one.id != "") {
				out = append(out, one.name)
			}
		}
		in = []string{"everybody but " + strings.Join(out, ", ")}
	}
	if op.Self != "" {
		if one := c.stranger(); call(one, one.id) {
			in = append(in, "everybody to themselves")
		}
	}
	return strings.Join(in, ", ")
}

// isRefusal tells whether a message is one of the guard's.
func isRefusal(message string) bool {
	return slices.ContainsFunc([]string{
		"Not authorised", "needs the admin secret", "access denied: User is not active", "access denied: this is for administrators",
		"access denied: You do not have permission to access", "You do not have permission to reset the password for other users",
	}, func(part string) bool { return strings.Contains(message, part) })
}

// TestPermissionsOpenWhatTheTableSays has everybody call every root field and every route, and compares who was let in
// with a table. What they ask for is not there, so that nothing is changed by those who are let in.
func TestPermissionsOpenWhatTheTableSays(t *testing.T) {
	t.Parallel()
	f := newForeigners(t)
	s := contract()
	people := newCallers(t, f)
	operations := graph.Operations()
	let := map[string]string{} // by operation and face
	for _, field := range rootFields(s) {
		op := operations[field.Name]
		query, variables := operation(s, field, 0), f.variables(s, field, place{}, "")
		let[op.Name] = people.letIn(op, func(c caller, id string) bool {
			for name := range variables {
				if name == "id" || strings.HasSuffix(name, "Id") {
					variables[name] = id
				}
			}
			r := f.GraphQL(t, query, variables, c.header)
			refused := r.Get("errors.#(path.#==1).message").Str
			if refused == "" && r.Status == http.StatusUnauthorized {
				refused = r.Get("errors.0.message").Str
			}
			return !isRefusal(refused)
		})
	}
	var out strings.Builder
	out.WriteString("Who is let in, by each root field and each route; the test of permissions compares it, and writes it again with -update.\n\n")
	for _, field := range rootFields(s) {
		op := operations[field.Name]
		fmt.Fprintf(&out, "%s: %s, %s\n    %s\n", op.Name, op.Permission, op.Access(), let[op.Name])
	}
	out.WriteString("\n")
	for _, route := range rest.Routes() {
		op := operations[route.Operation]
		in := people.letIn(op, func(c caller, id string) bool {
			target := strings.NewReplacer("{id}", id, "{api}", "no-api", "{username}", "nobody", "{client}", "no-client",
				"{type}", "no-type").Replace(route.Path)
			r := f.Do(t, route.Method, target, `{}`, c.header)
			return r.Status != 401 && r.Status != 403 || !isRefusal(cmp.Or(r.Get("Message").Str, string(r.Body)))
		})
		fmt.Fprintf(&out, "%s %s: %s\n    %s\n", route.Method, route.Path, route.Operation, in)
	}
	held(t, filepath.Join("testdata", "permissions.txt"), out.String())
}

// TestThePermissionsInTheDocumentationAreThoseOfTheSchema writes the table of operations that people read.
func TestThePermissionsInTheDocumentationAreThoseOfTheSchema(t *testing.T) {
	t.Parallel()
	routes := map[string][]string{}
	for _, r := range rest.Routes() {
		routes[r.Operation] = append(routes[r.Operation], "`"+r.Method+" "+r.Path+"`")
	}
	var out strings.Builder
	out.WriteString(`# Permissions

Who may call what. Each operation is a root field of the schema, and most are routes of REST, too; it needs one permission, at read or at write. The table is
made of the schema, which both faces and the rules in Rego judge by.

` + "`none`" + ` asks for a known caller only, ` + "`open`" + ` for nobody in particular, ` + "`admin`" + ` for the admin secret, and ` + "`IsAdmin`" + ` for an administrator of the organisation. *Own* tells that
everybody may do it to themselves. Relations between objects, such as the keys of a policy, need the permission of what they lead to besides; without it
they are null, with an error.

## Permissions that people can be given

| Name | What it is called | Levels |
|---|---|---|
`)
	for _, p := range permission.Known() {
		fmt.Fprintf(&out, "| `%s` | %s | %s |\n", p.Name, p.Label, strings.Join(p.Levels, ", "))
	}
	out.WriteString("\n`ResetPassword` lets an administrator set the passwords of others; the admin secret gives it, and administrators who have it. " +
		"`certificates`, `logs` and `policy` are read as `certs`, `log` and `policies`.\n\n" +
		"## Operations\n\n| GraphQL | Permission | | Own | REST |\n|---|---|---|---|---|\n")
	operations := graph.Operations()
	for _, field := range slices.Concat(rootFields(contract()), contract().Subscription.Fields) {
		op := operations[field.Name]
		own := ""
		if op.Self != "" {
			own = "own"
		}
		access := string(op.Access())
		if op.Permission == authz.PermissionNone || op.Permission == authz.PermissionOpen || op.Permission == authz.PermissionAdmin || op.Permission == authz.PermissionIsAdmin {
			access = ""
		}
		fmt.Fprintf(&out, "| `%s` | `%s` | %s | %s | %s |\n", op.Name, op.Permission, access, own, strings.Join(routes[op.Name], "<br>"))
	}
	held(t, filepath.Join("..", "..", "docs", "permissions.md"), out.String())
}
