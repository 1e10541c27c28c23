package web

import (
	"encoding/json"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator"
)

func TestPlaygroundKeepsTheBrowserAtItsOwnServer(t *testing.T) {
	policy := get(Playground(), "/playground", nil).Header().Get("Content-Security-Policy")

	directives := map[string]string{}
	for directive := range strings.SplitSeq(policy, ";") {
		name, sources, _ := strings.Cut(strings.TrimSpace(directive), " ")
		directives[name] = sources
	}
	assert.Equal(t, map[string]string{
		"default-src":     "'self'",
		"style-src":       "'self' 'unsafe-inline'",
		"img-src":         "'self' data:",
		"worker-src":      "'self'",
		"connect-src":     "'self'",
		"object-src":      "'none'",
		"base-uri":        "'none'",
		"form-action":     "'none'",
		"frame-ancestors": "'none'",
	}, directives)
}

func TestPlaygroundServesEveryFileThatItsPageNames(t *testing.T) {
	index, err := fs.ReadFile(playgroundFiles, "playground/dist/index.html")
	if err != nil {
		t.Skip("the playground is not built: run `make web`")
	}
	named := regexp.MustCompile(`(?:src|href)="([^"]+)"`).FindAllSubmatch(index, -1)
	require.NotEmpty(t, named)
	for _, match := range named {
		answer := get(Playground(), string(match[1]), nil)
		assert.Equal(t, http.StatusOK, answer.Code, "%s", match[1])
	}
}

func TestPlaygroundKnowsTheTypeOfEveryFileOfItsBuild(t *testing.T) {
	err := fs.WalkDir(playgroundFiles, "playground/dist", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || entry.Name() == ".keep" {
			return err
		}
		extension := path.Ext(strings.TrimSuffix(name, ".gz"))
		assert.Contains(t, contentTypes, extension, "%s would not be served: add its type", name)
		return nil
	})
	require.NoError(t, err)
}

func TestPlaygroundExamplesFitTheSchema(t *testing.T) {
	schema := loadSchema(t)
	queries, err := filepath.Glob("playground/examples/*.graphql")
	require.NoError(t, err)
	require.NotEmpty(t, queries)
	for _, name := range queries {
		t.Run(filepath.Base(name), func(t *testing.T) {
			text, err := os.ReadFile(name)
			require.NoError(t, err)
			document, problems := gqlparser.LoadQueryWithRules(schema, string(text), nil)
			require.Empty(t, problems)
			require.Len(t, document.Operations, 1, "one tab, one operation")
			operation := document.Operations[0]
			assert.NotEmpty(t, operation.Name, "the name is the title of the tab")

			variables := map[string]any{}
			text, err = os.ReadFile(strings.TrimSuffix(name, ".graphql") + ".variables.json")
			if err == nil {
				require.NoError(t, json.Unmarshal(text, &variables))
			}
			_, err = validator.VariableValues(schema, operation, variables)
			require.NoError(t, err)
			for variable := range variables {
				assert.NotNil(t, operation.VariableDefinitions.ForName(variable), "no variable $%s", variable)
			}
		})
	}
}

func loadSchema(t *testing.T) *ast.Schema {
	t.Helper()
	areas, err := filepath.Glob("../graph/schema/*.graphqls")
	require.NoError(t, err)
	var sources []*ast.Source
	for _, name := range append([]string{"../schema.graphqls"}, areas...) {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		sources = append(sources, &ast.Source{Name: name, Input: string(text)})
	}
	schema, err := gqlparser.LoadSchema(sources...)
	require.NoError(t, err)
	return schema
}
