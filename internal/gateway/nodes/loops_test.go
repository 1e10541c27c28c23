package nodes_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gatehouse/internal/core"
)

func TestLoopsAndVersionsLeadToTheOrganisationsOwnApisOnly(t *testing.T) {
	t.Parallel()
	s := newServer(t, openEngine(t))
	g := newGateway(s)
	g.register(t)
	const other = "5e9d9544a1dcd60001d0ed21"
	put := func(org, apiID, name, more string) *core.Api {
		t.Helper()
		a := core.NewApi(
			core.Meta{ID: core.NewID(time.Now()), OrgID: org},
			core.Document(`{"api_definition":{"name":"`+name+`","active":true,"org_id":"`+org+`","api_id":"`+apiID+
				`","slug":"`+apiID+`","proxy":{"listen_path":"/`+apiID+`/","target_url":"http://up.test"}`+more+`}}`),
		)
		require.NoError(t, s.store.Apis.Create(t.Context(), a))
		return a
	}
	foreign := put(other, "secret", "Our Pets", "")
	own := put(org, "own", "Our Pets #demo", "")
	put(
		org,
		"a",
		"A",
		`,"x-loops":["tyk://own/x","TYK://Our-Pets?y","tyk://`+own.ID+`","tyk:\/\/secret/x","tyk://`+foreign.ID+`/","tyk://self/z","tyk://nobody"],`+
			`"definition":{"enabled":true,"name":"v1","versions":{"v1":"a","v2":"own","v.3":"secret"}}`,
	)
	plain := put(org, "plain", "Plain", `,"x-number":1.50e3`)

	_, apis := g.load(t)
	got := map[string]string{}
	for _, entry := range apis.get("Message.#.api_definition").Array() {
		got[entry.Get("api_id").Str] = entry.Raw
	}
	require.Len(t, got, 4)
	a := core.Document(got["a"])
	nowhere := "000000000000000000000000"
	require.JSONEq(
		t,
		`["tyk://`+own.ID+`/x","TYK://`+own.ID+`?y","tyk://`+own.ID+`","tyk://`+nowhere+`/x","tyk://`+nowhere+`/","tyk://self/z","tyk://`+nowhere+`"]`,
		a.Get("x-loops").Raw,
	)
	require.JSONEq(t, `{"v1":"a","v2":"own","v.3":"`+nowhere+`"}`, a.Get("definition.versions").Raw)
	require.Equal(t, plain.Definition.Get("api_definition").Raw, got["plain"], "what does not loop is sent word for word")
}

func TestAnApiWhoseRequestsWouldEndNowhereIsToldWithoutItsTarget(t *testing.T) {
	t.Parallel()
	s := newServer(t, openEngine(t))
	g := newGateway(s)
	g.register(t)
	put := func(apiID, target, more string) {
		t.Helper()
		require.NoError(
			t,
			s.store.Apis.Create(
				t.Context(),
				core.NewApi(core.Meta{ID: core.NewID(time.Now()), OrgID: org}, core.Document(`{"api_definition":{"name":"`+apiID+
					`","active":true,"org_id":"`+org+`","api_id":"`+apiID+`","slug":"`+apiID+`","proxy":{"listen_path":"/`+apiID+`/","target_url":"`+target+`"}`+more+`}}`)),
			),
		)
	}
	put("a", "tyk://b/", "")
	put("b", "tyk://c", "")
	put("c", "tyk://a/x", "")
	put("into-it", "tyk://a", "")
	put("base", "http://up.test", `,"definition":{"enabled":true,"name":"v1","versions":{"v1":"base","v2":"v2"}}`)
	put("v2", "tyk://base", "")
	put("fine", "tyk://end/x", "")
	put("end", "http://up.test", "")
	put("to-itself", "tyk://to-itself", "")

	_, apis := g.load(t)
	got := map[string]string{}
	for _, entry := range apis.get("Message.#.api_definition").Array() {
		got[entry.Get("api_id").Str] = entry.Get("proxy.target_url").Str
	}
	const nowhere = "tyk://000000000000000000000000"
	for _, id := range []string{"a", "b", "c", "into-it", "v2"} {
		require.Equal(t, nowhere, got[id], id)
	}
	require.Equal(t, "http://up.test", got["base"])
	require.Regexp(t, `^tyk://[1-9a-f][0-9a-f]{23}/x$`, got["fine"])
	require.NotContains(t, got, "to-itself", "it is kept back altogether")
}
