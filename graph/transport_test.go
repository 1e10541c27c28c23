package graph_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/apptest"
)

const createHook = `mutation { createWebhook(input: {name: "Told", method: POST, targetPath: "http://told.test"}) { id revision } }`

func get(query string, variables string) string {
	return "/graphql?" + url.Values{"query": {query}, "variables": {variables}}.Encode()
}

func TestPOSTAnswersQueriesAndMutations(t *testing.T) {
	s := apptest.New(t)
	r := s.GraphQL(t, createHook, nil)
	require.Equal(t, 200, r.Status, "%s", r.Body)
	id := r.Get("data.createWebhook.id").Str
	assert.Equal(t, int64(1), r.Get("data.createWebhook.revision").Int())
	r = s.GraphQL(t, `query One($id: ID!) { webhook(id: $id) { name } } query Two { version }`, map[string]any{"id": id})
	assert.NotEqual(t, 200, r.Status, "which of two operations is meant must be said")
	body, err := json.Marshal(map[string]any{"operationName": "One", "variables": map[string]any{"id": id},
		"query": `query One($id: ID!) { webhook(id: $id) { name } } query Two { version }`})
	require.NoError(t, err)
	r = s.Do(
		t,
		"POST",
		"/graphql",
		string(body),
		"Authorization: Bearer "+s.AccessKey,
		"Content-Type: application/json; charset=utf-8",
	)
	assert.JSONEq(t, `{"data":{"webhook":{"name":"Told"}}}`, string(r.Body))
}

func TestGETAnswersQueries(t *testing.T) {
	s := apptest.New(t)
	r := s.Do(
		t,
		"GET",
		get(`query($first: Int) { apis(first: $first) { totalCount } }`, `{"first":3}`),
		"",
		"Authorization: "+s.AccessKey,
	)
	assert.Equal(t, 200, r.Status)
	assert.JSONEq(t, `{"data":{"apis":{"totalCount":0}}}`, string(r.Body))
}

func TestGETRefusesMutationsAndChangesNothing(t *testing.T) {
	s := apptest.New(t)
	r := s.Do(t, "GET", get(createHook, ""), "", "Authorization: "+s.AccessKey)
	assert.Equal(t, http.StatusNotAcceptable, r.Status)
	assert.Contains(t, r.Get("errors.0.message").Str, "only allow query operations")
	r = s.GraphQL(t, `{ webhooks { totalCount } }`, nil)
	assert.Equal(t, int64(0), r.Get("data.webhooks.totalCount").Int())
}

func TestRequestsWithoutCredentialsReadTheSchemaAndNothingElse(t *testing.T) {
	s := apptest.New(t)
	for name, c := range map[string]struct {
		query, header string
		status        int
		code          string
	}{
		"the schema":                         {`{ __schema { queryType { name } } }`, "", 200, ""},
		"a query":                            {`{ apis { totalCount } }`, "", 401, "UNAUTHENTICATED"},
		"a mutation":                         {createHook, "", 401, "UNAUTHENTICATED"},
		"the schema with an unknown key":     {`{ __schema { queryType { name } } }`, "Authorization: no-such-key", 401, "UNAUTHENTICATED"},
		"a query with a wrong admin secret":  {`{ organisations { totalCount } }`, "admin-auth: wrong", 401, "UNAUTHENTICATED"},
		"an organisation-level query":        {`{ organisations { totalCount } }`, "Authorization: " + s.AccessKey, 200, "FORBIDDEN"},
		"the same with the admin secret":     {`{ organisations { totalCount } }`, "admin-auth: " + apptest.AdminSecret, 200, ""},
		"a user's query by the admin secret": {`{ apis { totalCount } }`, "admin-auth: " + apptest.AdminSecret, 200, "UNAUTHENTICATED"},
	} {
		t.Run(name, func(t *testing.T) {
			r := s.GraphQL(t, c.query, nil, append([]string{"X-None: "}, c.header)...)
			assert.Equal(t, c.status, r.Status, "%s", r.Body)
			assert.Equal(t, c.code, r.Get("errors.0.extensions.code").Str, "%s", r.Body)
		})
	}
}

func TestABodyThatCannotBeReadIsNamedAndNotRepeated(t *testing.T) {
	s := apptest.New(t)
	r := s.Do(
		t,
		"POST",
		"/graphql",
		`{"variables":{"password":"hunter2"`,
		"Authorization: "+s.AccessKey,
		"Content-Type: application/json",
	)
	assert.Equal(t, "MALFORMED", r.Get("errors.0.extensions.code").Str, "%s", r.Body)
	assert.Contains(t, r.Get("errors.0.message").Str, "could not be decoded")
	assert.NotContains(t, string(r.Body), "hunter2")
}

func TestWhatIsNoOperationIsRefused(t *testing.T) {
	s := apptest.New(t)
	for name, c := range map[string]struct {
		method, target, body, contentType string
		status                            int
	}{
		"a body that is no JSON":      {"POST", "/graphql", `{"query":`, "application/json", 400},
		"a body that is no operation": {"POST", "/graphql", `[]`, "application/json", 400},
		"a query with a syntax error": {"POST", "/graphql", `{"query":"{ apis"}`, "application/json", 422},
		"an unknown field":            {"POST", "/graphql", `{"query":"{ nothing }"}`, "application/json", 422},
		"a form":                      {"POST", "/graphql", "query=%7Bversion%7D", "application/x-www-form-urlencoded", 400},
		"a form in parts":             {"POST", "/graphql", "--x\r\nContent-Disposition: form-data; name=\"operations\"\r\n\r\n{\"query\":\"{ version }\"}\r\n--x--\r\n", "multipart/form-data; boundary=x", 400},
		"variables that are no JSON":  {"GET", get("{ version }", "{"), "", "", 400},
		"a method that GraphQL lacks": {"DELETE", "/graphql", "", "", 400},
	} {
		t.Run(name, func(t *testing.T) {
			r := s.Do(t, c.method, c.target, c.body, "Authorization: "+s.AccessKey, "Content-Type: "+c.contentType)
			assert.Equal(t, c.status, r.Status, "%s", r.Body)
			assert.NotEmpty(t, r.Get("errors.0.message").Str, "%s", r.Body)
			assert.NotContains(t, string(r.Body), `"data":{`)
		})
	}
}

func TestABodyIsReadAsJSONWhateverItSaysItIs(t *testing.T) {
	s := apptest.New(t)
	for _, contentType := range []string{"application/x-www-form-urlencoded", "", "text/plain", "application/json;;", "x"} {
		r := s.Do(
			t,
			"POST",
			"/graphql",
			`{"query":"{ version }"}`,
			"Authorization: "+s.AccessKey,
			"Content-Type: "+contentType,
		)
		assert.Equal(t, 200, r.Status, "%q: %s", contentType, r.Body)
		assert.Equal(t, "test", r.Get("data.version").Str, contentType)
	}
}

func TestABodyThatIsNotReadIsNotRepeatedAndNamesTheFieldAtFault(t *testing.T) {
	s := apptest.New(t)
	r := s.Do(
		t,
		"POST",
		"/graphql",
		`{"query":"{ version }","variables":"hunter2"}`,
		"Authorization: "+s.AccessKey,
		"Content-Type: application/json",
	)
	assert.Equal(t, 400, r.Status)
	assert.Contains(t, r.Get("errors.0.message").Str, "variables cannot be a string")
	assert.NotContains(t, string(r.Body), "hunter2")
}

func TestStrangersMaySendLittle(t *testing.T) {
	s := apptest.New(t, apptest.WithEnv("GATEHOUSE_GRAPHQL_MAXANONYMOUSBODYBYTES=2048"))
	long := `{"query":"{ __typename }","variables":{"x":"` + strings.Repeat("x", 2048) + `"}}`
	for name, c := range map[string]struct {
		header string
		status int
	}{"a stranger": {"X-None: ", 413}, "a user": {"Authorization: " + s.AccessKey, 200}} {
		r := s.Do(t, "POST", "/graphql", long, c.header)
		assert.Equal(t, c.status, r.Status, "%s: %s", name, r.Body)
		if c.status != 200 {
			assert.Equal(t, "TOO_LARGE", r.Get("errors.0.extensions.code").Str)
			assert.Contains(t, r.Get("errors.0.message").Str, "max_anonymous_body_bytes")
		}
	}
}
