package resolvers_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/apptest"
	"gatehouse/internal/core"
	"gatehouse/store"
	"gatehouse/store/sql"
)

// weighing is an engine that weighs the documents that are read.
type weighing struct {
	store.Engine
	bytes atomic.Int64
}

func newWeighing(t testing.TB) *weighing {
	t.Helper()
	engine, err := sql.OpenMemory(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { _ = engine.Close() })
	return &weighing{Engine: engine}
}

func (w *weighing) weigh(records []store.Record) {
	for _, r := range records {
		w.bytes.Add(int64(len(r.Doc)))
	}
}

func (w *weighing) Find(
	ctx context.Context,
	c *store.Collection,
	t store.Tenant,
	field string,
	values []string,
) ([]store.Record, error) {
	found, err := w.Engine.Find(ctx, c, t, field, values)
	w.weigh(found)
	return found, err
}

func (w *weighing) List(ctx context.Context, c *store.Collection, q store.Query) (store.Page, error) {
	page, err := w.Engine.List(ctx, c, q)
	w.weigh(page.Records)
	return page, err
}

func (w *weighing) TopByLabel(
	ctx context.Context,
	c *store.Collection,
	t store.Tenant,
	label string,
	values []string,
	limit int,
) (map[string][]store.Record, error) {
	top, err := w.Engine.TopByLabel(ctx, c, t, label, values, limit)
	seen := map[string]bool{}
	for _, records := range top {
		w.weigh(slices.DeleteFunc(slices.Clone(records), func(r store.Record) bool {
			twice := seen[r.ID]
			seen[r.ID] = true
			return twice
		}))
	}
	return top, err
}

// read is how many bytes of documents are read while something is asked.
func (w *weighing) read(ask func()) int64 {
	before := w.bytes.Load()
	ask()
	return w.bytes.Load() - before
}

// manyApis writes as many APIs into the store, without the checks that cost time, and returns their public ids.
func manyApis(t testing.TB, s *apptest.Server, n int) []string {
	t.Helper()
	ids := make([]string, n)
	var writes []store.Change
	for i := range n {
		ids[i] = fmt.Sprintf("many-%d", i)
		doc := fmt.Sprintf(
			`{"api_definition":{"api_id":%q,"name":"Many %d","slug":%q,"proxy":{"listen_path":"/%s/"},"padding":%q}}`,
			ids[i],
			i,
			ids[i],
			ids[i],
			strings.Repeat("x", 1000),
		)
		writes = append(
			writes,
			s.Store.Apis.Creating(core.NewApi(core.Meta{ID: core.NewID(s.Store.Now()), OrgID: s.OrgID}, core.Document(doc))),
		)
	}
	require.NoError(t, s.Store.Apply(t.Context(), writes...))
	return ids
}

const manyPolicy = `mutation($name: String!, $apis: [ID!]) { it: createPolicy(input: {name: $name, apiIds: $apis}) { id policyId } }`

func TestWhatAQueryReadsDependsOnItsPagesAndNotOnTheLengthOfRelations(t *testing.T) {
	t.Parallel()
	w := newWeighing(t)
	s := apptest.New(t, apptest.WithEngine(w))
	apis := manyApis(t, s, 1500)
	must(t, s.GraphQL(t, manyPolicy, map[string]any{"name": "rest10k", "apis": apis}))
	policy := int64(
		len(must(t, s.GraphQL(t, `{ policies { nodes { document } } }`, nil)).Get("data.policies.nodes.0.document").Raw),
	)
	require.Greater(t, policy, int64(90_000))
	for query, atMost := range map[string]int64{
		`{ policies(first: 1, filter: {q: "rest10k"}) { nodes { apis { nodes { policies(first: 500) { totalCount } } } } } }`:                policy + 20_000,
		`{ policies(first: 1, filter: {q: "rest10k"}) { nodes { apis(first: 100) { nodes { policies(first: 50) { nodes { name } } } } } } }`: 2*policy + 200_000,
		`{ policies(first: 1, filter: {q: "rest10k"}) { nodes { apis { totalCount } } } }`:                                                   policy + 1000,
		`{ policies(filter: {q: "rest10k"}) { totalCount } apis { totalCount } keys { totalCount } users { totalCount } }`:                   0,
	} {
		s.GraphQL(t, `{ me { id } }`, nil) // so that the caller is in the cache
		read := w.read(func() { must(t, s.GraphQL(t, query, nil)) })
		assert.LessOrEqual(t, read, atMost+2000, query)
	}
}

func TestARelationIsReadPageByPage(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	hook := func(n int) string {
		return must(
			t,
			s.GraphQL(
				t,
				`mutation($n: String!) { it: createWebhook(input: {name: $n, method: GET, targetPath: "http://w.test"}) { id } }`,
				map[string]any{"n": fmt.Sprint("hook ", n)},
			),
		).Get(
			"data.it.id",
		).Str
	}
	var apis, policies, hooks, owners []string
	for n := range 5 {
		hooks = append(hooks, hook(n))
		owners = append(
			owners,
			must(
				t,
				s.GraphQL(
					t,
					`mutation($e: String!) { it: createUser(input: {email: $e, permissions: {apis: "read"}}) { id } }`,
					map[string]any{"e": fmt.Sprintf("u%d@x.test", n)},
				),
			).Get(
				"data.it.id",
			).Str,
		)
	}
	for n := range 5 {
		refs := ""
		for _, h := range hooks {
			refs += fmt.Sprintf(`,{"event_name":"E","hook":{"id":%q}}`, h)
		}
		apis = append(
			apis,
			createApi(
				t,
				s,
				fmt.Sprintf(
					`{"api_definition":{"name":"API %d"},"user_owners":["%s"],"hook_references":[%s]}`,
					n,
					strings.Join(owners, `","`),
					refs[1:],
				),
			),
		)
	}
	for n := range 5 {
		policies = append(
			policies,
			must(
				t,
				s.GraphQL(t, manyPolicy, map[string]any{"name": fmt.Sprintf("policy %d", n), "apis": apis}),
			).Get(
				"data.it.policyId",
			).Str,
		)
	}
	for n := range 5 {
		must(
			t,
			s.GraphQL(
				t,
				`mutation($in: KeyInput!) { createKey(input: $in) { token } }`,
				map[string]any{"in": map[string]any{"alias": fmt.Sprintf("key %d", n), "apiIds": apis, "policyIds": policies}},
			),
		)
	}
	// What is gone has no node, and counts: its id still stands there.
	must(t, s.GraphQL(t, `mutation($id: ID!) { deleteApi(id: $id, force: true) { id } }`, map[string]any{"id": apis[2]}))
	for field, c := range map[string]struct {
		of, shows string
		want      []string
		total     int64
	}{
		"apis":     {`policies(first: 1) { nodes { it: apis%s } }`, "name", []string{"API 0", "API 1", "API 3", "API 4"}, 5},
		"keys":     {`policies(first: 1) { nodes { it: keys%s } }`, "alias", []string{"key 4", "key 3", "key 2", "key 1", "key 0"}, 5},
		"policies": {`apis(first: 1) { nodes { it: policies%s } }`, "name", []string{"policy 4", "policy 3", "policy 2", "policy 1", "policy 0"}, 5},
		"owners":   {`apis(first: 1) { nodes { it: owners%s } }`, "email", []string{"u0@x.test", "u1@x.test", "u2@x.test", "u3@x.test", "u4@x.test"}, 5},
		"webhooks": {`apis(first: 1) { nodes { it: webhooks%s } }`, "name", []string{"hook 0", "hook 1", "hook 2", "hook 3", "hook 4"}, 5},
		"of a key": {`keys(first: 1) { nodes { it: policies%s } }`, "name", []string{"policy 0", "policy 1", "policy 2", "policy 3", "policy 4"}, 5},
		"and APIs": {`keys(first: 1) { nodes { it: apis%s } }`, "name", []string{"API 0", "API 1", "API 3", "API 4"}, 5},
		"of hooks": {`webhooks(first: 1) { nodes { it: apis%s } }`, "name", []string{"API 4", "API 3", "API 1", "API 0"}, 4},
	} {
		t.Run(field, func(t *testing.T) {
			list := strings.SplitN(c.of, "(", 2)[0]
			var got []string
			for after, pages := any(nil), 0; ; pages++ {
				require.Less(t, pages, 5)
				r := must(
					t,
					s.GraphQL(
						t,
						`query($after: String) { `+fmt.Sprintf(
							c.of,
							`(first: 2, after: $after) { totalCount nodes { `+c.shows+` } pageInfo { hasNextPage endCursor } }`,
						)+` }`,
						map[string]any{"after": after},
					),
				)
				page := r.Get("data." + list + ".nodes.0.it")
				assert.Equal(t, c.total, page.Get("totalCount").Int())
				for _, v := range page.Get("nodes.#." + c.shows).Array() {
					got = append(got, v.Str)
				}
				if !page.Get("pageInfo.hasNextPage").Bool() {
					break
				}
				after = page.Get("pageInfo.endCursor").Str
			}
			assert.Equal(t, c.want, got)
		})
	}
}

func TestACursorOfAnotherListIsRefused(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	related(t, s, 2)
	const page = ` pageInfo { endCursor } `
	cursors := map[string]string{}
	for name, query := range map[string]string{
		"APIs":               `{ it: apis(first: 1) {` + page + `} }`,
		"APIs by name":       `{ it: apis(first: 1, sort: NAME) {` + page + `} }`,
		"APIs by name, back": `{ it: apis(first: 1, sort: NAME_DESC) {` + page + `} }`,
		"policies":           `{ it: policies(first: 1) {` + page + `} }`,
		"keys":               `{ it: keys(first: 1) {` + page + `} }`,
		"users":              `{ it: users(first: 1) {` + page + `} }`,
		"webhooks":           `{ it: webhooks(first: 1) {` + page + `} }`,
	} {
		cursors[name] = must(t, s.GraphQL(t, query, nil)).Get("data.it.pageInfo.endCursor").Str
		require.NotEmpty(t, cursors[name])
	}
	nested := must(t, s.GraphQL(t, `{ policies { nodes { apis(first: 1) {`+page+`} keys(first: 1) {`+page+`} } } }`, nil))
	cursors["APIs of one policy"], cursors["APIs of the other"] = nested.Get(
		"data.policies.nodes.0.apis.pageInfo.endCursor",
	).Str, nested.Get(
		"data.policies.nodes.1.apis.pageInfo.endCursor",
	).Str
	cursors["keys of one policy"] = nested.Get("data.policies.nodes.0.keys.pageInfo.endCursor").Str
	cursors["made up"], cursors["text"] = core.Cursor{Offset: 3}.Encode(), "no cursor"
	for list, query := range map[string]string{
		"APIs":               `query($after: String) { apis(first: 1, after: $after) { nodes { id } } }`,
		"APIs by name":       `query($after: String) { apis(first: 1, sort: NAME, after: $after) { nodes { id } } }`,
		"APIs by name, back": `query($after: String) { apis(first: 1, sort: NAME_DESC, after: $after) { nodes { id } } }`,
		"keys":               `query($after: String) { keys(first: 1, after: $after) { nodes { id } } }`,
		"APIs of one policy": `query($after: String) { policies(first: 1) { nodes { apis(first: 1, after: $after) { nodes { id } } } } }`,
		"keys of one policy": `query($after: String) { policies(first: 1) { nodes { keys(first: 1, after: $after) { nodes { id } } } } }`,
	} {
		for name, cursor := range cursors {
			r := s.GraphQL(t, query, map[string]any{"after": cursor})
			if name == list || name == "made up" && !strings.Contains(list, "of one") { // which REST's page numbers are
				must(t, r)
				continue
			}
			require.Equal(t, "INVALID", r.Get("errors.0.extensions.code").Str, "a cursor of %s in %s: %s", name, list, r.Body)
			require.Contains(t, r.Get("errors.0.message").Str, "after")
		}
	}
}
