package resolvers_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/apptest"
	"gatehouse/store/sql"
	"gatehouse/store/storetest"
)

const (
	insideRoot = "the listen path lies inside of the / of another organisation: "
	aroundPath = "another organisation has an API inside of this /: "
)

// warned are the warnings of the API with an id, as its organisation sees them.
func (n *neighbours) warned(t *testing.T, accessKey, id string) string {
	t.Helper()
	r := must(t, n.GraphQL(t, `query($id: ID!) { api(id: $id) { warnings } }`, map[string]any{"id": id}, as(accessKey)))
	return r.Get("data.api.warnings").Raw
}

func TestAPathInsideOfAForeignRootIsAWarningOnBothSides(t *testing.T) {
	t.Parallel()
	n := newNeighbours(t, "TYK_DB_TYKAPI_HOST=http://gateways.test", "TYK_DB_ENABLEDUPLICATESLUGS=true")
	own := must(t, n.make(t, n.ours, path("/"))).Get("data.it.id").Str
	must(t, n.make(t, n.ours, path("/pay/")))
	assert.Equal(t, "[]", n.warned(t, n.ours, own), "an organisation does not share with itself")
	port := 9000
	for name, c := range map[string]struct {
		root, inside string
		warned       bool
	}{
		"a path":                         {path("/"), path("/pay/"), true},
		"a path far inside":              {path("/"), path("/pay/a/b/"), true},
		"a path with a pattern":          {path("/"), path("/pay/{id}/"), true},
		"on one domain":                  {path("/", `"domain":"a.test"`), path("/pay/", `"domain":"A.test"`), true},
		"on a domain that a pattern met": {path("/", `"domain":"{x}.test"`), path("/pay/", `"domain":"a.test"`), true},
		"on the host of the gateways":    {path("/", `"domain":"gateways.test"`), path("/pay/"), true},
		"for gateways of one tag":        {path("/", `"tags":["eu","us"]`), path("/pay/", `"tags":["us"]`), true},
		"for all gateways, and some":     {path("/"), path("/pay/", `"tags":["us"]`), true},

		"on another domain":               {path("/", `"domain":"a.test"`), path("/pay/", `"domain":"b.test"`), false},
		"for other gateways":              {path("/", `"tags":["eu"]`), path("/pay/", `"tags":["us"]`), false},
		"while it is switched off":        {path("/"), path("/pay/", `"active":false`), false},
		"while the other is switched off": {path("/", `"active":false`), path("/pay/"), false},
		"where the other is internal":     {path("/", `"internal":true`), path("/pay/"), false},
		"of no root":                      {path("/buy/"), path("/pay/"), false},
	} {
		port++
		t.Run(name, func(t *testing.T) {
			root := must(t, n.make(t, n.theirs, at(c.root, port))).Get("data.it.id").Str
			assert.Equal(t, "[]", n.warned(t, n.theirs, root), "before there is anything to be warned of")
			inside := must(t, n.make(t, n.ours, at(c.inside, port))).Get("data.it.id").Str
			if !c.warned {
				assert.Equal(t, "[]", n.warned(t, n.theirs, root))
				assert.Equal(t, "[]", n.warned(t, n.ours, inside))
				return
			}
			assert.Contains(t, n.warned(t, n.theirs, root), aroundPath)
			assert.Contains(t, n.warned(t, n.ours, inside), insideRoot)
			must(t, n.GraphQL(t, `mutation($id: ID!) { deleteApi(id: $id) { id } }`, map[string]any{"id": inside}, as(n.ours)))
			assert.Equal(t, "[]", n.warned(t, n.theirs, root), "it ends when the other one goes")
		})
	}
}

func TestASharedRootIsReportedByAnImportAndLogged(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	s := apptest.New(t, apptest.WithLog(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))))
	n := &neighbours{Server: s, theirs: s.AccessKey}
	n.ourOrg, n.ours = s.Organisation(t, "ours")
	root := must(t, n.make(t, n.theirs, path("/"))).Get("data.it.id").Str
	r := s.Do(
		t,
		"POST",
		"/admin/apis/import",
		fmt.Sprintf(
			`{"apis":[{"api_definition":{"name":"x","org_id":%q,"api_id":"mine","active":true,"proxy":{"listen_path":"/pay/"}}}]}`,
			n.ourOrg,
		),
		"admin-auth: "+apptest.AdminSecret,
	)
	require.Equal(t, 200, r.Status, "%s", r.Body)
	assert.Contains(t, r.Get("Warnings.mine").Raw, insideRoot)
	assert.NotContains(t, string(r.Body), root, "nobody learns more of the other API")
	assert.Contains(t, log.String(), "an API shares its route with another organisation")
	assert.Contains(t, log.String(), "other_api="+root)
}

func TestTheWarningsOfManyApisAreFoundTogether(t *testing.T) {
	t.Parallel()
	engine, err := sql.OpenMemory(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { _ = engine.Close() })
	counting := &storetest.Counting{Engine: engine, Of: ofRequests}
	s := apptest.New(t, apptest.WithEngine(counting))
	n := &neighbours{Server: s, theirs: s.AccessKey}
	n.ourOrg, n.ours = s.Organisation(t, "ours")
	must(t, n.make(t, n.theirs, path("/")))
	for i := range 12 {
		must(t, n.make(t, n.ours, path(fmt.Sprintf("/pay-%d/", i))))
	}
	reads := func(rows int) int64 {
		before := counting.Reads()
		r := must(t, n.GraphQL(t, fmt.Sprintf(`{ apis(first: %d) { nodes { warnings } } }`, rows), nil, as(n.ours)))
		require.Equal(t, int64(rows), r.Get("data.apis.nodes.#.warnings.0|#").Int(), "%s", r.Body)
		return int64(counting.Reads()) - int64(before)
	}
	reads(2) // who asks is looked up once
	assert.Equal(t, reads(2), reads(12))
}
