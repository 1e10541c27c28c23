package rest_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"gatehouse/internal/apptest"
	"gatehouse/internal/core"
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
		"system":     systemCalls,
		"portal":     portalCalls,
	} {
		t.Run(story, func(t *testing.T) {
			t.Parallel()
			srv := apptest.New(
				t,
				apptest.WithEnv("TYK_DB_ENABLEDUPLICATESLUGS=true", "TYK_DB_NODESECRET=the-node-secret"),
				apptest.WithRedis(miniredis.RunT(t).Addr()),
			)
			endsSoon(t, srv)
			kept := map[string]string{"org": srv.OrgID, "user": srv.UserID, "key": srv.AccessKey}
			for _, c := range calls {
				c.play(t, srv, kept)
			}
		})
	}
}

// endsSoon puts a certificate into the organisation that ends in five days.
func endsSoon(t *testing.T, srv *apptest.Server) {
	t.Helper()
	end := time.Now().Add(5*24*time.Hour - time.Minute)
	require.NoError(t, srv.Store.Certificates.Create(t.Context(), &core.Certificate{
		Meta:            core.Meta{ID: srv.OrgID + "c1", OrgID: srv.OrgID},
		CertificateInfo: core.CertificateInfo{NotAfter: &end, Details: core.Document("{}")},
	}))
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
	{client: "the sync tool", what: "sends a policy before the API that it names", method: "POST", path: "/api/portal/policies?accept_additional_properties=true",
		body: `{"name":"Early","active":true,"access_rights":{"later":{"api_id":"later","api_name":"Later","versions":["Default"]}}}`,
		want: wanted{"Status": `"OK"`, "Message": hex24}, keep: map[string]string{"early": "Message"}},
	{client: "the sync tool", what: "sends the API", method: "POST", path: "/api/apis?accept_additional_properties=true",
		body: `{"api_definition":{"api_id":"later","name":"Later","active":true,"proxy":{"listen_path":"/later/","target_url":"http://up.test"}}}`,
		want: wanted{"Status": `"OK"`, "ID": `"later"`}},
	{client: "the sync tool", what: "finds the policy as it sent it", method: "GET", path: "/api/portal/policies/{early}",
		want: wanted{"access_rights.later.api_name": `"Later"`, "_id": `"{early}"`}},
	{client: "a bootstrap script", what: "leaves a listen path to the secrets of gateways", method: "POST", path: "/api/apis", headers: []string{"Authorization: {key}", curl},
		body: `{"api_definition":{"name":"Secret","active":true,"proxy":{"listen_path":"secrets://listen_path","target_url":"secrets://target_url"}}}`,
		want: wanted{"Status": `"OK"`, "Meta": hex24}},
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

var systemCalls = []clientCall{
	{client: "the sync tool", what: "asks for templates before it goes on, whether it uses any or not", method: "GET", path: "/api/assets", want: wanted{"@this": "[]"}},
	{client: "a generated client", what: "asks for templates of one kind", method: "GET", path: "/api/assets/?kind=oas-template", want: wanted{"@this": "[]"}},
	{client: "a generated client", what: "asks for what is no template", method: "GET", path: "/api/assets?kind=other", status: 400, want: wanted{"Status": `"Error"`}},
	{client: "a catalogue plugin", what: "asks for the gateways while there is none", method: "GET", path: "/api/system/nodes",
		want: wanted{"data": `{"nodes":[],"active_node_count":0,"nodes_available":-1,"nodes_remaining":-1,"valid_until":0}`}},
	{client: "a gateway", what: "registers", method: "GET", path: "/register/node", headers: []string{"Authorization: the-node-secret", "X-Tyk-Hostname: edge-1", "X-Tyk-Session-Id: s"},
		want: wanted{"Status": `"OK"`}, keep: map[string]string{"node": "Message.NodeID"}},
	{client: "a catalogue plugin", what: "asks for the gateways", method: "GET", path: "/api/system/nodes",
		want: wanted{"data.nodes": `[{"id":"{node}","hostname":"edge-1"}]`, "data.active_node_count": "1"}},
	{client: "a catalogue plugin", what: "asks what one of them serves", method: "GET", path: "/api/system/node/{node}/edge-1",
		want: wanted{"data.db_app_conf_options": `{"node_is_segmented":false,"tags":[]}`}},
	{client: "a catalogue plugin", what: "asks for one that is gone", method: "GET", path: "/api/system/node/gone/edge-1", status: 404},
	{client: "a catalogue plugin", what: "checks whether it can sign in", method: "GET", path: "/api/system/stats", want: wanted{"status": filled}},
	{client: "a generated client", what: "asks which APIs are in which category", method: "GET", path: "/api/apis/groups", want: wanted{"@this": "{}"}},
	{client: "a generated client", what: "asks what there is to see to", method: "GET", path: "/api/org/notifications?refresh=true",
		want: wanted{"#": "1", "0.topic": `"certificate.expiry"`, "0.kind": `"warning"`, "0.org_id": `"{org}"`, "0.data.cert_id": `"{org}c1"`,
			"0.data.days_remaining": "4", "0.created_at": dated, "0.id": filled, "0.hash": filled, "0.title": filled, "0.message": filled}},
	{client: "a script of an operator", what: "limits an organisation as a whole", method: "POST", path: "/admin/org/keys",
		body: `{"org_id":"{org}","rate":10,"per":60.0,"quota_max":-1,"x_own":1.0}`,
		want: wanted{"key_id": `"{org}"`, "data": `{"org_id":"{org}","rate":10,"per":60.0,"quota_max":-1,"x_own":1.0}`}},
	{client: "a script of an operator", what: "lists the organisations that are limited", method: "GET", path: "/admin/org/keys/", want: wanted{"data.keys": `["{org}"]`, "pages": "1"}},
	{client: "a script of an operator", what: "changes the limits", method: "PUT", path: "/admin/org/keys/{org}?reset_quota=1",
		body: `{"rate":20,"per":60,"quota_max":100}`, want: wanted{"Status": `"OK"`, "Message": `"Key updated"`}},
	{client: "a script of an operator", what: "reads them", method: "GET", path: "/admin/org/keys/{org}", want: wanted{"data.rate": "20", "data.org_id": `"{org}"`}},
	{client: "a script of an operator", what: "moves them to another organisation", method: "PUT", path: "/admin/org/keys/{org}", status: 400,
		body: `{"org_id":"5e9d9544a1dcd60001d0ed20"}`},
	{client: "a script of an operator", what: "sends what gateways cannot read", method: "PUT", path: "/admin/org/keys/{org}", status: 400, body: `{"rate":"many"}`},
	{client: "a script of an operator", what: "takes them away", method: "DELETE", path: "/admin/org/keys/{org}", want: wanted{"Status": `"OK"`}},
	{client: "a script of an operator", what: "asks for what is gone", method: "GET", path: "/admin/org/keys/{org}", status: 404, want: wanted{"Status": `"Error"`}},
	{client: "a script of an operator", what: "changes what is gone", method: "PUT", path: "/admin/org/keys/{org}", status: 404, body: `{"rate":1}`},
	{client: "a script of an operator", what: "names an organisation that is none", method: "POST", path: "/admin/org/keys", status: 404, body: `{"org_id":"5e9d9544a1dcd60001d0ed20"}`},
}

var portalCalls = []clientCall{
	{client: "the operator", what: "looks for the configuration before there is one", method: "GET", path: "/api/portal/configuration",
		status: 404},
	{client: "the operator", what: "reads the catalogue before there is one", method: "GET", path: "/api/portal/catalogue",
		want: wanted{"id": hex24, "org_id": `"{org}"`, "apis": "[]", "email": `""`}, keep: map[string]string{"catalogue": "id"}},
	{client: "a bootstrap script", what: "makes the catalogue, which is there", method: "POST", path: "/api/portal/catalogue/",
		headers: []string{"Authorization: {key}", curl},
		body:    `{"org_id":"{org}"}`, want: wanted{"Status": `"OK"`, "Message": `"{catalogue}"`, "Meta": "null"}},
	{client: "the operator", what: "makes a policy", method: "POST", path: "/api/portal/policies", body: `{"name":"Listed","active":true}`,
		want: wanted{"Message": hex24}, keep: map[string]string{"policy": "Message"}},
	{client: "a bootstrap script", what: "adds an entry for it", method: "PUT", path: "/api/portal/catalogue",
		body: `{"id":"{catalogue}","org_id":"{org}","apis":[{"api_id":"","hasDocumentation":true,"policy_id":"{policy}","name":"A","version":"v2",` +
			`"short_description":"","long_description":"","fields":{},"documentation":"","show":true,"config":{"email":"",` +
			`"key_request_fields":[],"require_key_approval":false,"oauth_usage_limit":-1,"redirect_on_key_request":false,"override":false}}],"email":""}`,
		want: wanted{"Status": `"OK"`, "Message": `"Data updated"`}},
	{client: "the operator", what: "makes the catalogue although it is there", method: "POST", path: "/api/portal/catalogue",
		body: `{"id":"","org_id":"{org}","apis":null,"email":""}`, want: wanted{"Status": `"OK"`, "Message": `"{catalogue}"`}},
	{client: "the operator", what: "looks which entry uses the policy that it deletes", method: "GET", path: "/api/portal/catalogue",
		want: wanted{"id": `"{catalogue}"`, "apis.#": "1", "apis.0.policy_id": `"{policy}"`, "apis.0.config.oauth_usage_limit": "-1"}},
	{client: "the operator", what: "takes the entry out", method: "PUT", path: "/api/portal/catalogue",
		body: `{"id":"{catalogue}","org_id":"{org}","apis":[],"email":""}`, want: wanted{"Status": `"OK"`}},
	{client: "the operator", what: "deletes the policy", method: "DELETE", path: "/api/portal/policies/{policy}", want: wanted{"Status": `"OK"`}},
	{client: "the operator", what: "finds neither", method: "GET", path: "/api/portal/catalogue", want: wanted{"id": `"{catalogue}"`, "apis": "[]"}},
	{client: "the operator", what: "deletes the policy again", method: "DELETE", path: "/api/portal/policies/{policy}", status: 404},
	{client: "an installer", what: "makes the configuration without a body", method: "PUT", path: "/api/portal/configuration",
		want: wanted{"Status": `"OK"`}},
	{client: "a bootstrap script", what: "makes it once more", method: "POST", path: "/api/portal/configuration", body: `{}`,
		want: wanted{"Status": `"OK"`, "Message": hex24}, keep: map[string]string{"configuration": "Message"}},
	{client: "the operator", what: "reads it", method: "GET", path: "/api/portal/configuration",
		want: wanted{"id": `"{configuration}"`, "org_id": `"{org}"`, "signup_fields": "[]", "key_request_fields": "[]"}},
	{client: "the operator", what: "changes it", method: "PUT", path: "/api/portal/configuration",
		body: `{"id":"{configuration}","org_id":"{org}","signup_fields":["Name"],"mail_options":{"mail_from_name":"P","email_copy":{}},` +
			`"dcr_options":{"idp_host":""},"oauth_usage_limit":-1}`, want: wanted{"Message": `"Data updated"`}},
	{client: "an installer", what: "makes it again, without a body, which changes nothing", method: "PUT", path: "/api/portal/configuration/",
		want: wanted{"Status": `"OK"`}},
	{client: "the operator", what: "reads what it wrote", method: "GET", path: "/api/portal/configuration",
		want: wanted{"signup_fields": `["Name"]`, "oauth_usage_limit": "-1"}},
	{client: "an installer", what: "names the host of the portal", method: "PUT", path: "/api/portal/cname", body: `{"CNAME":"portal.local"}`,
		want: wanted{"Status": `"OK"`}},
	{client: "an operator", what: "finds it in the organisation", method: "GET", path: "/admin/organisations/{org}",
		want: wanted{"cname": `"portal.local"`}},
	{client: "an installer", what: "names what is no host", method: "PUT", path: "/api/portal/cname", body: `{"cname":"http://portal.local/"}`, status: 400},
	{client: "an installer", what: "forgets to", method: "PUT", path: "/api/portal/cname", body: `{"name":"portal.local"}`, status: 400},
	{client: "a bootstrap script", what: "documents an API", method: "POST", path: "/api/portal/documentation",
		body: `{"api_id":"","doc_type":"swagger","documentation":"e30="}`, want: wanted{"Status": `"OK"`, "Message": hex24},
		keep: map[string]string{"doc": "Message"}},
	{client: "a bootstrap script", what: "documents a graph", method: "POST", path: "/api/portal/documentation",
		body: `{"api_id":"","doc_type":"graphql","documentation":"graphql"}`, want: wanted{"Status": `"OK"`, "Message": hex24}},
	{client: "the operator", what: "deletes the documentation", method: "DELETE", path: "/api/portal/documentation/{doc}",
		want: wanted{"Message": `"Data deleted"`}},
	{client: "the operator", what: "deletes it again", method: "DELETE", path: "/api/portal/documentation/{doc}", status: 404},
	{client: "a bootstrap script", what: "makes the home page", method: "POST", path: "/api/portal/pages",
		body: `{"is_homepage":true,"template_name":"","title":"Home","slug":"/","fields":{"SubHeading":"x"}}`,
		want: wanted{"Status": `"OK"`, "Message": hex24}, keep: map[string]string{"page": "Message"}},
	{client: "a script", what: "reads a page as a developer", method: "GET", path: "/api/portal/developers/{page}", status: 404},
	{client: "a script", what: "deletes a page as a documentation", method: "DELETE", path: "/api/portal/documentation/{page}", status: 404},
	{client: "a bootstrap script", what: "adds a developer", method: "POST", path: "/api/portal/developers",
		body: `{"email":"Dev@x.test","password":"a-secret-1","org_id":"{org}","sso_key":"k1"}`,
		want: wanted{"Status": `"OK"`, "Message": hex24}, keep: map[string]string{"dev": "Message"}},
	{client: "a bootstrap script", what: "adds the developer again", method: "POST", path: "/api/portal/developers", status: 409,
		body: `{"email":"dev@x.test","password":"a-secret-1"}`, want: wanted{"Status": `"Error"`}},
	{client: "the identity broker", what: "adds one that has no password", method: "POST", path: "/api/portal/developers",
		body: `{"id":"","email":"jo@x.test","date_created":"0001-01-01T00:00:00Z","inactive":false,"org_id":"{org}","keys":null,"subscriptions":null,` +
			`"fields":null,"nonce":"n0","sso_key":"k2"}`, want: wanted{"Status": `"OK"`, "Message": hex24}},
	{client: "the identity broker", what: "finds the developer by its key", method: "GET", path: "/api/portal/developers/ssokey/k1",
		want: wanted{"id": `"{dev}"`, "email": `"dev@x.test"`, "password": missing, "keys": "{}", "nonce": `""`, "date_created": dated}},
	{client: "the identity broker", what: "looks for one who is not there", method: "GET", path: "/api/portal/developers/ssokey/none", status: 404},
	{client: "the identity broker", what: "finds one by the address", method: "GET", path: "/api/portal/developers/email/DEV@x.test",
		want: wanted{"id": `"{dev}"`}},
	{client: "the identity broker", what: "looks for an address that nobody has", method: "GET", path: "/api/portal/developers/email/no@x.test", status: 404},
	{client: "the identity broker", what: "notes a nonce", method: "PUT", path: "/api/portal/developers/{dev}",
		body: `{"id":"{dev}","org_id":"{org}","email":"dev@x.test","sso_key":"k1","nonce":"n"}`, want: wanted{"Message": `"Data updated"`}},
	{client: "a generated client", what: "lists the developers", method: "GET", path: "/api/portal/developers/?p=1",
		want: wanted{"Data.#": "2", "Data.0.nonce": `"n"`, "Data.1.email": `"jo@x.test"`, "Pages": "1"}},
	{client: "a front end", what: "asks for all of it by GraphQL", method: "POST", path: "/graphql", headers: []string{"Authorization: {key}"},
		body: `{"query":"{ portalDocuments(filter: {type: DEVELOPER, q: \"dev@\"}, sort: NAME_DESC) { totalCount nodes { id name documentText organisation { cname } } } ` +
			`portalConfiguration { id } portalCatalogue { id } }"}`,
		want: wanted{"errors": missing, "data.portalDocuments.totalCount": "1", "data.portalDocuments.nodes.0.id": `"{dev}"`,
			"data.portalDocuments.nodes.0.organisation.cname": `"portal.local"`, "data.portalConfiguration.id": `"{configuration}"`,
			"data.portalCatalogue.id": `"{catalogue}"`}},
	{client: "a front end", what: "changes a part of a developer", method: "PATCH", path: "/api/portal/developers/{dev}", body: `{"inactive":true}`,
		want: wanted{"Message": `"Data updated"`}},
	{client: "a front end", what: "reads it", method: "GET", path: "/api/portal/documents/{dev}", want: wanted{"inactive": "true", "nonce": `"n"`}},
	{client: "a front end", what: "makes a page by the common path", method: "POST", path: "/api/portal/documents?type=page",
		body: `{"title":"Second"}`, want: wanted{"Message": hex24}, keep: map[string]string{"second": "Message"}},
	{client: "a front end", what: "makes what there is not", method: "POST", path: "/api/portal/documents?type=poster", body: `{}`, status: 400},
	{client: "a front end", what: "lists everything", method: "GET", path: "/api/portal/documents?p=-1", want: wanted{"Data.#": "7"}},
}
