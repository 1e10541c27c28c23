package e2e

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"gatehouse/graph/generated"
)

// toGraphs is asked of the APIs of graphs that the story makes, not of Gatehouse.
const toGraphs = "{ a }"

// TestTheStoryAsksWhatTheSchemaHas holds the queries of the story, which is told where there is a gateway alone, to the
// schema everywhere.
func TestTheStoryAsksWhatTheSchemaHas(t *testing.T) {
	t.Parallel()
	schema := generated.NewExecutableSchema(generated.Config{}).Schema()
	files, err := os.ReadDir(".")
	require.NoError(t, err)
	queries := 0
	for _, file := range files {
		if !strings.HasSuffix(file.Name(), ".go") {
			continue
		}
		fset := token.NewFileSet()
		parsed, err := parser.ParseFile(fset, file.Name(), nil, 0)
		require.NoError(t, err)
		ast.Inspect(parsed, func(n ast.Node) bool {
			literal, ok := n.(*ast.BasicLit)
			if !ok || literal.Kind != token.STRING {
				return true
			}
			text, err := strconv.Unquote(literal.Value)
			require.NoError(t, err)
			if query := queryIn(text); query != "" && query != toGraphs {
				queries++
				if _, faults := gqlparser.LoadQueryWithRules(schema, query, rules.NewDefaultRules()); len(faults) > 0 {
					t.Errorf("%s: %s", fset.Position(literal.Pos()), faults)
				}
			}
			return true
		})
	}
	assert.Greater(t, queries, 10)
}

// queryIn is the operation of GraphQL that a text is, or holds as a request does; "" for none.
func queryIn(text string) string {
	text = strings.TrimSpace(text)
	if gjson.Valid(text) {
		text = gjson.Get(text, "query").Str
	}
	for _, start := range []string{"{ ", "query", "mutation", "subscription"} {
		if strings.HasPrefix(text, start) && strings.HasSuffix(text, "}") {
			return text
		}
	}
	return ""
}
