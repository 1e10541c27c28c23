package rest

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/gorilla/mux"
	"github.com/stretchr/testify/assert"

	"gatehouse/graph"
	"gatehouse/internal/authz"
)

// graphqlOnly are the operations with a path of /api or /admin that no route serves, each with the reason.
var graphqlOnly = map[string]string{
	"explainAccess": "it is ours, and asks about GraphQL as much as about REST",
	"rehearseRules": "it is ours, and shows decisions about both faces",
	"changes":       "a subscription, which needs a connection that stays open; the legacy API has none",
}

var placeholder = regexp.MustCompile(`\{[^}]*\}`)

// plain is a path with the names in it left out, so that two spellings of one path are equal.
func plain(path string) string { return placeholder.ReplaceAllString(path, "{}") }

func TestEveryRouteNamesAnOperationOfTheSchema(t *testing.T) {
	operations := graph.Operations()
	for _, r := range routes() {
		assert.Contains(t, operations, r.operation, "%s %s", r.method, r.path)
	}
}

func TestEveryOperationWithAPathIsServedThere(t *testing.T) {
	served := map[string]string{}
	for _, r := range routes() {
		served[r.method+" "+plain(r.path)] = r.operation
	}
	for name, op := range graph.Operations() {
		for _, path := range []string{op.Path, op.AdminPath} {
			if !strings.HasPrefix(path, "/api/") && !strings.HasPrefix(path, "/admin/") {
				continue
			}
			by, ok := served[op.Method+" "+plain(path)]
			if _, exempt := graphqlOnly[name]; exempt {
				assert.False(t, ok, "%s is served at %s: take it off the list", name, path)
				continue
			}
			assert.Equal(t, name, by, "%s %s must be served, and guarded as the operation that names it", op.Method, path)
		}
	}
}

func TestARouteOfAnotherPathKeepsMethodAndSideOfItsOperation(t *testing.T) {
	operations := graph.Operations()
	for _, r := range routes() {
		op := operations[r.operation]
		if plain(r.path) == plain(op.Path) || plain(r.path) == plain(op.AdminPath) {
			assert.Equal(t, op.Method, r.method, r.path)
			continue
		}
		// The search of users takes its filters in a body.
		if r.method+" "+r.path != "POST /api/users/search" {
			assert.Equal(
				t,
				op.Method == http.MethodGet,
				r.method == http.MethodGet,
				"%s %s reads and %s writes, or the other way round",
				r.method,
				r.path,
				r.operation,
			)
		}
		if strings.HasPrefix(r.path, "/admin/") {
			assert.NotEmpty(
				t,
				op.AdminPath,
				"%s is open to the admin secret at %s, and its operation is not",
				r.operation,
				r.path,
			)
		}
	}
}

func TestNoRouteIsShadowedByAnEarlierOne(t *testing.T) {
	m := mux.NewRouter().UseEncodedPath().SkipClean(true)
	all := routes()
	for _, r := range all {
		m.Path(r.path).Methods(r.method).Name(r.method + " " + r.path)
	}
	for _, r := range all {
		request, err := http.NewRequestWithContext(
			t.Context(),
			r.method,
			placeholder.ReplaceAllString(r.path, "some-id"),
			nil,
		)
		assert.NoError(t, err)
		var match mux.RouteMatch
		if m.Match(request, &match); assert.NotNil(t, match.Route, "%s %s", r.method, r.path) {
			assert.Equal(t, r.method+" "+r.path, match.Route.GetName())
		}
	}
}

func TestPathsAreWrittenInOneWay(t *testing.T) {
	for _, r := range routes() {
		open := graph.Operations()[r.operation].Permission == authz.PermissionOpen // those are for pages
		assert.True(t, open || strings.HasPrefix(r.path, "/api/") || strings.HasPrefix(r.path, "/admin/"), r.path)
		assert.False(t, strings.HasSuffix(r.path, "/"), "%s: trailing slashes are taken off before routing", r.path)
	}
}
