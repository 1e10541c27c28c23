package app_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gatehouse/internal/apptest"
)

func TestAQueryThatAsksForTooMuchIsRefused(t *testing.T) {
	t.Parallel()
	srv := apptest.New(t)
	repeated := func(n int, format string) string {
		var out strings.Builder
		for i := range n {
			fmt.Fprintf(&out, format, i, i+1)
		}
		return out.String()
	}
	// A fragment with two aliases a row, used a number of times: 50 aliases are allowed.
	using := func(times, rows int) string {
		return "{ " + strings.Repeat("apis { nodes { ...f } } ", times) + "} fragment f on Api { " +
			repeated(rows, "a%d: id b%d: name ") + "}"
	}
	for _, query := range []string{using(1, 25), using(5, 5)} {
		require.Empty(t, srv.GraphQL(t, query, nil).Get("errors").Raw, "it is the aliases that are too many below")
	}
	for _, tc := range []struct{ name, query, code, word string }{
		{"fields nested too deep", `{ apis { nodes { organisation { apis { nodes { organisation { apis { nodes { organisation { apis { nodes { organisation { apis { nodes { id } } } } } } } } } } } } } } }`, "LIMIT", "deep"},
		{"fields nested too deep in fragments", `{ apis { nodes { ...f0 } } } ` + repeated(8, "fragment f%d on Api { organisation { apis { nodes { id ...f%d } } } } ") + `fragment f8 on Api { id }`, "LIMIT", "deep"},
		{"too many aliases", "{ " + repeated(200, "a%d: version b%d: version ") + "}", "LIMIT", "another name"},
		{"too many aliases in one fragment", using(1, 30), "LIMIT", "another name"},
		{"too many aliases in one fragment used often", using(6, 5), "LIMIT", "another name"},
		{"pages of pages", `{ apis(first: 500) { nodes { policies(first: 500) { nodes { id } } } } }`, "LIMIT", "smaller pages"},
		{"a page that is too large", `{ apis(first: 501) { nodes { id } } }`, "LIMIT", "at most 500"},
		{"a page of nothing", `{ apis(first: 0) { nodes { id } } }`, "INVALID", "at least 1"},
		{"a page of less than nothing", `{ apis(first: -1) { nodes { id } } }`, "INVALID", "at least 1"},
		{"a cursor that is none", `{ apis(after: "x") { nodes { id } } }`, "INVALID", "cursor"},
		{"fragments that use each other", `{ apis { nodes { ...a } } } fragment a on Api { ...b } fragment b on Api { ...a }`, "GRAPHQL_VALIDATION_FAILED", "cannot spread fragment"},
		{"a very long query", "{ " + strings.Repeat("version ", 100_000) + "}", "", "token limit"},
		{"braces that never close", strings.Repeat("{ a ", 19_000), "", ""},
		{"a field that does not exist", `{ nothing }`, "GRAPHQL_VALIDATION_FAILED", "cannot query field"},
		{"an argument of another type", `{ apis(first: "ten") { nodes { id } } }`, "GRAPHQL_VALIDATION_FAILED", "Int"},
		{"no query", ``, "", "no operation"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			before := dumpEverything(t, srv.Store)
			r := srv.GraphQL(t, tc.query, nil)
			require.NotEmpty(t, r.Get("errors").Array(), "%.300s", r.Body)
			if tc.code != "" {
				require.Equal(t, tc.code, r.Get("errors.0.extensions.code").Str, "%.300s", r.Body)
			}
			require.Contains(t, strings.ToLower(r.Get("errors.0.message").Str), strings.ToLower(tc.word))
			same(t, before, dumpEverything(t, srv.Store), "a refused query changed something")
			require.Equal(t, "test", srv.GraphQL(t, `{ version }`, nil).Get("data.version").Str)
		})
	}
}

func TestAGraphQLBodyThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	srv := apptest.New(t)
	for _, body := range []string{``, `null`, `[]`, `"x"`, `{`, `{"query":1}`, `{"query":"{ version }","variables":[]}`, "{\"query\":\"{ version }\xff",
		`[{"query":"{ version }"},{"query":"{ version }"}]`, strings.Repeat("[", 10_000), `{"query":"mutation { reload }","operationName":"other"}`} {
		r := srv.Do(t, "POST", "/graphql", body, "Authorization: "+srv.AccessKey, "Content-Type: application/json")
		require.NotEmpty(t, r.Get("errors").Array(), "%.40s: %d %s", body, r.Status, r.Body)
		require.Less(t, r.Status, 500, "%.40s", body)
		require.NotContains(t, string(r.Body), "Internal error", "%.40s", body)
	}
	r := srv.Do(t, "GET", "/graphql?query=mutation{reload}", "", "admin-auth: "+apptest.AdminSecret)
	require.NotEqual(t, 200, r.Status, "a GET must change nothing: %s", r.Body)
	require.Equal(t, "test", srv.GraphQL(t, `{ version }`, nil).Get("data.version").Str)
}

func TestIntrospectionCanBeSwitchedOff(t *testing.T) {
	t.Parallel()
	for env, open := range map[string]bool{"GATEHOUSE_GRAPHQL_INTROSPECTION=true": true, "GATEHOUSE_GRAPHQL_INTROSPECTION=false": false} {
		srv := apptest.New(t, apptest.WithEnv(env))
		r := srv.GraphQL(t, `{ __schema { types { name } } }`, nil)
		require.Equal(t, open, len(r.Get("data.__schema.types").Array()) > 10, "%s: %.200s", env, r.Body)
	}
}

func TestAnIDThatLooksLikeAPathTemplateIsAnUnknownID(t *testing.T) {
	t.Parallel()
	srv := apptest.New(t)
	for _, id := range []string{"{id}", "{", "}", "{id}{id}", "../{id}", "%s", "", "{{{{", "a/b"} {
		r := srv.GraphQL(
			t,
			`query($id: ID!) { api(id: $id) { id } policy(id: $id) { id } key(id: $id) { id } user(id: $id) { id } webhook(id: $id) { id } }`,
			map[string]any{"id": id},
		)
		require.Empty(t, r.Get("errors").Raw, id)
		require.Equal(t, `{"api":null,"policy":null,"key":null,"user":null,"webhook":null}`, r.Get("data").Raw, id)
	}
}
