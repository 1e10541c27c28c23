package rest_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/rest"
)

// descriptions are the published descriptions of the legacy API, by the part of it that they describe. They are not
// part of the repository: GATEHOUSE_REFERENCE names the folder that holds them.
var descriptions = map[string]string{"/api/": "dashboard-openapi.yml", "/admin/": "dashboard-admin-openapi.yml"}

// TestTheGoldenFilesFitThePublishedDescription validates every request that the server accepted, and every answer that
// it gave, in the golden files. An operation that is described and served has to turn up in them.
func TestTheGoldenFilesFitThePublishedDescription(t *testing.T) {
	d := loadDescription(t)
	var mu sync.Mutex
	var faults []fault
	validated := map[string]bool{}
	t.Run("files", func(t *testing.T) {
		for _, path := range scripts(t) {
			t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
				t.Parallel()
				s := readScript(t, path)
				exchanges, _ := s.play(t)
				for i, e := range exchanges {
					operation, found := d.validate(t, e)
					mu.Lock()
					if e.reply.Status < 300 {
						validated[operation] = true
					}
					for _, f := range found {
						f.step = path + ": " + s.steps[i].name
						faults = append(faults, f)
					}
					mu.Unlock()
				}
			})
		}
	})
	used := map[int]bool{}
	for _, f := range faults {
		if i := f.exception(); i >= 0 {
			used[i] = true
			continue
		}
		t.Errorf("%s\n%s, status %d, %s: %s", f.step, f.operation, f.status, f.part, f.message)
	}
	for i, e := range exceptions {
		assert.True(t, used[i], "nothing needs this exception any more: %+v", e)
		for _, operation := range e.operations {
			assert.True(t, d.operations[operation], "an exception is about %s, which is not described", operation)
		}
	}
	for _, r := range rest.Routes() {
		operation := r.Method + " " + plainPath(r.Path)
		if d.operations[operation] {
			assert.True(
				t,
				validated[operation],
				"%s %s is described and served, and no golden file shows it at work",
				r.Method,
				r.Path,
			)
		}
	}
}

// fault is where a request or an answer differs from the description.
type fault struct {
	step, operation, part, message string
	status                         int
}

// exception returns the index of the exception that allows a fault, -1 for none.
func (f fault) exception() int {
	for i, e := range exceptions {
		if (e.operations == nil || slices.Contains(e.operations, f.operation)) && e.status == f.status && e.part == f.part &&
			strings.Contains(f.message, e.message) {
			return i
		}
	}
	return -1
}

// description is what the published files say, joined.
type description struct {
	routers    map[string]routers.Router
	operations map[string]bool
}

func loadDescription(t *testing.T) *description {
	t.Helper()
	dir := os.Getenv("GATEHOUSE_REFERENCE")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared", "reference")
	}
	d := &description{routers: map[string]routers.Router{}, operations: map[string]bool{}}
	for prefix, name := range descriptions {
		file := filepath.Join(dir, name)
		if _, err := os.Stat(file); err != nil {
			t.Skipf("the published description %s is not there: set GATEHOUSE_REFERENCE to the folder that holds it", file)
		}
		doc, err := openapi3.NewLoader().LoadFromFile(file)
		require.NoError(t, err)
		doc.Servers = nil // any host
		// Meta is null in the description's own examples, which its schemas do not allow.
		for _, schema := range []string{"ApiResponse", "ApiError"} {
			if s := doc.Components.Schemas[schema]; s != nil {
				s.Value.Properties["Meta"].Value.Nullable = true
			}
		}
		d.routers[prefix], err = gorillamux.NewRouter(doc)
		require.NoError(t, err)
		for path, item := range doc.Paths.Map() {
			for method := range item.Operations() {
				d.operations[method+" "+plainPath(path)] = true
			}
		}
	}
	return d
}

// validate compares an exchange with the description. What the description lacks is no fault: the served extensions are
// ours.
func (d *description) validate(t *testing.T, e exchange) (operation string, faults []fault) {
	t.Helper()
	prefix := "/api/"
	if strings.HasPrefix(e.target, "/admin/") {
		prefix = "/admin/"
	}
	path, query, _ := strings.Cut(e.target, "?")
	request, err := http.NewRequestWithContext(
		t.Context(),
		e.method,
		"http://localhost"+strings.TrimSuffix(path, "/")+"?"+query,
		strings.NewReader(e.body),
	)
	require.NoError(t, err)
	request.Header = e.header.Clone()
	// A body is JSON whatever its header says, unless it is a form; the description wants the header.
	if !strings.HasPrefix(request.Header.Get("Content-Type"), "multipart/") {
		request.Header.Set("Content-Type", "application/json")
	}
	route, params, err := d.routers[prefix].FindRoute(request)
	if err != nil {
		return "", nil
	}
	operation = e.method + " " + plainPath(route.Path)
	options := &openapi3filter.Options{
		AuthenticationFunc:    openapi3filter.NoopAuthenticationFunc,
		IncludeResponseStatus: true,
	}
	in := &openapi3filter.RequestValidationInput{Request: request, PathParams: params, Route: route, Options: options}
	note := func(part string, err error) {
		if err != nil {
			faults = append(faults, fault{operation: operation, part: part, status: e.reply.Status, message: shorten(err)})
		}
	}
	// A request that was refused was wrong on purpose.
	if e.reply.Status < 300 {
		note("request", openapi3filter.ValidateRequest(t.Context(), in))
	}
	note("answer", openapi3filter.ValidateResponse(t.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: e.reply.Status, Header: e.reply.Header, Body: io.NopCloser(bytes.NewReader(e.reply.Body)), Options: options,
	}))
	return operation, faults
}

var pathName = regexp.MustCompile(`\{[^}]*\}`)

// plainPath is a path with the names in it left out.
func plainPath(path string) string { return pathName.ReplaceAllString(path, "{}") }

// shorten keeps what went wrong, and drops the schema and the value behind it.
func shorten(err error) string {
	text, _, _ := strings.Cut(fmt.Sprint(err), "\nSchema:")
	return strings.TrimSpace(text)
}

// exceptions are the differences that stand, each with its argument.
var exceptions = []struct {
	// operations are those that it is about, nil for all.
	operations []string
	status     int
	// part is request or answer; message is a part of what the validation says.
	part, message string
	why           string
}{
	{
		nil,
		412,
		"answer",
		unknownStatus,
		"If-Match is ours: only who sends it gets the status that HTTP has for a stale write",
	},
	{[]string{
		"GET /admin/organisations", "GET /api/apis/{}/keys", "GET /api/portal/policies", "GET /api/users",
	}, 400, "answer", unknownStatus, "the pages of other lists are described with 400; p=abc is the caller's mistake on every list"},
	{[]string{
		"POST /admin/apis/import", "POST /admin/organisations", "POST /admin/organisations/import", "POST /admin/policies/import",
		"POST /admin/users", "POST /api/apis/keys/basic/{}", "POST /api/keys", "POST /api/keys/{}", "POST /api/users/{}/actions/reset",
		"PUT /admin/organisations/{}", "PUT /admin/users/{}", "PUT /api/apis/{}/access", "POST /admin/org/keys", "PUT /admin/org/keys/{}",
	}, 400, "answer", unknownStatus, "a body that is understood and breaks a rule has no answer in the description of these; that of others is 400"},
	{[]string{
		"POST /admin/apis/import", "POST /admin/organisations", "POST /admin/policies/import", "PUT /api/apis/{}",
		"POST /api/apis/oauth/{}",
	}, 409, "answer", unknownStatus, "what is taken has no answer in the description of these; that of POST /api/apis is 409"},
	{
		[]string{"GET /admin/organisations"},
		401,
		"answer",
		unknownStatus,
		"a wrong admin secret is 401 in the description of other operations",
	},
	{[]string{
		"PUT /admin/organisations/{}", "POST /api/users/{}/actions/reset", "DELETE /admin/org/keys/{}",
	}, 404, "answer", unknownStatus, "an unknown id has no answer in the description of these; that of others is 404"},
	{
		[]string{"DELETE /api/usergroups/{}"},
		409,
		"answer",
		unknownStatus,
		"one that is in use is deleted only by who says force=true",
	},
	{
		[]string{"GET /api/audit-logs/{}"},
		200,
		"request",
		`parameter "audit-log-id" in path has an error`,
		"the description says a number, and its own example has 24 hex digits",
	},
	{
		[]string{"POST /api/usergroups"},
		400,
		"answer",
		unknownStatus,
		"what is wrong with a group has no answer in the description; that of other objects is 400",
	},
	{
		[]string{"POST /api/hooks"},
		413,
		"answer",
		unknownStatus,
		"a body over the limit is refused before anybody reads it, on every operation",
	},
	{
		[]string{"GET /api/users/me"},
		200,
		"request",
		`parameter "authorisation" in cookie`,
		"the cookie of a browser; scripts send their access key in the header",
	},
	{
		[]string{"GET /api/portal/policies/search"},
		200,
		"request",
		`parameter "sort"`,
		"the orders of APIs can be turned around with -, so those of policies can, too",
	},
	{
		[]string{"GET /api/certs"},
		200,
		"answer",
		"matches more than one oneOf",
		"neither of the two shapes requires a field, so that each fits the other",
	},
	{
		[]string{"POST /api/certs"},
		200,
		"request",
		"header Content-Type has unexpected value",
		"a certificate is taken as the body, too, as gateways take it",
	},
	{
		[]string{"DELETE /api/certs/{}"},
		409,
		"answer",
		unknownStatus,
		"one that is in use is deleted only by who says force=true",
	},
	{
		[]string{"GET /api/certs/dependencies/{}", "DELETE /api/certs/dependencies/{}"},
		404,
		"answer",
		unknownStatus,
		"an unknown id has no answer in the description of these; that of others is 404",
	},
	{
		[]string{"DELETE /api/cache/jwks/{}"},
		503,
		"answer",
		unknownStatus,
		"when no gateway can be told, success would be a lie",
	},
	{
		[]string{"POST /api/proxy"},
		200,
		"request",
		`Error at "/body": value must be an object`,
		"requests have bodies that are no objects",
	},
	{
		[]string{"POST /api/proxy"},
		200,
		"answer",
		`Error at "/body": value must be an object`,
		"an answer that is no JSON object is shown as it is, as the description's own text says",
	},
	{
		[]string{"GET /api/hooks"},
		200,
		"request",
		`parameter "p" in query has an error: empty value`,
		"a script whose variable is empty gets the first page",
	},
}

// unknownStatus is what the validation says about a status that the operation lacks.
const unknownStatus = "status is not supported"
