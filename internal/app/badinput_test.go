package app_test

import (
	"context"
	"fmt"
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gatehouse/internal/apptest"
	"gatehouse/store"
)

// refused sends a request that has to be refused with a status and a message that holds a word, and sees to it that
// nothing was written and that the next request is served.
func refused(t *testing.T, srv *apptest.Server, status int, word string, ask func() apptest.Reply) {
	t.Helper()
	before := dumpEverything(t, srv.Store)
	r := ask()
	require.Equal(t, status, r.Status, "%.500s", r.Body)
	require.Contains(t, strings.ToLower(string(r.Body)), strings.ToLower(word))
	same(t, before, dumpEverything(t, srv.Store), "a refused request changed something")
	require.Equal(t, 200, srv.REST(t, "GET", "/api/users/me", "").Status)
}

// writes are the endpoints that take a document, on an object of the visitor's kind each.
func writes(v tenant) [][2]string {
	return [][2]string{
		{
			"POST",
			"/api/apis",
		}, {"PUT", "/api/apis/" + v.api}, {"PATCH", "/api/apis/" + v.api}, {"PUT", "/api/apis/" + v.api + "/access"},
		{
			"POST",
			"/api/portal/policies",
		}, {"PUT", "/api/portal/policies/" + v.policy}, {"PATCH", "/api/portal/policies/" + v.policy},
		{
			"POST",
			"/api/keys",
		}, {"POST", "/api/keys/preview"}, {"POST", "/api/keys/custom"}, {"PUT", "/api/keys/" + v.token}, {"POST", "/api/apis/keys/basic/jo"},
		{"POST", "/api/users"}, {"PUT", "/api/users/" + v.userID}, {"POST", "/api/users/search"},
		{"POST", "/api/hooks"}, {"PUT", "/api/hooks/" + v.webhook},
		{
			"POST",
			"/admin/users",
		}, {"PUT", "/admin/users/" + v.userID}, {"POST", "/admin/organisations"}, {"PUT", "/admin/organisations/" + v.id},
		{"POST", "/admin/organisations/import"}, {"POST", "/admin/apis/import"}, {"POST", "/admin/policies/import"},
	}
}

func TestABodyThatIsNoObjectIsRefusedEverywhere(t *testing.T) {
	t.Parallel()
	srv := apptest.New(t)
	v := furnish(t, srv, visitorName)
	srv.AccessKey = v.accessKey
	for _, body := range []struct{ name, text, word string }{
		{"nothing", "", "empty"},
		{"white space", " \n", "empty"},
		{"half an object", `{"name":`, "syntax"},
		{"an object and more", `{"name":"x"} {}`, "syntax"},
		{"an array", `[]`, "must start with {"},
		{"a text", `"name"`, "must start with {"},
		{"null", `null`, "must start with {"},
		{"a number that JSON does not know", `{"a":NaN}`, "syntax"},
		{"a comma too many", `{"a":1,}`, "syntax"},
		{"bytes that are no UTF-8", "{\"name\":\"\xff\xfe\"}", "utf-8"},
		{"a NUL byte", "{\"name\":\"\x00\"}", "syntax"},
		{"a byte order mark", "\ufeff{}", "syntax"},
		{"a name twice", `{"name":"a","name":"b"}`, "twice"},
		{"a name twice, once in escapes", `{"name":"a","n\u0061me":"b"}`, "twice"},
		{"a name twice, deep", `{"x":[{"y":{"n":1,"n":2}}]}`, "twice"},
		{"10,000 levels of arrays", `{"a":` + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000) + "}", "deeper than"},
		{"10,000 levels of objects", strings.Repeat(`{"a":`, 10_000) + "1" + strings.Repeat("}", 10_000), "deeper than"},
		{"10,000 levels that never close", strings.Repeat(`{"a":`, 10_000), "deeper than"},
	} {
		t.Run(body.name, func(t *testing.T) {
			before := dumpEverything(t, srv.Store)
			for _, w := range writes(v) {
				r := srv.REST(t, w[0], w[1], body.text)
				require.Contains(t, []int{400, 403}, r.Status, "%s %s: %.300s", w[0], w[1], r.Body)
				require.Equal(t, "Error", r.Get("Status").Str)
				require.Contains(t, strings.ToLower(r.Get("Message").Str), body.word, "%s %s", w[0], w[1])
			}
			if !strings.HasPrefix(body.name, "bytes") && body.name != "a NUL byte" { // which JSON variables cannot hold
				for _, query := range []string{`mutation($doc: JSON) { createApi(input: {definition: $doc}) { id } }`, `mutation($doc: JSON) { createPolicy(input: {document: $doc}) { id } }`,
					`mutation($doc: JSON) { createKey(input: {session: $doc}) { token } }`, `mutation($doc: JSON) { createUser(input: {document: $doc}) { id } }`,
					`mutation($doc: JSON) { createWebhook(input: {document: $doc}) { id } }`} {
					r := srv.GraphQL(t, query, map[string]any{"doc": body.text})
					require.Equal(t, "MALFORMED", r.Get("errors.0.extensions.code").Str, "%s: %.300s", query, r.Body)
					require.Contains(t, strings.ToLower(r.Get("errors.0.message").Str), body.word)
				}
			}
			same(t, before, dumpEverything(t, srv.Store), "a refused request changed something")
		})
	}
}

func TestAFieldOfAnotherTypeIsRefused(t *testing.T) {
	t.Parallel()
	srv := apptest.New(t)
	v := furnish(t, srv, visitorName)
	srv.AccessKey = v.accessKey
	texts, numbers, flags, objects, lists := []string{
		`1`,
		`true`,
		`{}`,
		`[]`,
	}, []string{
		`"1"`,
		`true`,
		`{}`,
		`[]`,
	}, []string{
		`"true"`,
		`1`,
		`{}`,
		`[]`,
	},
		[]string{
			`"x"`,
			`1`,
			`true`,
			`[]`,
		}, []string{
			`"x"`,
			`1`,
			`{}`,
			`[1]`,
			`["a",null]`,
		}
	for _, tc := range []struct {
		method, path, document string
		fields                 map[string][]string
	}{
		{"POST", "/api/apis", `{"api_definition":{"name":"n","proxy":{"listen_path":"/n/"},%s}}`, map[string][]string{"id": texts, "api_id": texts, "org_id": texts,
			"slug": texts, "domain": texts, "protocol": texts, "listen_port": numbers, "active": flags, "internal": flags, "use_keyless": flags,
			"version_data": objects, "event_handlers": objects, "tags": lists, "definition": objects, "graphql": objects}},
		{"POST", "/api/apis", `{"api_definition":{"name":"n","proxy":{%s}}}`, map[string][]string{"listen_path": texts, "target_url": texts, "strip_listen_path": flags}},
		{"POST", "/api/apis", `{"api_definition":{"name":"n","proxy":{"listen_path":"/n/"}},%s}`, map[string][]string{"hook_references": {`"x"`, `1`, `{}`}, "user_owners": lists, "user_group_owners": lists, "categories": lists}},
		{"POST", "/api/apis", `{%s}`, map[string][]string{"api_definition": {`"x"`, `1`, `[]`, `null`}}},
		{"POST", "/api/portal/policies", `{"name":"n",%s}`, map[string][]string{"org_id": texts, "active": flags, "is_inactive": flags, "state": texts, "rate": numbers, "per": numbers,
			"quota_max": numbers, "quota_renewal_rate": numbers, "key_expires_in": numbers, "access_rights": objects, "hmac_enabled": flags, "tags": lists, "partitions": objects, "meta_data": objects}},
		{"POST", "/api/keys", `{"access_rights":{"` + v.apiID + `":{}},%s}`, map[string][]string{"org_id": texts, "alias": texts, "rate": numbers, "per": numbers, "expires": numbers, "quota_max": numbers,
			"apply_policies": lists, "apply_policy_id": texts, "tags": lists, "is_inactive": flags, "basic_auth_data": objects, "meta_data": objects}},
		{"POST", "/api/keys", `{%s}`, map[string][]string{"access_rights": objects}},
		{"POST", "/api/users", `{"email_address":"n@x.test","user_permissions":{"apis":"read"},%s}`, map[string][]string{"id": texts, "org_id": texts, "first_name": texts, "last_name": texts, "active": flags, "group_id": texts, "password": texts}},
		{"POST", "/api/users", `{%s}`, map[string][]string{"email_address": texts}},
		{"POST", "/api/users", `{"email_address":"n@x.test",%s}`, map[string][]string{"user_permissions": objects}},
		{"POST", "/api/hooks", `{"name":"n","method":"GET","target_path":"http://x.test",%s}`, map[string][]string{"id": texts, "org_id": texts, "webhook_id": texts, "template_path": texts, "header_map": objects, "event_timeout": numbers}},
		{"POST", "/admin/organisations", `{"owner_name":"n","owner_slug":"n",%s}`, map[string][]string{"id": texts, "cname": texts, "cname_enabled": flags, "apis": {`"x"`, `1`, `{}`}, "event_options": objects, "hybrid_enabled": flags}},
	} {
		for _, field := range sortedKeys(tc.fields) {
			t.Run(tc.path+" "+field, func(t *testing.T) {
				for _, value := range tc.fields[field] {
					refused(t, srv, 400, field, func() apptest.Reply {
						return srv.REST(t, tc.method, tc.path, fmt.Sprintf(tc.document, fmt.Sprintf("%q:%s", field, value)))
					})
				}
			})
		}
	}
}

func TestWhatIsMissingOrWrongIsNamed(t *testing.T) {
	t.Parallel()
	srv := apptest.New(t)
	v := furnish(t, srv, visitorName)
	srv.AccessKey = v.accessKey
	served := srv.REST(
		t,
		"POST",
		"/api/apis",
		`{"api_definition":{"name":"the one served","active":true,"proxy":{"listen_path":"/served/"}}}`,
	)
	require.Equal(t, 200, served.Status, "%s", served.Body)
	long := strings.Repeat("x", 5000)
	for _, tc := range []struct {
		name, method, path, body string
		status                   int
		word                     string
	}{
		{"an API without a name", "POST", "/api/apis", `{"api_definition":{"proxy":{"listen_path":"/x/"}}}`, 400, "api_definition.name is required"},
		{"an API with a name of spaces", "POST", "/api/apis", `{"api_definition":{"name":"  "}}`, 400, "api_definition.name is required"},
		{"an API with NUL in its name", "POST", "/api/apis", `{"api_definition":{"name":"a\u0000b"}}`, 400, "control characters"},
		{"an API with a very long name", "POST", "/api/apis", `{"api_definition":{"name":"` + long + `"}}`, 400, "at most 255"},
		{"an API with a listen path that is none", "POST", "/api/apis", `{"api_definition":{"name":"n","proxy":{"listen_path":"x"}}}`, 400, "start with /"},
		{"an API with an id that is none", "POST", "/api/apis", `{"api_definition":{"name":"n","id":"x"}}`, 400, "24 lower-case hex"},
		{"an API with another spelling of org_id", "POST", "/api/apis", `{"api_definition":{"name":"n","ORG_ID":"x"}}`, 400, "must be spelled"},
		{"an API with another spelling of api_id", "POST", "/api/apis", `{"api_definition":{"name":"n","Api_Id":"x"}}`, 400, "must be spelled"},
		{"an API with another spelling of listen_path", "POST", "/api/apis", `{"api_definition":{"name":"n","proxy":{"Listen_Path":"/x/"}}}`, 400, "must be spelled"},
		{"an API with a public id that is taken", "POST", "/api/apis", `{"api_definition":{"name":"n","api_id":"` + v.apiID + `"}}`, 409, "same id"},
		{"an API with a database id that is taken", "POST", "/api/apis", `{"api_definition":{"name":"n","id":"` + v.api + `"}}`, 409, "same id"},
		{"an API with an address that gateways cannot read", "POST", "/api/apis", `{"api_definition":{"name":"n","enable_ip_whitelisting":true,"allowed_ips":["1.2.3.4.5"]}}`, 400, "allowed_ips[0] must be an ip address"},
		{"an API with a slug that is taken", "POST", "/api/apis", `{"api_definition":{"name":"n","slug":"visitor-slug"}}`, 409, "visitor api"},
		{"an API with a listen path that is taken", "POST", "/api/apis", `{"api_definition":{"name":"n","active":true,"proxy":{"listen_path":"/served"}}}`, 409, "the one served"},
		{"a policy without a name", "POST", "/api/portal/policies", `{"rate":1}`, 400, "name is required"},
		{"a policy with a name that is taken", "POST", "/api/portal/policies", `{"name":"visitor policy"}`, 400, "unique policy name"},
		{"a policy with an unknown state", "POST", "/api/portal/policies", `{"name":"n","state":"asleep"}`, 400, "active, draft or deny"},
		{"a policy with another spelling of org_id", "POST", "/api/portal/policies", `{"name":"n","ORG_ID":"x"}`, 400, "must be spelled"},
		{"a key without rights", "POST", "/api/keys", `{"alias":"x"}`, 400, "access_rights"},
		{"a key for an unknown policy", "POST", "/api/keys", `{"apply_policies":["nope"]}`, 400, "nope"},
		{"a key with another spelling of org_id", "POST", "/api/keys", `{"access_rights":{"` + v.apiID + `":{}},"Org_Id":"x"}`, 400, "must be spelled"},
		{"a key with a long s in access_rights", "POST", "/api/keys", `{"access_rights":{"` + v.apiID + `":{}},"acceſs_rights":{"x":{}}}`, 400, "must be spelled"},
		{"a custom key with a NUL byte", "POST", "/api/keys/a%00b", `{"access_rights":{"` + v.apiID + `":{}}}`, 400, "printable"},
		{"a custom key with a very long name", "POST", "/api/keys/" + long, `{"access_rights":{"` + v.apiID + `":{}}}`, 400, "1 to 120"},
		{"a basic-auth user without a password", "POST", "/api/apis/keys/basic/jo", `{"access_rights":{"` + v.apiID + `":{}}}`, 400, "password is required"},
		{"a user without an address", "POST", "/api/users", `{"user_permissions":{"apis":"read"}}`, 400, "email_address"},
		{"a user with an address that is none", "POST", "/api/users", `{"email_address":"jo","user_permissions":{"apis":"read"}}`, 400, "jo@example.org"},
		{"a user with an unknown level", "POST", "/api/users", `{"email_address":"n@x.test","user_permissions":{"apis":"own"}}`, 400, "admin, write, read or deny"},
		{"a user without permissions", "POST", "/api/users", `{"email_address":"n@x.test"}`, 400, "at least one permission"},
		{"a user with an address that is taken", "POST", "/api/users", `{"email_address":"JO@visitor.test","user_permissions":{"apis":"read"}}`, 403, "already exists"},
		{"a user with another spelling of org_id", "POST", "/api/users", `{"email_address":"n@x.test","user_permissions":{"apis":"read"},"ORG_ID":""}`, 400, "must be spelled"},
		{"a webhook with an unknown method", "POST", "/api/hooks", `{"name":"n","method":"FETCH","target_path":"http://x.test"}`, 400, "GET, POST, PUT"},
		{"a webhook without a target", "POST", "/api/hooks", `{"name":"n","method":"GET"}`, 400, "target_path"},
		{"a webhook with a line break in a header", "POST", "/api/hooks", `{"name":"n","method":"GET","target_path":"http://x.test","header_map":{"a":"b\r\nc"}}`, 400, "line breaks"},
		{"an organisation without a name", "POST", "/admin/organisations", `{}`, 400, "owner_name is required"},
		{"an import of what is no list", "POST", "/admin/apis/import", `{"apis":{}}`, 403, "array"},
		{"an import with one that is wrong", "POST", "/admin/apis/import", `{"apis":[{"api_definition":{"name":"n","org_id":"` + v.id + `"}},{"api_definition":{"org_id":"` + v.id + `"}}]}`, 400, "apis[1]"},
		{"an import into no organisation", "POST", "/admin/policies/import", `{"Data":[{"name":"n","org_id":"5e9d9544a1dcd60001d0ed20"}]}`, 400, "no organisation"},
		{"a page that is no number", "GET", "/api/apis?p=abc", "", 400, "whole number"},
		{"a page that is very far away", "GET", "/api/apis?p=99999999999999999999", "", 400, "whole number"},
		{"a page that is too large", "GET", "/api/apis?page_size=1000000", "", 400, "page_size must be"},
		{"a sort by what does not exist", "GET", "/api/apis?sort=price", "", 400, "sort must be"},
		{"an unknown kind of API", "GET", "/api/apis?api_type=soap", "", 400, "api_type must be"},
		{"an unknown API", "GET", "/api/apis/nope", "", 400, "could not retrieve"},
		{"an API with a NUL byte in its id", "GET", "/api/apis/a%00b", "", 400, "could not retrieve"},
		{"an API with a slash in its id", "GET", "/api/apis/a%2Fb", "", 400, "could not retrieve"},
		{"an API with a very long id", "GET", "/api/apis/" + long, "", 400, "could not retrieve"},
		{"an API with letters outside ASCII in its id", "GET", "/api/apis/%E2%82%AC%FF", "", 400, "could not retrieve"},
		{"an unknown policy", "DELETE", "/api/portal/policies/nope%00", "", 404, "could not retrieve"},
		{"an unknown key", "GET", "/api/keys/" + long, "", 404, "could not retrieve"},
		{"an unknown user", "PUT", "/api/users/nope", `{"first_name":"x"}`, 400, "does not exist"},
		{"an unknown webhook", "DELETE", "/api/hooks/nope", "", 404, "could not retrieve"},
		{"an unknown organisation", "GET", "/admin/organisations/nope", "", 404, "could not retrieve"},
		{"an unknown endpoint", "GET", "/api/nope", "", 404, "no such endpoint"},
		{"an endpoint that does not take the method", "DELETE", "/api/apis", "", 405, "method"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			refused(t, srv, tc.status, tc.word, func() apptest.Reply { return srv.REST(t, tc.method, tc.path, tc.body) })
		})
	}
	for _, header := range []string{"abc", `"x"`, "99999999999999999999", "1,2"} {
		r := srv.Do(
			t,
			"PUT",
			"/api/apis/"+v.api,
			`{"api_definition":{"name":"n"}}`,
			"Authorization: "+v.accessKey,
			"If-Match: "+header,
		)
		require.Equal(t, 400, r.Status, "If-Match: %s: %s", header, r.Body)
		require.Contains(t, string(r.Body), "If-Match")
	}
	for _, key := range []string{"a\x00b", long, "Bearer", "Bearer \xff", "\u20ac"} {
		r := srv.Do(t, "GET", "/api/apis", "", "Authorization: "+key)
		require.Equal(t, 401, r.Status, "%.40q: %s", key, r.Body)
	}
	require.Equal(
		t,
		200,
		srv.REST(t, "GET", "/api/apis?p=1&q=a%00b%ff&category=%00", "").Status,
		"a search finds nothing, and fails at nothing",
	)
}

func TestABodyOf20MegabytesIsRefusedOnBothFaces(t *testing.T) {
	t.Parallel()
	srv := apptest.New(t)
	large := `{"name":"` + strings.Repeat("x", 20<<20) + `"}`
	for _, path := range []string{"/api/apis", "/api/portal/policies", "/api/keys", "/api/users", "/api/hooks", "/admin/organisations", "/admin/apis/import", "/graphql"} {
		for _, announced := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s with its size announced: %t", path, announced), func(t *testing.T) {
				refused(t, srv, 413, "too large", func() apptest.Reply {
					body := io.Reader(strings.NewReader(large))
					if !announced {
						body = struct{ io.Reader }{body}
					}
					r := httptest.NewRequestWithContext(context.Background(), "POST", path, body)
					r.Header.Set("Authorization", srv.AccessKey)
					r.Header.Set("admin-auth", apptest.AdminSecret)
					r.Header.Set("Content-Type", "application/json")
					w := httptest.NewRecorder()
					srv.Handler.ServeHTTP(w, r)
					return apptest.Reply{Status: w.Code, Body: w.Body.Bytes()}
				})
			})
		}
	}
}

func TestATextWithNULIsKeptWhereItMayStand(t *testing.T) {
	t.Parallel()
	onEveryEngine(t, func(t *testing.T, e store.Engine) {
		srv := apptest.New(t, apptest.WithEngine(e))
		made := srv.REST(
			t,
			"POST",
			"/api/portal/policies",
			`{"name":"n","tags":["a\u0000b","`+strings.Repeat("é", 300)+`"],"meta_data":{"\u0000":"\u0000"}}`,
		)
		require.Equal(t, 200, made.Status, "%s", made.Body)
		r := srv.REST(t, "GET", "/api/portal/policies/"+made.Get("Message").Str, "")
		require.Equal(t, "a\x00b", r.Get("tags.0").Str)
		require.Contains(t, string(r.Body), `{"\u0000":"\u0000"}`)
		found := srv.GraphQL(t, `query { policies(filter: {tag: "a\u0000b"}) { totalCount } }`, nil)
		require.EqualValues(t, 1, found.Get("data.policies.totalCount").Int(), "%s", found.Body)
	})
}
