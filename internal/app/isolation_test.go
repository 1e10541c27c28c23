package app_test

import (
	"encoding/json"
	"fmt"
	"iter"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2/ast"

	"gatehouse/internal/apptest"
	"gatehouse/internal/core"
	"gatehouse/internal/gateway/token"
	"gatehouse/rest"
	"gatehouse/store"
)

// foreigners is two organisations: one is visited, the other has the visitor, an administrator there.
type foreigners struct {
	*apptest.Server
	host, visitor tenant
	// api and policy are the visitor's as they were before the first probe.
	api    *core.Api
	policy *core.Policy
	key    *core.Key
	n      int
	// changing tells that the probes of now may change what the visitor has.
	changing bool
	// changed tells that one since the last restore may have: it was answered without an error.
	changed bool
}

const visitorName = "visitor"

func newForeigners(t *testing.T) *foreigners { return newForeignersOn(t) }

func newForeignersOn(t *testing.T, more ...apptest.Option) *foreigners {
	t.Helper()
	srv := apptest.New(
		t,
		append(
			more,
			apptest.WithEnv(
				"GATEHOUSE_GRAPHQL_MAXCOMPLEXITY=1000000000",
				"GATEHOUSE_MAXFAILEDCREDENTIALS=0",
				"TYK_DB_ALLOWEXPLICITPOLICYID=true",
				"TYK_DB_ENABLEUPDATEKEYBYHASH=true",
				"TYK_DB_ENABLEDELETEKEYBYHASH=true",
				"TYK_DB_SECURITY_OPENPOLICY_ENABLEAPI=true",
			),
		)...)
	f := &foreigners{Server: srv, host: furnish(t, srv, marker), visitor: furnish(t, srv, visitorName)}
	f.api, f.policy = found(t, srv.Store.Apis, f.visitor.api), found(t, srv.Store.Policies, f.visitor.policy)
	f.key = found(t, srv.Store.Keys, f.visitor.key)
	return f
}

// restore undoes what a probe did to the visitor's API, policy and key, so that the next one meets the same; after
// reads there is nothing to undo.
func (f *foreigners) restore(t *testing.T) {
	t.Helper()
	if !f.changing || !f.changed {
		return
	}
	f.changed = false
	if now := found(t, f.Store.Apis, f.visitor.api); !now.Definition.Equal(f.api.Definition) {
		require.NoError(t, f.Store.Apis.Update(t.Context(), core.NewApi(now.Meta, f.api.Definition)))
	}
	if now := found(t, f.Store.Policies, f.visitor.policy); !now.Document.Equal(f.policy.Document) {
		require.NoError(t, f.Store.Policies.Update(t.Context(), core.NewPolicy(now.Meta, f.policy.Document)))
	}
	if now := found(t, f.Store.Keys, f.visitor.key); !now.Session.Equal(f.key.Session) {
		require.NoError(t, f.Store.Keys.Update(t.Context(), core.NewKey(now.Meta, f.key.Session)))
	}
}

// heard notes whether what was answered may have changed something.
func (f *foreigners) heard(r apptest.Reply) apptest.Reply {
	f.changed = f.changed || r.Status < 400 && !r.Get("errors.0").Exists()
	return r
}

// found reads an object past the cache.
func found[T any](t *testing.T, repo *store.Repository[T], id string) *T {
	t.Helper()
	objects, err := repo.FindMany(t.Context(), store.AllTenants(), "id", []string{id})
	require.NoError(t, err)
	require.Len(t, objects, 1)
	return objects[0]
}

// unknown turns an identifier of the host into one of the same form that nobody has.
func unknown(id string) string {
	if strings.Contains(id, marker) {
		return strings.ReplaceAll(id, marker, "lupine")
	}
	if parsed, err := token.Parse(id); err == nil && !parsed.Legacy {
		return token.Custom(parsed.Org, unknown(parsed.ID), parsed.Function)
	}
	return id[:len(id)-8] + "0dead0de"
}

// bodies are documents for each kind of object that name another object in every place where they can; %q is where. %d
// tells objects of one kind apart, and SPARE is an API of the visitor's own.
var bodies = map[string][]string{
	"Api": {
		`{"api_definition":{"name":"probe-%d","id":%q}}`, `{"api_definition":{"name":"probe-%d","api_id":%q}}`,
		`{"api_definition":{"name":"probe-%d","org_id":%q}}`, `{"api_definition":{"name":"probe-%d","slug":%q}}`,
		`{"api_definition":{"name":"probe-%d"},"user_owners":[%q]}`, `{"api_definition":{"name":"probe-%d"},"user_group_owners":[%q]}`,
		`{"api_definition":{"name":"probe-%d"},"hook_references":[{"event_name":"E","hook":{"id":%q}}]}`,
		`{"api_definition":{"name":"probe-%d"},"hook_references":[{"event_name":"E","hook":{"id":%q,"target_path":"http://x.test"}}]}`,
		`{"api_definition":{"name":"probe-%d","definition":{"enabled":true,"versions":{"v2":%q}}}}`,
		`{"api_definition":{"name":"probe-%d","jwt_default_policies":[%q]}}`,
	},
	"Policy": {
		`{"name":"probe-%d","_id":%q}`, `{"name":"probe-%d","id":%q}`, `{"name":"probe-%d","org_id":%q}`,
		`{"name":"probe-%d","access_rights":{%q:{"versions":["Default"]}}}`,
		`{"name":"probe-%d","access_rights":{"SPARE":{"api_id":%q,"versions":["Default"]}}}`,
	},
	"Key": {
		`{"alias":"probe-%d","access_rights":{"SPARE":{}},"org_id":%q}`, `{"alias":"probe-%d","access_rights":{%q:{}}}`,
		`{"alias":"probe-%d","access_rights":{"SPARE":{"api_id":%q}}}`, `{"alias":"probe-%d","access_rights":{"SPARE":{}},"apply_policies":[%q]}`,
		`{"alias":"probe-%d","access_rights":{"SPARE":{}},"apply_policy_id":%q}`, `{"alias":"probe-%d","access_rights":{"SPARE":{}},"oauth_client_id":%q}`,
		`{"alias":"probe-%d","access_rights":{"SPARE":{}},"key_id":%q}`,
	},
	"User": {
		`{"email_address":"probe-%d@x.test","user_permissions":{"apis":"read"},"id":%q}`, `{"email_address":"probe-%d@x.test","user_permissions":{"apis":"read"},"org_id":%q}`,
		`{"email_address":"probe-%d@x.test","user_permissions":{"apis":"read"},"group_id":%q}`, `{"email_address":"probe-%d@x.test","user_permissions":{"apis":"read"},"group_ids":[%q]}`, `{"email_address":"probe-%d@x.test","user_permissions":{"apis":"read"},"access_key":%q}`,
	},
	"UserGroup": {
		`{"name":"probe-%d","user_permissions":{"apis":"read"},"id":%q}`, `{"name":"probe-%d","user_permissions":{"apis":"read"},"org_id":%q}`,
	},
	"Webhook": {
		`{"name":"probe-%d","method":"GET","target_path":"http://x.test","id":%q}`, `{"name":"probe-%d","method":"GET","target_path":"http://x.test","org_id":%q}`,
		`{"name":"probe-%d","method":"GET","target_path":"http://x.test","webhook_id":%q}`,
	},
	"Portal": {
		`{"email":"probe-%d@x.test","id":%q}`, `{"email":"probe-%d@x.test","org_id":%q}`, `{"title":"probe-%d","apis":[{"api_id":%q}]}`,
	},
	"Organisation": {`{"owner_name":"probe-%d","id":%q}`, `{"owner_name":"probe-%d","owner_slug":%q}`},
}

// about tells which kind of object a root field is about.
func about(field string) string {
	for _, kind := range []string{"Portal", "Organisation", "Policy", "Policies", "Webhook", "UserGroup", "User", "Key", "Api", "PasswordReset"} {
		if strings.Contains(strings.ToLower(field), strings.ToLower(kind)) {
			return map[string]string{"Policies": "Policy", "PasswordReset": "User"}[kind] + strings.TrimSuffix(
				strings.TrimSuffix(kind, "Policies"),
				"PasswordReset",
			)
		}
	}
	return "User"
}

// own is the visitor's object of a kind, which probes may change but not delete.
func (f *foreigners) own(kind string) string {
	v := f.visitor
	return map[string]string{"Api": v.api, "Policy": v.policy, "Key": v.key, "User": v.userID, "Webhook": v.webhook, "Organisation": v.id,
		"Portal": v.developer, "UserGroup": v.group}[kind]
}

// body fills a template.
func (f *foreigners) body(template, value string) string {
	f.n++
	quoted, _ := json.Marshal(value)
	return strings.NewReplacer("%d", fmt.Sprint(f.n), "SPARE", f.visitor.spare, "%q", string(quoted)).Replace(template)
}

// taken are the answers that tell an id of the host from an unknown one, and may: ids are unique in the whole
// installation, so a new object cannot take one that is in use. That is all the answer says.
var taken = regexp.MustCompile(`the same ID`)

// noise is what differs between two answers to the same request.
var noise = regexp.MustCompile(
	`(?i)eyJ[A-Za-z0-9+/=_-]+|"it":"[A-Za-z0-9_-]{43}"|[0-9a-f]{8,}|probe-\d+|\d{4}-\d\d-\d\dT[^"]*|"revision":\s*\d+`,
)

// compare holds that the visitor learns nothing from a request about the host: it shows none of what the host owns, and
// answers what it answers for an identifier that nobody has.
func (f *foreigners) compare(t *testing.T, what, value string, ask func(value string) apptest.Reply) {
	t.Helper()
	// The audit log shows what the visitor asked for, these requests among it: TestAnOrganisationSeesItsOwnRecordsAlone.
	if strings.Contains(what, "audit-logs") || strings.Contains(what, "auditRecords") {
		require.NotContains(t, ask(value).Get("data.it.nodes.#.orgId").Raw, f.host.id)
		return
	}
	f.restore(t)
	known := f.heard(ask(value))
	answer := strings.ReplaceAll(string(known.Body), value, "")
	for word, id := range f.host.identifiers(marker) {
		if strings.Contains(value, id) || strings.Contains(strings.ToLower(value), marker) && strings.Contains(id, marker) {
			continue
		}
		require.NotContains(t, answer, id, "%s shows the %s of another organisation", what, word)
	}
	if !strings.Contains(value, marker) {
		require.NotContains(t, strings.ToLower(answer), marker, "%s shows something of another organisation", what)
	}
	if taken.MatchString(answer) {
		return
	}
	f.restore(t)
	other := f.heard(ask(unknown(value)))
	if known.Status == other.Status && answer == strings.ReplaceAll(string(other.Body), unknown(value), "") {
		return
	}
	alike := func(r apptest.Reply) string {
		text := strings.NewReplacer("lupine", "<name>", marker, "<name>").Replace(string(r.Body))
		return fmt.Sprint(r.Status, " ", noise.ReplaceAllString(text, "<id>"))
	}
	same(t, alike(other), alike(known), what+" answers otherwise than for what nobody has")
}

func TestNoRootFieldReachesAnotherOrganisation(t *testing.T) {
	t.Parallel()
	f := newForeigners(t)
	before := dump(t, f.Store, f.host.id)
	s := contract()
	probes := 0
	for _, field := range rootFields(s) {
		f.changing = isMutation(s, field)
		query := operation(s, field, 3)
		if isMutation(s, field) { // relations would show what earlier probes created, with what they sent in it
			query = operation(s, field, 1, "organisation", "totalCount")
		}
		for _, at := range places(s, field) {
			for _, word := range sortedKeys(f.host.identifiers(marker)) {
				value := f.host.identifiers(marker)[word]
				f.compare(
					t,
					fmt.Sprintf("%s with the %s in %s", field.Name, word, at.name),
					value,
					func(value string) apptest.Reply {
						probes++
						return f.GraphQL(t, query, f.variables(s, field, at, value), "Authorization: "+f.visitor.accessKey)
					},
				)
			}
		}
		if len(places(s, field)) == 0 {
			r := f.GraphQL(t, query, f.variables(s, field, place{}, ""), "Authorization: "+f.visitor.accessKey)
			require.NotContains(t, string(r.Body), marker, field.Name)
		}
		same(t, before, dump(t, f.Store, f.host.id), field.Name+" changed what another organisation owns")
	}
	require.Greater(t, probes, 2000, "the test has stopped to try")
}

// place is somewhere in the arguments of a root field where an identifier can stand.
type place struct {
	name     string
	argument string
	// field is a field of an input object; template is a document, for arguments and fields that hold one.
	field, template string
	list            bool
}

// places finds every place in the arguments of a root field.
func places(s *ast.Schema, f *ast.FieldDefinition) []place {
	var out []place
	add := func(t *ast.Type, p place) {
		p.list = t.Elem != nil
		switch t.Name() {
		case "ID", "String":
			out = append(out, p)
		case "JSON":
			for _, template := range bodies[about(f.Name)] {
				p := p
				p.template, p.name = template, p.name+" "+template
				out = append(out, p)
			}
		}
	}
	for _, a := range f.Arguments {
		if input := s.Types[a.Type.Name()]; input.Kind == ast.InputObject {
			for path, field := range inputFields(s, input) {
				add(field.Type, place{name: a.Name + "." + path, argument: a.Name, field: path})
			}
			continue
		}
		add(a.Type, place{name: a.Name, argument: a.Name})
	}
	return out
}

// variables are arguments that hold, but for the value at a place.
func (f *foreigners) variables(s *ast.Schema, field *ast.FieldDefinition, at place, value string) map[string]any {
	out := map[string]any{}
	kind := about(field.Name)
	for _, a := range field.Arguments {
		switch {
		case s.Types[a.Type.Name()].Kind == ast.InputObject && a.Type.NonNull:
			out[a.Name] = f.input(a.Type.Name())
		case !a.Type.NonNull:
		case a.Type.Elem != nil:
			out[a.Name] = []any{}
		case a.Name == "id":
			out[a.Name] = f.own(kind)
		case a.Type.Name() == "Boolean":
			out[a.Name] = true
		case a.Type.Name() == "Time":
			out[a.Name] = "2026-01-01T00:00:00Z"
		case s.Types[a.Type.Name()].Kind == ast.Enum:
			values := s.Types[a.Type.Name()].EnumValues
			out[a.Name] = values[len(values)-1].Name
		default:
			out[a.Name] = "a-string"
		}
	}
	if at.argument == "" {
		return out
	}
	var v any = value
	if at.template != "" {
		v = f.body(at.template, value)
	}
	if at.list {
		v = []any{v}
	}
	if at.field == "" {
		out[at.argument] = v
		return out
	}
	input, ok := out[at.argument].(map[string]any)
	if !ok {
		input = map[string]any{}
		out[at.argument] = input
	}
	if at.template != "" { // the document says everything
		input = map[string]any{}
		out[at.argument] = input
	}
	f.put(s, s.Types[field.Arguments.ForName(at.argument).Type.Name()], input, at.field, v)
	return out
}

// inputFields are the fields of an input, and of the inputs in it, that are no inputs themselves, by their paths: in
// authentication.sources[].header, sources is a list.
func inputFields(s *ast.Schema, def *ast.Definition) iter.Seq2[string, *ast.FieldDefinition] {
	return func(yield func(string, *ast.FieldDefinition) bool) {
		for _, field := range def.Fields {
			inner := s.Types[field.Type.Name()]
			if inner.Kind != ast.InputObject {
				if !yield(field.Name, field) {
					return
				}
				continue
			}
			name := field.Name
			if field.Type.Elem != nil {
				name += "[]"
			}
			for path, f := range inputFields(s, inner) {
				if !yield(name+"."+path, f) {
					return
				}
			}
		}
	}
}

// put sets the value at a path of an input, with what the inputs on the way have to have.
func (f *foreigners) put(s *ast.Schema, def *ast.Definition, input map[string]any, path string, v any) {
	name, rest, nested := strings.Cut(path, ".")
	if !nested {
		input[name] = v
		return
	}
	name, list := strings.CutSuffix(name, "[]")
	def = s.Types[def.Fields.ForName(name).Type.Name()]
	inner := map[string]any{}
	for _, field := range def.Fields {
		switch kind := s.Types[field.Type.Name()]; {
		case !field.Type.NonNull || field.DefaultValue != nil:
		case kind.Kind == ast.Enum:
			inner[field.Name] = kind.EnumValues[0].Name
		default:
			inner[field.Name] = f.visitor.spare
		}
	}
	f.put(s, def, inner, rest, v)
	if input[name] = inner; list {
		input[name] = []any{inner}
	}
}

// input is the least that an input type asks for.
func (f *foreigners) input(name string) map[string]any {
	f.n++
	probe := fmt.Sprintf("probe-%d", f.n)
	switch name {
	case "SsoNonceInput":
		return map[string]any{"email": probe + "@x.test"}
	case "ApiInput":
		return map[string]any{"name": probe}
	case "ApiOwnersInput":
		return map[string]any{"userIds": []string{}, "userGroupIds": []string{}}
	case "PolicyInput":
		return map[string]any{"name": probe, "apiIds": []string{f.visitor.spare}}
	case "KeyInput":
		return map[string]any{"alias": probe, "apiIds": []string{f.visitor.spare}}
	case "UserInput":
		return map[string]any{"email": probe + "@x.test", "permissions": map[string]any{"apis": "read"}}
	case "UserGroupInput":
		return map[string]any{"name": probe, "permissions": map[string]any{"apis": "read"}}
	case "AdditionalPermissionInput":
		return map[string]any{"name": probe, "label": probe}
	case "OpenPolicyInput":
		return map[string]any{"enabled": true}
	case "WebhookInput":
		return map[string]any{"name": probe, "method": "POST", "targetPath": "http://x.test"}
	case "OauthClientInput":
		return map[string]any{"description": probe}
	case "OauthAuthorizationInput":
		return map[string]any{"responseType": "CODE", "clientId": probe, "redirectUri": "http://x.test/" + probe}
	case "PortalDocumentInput":
		return map[string]any{"document": map[string]any{"email": probe + "@x.test"}}
	case "ProxyRequestInput":
		return map[string]any{"url": "http://gateway.test/" + probe}
	}
	return map[string]any{"name": probe}
}

func TestNoEndpointReachesAnotherOrganisation(t *testing.T) {
	t.Parallel()
	f := newForeigners(t)
	before := dump(t, f.Store, f.host.id)
	names := regexp.MustCompile(`\{(\w+)\}`)
	parameters := []string{
		"q",
		"category",
		"api_type",
		"auth_type",
		"sort",
		"p",
		"org_id",
		"api_id",
		"policy_ids",
		"state",
		"tag",
		"base_api_id=%s&base_api_version_name=v1&new_version_name",
	}
	routes := rest.Routes()
	slices.SortStableFunc(routes, func(a, b rest.Route) int { return strings.Compare(readsFirst(a), readsFirst(b)) })
	for _, route := range routes {
		kind := about(route.Operation)
		f.changing = route.Method != "GET"
		hows := []string{""}
		if kind == "Key" || strings.Contains(route.Path, "key") { // it is keys that can be named in several ways
			hows = append(hows, "?hashed=1", "?username=1", "?auto_guess=1")
		}
		templates := []string{`{"probe":"probe-%d"}`}
		if route.Method != "GET" && route.Method != "DELETE" {
			templates = append(templates, bodies[kind]...)
		}
		for _, word := range sortedKeys(f.host.identifiers(marker)) {
			value := f.host.identifiers(marker)[word]
			ask := func(target, template string) func(string) apptest.Reply {
				return func(value string) apptest.Reply {
					return f.Do(
						t,
						route.Method,
						strings.ReplaceAll(target, "VALUE", url.PathEscape(value)),
						f.body(template, value),
						"Authorization: "+f.visitor.accessKey,
					)
				}
			}
			what := fmt.Sprintf("%s %s with the %s in ", route.Method, route.Path, word)
			if names.MatchString(route.Path) {
				for _, how := range hows {
					f.compare(
						t,
						what+"the path"+how,
						value,
						ask(names.ReplaceAllString(route.Path, "VALUE")+how, bodies[kind][len(bodies[kind])-1]),
					)
				}
			}
			own := names.ReplaceAllStringFunc(route.Path, func(name string) string {
				if name == "{api}" {
					return f.visitor.apiID
				}
				return f.own(kind)
			})
			if route.Method == "DELETE" || strings.Contains(route.Path, "actions/revoke") {
				continue // its own objects are still needed
			}
			for _, template := range templates {
				f.compare(t, what+template, value, ask(own+"?hashed=1", template))
			}
			for _, p := range parameters {
				target := own + "?" + p + "=VALUE"
				if before, after, ok := strings.Cut(p, "%s"); ok {
					target = own + "?" + before + "VALUE" + after + "=v2"
				}
				f.compare(t, what+"the parameter "+p, value, ask(target, bodies[kind][0]))
			}
		}
		same(t, before, dump(t, f.Store, f.host.id), route.Method+" "+route.Path+" changed what another organisation owns")
	}
}

func readsFirst(r rest.Route) string {
	if r.Method == "GET" {
		return ""
	}
	return "changes"
}
