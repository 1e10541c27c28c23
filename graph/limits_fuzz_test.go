package graph_test

import (
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2"

	"gatehouse/graph"
	"gatehouse/graph/generated"
)

// FuzzLimits measures whatever query the schema takes: it ends, soon, and the same query is judged the same.
func FuzzLimits(f *testing.F) {
	for _, query := range []string{
		`{ version }`, `{ apis { nodes { organisation { apis { nodes { id } } } } } }`, `{ a: version b: version c: version }`,
		`query($n: Int) { apis(first: $n) { nodes { ...f } } } fragment f on Api { id ...g } fragment g on Api { name: slug }`,
		`{ apis { nodes { ...a ...a ...a } } } fragment a on Api { ...b ...b ...b } fragment b on Api { ...c ...c ...c } fragment c on Api { x: id }`,
		`{ __schema { types { fields { type { ofType { ofType { ofType { name } } } } } } } }`, `mutation { reload }`, `subscription { changes { id } }`,
	} {
		f.Add(query, 3, 2)
	}
	schema := generated.NewExecutableSchema(generated.Config{}).Schema()
	f.Fuzz(func(t *testing.T, query string, depth, aliases int) {
		if len(query) > 4096 {
			return
		}
		doc, err := gqlparser.LoadQueryWithRules(schema, query, nil)
		if err != nil {
			return
		}
		limits := graph.Limits{Depth: depth, Aliases: aliases}
		for _, op := range doc.Operations {
			start := time.Now()
			first := limits.MutateOperationContext(t.Context(), &graphql.OperationContext{Doc: doc, Operation: op})
			require.Less(t, time.Since(start), 5*time.Second)
			again := limits.MutateOperationContext(t.Context(), &graphql.OperationContext{Doc: doc, Operation: op})
			require.Equal(t, first == nil, again == nil)
			if first != nil {
				require.Equal(t, "LIMIT", first.Extensions["code"])
			}
			require.Nil(t, graph.Limits{}.MutateOperationContext(t.Context(), &graphql.OperationContext{Doc: doc, Operation: op}), "0 is no limit")
		}
	})
}
