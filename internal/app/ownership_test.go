package app_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gatehouse/internal/apptest"
	"gatehouse/internal/gateway/redistest"
	"gatehouse/internal/permission"
)

// owners is an organisation in which teams own APIs: one belongs to ada, one to the group of bob, one to nobody.
type owners struct {
	api
	admin, ada, bob, eve          string // access keys
	adaID, group                  string
	open, adas, bobs              string // public ids of APIs
	openPolicy, adasPolicy, mixed string
	adasKey, byPolicy             string
}

// everything is all permissions, without being an administrator.
func everything() string {
	var out []string
	for _, p := range permission.Known()[1:] {
		out = append(out, p.Name+`: "write"`)
	}
	return "{" + strings.Join(out, ", ") + "}"
}

func newOwners(t *testing.T, more ...apptest.Option) *owners {
	t.Helper()
	o := &owners{api: api{Server: apptest.New(t, append([]apptest.Option{
		apptest.WithEnv("TYK_DB_ENABLEOWNERSHIP=true", "TYK_DB_HASHKEYS=false"),
	}, more...)...)}}
	o.admin = o.AccessKey
	ask := func(query, path string) string {
		r := o.graphql(t, query)
		require.NotEmpty(t, r.Get("data."+path).String(), "%s: %s", query, r.Body)
		return r.Get("data." + path).String()
	}
	o.ada, o.adaID = person(t, o.api, "ada", everything())
	o.eve, _ = person(t, o.api, "eve", everything())
	o.group = ask(`mutation { createUserGroup(input: {name: "Bobs", permissions: {apis: "read"}}) { id } }`, "createUserGroup.id")
	bob, bobID := person(t, o.api, "bob", everything())
	o.bob = bob
	ask(`mutation { updateUser(id: "`+bobID+`", input: {groupIds: ["`+o.group+`"]}) { id } }`, "updateUser.id")
	make := func(name, rest string) string {
		r := o.rest(t, "POST", "/api/apis", `{"api_definition":{"name":"`+name+` #`+name+`","proxy":{"listen_path":"/`+name+`/","target_url":"http://x.test"},"tags":["t"]}`+rest+`}`)
		require.Equal(t, 200, r.Status, "%s", r.Body)
		return r.Get("ID").Str
	}
	o.open = make("open", "")
	o.adas = make("adas", `,"user_owners":["`+o.adaID+`"]`)
	o.bobs = make("bobs", `,"user_group_owners":["`+o.group+`"]`)
	policy := func(name string, apis ...string) string {
		return ask(fmt.Sprintf(`mutation { createPolicy(input: {name: %q, apiIds: ["%s"]}) { policyId } }`, name, strings.Join(apis, `","`)), "createPolicy.policyId")
	}
	o.openPolicy, o.adasPolicy, o.mixed = policy("open", o.open), policy("adas", o.adas), policy("mixed", o.adas, o.bobs)
	key := func(input string) string {
		return ask(`mutation { createKey(input: {`+input+`}) { key { id } } }`, "createKey.key.id")
	}
	key(`alias: "open", apiIds: ["` + o.open + `"]`)
	o.adasKey = key(`alias: "adas", apiIds: ["` + o.adas + `"]`)
	o.byPolicy = key(`alias: "bypolicy", policyIds: ["` + o.adasPolicy + `"]`)
	return o
}

// sees are the names that a user finds in the lists, and how many each list says that there are.
func (o *owners) sees(t *testing.T, key string) string {
	t.Helper()
	r := o.as(key).graphql(t, `{ apis(sort: NAME) { totalCount nodes { name } } policies(sort: NAME) { totalCount nodes { name } }
		keys(sort: ALIAS) { totalCount nodes { alias } } apiCategories { totalCount nodes { name } } systemStats { current } }`)
	require.Empty(t, r.Get("errors").Raw, "%s", r.Body)
	words := func(path string) string {
		var out []string
		for _, v := range r.Get("data." + path).Array() {
			out = append(out, strings.Fields(v.Str)[0])
		}
		return strings.Join(out, " ")
	}
	return fmt.Sprintf("APIs %s (%s), policies %s (%s), keys %s (%s), categories %s (%s), stats %s",
		words("apis.nodes.#.name"), r.Get("data.apis.totalCount").Raw, words("policies.nodes.#.name"), r.Get("data.policies.totalCount").Raw,
		words("keys.nodes.#.alias"), r.Get("data.keys.totalCount").Raw, words("apiCategories.nodes.#.name"), r.Get("data.apiCategories.totalCount").Raw,
		r.Get("data.systemStats.current").Raw)
}

func onEachKeySpace(t *testing.T, test func(t *testing.T, o *owners)) {
	t.Helper()
	t.Run("keys in the store", func(t *testing.T) { t.Parallel(); test(t, newOwners(t)) })
	t.Run("keys in Redis", func(t *testing.T) {
		t.Parallel()
		srv := redistest.Start(t)
		test(t, newOwners(t, apptest.WithRedis(srv.Addr)))
	})
}

func TestWhatIsOwnedIsSeenByItsOwnersAndAdministratorsAlone(t *testing.T) {
	t.Parallel()
	onEachKeySpace(t, func(t *testing.T, o *owners) {
		all := "APIs adas bobs open (3), policies adas mixed open (3), keys adas bypolicy open (3), categories adas bobs open (3), stats 3"
		require.Equal(t, all, o.sees(t, o.admin))
		require.Equal(t, "APIs adas open (2), policies adas mixed open (3), keys adas bypolicy open (3), categories adas open (2), stats 2", o.sees(t, o.ada))
		require.Equal(t, "APIs bobs open (2), policies mixed open (2), keys open (1), categories bobs open (2), stats 2", o.sees(t, o.bob))
		require.Equal(t, "APIs open (1), policies open (1), keys open (1), categories open (1), stats 1", o.sees(t, o.eve))

		require.Equal(t, 1, len(o.as(o.eve).rest(t, "GET", "/api/apis?p=0", "").Get("apis").Array()))
		require.Equal(t, 0, len(o.as(o.eve).rest(t, "GET", "/api/apis/search?q=adas", "").Get("apis").Array()))
		require.Equal(t, 1, len(o.as(o.eve).rest(t, "GET", "/api/portal/policies?p=0", "").Get("Data").Array()))
		require.NotContains(t, string(o.as(o.eve).rest(t, "GET", "/api/keys/detailed", "").Body), "adas")

		// A relation shows what is seen, and no more.
		r := o.as(o.bob).graphql(t, `{ policy(id: "`+o.mixed+`") { name apis { totalCount nodes { name } } } me { organisation { apis { totalCount } policies { totalCount } keys { totalCount } } } }`)
		require.Equal(t, `["bobs #bobs"]`, r.Get("data.policy.apis.nodes.#.name").Raw, "%s", r.Body)
		require.Equal(t, `{"apis":{"totalCount":2},"policies":{"totalCount":2},"keys":{"totalCount":1}}`, r.Get("data.me.organisation").Raw, "%s", r.Body)

		// The group that is switched off, or that bob leaves, owns nothing for him any more.
		off := o.graphql(t, `mutation { updateUserGroup(id: "`+o.group+`", input: {active: false}) { id } }`)
		require.Empty(t, off.Get("errors").Raw)
		require.True(t, strings.HasPrefix(o.sees(t, o.bob), "APIs open (1), policies open (1)"))
	})
}

func TestWhatIsOwnedByOthersLooksLikeWhatIsNotThere(t *testing.T) {
	t.Parallel()
	onEachKeySpace(t, func(t *testing.T, o *owners) {
		database := o.rest(t, "GET", "/api/apis/"+o.adas, "").Get("api_definition.id").Str
		o.sees(t, o.admin) // the index of keys follows before it is listed
		before := dump(t, o.Store, o.OrgID)
		s := contract()
		f := &foreigners{Server: o.Server}
		checked := 0
		for _, field := range rootFields(s) {
			for _, argument := range field.Arguments {
				if argument.Type.Name() != "ID" || argument.Name == "orgId" || argument.Name == "organisationId" {
					continue
				}
				for _, hidden := range []string{o.adas, database, o.adasPolicy, o.adasKey, o.byPolicy} {
					answer := func(id string) string {
						variables := map[string]any{}
						for _, a := range field.Arguments {
							switch {
							case a.Name == argument.Name && a.Type.Elem != nil:
								variables[a.Name] = []string{id}
							case a.Name == argument.Name:
								variables[a.Name] = id
							case !a.Type.NonNull:
							case s.Types[a.Type.Name()].Kind == "INPUT_OBJECT":
								variables[a.Name] = f.input(a.Type.Name())
							case a.Type.Name() == "ID" && a.Type.Elem != nil:
								variables[a.Name] = []string{o.open}
							case a.Type.Name() == "ID":
								variables[a.Name] = o.open
							case a.Type.Name() == "Boolean":
								variables[a.Name] = true
							default:
								variables[a.Name] = "{}"
							}
						}
						r := o.GraphQL(t, operation(s, field, 1), variables, "Authorization: "+o.eve)
						return strings.ReplaceAll(string(r.Body), id, "ID")
					}
					checked++
					require.Equal(t, answer(unknown(hidden)), answer(hidden), "%s(%s)", field.Name, argument.Name)
				}
			}
		}
		require.Greater(t, checked, 100)
		same(t, before, dump(t, o.Store, o.OrgID), "somebody changed what they do not see")
	})
}

func TestNobodyOpensWhatTheyDoNotSee(t *testing.T) {
	t.Parallel()
	o := newOwners(t)
	eve := o.as(o.eve)
	for name, query := range map[string]string{
		"by a policy":                    `mutation { it: createPolicy(input: {name: "x", apiIds: ["%s"]}) { id } }`,
		"by a change of a policy":        `mutation { it: updatePolicy(id: "` + o.openPolicy + `", input: {apiIds: ["` + o.open + `", "%s"]}) { id } }`,
		"by a patch of a policy":         `mutation { it: patchPolicy(id: "` + o.openPolicy + `", patch: {access_rights: {_%s: {api_id: "x"}}}) { id } }`,
		"by a key":                       `mutation { it: createKey(input: {apiIds: ["%s"]}) { token } }`,
		"by a version":                   `mutation { it: patchApi(id: "` + o.open + `", patch: {api_definition: {definition: {enabled: true, versions: {v2: "%s"}}}}) { id } }`,
		"by a loop":                      `mutation { it: patchApi(id: "` + o.open + `", patch: {api_definition: {proxy: {target_url: "tyk://%s/x"}}}) { id } }`,
		"by a subgraph":                  `mutation { it: patchApi(id: "` + o.open + `", patch: {api_definition: {graphql: {supergraph: {subgraphs: [{api_id: "%s"}]}}}}) { id } }`,
		"by a document that is all text": `mutation { it: createPolicy(input: {document: "{\"name\":\"x\",\"access_rights\":{\"%s\":{\"versions\":[\"Default\"]}}}"}) { id } }`,
	} {
		t.Run(name, func(t *testing.T) {
			if strings.Contains(query, "_%s") { // a name may not begin with a digit in GraphQL, so the patch goes as text
				query = `mutation { it: patchPolicy(id: "` + o.openPolicy + `", patch: "{\"access_rights\":{\"%s\":{\"versions\":[\"Default\"]}}}") { id } }`
			}
			answer := func(id string) string {
				r := eve.graphql(t, fmt.Sprintf(query, id))
				require.Equal(t, "null", r.Get("data.it").Raw, "%s", r.Body)
				require.Contains(t, r.Get("errors.0.message").Str, "do not exist in the organisation")
				return strings.ReplaceAll(string(r.Body), id, "ID")
			}
			require.Equal(t, answer(unknown(o.adas)), answer(o.adas))
		})
	}
	r := eve.graphql(t, `mutation { it: createKey(input: {policyIds: ["`+o.adasPolicy+`"]}) { token } }`)
	require.Equal(t, "null", r.Get("data.it").Raw, "%s", r.Body)
	require.Equal(t, 400, eve.rest(t, "POST", "/api/keys", `{"apply_policies":["`+o.adasPolicy+`"],"access_rights":{}}`).Status)
	// Owners open what is theirs, and what is saved already may be saved again.
	ada := o.as(o.ada)
	made := ada.graphql(t, `mutation { it: createKey(input: {apiIds: ["`+o.adas+`"]}) { token } }`)
	require.Empty(t, made.Get("errors").Raw, "%s", made.Body)
	renamed := o.as(o.bob).graphql(t, `mutation { it: updatePolicy(id: "`+o.mixed+`", input: {name: "of both"}) { name } }`)
	require.Equal(t, "of both", renamed.Get("data.it.name").Str, "%s", renamed.Body)
}

// What owns an API opens it: whoever stands for a user or a group that does needs to own as that.
func TestNobodyStandsForOwners(t *testing.T) {
	t.Parallel()
	o := newOwners(t)
	eve := o.as(o.eve)
	bobs, _ := person(t, o.api, "puppet", `{apis: "write"}`)
	_, puppetID := person(t, o.api, "puppet2", `{apis: "write"}`)
	_ = bobs
	before := dump(t, o.Store, o.OrgID)
	for name, query := range map[string]string{
		"by a new member of the group":         `mutation { it: createUser(input: {email: "p@x.test", permissions: {apis: "write"}, groupIds: ["` + o.group + `"]}) { id } }`,
		"by moving somebody into it":           `mutation { it: patchUser(id: "` + puppetID + `", patch: {group_ids: ["` + o.group + `"]}) { id } }`,
		"by another access key of an owner":    `mutation { it: resetUserKey(id: "` + o.adaID + `") { accessKey } }`,
		"by another address of an owner":       `mutation { it: updateUser(id: "` + o.adaID + `", input: {email: "mine@x.test"}) { id } }`,
		"by switching the group off":           `mutation { it: updateUserGroup(id: "` + o.group + `", input: {active: false}) { id } }`,
		"by an id of somebody who was deleted": `mutation { it: createUser(input: {document: "{\"id\":\"5d7f6ae2bc5f2c0001e0c1aa\",\"email_address\":\"p@x.test\",\"user_permissions\":{\"apis\":\"write\"}}"}) { id } }`,
		"by an id of a group that was deleted": `mutation { it: createUserGroup(input: {document: "{\"id\":\"5d7f6ae2bc5f2c0001e0c1aa\",\"name\":\"back\",\"user_permissions\":{\"apis\":\"read\"}}"}) { id } }`,
	} {
		t.Run(name, func(t *testing.T) {
			r := eve.graphql(t, query)
			require.Contains(t, []string{"FORBIDDEN", "INVALID"}, r.Get("errors.0.extensions.code").Str, "%s", r.Body)
			same(t, before, dump(t, o.Store, o.OrgID), "a refused operation changed something")
		})
	}
	// A member keeps nobody out, and lets in whom they like, but does not change what the group gives.
	bob := o.as(o.bob)
	joined := bob.graphql(t, `mutation { it: patchUser(id: "`+puppetID+`", patch: {group_ids: ["`+o.group+`"]}) { id } }`)
	require.Empty(t, joined.Get("errors").Raw, "%s", joined.Body)
	changed := bob.graphql(t, `mutation { it: updateUserGroup(id: "`+o.group+`", input: {permissions: {apis: "write"}}) { id } }`)
	require.Equal(t, "FORBIDDEN", changed.Get("errors.0.extensions.code").Str, "%s", changed.Body)
}

func TestAConflictNamesNoApiThatTheCallerDoesNotSee(t *testing.T) {
	t.Parallel()
	o := newOwners(t)
	on := o.graphql(t, `mutation { patchApi(id: "`+o.adas+`", patch: {api_definition: {active: true}}) { id } }`)
	require.Empty(t, on.Get("errors").Raw, "%s", on.Body)
	for field, definition := range map[string]string{
		"listen path": `"name":"x","active":true,"tags":["t"],"proxy":{"listen_path":"/adas/","target_url":"http://x.test"}`,
		"slug":        `"name":"x","slug":"adas","proxy":{"listen_path":"/other/","target_url":"http://x.test"}`,
	} {
		t.Run(field, func(t *testing.T) {
			make := func(key string) string {
				r := o.as(key).rest(t, "POST", "/api/apis", `{"api_definition":{`+definition+`}}`)
				require.GreaterOrEqual(t, r.Status, 400, "%s", r.Body)
				require.Contains(t, string(r.Body), "taken")
				return string(r.Body)
			}
			require.Contains(t, make(o.ada), o.adas)
			refused := make(o.eve)
			require.NotContains(t, refused, o.adas)
			require.NotContains(t, refused, "adas #adas")
			require.Contains(t, refused, "that was there first")
		})
	}
}

func TestTheAuditLogShowsNobodyWhatTheyMayNotSee(t *testing.T) {
	t.Parallel()
	o := newOwners(t)
	auditor, _ := person(t, o.api, "auditor", `{audit_logs: "read"}`)
	for who, key := range map[string]string{"who sees less than there is": o.eve, "who reads the log alone": auditor} {
		r := o.as(key).graphql(t, `{ auditRecords(filter: {action: "createApi"}) { totalCount nodes { operation user diff arguments } } }`)
		require.EqualValues(t, 0, r.Get("errors.#").Int(), "%s: %s", who, r.Body)
		rest := o.as(key).rest(t, "GET", "/api/audit-logs?url=/api/apis", "")
		require.NotEmpty(t, rest.Get("audit_logs").Array(), who)
		for _, body := range []string{string(r.Body), string(rest.Body)} {
			require.NotContains(t, body, "target_url", who)
			require.NotContains(t, body, "adas #adas", who)
		}
	}
	shown := o.rest(t, "GET", "/api/audit-logs?url=/api/apis", "")
	require.Contains(t, string(shown.Body), "target_url", "administrators see it")
}

func TestOwnersStayOwners(t *testing.T) {
	t.Parallel()
	o := newOwners(t)
	ada := o.as(o.ada)
	shown := ada.rest(t, "GET", "/api/apis/"+o.adas, "")
	definition := `{"api_definition":` + shown.Get("api_definition").Raw + `}`
	require.Equal(t, 200, ada.rest(t, "PUT", "/api/apis/"+o.adas, definition).Status)
	owned := func(id string) string {
		access := o.rest(t, "GET", "/api/apis/"+id+"/access", "")
		return access.Get("userIds").Raw + access.Get("userGroupIds").Raw
	}
	require.Equal(t, `["`+o.adaID+`"][]`, owned(o.adas), "a document that leaves owners out keeps them")
	for name, body := range map[string]string{
		"to nobody":   `{"userIds":[],"userGroupIds":[]}`,
		"to somebody": `{"userIds":["5d7f6ae2bc5f2c0001e0c1aa"],"userGroupIds":[]}`,
	} {
		r := ada.rest(t, "PUT", "/api/apis/"+o.adas+"/access", body)
		require.Equal(t, 403, r.Status, "%s: %s", name, r.Body)
		require.Equal(t, `["`+o.adaID+`"][]`, owned(o.adas), name)
	}
	cleared := ada.rest(t, "PUT", "/api/apis/"+o.adas, strings.TrimSuffix(definition, "}")+`,"user_owners":[]}`)
	require.Equal(t, 403, cleared.Status, "%s", cleared.Body)
	// What nobody owns may be taken, and shared.
	eve := o.as(o.eve)
	eveID := eve.rest(t, "GET", "/api/users/me", "").Get("id").Str
	require.Equal(t, 403, eve.rest(t, "PUT", "/api/apis/"+o.open+"/access", `{"userIds":["`+o.adaID+`"],"userGroupIds":[]}`).Status)
	require.Equal(t, 200, eve.rest(t, "PUT", "/api/apis/"+o.open+"/access", `{"userIds":["`+eveID+`","`+o.adaID+`"],"userGroupIds":[]}`).Status)
	require.True(t, strings.HasPrefix(o.sees(t, o.bob), "APIs bobs (1)"))
	require.Equal(t, 200, o.rest(t, "PUT", "/api/apis/"+o.open+"/access", `{"userIds":[],"userGroupIds":[]}`).Status, "an administrator gives it back")
	require.Equal(t, `[][]`, owned(o.open))
}

func TestWithoutOwnershipOwnersAreAWordInTheDocument(t *testing.T) {
	t.Parallel()
	o := newOwners(t, apptest.WithEnv("TYK_DB_ENABLEOWNERSHIP=false"))
	require.Equal(t, o.sees(t, o.admin), o.sees(t, o.eve))
}
