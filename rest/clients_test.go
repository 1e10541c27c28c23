package rest_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"gatehouse/internal/apptest"
)

// clientCall is a call that a program of others was seen to make, with what it needs of the answer. Names in braces
// stand for what earlier calls kept.
type clientCall struct {
	// client says what kind of program makes it, and what for.
	client, what       string
	method, path, body string
	// headers are sent in the place of the credentials.
	headers []string
	status  int
	// want are values of the answer by their paths; a matcher, or what the value is as JSON.
	want wanted
	// keep are values of the answer that later calls name.
	keep map[string]string
}

type wanted map[string]any

// matcher tells whether a value will do.
type matcher struct {
	name string
	fits func(gjson.Result) bool
}

var (
	hex24   = pattern("24 hex digits", `^[0-9a-f]{24}$`)
	filled  = pattern("a text that is not empty", `.`)
	dated   = pattern("a time", `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d`)
	missing = matcher{"nothing", func(v gjson.Result) bool { return !v.Exists() }}
	list    = matcher{"a list", gjson.Result.IsArray}
	object  = matcher{"an object", gjson.Result.IsObject}
	truth   = matcher{"true or false", gjson.Result.IsBool}
)

func pattern(name, expression string) matcher {
	e := regexp.MustCompile(expression)
	return matcher{name, func(v gjson.Result) bool { return v.Type == gjson.String && e.MatchString(v.Str) }}
}

// TestTheCallsOfOtherProgramsAreAnsweredAsTheyNeed plays what scripts, tools and generated clients ask, in the order in
// which they ask it, on one server for each story.
func TestTheCallsOfOtherProgramsAreAnsweredAsTheyNeed(t *testing.T) {
	for story, calls := range map[string][]clientCall{
		"users":      userCalls,
		"apis":       apiCalls,
		"health":     healthCalls,
		"addressing": addressingCalls,
	} {
		t.Run(story, func(t *testing.T) {
			t.Parallel()
			srv := apptest.New(
				t,
				apptest.WithEnv("TYK_DB_ENABLEDUPLICATESLUGS=true"),
				apptest.WithRedis(miniredis.RunT(t).Addr()),
			)
			kept := map[string]string{"org": srv.OrgID, "user": srv.UserID, "key": srv.AccessKey}
			for _, c := range calls {
				c.play(t, srv, kept)
			}
		})
	}
}

func (c clientCall) play(t *testing.T, srv *apptest.Server, kept map[string]string) {
	t.Helper()
	fill := func(s string) string {
		for name, value := range kept {
			s = strings.ReplaceAll(s, "{"+name+"}", value)
		}
		return s
	}
	headers := make([]string, 0, len(c.headers)+1)
	for _, h := range c.headers {
		headers = append(headers, fill(h))
	}
	switch {
	case headersName(headers, "Authorization"), headersName(headers, "admin-auth"):
	case strings.HasPrefix(c.path, "/admin/"):
		headers = append(headers, "admin-auth: "+apptest.AdminSecret)
	default:
		headers = append(headers, "Authorization: "+srv.AccessKey)
	}
	title := c.client + ": " + c.what
	got := srv.Do(t, c.method, fill(c.path), fill(c.body), headers...)
	status := c.status
	if status == 0 {
		status = http.StatusOK
	}
	require.Equal(t, status, got.Status, "%s: %s", title, got.Body)
	for path, want := range c.want {
		value := got.Get(path)
		if m, ok := want.(matcher); ok {
			assert.True(t, m.fits(value), "%s: %s must be %s, not %s: %s", title, path, m.name, value.Raw, got.Body)
			continue
		}
		assert.Equal(t, fill(want.(string)), value.Raw, "%s: %s in %s", title, path, got.Body)
	}
	for name, path := range c.keep {
		value := got.Get(path)
		require.True(t, value.Exists(), "%s: there is no %s to keep in %s", title, path, got.Body)
		kept[name] = value.String()
	}
}

func headersName(headers []string, name string) bool {
	for _, h := range headers {
		if given, _, _ := strings.Cut(h, ":"); strings.EqualFold(given, name) {
			return true
		}
	}
	return false
}

// recordedUser is an object with the fields of a user as recorded answers have them, and no other: generated clients
// refuse what is not described.
var recordedUser = matcher{"a user of the described fields alone", func(v gjson.Result) bool {
	var names []string
	v.ForEach(func(name, _ gjson.Result) bool { names = append(names, name.Str); return true })
	slices.Sort(names)
	return strings.Join(names, " ") == "access_key active api_model created_at email_address first_name group_id id "+
		"last_login_date last_name org_id password_max_days password_updated user_permissions"
}}

const curl = "Content-Type: application/x-www-form-urlencoded"

var userCalls = []clientCall{
	{client: "a bootstrap script", what: "waits until the server answers", method: "GET", path: "/admin/organisations/",
		want: wanted{"organisations": list}},
	{client: "a bootstrap script", what: "makes an organisation", method: "POST", path: "/admin/organisations/",
		body: `{"owner_name":"Acme","owner_slug":"default","cname_enabled":true,"cname":""}`, headers: []string{curl},
		want: wanted{"Status": `"OK"`, "Message": `"Org created"`, "Meta": hex24}, keep: map[string]string{"acme": "Meta"}},
	{client: "the test suite of a user interface", what: "makes another with the same short name", method: "POST", path: "/admin/organisations",
		body: `{"owner_name":"Other","owner_slug":"default"}`, want: wanted{"Meta": hex24}, keep: map[string]string{"other": "Meta"}},
	{client: "a bootstrap script", what: "makes the first user, with a password", method: "POST", path: "/admin/users",
		body: `{"org_id":"{acme}","first_name":"Ada","last_name":"L","email_address":"ada@acme.test","password":"not-this-one","active":true,` +
			`"user_permissions":{"IsAdmin":"admin"}}`, headers: []string{curl},
		want: wanted{"Status": `"OK"`, "Message": filled, "Meta.id": hex24, "Meta": recordedUser},
		keep: map[string]string{"ada": "Meta.id", "ada key": "Message"}},
	{client: "a bootstrap script", what: "sets the password of that user, which has none yet", method: "POST",
		path: "/api/users/{ada}/actions/reset", headers: []string{"Authorization: {ada key}", curl},
		body: `{"new_password":"a-password-1","user_permissions":{"IsAdmin":"admin"}}`,
		want: wanted{"Status": `"OK"`, "Message": `"User password updated"`, "Meta": `""`}},
	{client: "a bootstrap script", what: "changes it, with the one before", method: "POST",
		path: "/api/users/{ada}/actions/reset", headers: []string{"Authorization: {ada key}"},
		body: `{"new_password":"a-password-2","current_password":"a-password-1","user_permissions":{"IsAdmin":"admin"}}`,
		want: wanted{"Status": `"OK"`}},
	{client: "a bootstrap script", what: "makes a user again", method: "POST", path: "/admin/users", status: 403,
		body: `{"org_id":"{acme}","email_address":"ADA@acme.test","active":true,"user_permissions":{"IsAdmin":"admin"}}`,
		want: wanted{"Status": `"Error"`, "Message": filled}},
	{client: "a bootstrap script", what: "makes a user with that address in another organisation", method: "POST", path: "/admin/users",
		body: `{"org_id":"{other}","email_address":"ada@acme.test","active":true,"user_permissions":{"IsAdmin":"admin"}}`,
		want: wanted{"Message": filled}},
	{client: "a generated client", what: "makes a user", method: "POST", path: "/api/users",
		headers: []string{"Authorization: Bearer {ada key}", "Content-Type: application/json"},
		body:    `{"first_name":"Jo","last_name":"Doe","email_address":"Jo.Doe@Acme.test","active":true,"user_permissions":{"apis":"read"}}`,
		want:    wanted{"Status": `"OK"`, "Message": `"User and session have been created"`, "Meta": hex24}, keep: map[string]string{"jo": "Meta"}},
	{client: "a generated client", what: "reads it", method: "GET", path: "/api/users/{jo}", headers: []string{"Authorization: Bearer {ada key}"},
		want: wanted{"@this": recordedUser, "email_address": `"jo.doe@acme.test"`,
			"id": `"{jo}"`, "org_id": `"{acme}"`, "last_login_date": dated, "password_updated": dated, "created_at": dated,
			"password_max_days": "0", "api_model": object, "user_permissions": `{"apis":"read"}`}},
	{client: "a generated client", what: "reads all users", method: "GET", path: "/api/users?p=1", headers: []string{"authorization: bearer {ada key}"},
		want: wanted{"users.#": "2", "users": each(recordedUser), "pages": "1"}},
	{client: "a generated client", what: "searches users", method: "POST", path: "/api/users/search", headers: []string{"Authorization: Bearer {ada key}"},
		body: `{"filters":{"query":"jo.doe"}}`, want: wanted{"users.#": "1", "users": each(recordedUser)}},
	{client: "a generated client", what: "saves what it read", method: "PUT", path: "/api/users/{jo}", headers: []string{"Authorization: Bearer {ada key}"},
		body: `{"id":"{jo}","org_id":"{acme}","first_name":"Jo","last_name":"Doe","email_address":"jo.doe@acme.test","active":true,"group_id":"",` +
			`"last_login_date":"0001-01-01T00:00:00Z","password_updated":"0001-01-01T00:00:00Z","user_permissions":{"apis":"read"}}`,
		want: wanted{"Status": `"OK"`}},
	{client: "a generated client", what: "reads it as it was, since what the server knows itself is not taken from a client", method: "GET",
		path: "/api/users/{jo}", headers: []string{"Authorization: Bearer {ada key}"}, want: wanted{"@this": recordedUser}},
	{client: "a bootstrap script", what: "lets a user set the passwords of others", method: "PUT", path: "/admin/users/{ada}/actions/allow_reset_passwords",
		want: wanted{"Meta": recordedUser}},
}

var apiCalls = []clientCall{
	{client: "the sync tool's own tests", what: "list the APIs where there are none", method: "GET", path: "/api/apis", want: wanted{"@this": `{"apis":[],"pages":1}`}},
	{client: "the sync tool's own tests", what: "list the policies where there are none", method: "GET", path: "/api/portal/policies",
		want: wanted{"@this": `{"Data":[],"Pages":1}`}},
	{client: "the sync tool", what: "makes an API, and says something that we need not know", method: "POST", path: "/api/apis?accept_additional_properties=true",
		body: `{"api_definition":{"name":"Small","proxy":{"listen_path":"/small/","target_url":"http://up.test"}}}`,
		want: wanted{"Status": `"OK"`, "Meta": hex24, "ID": filled}, keep: map[string]string{"small": "ID", "small db": "Meta"}},
	{client: "a front end", what: "makes one by GraphQL", method: "POST", path: "/graphql/", headers: []string{"Authorization: {key}", curl},
		body: `{"query":"mutation { createApi(input: {name: \"Tiny\", definition: {name: \"Tiny\", proxy: {listen_path: \"/tiny/\"}}}) { id } }"}`,
		want: wanted{"errors": missing, "data.createApi.id": hex24}},
	{client: "a catalogue plugin", what: "reads all APIs, and drops the list when one lacks a field", method: "GET", path: "/api/apis?p=-1",
		want: wanted{"apis.#": "2",
			"apis.#.api_definition.api_id": each(filled), "apis.#.api_definition.name": each(filled), "apis.#.api_definition.active": each(truth),
			"apis.#.api_definition.tags": each(list), "apis.#.api_definition.event_handlers.events": each(object)}},
	{client: "the operator", what: "changes it by the database id", method: "PUT", path: "/api/apis/{small db}",
		body: `{"api_definition":{"id":"{small db}","api_id":"{small}","name":"Small","active":true,"proxy":{"listen_path":"/small/","target_url":"http://up.test"}}}`,
		want: wanted{"Status": `"OK"`}},
	{client: "the sync tool", what: "changes it by the public id", method: "PUT", path: "/api/apis/{small}?accept_additional_properties=true",
		body: `{"api_definition":{"api_id":"{small}","name":"Small","active":true,"proxy":{"listen_path":"/small/","target_url":"http://up.test"}}}`,
		want: wanted{"Status": `"OK"`}},
	{client: "a catalogue plugin", what: "still finds the fields", method: "GET", path: "/api/apis?p=-1",
		want: wanted{"apis.#.api_definition.tags.#": "[0,0]", "apis.#.api_definition.event_handlers.events": each(object)}},
	{client: "the sync tool", what: "asks for an API that is gone", method: "GET", path: "/api/apis/gone", status: 400, want: wanted{"Status": `"Error"`}},
	{client: "the operator", what: "deletes an API that is gone", method: "DELETE", path: "/api/apis/gone", status: 404, want: wanted{"Status": `"Error"`}},
	{client: "the operator", what: "reads a policy that is gone", method: "GET", path: "/api/portal/policies/gone", status: 404},
	{client: "the operator", what: "deletes a policy that is gone", method: "DELETE", path: "/api/portal/policies/gone", status: 404},
}

// each wants a list of values, every one of which fits.
func each(m matcher) matcher {
	return matcher{"a list, each of it " + m.name, func(v gjson.Result) bool {
		for _, one := range v.Array() {
			if !m.fits(one) {
				return false
			}
		}
		return v.IsArray() && len(v.Array()) > 0
	}}
}

var healthCalls = []clientCall{
	{client: "a collection of requests", what: "asks how the server is", method: "GET", path: "/hello", headers: []string{"Authorization: "},
		want: wanted{"status": `"ok"`, "details.store.status": `"pass"`}},
	{client: "a probe", what: "ends the path with a slash", method: "GET", path: "/hello/", headers: []string{"Authorization: "}, want: wanted{"status": `"ok"`}},
	{client: "the test suite of a user interface", what: "asks with the admin secret", method: "GET", path: "/admin/hello/", want: wanted{"status": `"ok"`}},
	{client: "somebody without the admin secret", what: "asks the same", method: "GET", path: "/admin/hello", headers: []string{"admin-auth: wrong"}, status: 401,
		want: wanted{"Status": `"Error"`}},
}

var addressingCalls = []clientCall{
	{client: "a script", what: "ends a path with a slash before the query", method: "GET", path: "/api/portal/policies/search/?q=x", want: wanted{"Data": list}},
	{client: "a script", what: "ends a path with several", method: "GET", path: "/api/users//?p=1", want: wanted{"users": list}},
	{client: "a generated client", what: "asks by another method", method: "PATCH", path: "/api/users/", status: 405},
	{client: "a script", what: "sends GraphQL as curl does", method: "POST", path: "/graphql/", headers: []string{"AUTHORIZATION: {key}", curl},
		body: `{"query":"{ apis { totalCount } }"}`, want: wanted{"data.apis.totalCount": "0"}},
}
