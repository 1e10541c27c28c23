package app_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"gatehouse/internal/apptest"
	"gatehouse/internal/core"
	"gatehouse/store"
)

func TestKeysByAPIKnowEveryPolicyThatOpensIt(t *testing.T) {
	t.Parallel()
	onEveryEngine(t, func(t *testing.T, e store.Engine) {
		srv := apptest.New(t, apptest.WithEngine(e))
		api := srv.REST(
			t,
			"POST",
			"/api/apis",
			`{"api_definition":{"name":"opened","proxy":{"listen_path":"/opened/"}}}`,
		).Get(
			"ID",
		).Str
		const policies = 2300
		writes := make([]store.Change, policies)
		for i := range writes {
			writes[i] = srv.Store.Policies.Creating(core.NewPolicy(
				core.Meta{ID: core.NewID(srv.Store.Now()), OrgID: srv.OrgID},
				core.Document(
					fmt.Sprintf(`{"id":"explicit-%d","name":"policy %d","access_rights":{%q:{"api_id":%q}}}`, i, i, api, api),
				),
			))
		}
		require.NoError(t, srv.Store.Apply(t.Context(), writes...))
		// One key for each: all of them have to be asked for.
		for i := range writes {
			writes[i] = srv.Store.Keys.Creating(core.NewKey(core.Meta{ID: fmt.Sprintf("%016x", i), OrgID: srv.OrgID},
				core.Document(fmt.Sprintf(`{"alias":"key %d","apply_policies":["explicit-%d"]}`, i, i))))
		}
		require.NoError(t, srv.Store.Apply(t.Context(), writes...))
		seen := map[string]bool{}
		for after := any(nil); ; {
			r := srv.GraphQL(
				t,
				`query($api: ID!, $after: String) { keys(first: 500, after: $after, filter: {apiId: $api}) { totalCount nodes { id } pageInfo { hasNextPage endCursor } } }`,
				map[string]any{"api": api, "after": after},
			)
			require.EqualValues(t, policies, r.Get("data.keys.totalCount").Int(), "%.300s", r.Body)
			for _, id := range r.Get("data.keys.nodes.#.id").Array() {
				seen[id.Str] = true
			}
			if !r.Get("data.keys.pageInfo.hasNextPage").Bool() {
				break
			}
			after = r.Get("data.keys.pageInfo.endCursor").Str
		}
		require.Len(t, seen, policies)
	})
}
