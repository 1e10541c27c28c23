package resolvers_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/apptest"
	"gatehouse/internal/core"
	"gatehouse/store"
)

// neighbours are two organisations on one server.
type neighbours struct {
	*apptest.Server
	// theirs is the access key of the one that was there first, ours that of the other.
	theirs, ours string
	ourOrg       string
	n            int
}

func newNeighbours(t *testing.T, env ...string) *neighbours {
	t.Helper()
	s := apptest.New(t, apptest.WithEnv(env...))
	n := &neighbours{Server: s, theirs: s.AccessKey}
	n.ourOrg, n.ours = s.Organisation(t, "ours")
	return n
}

// make creates an API of the fields, which are those of a definition; it is active where they do not say otherwise.
func (n *neighbours) make(t *testing.T, accessKey, fields string) apptest.Reply {
	t.Helper()
	n.n++
	if !strings.Contains(fields, `"active"`) {
		fields = `"active":true,` + fields
	}
	return n.GraphQL(
		t,
		makeApi,
		map[string]any{"doc": fmt.Sprintf(`{"api_definition":{"name":"neighbour %d","slug":"s-%d",%s}}`, n.n, n.n, fields)},
		as(accessKey),
	)
}

// path is a listen path, with more fields behind it.
func path(listenPath string, more ...string) string {
	return strings.Join(append([]string{`"proxy":{"listen_path":"` + listenPath + `"}`}, more...), ",")
}

const takenRoute = "the route is taken: give another listen path, domain, listen port, or tags of other gateways"

// routeCases are a route of theirs and one of ours, each beside others at the port %d, and whether ours is refused.
var routeCases = map[string]struct {
	theirs, ours string
	refused      bool
}{
	"the same path":                               {path("/pay/"), path("/pay/"), true},
	"the same path without its slash":             {path("/pay/"), path("/pay"), true},
	"the same path with doubled slashes":          {path("/pay/in/"), path("//pay//in"), true},
	"the same path with dots":                     {path("/pay/"), path("/x/../pay/./"), true},
	"the same path percent-encoded":               {path("/pay/"), path("/p%61y/"), true},
	"a path inside":                               {path("/pay/"), path("/pay/login/"), true},
	"a path far inside":                           {path("/pay/"), path("/pay/a/b/c/d/e/"), true},
	"a path around":                               {path("/pay/login/"), path("/pay/"), true},
	"a pattern in the place of a part":            {path("/pay/"), path("/{x}/"), true},
	"a pattern that is longer than what it meets": {path("/pay/"), path("/{aaaaaaaaaaaaaaaaaaaaaa:p}ay/"), true},
	"a path that a pattern meets":                 {path("/{tenant}/pay/"), path("/pay/"), true},
	"a pattern inside":                            {path("/pay/"), path("/pay/{id}/"), true},
	"a value of the gateway's inside":             {path("/pay/"), path("/pay/env://NAME/"), true},
	"a value of the gateway's as the path":        {path("/pay/"), path("/secrets://name"), true},
	"both at the root":                            {path("/"), path("/"), true},
	"a pattern over the root":                     {path("/"), path("/{rest:.*}"), true},
	"the id of an API as the path":                {path("/some/", `"api_id":"theirs-%d"`), path("/theirs-%d/"), true},
	"the path as the id of an API":                {path("/mine-%d/"), path("/other/", `"api_id":"mine-%d"`), true},
	"a path inside of the id of an API":           {path("/some/", `"api_id":"deep-%d"`), path("/deep-%d/in/"), true},
	"the same domain": {
		path("/pay/", `"domain":"pay.test"`),
		path("/pay/", `"domain":"pay.test"`),
		true,
	},
	"the same domain in capitals": {
		path("/pay/", `"domain":"pay.test"`),
		path("/pay/", `"domain":"PAY.test"`),
		true,
	},
	"the same domain with a dot at its end": {
		path("/pay/", `"domain":"pay.test"`),
		path("/pay/", `"domain":"pay.test."`),
		true,
	},
	"the same domain with a port": {
		path("/pay/", `"domain":"pay.test"`),
		path("/pay/", `"domain":"pay.test:8443"`),
		true,
	},
	"a domain that is a pattern": {
		path("/pay/", `"domain":"pay.test"`),
		path("/pay/", `"domain":"{any:.*}"`),
		true,
	},
	"a domain that a pattern meets": {
		path("/pay/", `"domain":"{sub}.pay.test"`),
		path("/pay/", `"domain":"a.pay.test"`),
		true,
	},
	"a pattern of a domain over no domain":   {path("/pay/"), path("/pay/", `"domain":"{any:.*}"`), true},
	"the host of the gateways for no domain": {path("/pay/"), path("/pay/", `"domain":"gateways.test"`), true},
	"no domain for the host of the gateways": {path("/pay/", `"domain":"gateways.test"`), path("/pay/"), true},
	"a domain that is switched off": {
		path("/pay/"),
		path("/pay/", `"domain":"other.test","domain_disabled":true`),
		true,
	},
	"another protocol on the same port": {
		path("/pay/", `"protocol":"https"`),
		path("/elsewhere/", `"protocol":"http"`),
		true,
	},
	"a plain connection on the port":    {path("/pay/"), `"protocol":"tcp"`, true},
	"two plain connections on one port": {`"protocol":"tcp"`, `"protocol":"tcp"`, true},
	"an internal plain connection":      {`"protocol":"tcp"`, `"protocol":"tcp","internal":true`, true},
	"no tags beside tags":               {path("/pay/"), path("/pay/", `"tags":["eu"]`), true},
	"tags beside no tags":               {path("/pay/", `"tags":["eu"]`), path("/pay/"), true},
	"one tag in common": {
		path("/pay/", `"tags":["eu","us"]`),
		path("/pay/", `"tags":["us","in"]`),
		true,
	},
	"tags that are switched off": {
		path("/pay/", `"tags":["eu"]`),
		path("/pay/", `"tags":["us"],"tags_disabled":true`),
		true,
	},

	"another path": {path("/pay/"), path("/buy/"), false},
	"a path that begins with the same letters": {path("/pay/"), path("/payment/"), false},
	"a path in other capitals":                 {path("/pay/"), path("/Pay/"), false},
	"another domain": {
		path("/pay/", `"domain":"a.test"`),
		path("/pay/", `"domain":"b.test"`),
		false,
	},
	"a domain beside none":                   {path("/pay/"), path("/pay/", `"domain":"b.test"`), false},
	"disjoint tags":                          {path("/pay/", `"tags":["eu"]`), path("/pay/", `"tags":["us"]`), false},
	"an inactive one":                        {path("/pay/"), path("/pay/", `"active":false`), false},
	"an inactive one that was there":         {path("/pay/", `"active":false`), path("/pay/"), false},
	"an internal one":                        {path("/pay/"), path("/pay/", `"internal":true`), false},
	"a path inside of a root":                {path("/"), path("/pay/"), false},
	"a root around":                          {path("/pay/"), path("/"), false},
	"a pattern that meets another beginning": {path("/pay/"), path("/buy/{id}/"), false},
	"a plain connection for another domain": {
		`"protocol":"tls","domain":"a.test"`,
		`"protocol":"tls","domain":"b.test"`,
		false,
	},
	"two plain connections for disjoint tags": {
		`"protocol":"tcp","tags":["eu"]`,
		`"protocol":"tcp","tags":["us"]`,
		false,
	},
	"an encrypted port beside a default scheme": {path("/pay/", `"protocol":"https"`), path("/buy/"), false},
}

// at gives a route the port of a case.
func at(fields string, port int) string {
	return strings.ReplaceAll(fields, "%d", fmt.Sprint(port)) + fmt.Sprintf(`,"listen_port":%d`, port)
}

func TestARouteBelongsToOneOrganisation(t *testing.T) {
	t.Parallel()
	// Secrets of the gateways' are allowed here: a path may be one.
	n := newNeighbours(
		t,
		"TYK_DB_TYKAPI_HOST=http://gateways.test",
		"TYK_DB_ENABLEDUPLICATESLUGS=true",
		"GATEHOUSE_SHAREDGATEWAYS_APPLY=never",
	)
	port := 9000
	for name, c := range routeCases {
		port++
		t.Run(name, func(t *testing.T) {
			must(t, n.make(t, n.theirs, at(c.theirs, port)))
			r := n.make(t, n.ours, at(c.ours, port))
			if c.refused {
				refused(t, r, "CONFLICT", takenRoute)
				require.Equal(t, takenRoute, r.Get("errors.0.message").Str, "it says more than it should")
			} else {
				must(t, r)
			}
		})
	}
}

func TestOtherListenersDoNotClash(t *testing.T) {
	t.Parallel()
	n := newNeighbours(t)
	must(t, n.make(t, n.theirs, path("/")))
	refused(t, n.make(t, n.ours, path("/")), "CONFLICT", takenRoute)
	refused(
		t,
		n.make(t, n.ours, path("/", `"listen_port":8080`)),
		"CONFLICT",
		takenRoute,
	) // the port of the gateways by its number
	for _, port := range []int{9001, 9002, 9003} {
		must(t, n.make(t, n.ours, path("/", fmt.Sprintf(`"listen_port":%d`, port))))
	}
}

func TestEverySaveIsJudgedByTheRoutesThatItTakes(t *testing.T) {
	t.Parallel()
	n := newNeighbours(t)
	must(t, n.make(t, n.theirs, path("/pay/", `"tags":["eu"]`)))
	id := must(t, n.make(t, n.ours, path("/pay/", `"tags":["us"]`))).Get("data.it.id").Str
	const patchApi = `mutation($id: ID!, $patch: JSON!) { it: patchApi(id: $id, patch: $patch) { revision } }`
	patch := func(fields string) apptest.Reply {
		return n.GraphQL(t, patchApi, map[string]any{"id": id, "patch": `{"api_definition":` + fields + `}`}, as(n.ours))
	}
	refused(t, patch(`{"tags":["us","eu"]}`), "CONFLICT", takenRoute)
	refused(t, patch(`{"tags":null}`), "CONFLICT", takenRoute)
	must(t, patch(`{"active":false,"tags":["eu"]}`))
	refused(t, patch(`{"active":true}`), "CONFLICT", takenRoute)
	must(t, patch(`{"active":true,"internal":true}`))
	refused(t, patch(`{"internal":false}`), "CONFLICT", takenRoute)
	must(t, patch(`{"internal":false,"proxy":{"listen_path":"/ours/"}}`))
	refused(t, patch(`{"proxy":{"listen_path":"/pay/in/"}}`), "CONFLICT", takenRoute)
	refused(
		t,
		n.GraphQL(
			t,
			changeApi,
			map[string]any{"id": id, "doc": `{"api_definition":{"name":"x","active":true,"proxy":{"listen_path":"/pay"}}}`},
			as(n.ours),
		),
		"CONFLICT",
		takenRoute,
	)
	r := n.Do(
		t,
		"PUT",
		"/api/apis/"+id,
		`{"api_definition":{"name":"x","active":true,"proxy":{"listen_path":"/pay"}}}`,
		as(n.ours),
	)
	require.Equal(t, 409, r.Status, "%s", r.Body)
	r = n.Do(
		t,
		"POST",
		"/api/apis?base_api_id="+id+"&base_api_version_name=v1&new_version_name=v2",
		`{"api_definition":{"name":"v2","active":true,"proxy":{"listen_path":"/pay/"}}}`,
		as(n.ours),
	)
	require.Equal(t, 409, r.Status, "%s", r.Body)
	r = n.Do(
		t,
		"POST",
		"/admin/apis/import",
		fmt.Sprintf(
			`{"apis":[{"api_definition":{"name":"i","org_id":%q,"api_id":"i","active":true,"proxy":{"listen_path":"/pay/"}}}]}`,
			n.ourOrg,
		),
		"admin-auth: "+apptest.AdminSecret,
	)
	require.Equal(t, 409, r.Status, "%s", r.Body)
	assert.NotContains(t, string(r.Body), "neighbour")
}

func TestAnImportIsJudgedWithinItself(t *testing.T) {
	t.Parallel()
	n := newNeighbours(t)
	r := n.Do(t, "POST", "/admin/apis/import", fmt.Sprintf(`{"apis":[
		{"api_definition":{"name":"a","org_id":%q,"api_id":"a","active":true,"proxy":{"listen_path":"/pay/"}}},
		{"api_definition":{"name":"b","org_id":%q,"api_id":"b","active":true,"proxy":{"listen_path":"/pay/in/"}}}]}`, n.OrgID, n.ourOrg), "admin-auth: "+apptest.AdminSecret)
	require.Equal(t, 409, r.Status, "%s", r.Body)
	assert.Equal(t, "apis[1]: "+takenRoute, r.Get("Message").Str)
}

func TestWhatClashesAlreadyCanBeChangedElsewhere(t *testing.T) {
	t.Parallel()
	n := newNeighbours(t)
	// As an earlier version, or another dashboard, left it: both at one path.
	id := must(t, n.make(t, n.ours, path("/pay/"))).Get("data.it.id").Str
	theirs := must(t, n.make(t, n.theirs, path("/free/"))).Get("data.it.id").Str
	found, err := n.Store.Apis.FindMany(t.Context(), everything, "id", []string{theirs})
	require.NoError(t, err)
	found[0].Definition = found[0].Definition.Set("api_definition.proxy.listen_path", "/pay/")
	require.NoError(t, n.Store.Apis.Update(t.Context(), reread(found[0])))

	const patchApi = `mutation($id: ID!, $patch: JSON!) { it: patchApi(id: $id, patch: $patch) { revision } }`
	patch := func(fields string) apptest.Reply {
		return n.GraphQL(t, patchApi, map[string]any{"id": id, "patch": `{"api_definition":` + fields + `}`}, as(n.ours))
	}
	must(t, patch(`{"name":"renamed"}`))
	must(t, patch(`{"proxy":{"target_url":"http://up.test"}}`))
	must(t, patch(`{"tags":["eu"]}`))
	must(t, patch(`{"active":false}`))
	refused(t, patch(`{"active":true}`), "CONFLICT", takenRoute)
}

func TestWithinAnOrganisationOnlyGatewaysThatLoadBothClash(t *testing.T) {
	t.Parallel()
	n := newNeighbours(t)
	must(t, n.make(t, n.ours, path("/pay/", `"tags":["edge-eu"]`)))
	must(t, n.make(t, n.ours, path("/pay/", `"tags":["edge-us"]`)))
	refused(
		t,
		n.make(t, n.ours, path("/pay", `"tags":["edge-us","edge-in"]`)),
		"CONFLICT",
		"taken by the API",
		"neighbour 2",
	)
	refused(t, n.make(t, n.ours, path("/pay/")), "CONFLICT", "taken by the API")
	must(t, n.make(t, n.ours, path("/pay/", `"internal":true`)))
	must(t, n.make(t, n.ours, path("/pay/", `"active":false`)))
	must(t, n.make(t, n.ours, path("/pay/login/", `"tags":["edge-eu"]`))) // inside of an own path
	must(t, n.make(t, n.ours, path("/{any}/")))
}

func TestSharedRoutesMakesTheRuleStricterOrLooser(t *testing.T) {
	t.Parallel()
	strict := newNeighbours(t, "GATEHOUSE_SHAREDROUTES=strict")
	must(t, strict.make(t, strict.theirs, path("/")))
	refused(t, strict.make(t, strict.ours, path("/pay/")), "CONFLICT", takenRoute)
	must(t, strict.make(t, strict.theirs, path("/buy/", `"listen_port":9001`)))
	refused(t, strict.make(t, strict.ours, path("/buy/", `"listen_port":9001,"domain":"b.test"`)), "CONFLICT", takenRoute)

	loose := newNeighbours(t, "GATEHOUSE_SHAREDROUTES=loose")
	must(t, loose.make(t, loose.theirs, path("/pay/")))
	must(t, loose.make(t, loose.ours, path("/pay/")))
	refused(t, loose.make(t, loose.ours, path("/pay/")), "CONFLICT", "taken by the API") // its own
}

func TestOfManyWhoTakeARouteAtOnceOneGetsIt(t *testing.T) {
	t.Parallel()
	n := newNeighbours(t)
	for round, paths := range [][]string{{"/pay/", "/pay/"}, {"/buy/", "/buy/in/"}, {"/get/{id}/", "/get/"}} {
		replies := make([]apptest.Reply, 12)
		var all sync.WaitGroup
		for i := range replies {
			accessKey := n.theirs
			if i%2 == 1 {
				accessKey = n.ours
			}
			doc := fmt.Sprintf(
				`{"api_definition":{"name":"racer","slug":"r-%d-%d","active":true,"listen_port":%d,"proxy":{"listen_path":%q}}}`,
				round,
				i,
				9000+round,
				paths[i%2],
			)
			all.Go(func() { replies[i] = n.GraphQL(t, makeApi, map[string]any{"doc": doc}, as(accessKey)) })
		}
		all.Wait()
		won := 0
		for _, r := range replies {
			if r.Get("data.it.id").Str != "" {
				won++
				continue
			}
			assert.Equal(t, "CONFLICT", r.Get("errors.0.extensions.code").Str, "%s", r.Body)
		}
		assert.Equal(t, 1, won, "%v", paths)
	}
}

// everything crosses the organisations.
var everything = store.AllTenants()

// reread reads an API anew from its definition.
func reread(a *core.Api) *core.Api { return core.NewApi(a.Meta, a.Definition) }
