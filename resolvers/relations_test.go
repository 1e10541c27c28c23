package resolvers_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/apptest"
	"gatehouse/internal/httpserver"
	"gatehouse/store"
	"gatehouse/store/sql"
	"gatehouse/store/storetest"
)

// related makes as many policies, each with two APIs of its own and five keys.
func related(t *testing.T, s *apptest.Server, policies int) {
	t.Helper()
	hook := must(
		t,
		s.GraphQL(
			t,
			`mutation { it: createWebhook(input: {name: "W", method: GET, targetPath: "http://w.test"}) { id } }`,
			nil,
		),
	).Get(
		"data.it.id",
	).Str
	for n := range policies {
		var apis []string
		for a := range 2 {
			apis = append(
				apis,
				createApi(
					t,
					s,
					fmt.Sprintf(
						`{"api_definition":{"name":"API %d %d"},"user_owners":[%q],"hook_references":[{"event_name":"E","hook":{"id":%q}}]}`,
						n,
						a,
						s.UserID,
						hook,
					),
				),
			)
		}
		policy := must(
			t,
			s.GraphQL(
				t,
				`mutation($name: String!, $apis: [ID!]) { it: createPolicy(input: {name: $name, apiIds: $apis}) { policyId } }`,
				map[string]any{"name": fmt.Sprintf("Policy %d", n), "apis": apis},
			),
		).Get(
			"data.it.policyId",
		).Str
		for k := range 5 {
			must(
				t,
				s.GraphQL(
					t,
					`mutation($alias: String!, $policies: [ID!]!, $apis: [ID!]) { it: createKey(input: {alias: $alias, policyIds: $policies, apiIds: $apis}) { token } }`,
					map[string]any{"alias": fmt.Sprintf("Key %d %d", n, k), "policies": []string{policy}, "apis": apis[:1]},
				),
			)
		}
	}
}

// must wants an answer without errors.
func must(t *testing.T, r apptest.Reply) apptest.Reply {
	t.Helper()
	require.False(t, r.Get("errors").Exists(), "%s", r.Body)
	require.Equal(t, 200, r.Status, "%s", r.Body)
	return r
}

// createApi creates an API of a document and returns its public id.
func createApi(t *testing.T, s *apptest.Server, document string) string {
	t.Helper()
	return must(
		t,
		s.GraphQL(
			t,
			`mutation($doc: JSON!) { it: createApi(input: {definition: $doc}) { apiId } }`,
			map[string]any{"doc": document},
		),
	).Get(
		"data.it.apiId",
	).Str
}

// ofRequests has a counting engine leave out what the server reads for itself.
func ofRequests(ctx context.Context) bool { return httpserver.RequestID(ctx) != "" }

func TestANestedQueryMakesAsManyStoreCallsForTwentyRowsAsForTwo(t *testing.T) {
	t.Parallel()
	count := func(t *testing.T, policies int, query, wants string, nodes int) int64 {
		engine, err := sql.OpenMemory(t.Context())
		require.NoError(t, err)
		t.Cleanup(func() { _ = engine.Close() })
		c := &storetest.Counting{Engine: engine, Of: ofRequests}
		s := apptest.New(
			t,
			apptest.WithEngine(c),
			apptest.WithEnv("TYK_DB_PAGESIZE=20"),
			apptest.WithStore(store.WithCacheTTL(time.Hour)),
		)
		related(t, s, policies)
		s.GraphQL(t, `{ me { id } }`, nil) // so that the caller is in the cache
		before := c.Reads()
		r := must(t, s.GraphQL(t, query, nil))
		calls := c.Reads() - before
		assert.Equal(t, nodes, strings.Count(string(r.Body), wants), "%.300s", r.Body)
		return calls
	}
	for name, c := range map[string]struct {
		query string
		// wants is how often what occurs for each policy.
		wants  string
		each   int
		atMost int64
	}{
		"policies with their APIs and keys":       {`{ policies(first: 20) { nodes { name apis { nodes { name } } keys(first: 5) { nodes { alias } } } } }`, `"alias":"Key `, 5, 3},
		"and how many there are":                  {`{ policies(first: 20) { totalCount nodes { apis { nodes { name } } keys(first: 2) { totalCount nodes { alias } } } } }`, `"alias":"Key `, 2, 4},
		"keys of APIs of policies, four deep":     {`{ policies(first: 20) { nodes { apis(first: 3) { nodes { name keys(first: 5) { nodes { alias policies(first: 2) { nodes { name apis(first: 3) { nodes { slug } } } } } } } } } } }`, `"slug"`, 10, 4},
		"everything that an API leads to":         {`{ apis(first: 40) { nodes { name organisation { name } owners { nodes { email } } webhooks { nodes { name } } policies { nodes { name } } keys(first: 1) { nodes { alias apis { nodes { url { apiUrl } } } } } } } }`, `"apiUrl"`, 1, 7},
		"the same list twice, of different sizes": {`{ policies(first: 20) { nodes { a: keys(first: 5) { nodes { alias } } b: keys(first: 1) { nodes { id } } } } }`, `"alias":"Key `, 5, 3},
		"what uses each API":                      {`{ apis(first: 40) { nodes { usedBy(first: 3) { totalCount nodes { kind id name } } } } }`, `"name":"Key `, 2, 9},
		"what each names that is not there":       {`{ policies(first: 20) { nodes { warnings apis { nodes { warnings } } keys(first: 5) { nodes { alias warnings } } } } }`, `"alias":"Key `, 5, 7},
		"the APIs of access rights":               {`{ policies(first: 20) { nodes { accessRights(first: 5) { nodes { apiName versions api { name } } } } } }`, `"versions"`, 2, 2},
		"the organisation of each key":            {`{ policies(first: 20) { nodes { keys(first: 5) { nodes { organisation { name } } } } } }`, `"name":"Default Org."`, 5, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			two, twenty := count(t, 2, c.query, c.wants, 2*c.each), count(t, 20, c.query, c.wants, 20*c.each)
			assert.Equal(t, two, twenty)
			assert.LessOrEqual(t, twenty, c.atMost)
		})
	}
}

func TestRelationsShowWhatTheyLeadTo(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	related(t, s, 2)
	r := must(
		t,
		s.GraphQL(
			t,
			`{ policies(sort: NAME) { nodes { name apis { nodes { name } } keys(first: 2) { totalCount pageInfo { hasNextPage } nodes { alias } } } } }`,
			nil,
		),
	)
	assert.Equal(t, `["API 0 0","API 0 1"]`, r.Get("data.policies.nodes.0.apis.nodes.#.name").Raw)
	assert.Equal(t, `["API 1 0","API 1 1"]`, r.Get("data.policies.nodes.1.apis.nodes.#.name").Raw)
	assert.Equal(t, `["Key 1 4","Key 1 3"]`, r.Get("data.policies.nodes.1.keys.nodes.#.alias").Raw, "the newest first")
	assert.Equal(t, int64(5), r.Get("data.policies.nodes.1.keys.totalCount").Int())
	assert.True(t, r.Get("data.policies.nodes.1.keys.pageInfo.hasNextPage").Bool())
}

func TestARelationLeavesOutWhatIsGone(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	related(t, s, 1)
	api := must(
		t,
		s.GraphQL(t, `{ apis(filter: {q: "API 0 0"}) { nodes { apiId } } }`, nil),
	).Get(
		"data.apis.nodes.0.apiId",
	).Str
	must(t, s.GraphQL(t, `mutation($id: ID!) { deleteApi(id: $id, force: true) { id } }`, map[string]any{"id": api}))
	r := must(t, s.GraphQL(t, `{ policies { nodes { apiIds apis { totalCount nodes { name } } } } }`, nil))
	assert.Equal(t, int64(2), r.Get("data.policies.nodes.0.apiIds.#").Int())
	assert.Equal(t, `["API 0 1"]`, r.Get("data.policies.nodes.0.apis.nodes.#.name").Raw)
}
