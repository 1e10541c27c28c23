package app_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gatehouse/internal/apptest"
	"gatehouse/internal/gateway/gatewaytest"
	"gatehouse/store"
)

func TestAnOrganisationHasNoMoreObjectsThanItMay(t *testing.T) {
	t.Parallel()
	gateway := gatewaytest.New(t)
	srv := apptest.New(
		t,
		apptest.WithEnv(append(
			gateway.Env(),
			"GATEHOUSE_ORGANISATIONLIMITS_APIS=3",
			"GATEHOUSE_ORGANISATIONLIMITS_POLICIES=1",
			"GATEHOUSE_ORGANISATIONLIMITS_KEYS=1",
			"GATEHOUSE_ORGANISATIONLIMITS_USERS=2",
			"GATEHOUSE_ORGANISATIONLIMITS_WEBHOOKS=1",
			"GATEHOUSE_ORGANISATIONLIMITS_CERTIFICATES=1",
			"GATEHOUSE_ORGANISATIONLIMITS_OAUTHCLIENTS=1",
		)...),
	)
	api := func(name string) string {
		return `{"api_definition":{"name":"` + name + `","auth":{"auth_header_name":"Authorization"},"use_keyless":true,"use_oauth2":true,"version_data":{"not_versioned":true,"versions":{"Default":{"name":"Default"}}},"proxy":{"listen_path":"/` + name + `/","target_url":"http://upstream.test/"},"active":true}}`
	}
	full := func(t *testing.T, r apptest.Reply, what string) {
		t.Helper()
		require.Equal(t, http.StatusTooManyRequests, r.Status, "%s", r.Body)
		require.Equal(t, "3600", r.Header.Get("Retry-After"))
		require.Contains(t, r.Get("Message").Str, what)
	}
	for i := range 2 {
		r := srv.REST(t, "POST", "/api/apis", api(fmt.Sprintf("first%d", i)))
		require.Equal(t, 200, r.Status, "%s", r.Body)
	}
	// The admin secret makes no exception, nor do imports; all of one or none.
	doc := func(name string) string {
		return strings.Replace(
			api(name),
			`{"api_definition":{`,
			fmt.Sprintf(`{"api_definition":{"api_id":"%s-0000000000000000000000","org_id":"%s",`, name, srv.OrgID),
			1,
		)
	}
	r := srv.REST(t, "POST", "/admin/apis/import", `{"apis":[`+doc("in1")+","+doc("in2")+`]}`)
	full(t, r, "may have 3 APIs")
	require.EqualValues(t, 2, srv.GraphQL(t, `{ apis { totalCount } }`, nil).Get("data.apis.totalCount").Int())

	var made, refused atomic.Int64
	var all sync.WaitGroup
	for i := range 12 {
		all.Go(func() {
			switch r := srv.REST(t, "POST", "/api/apis", api(fmt.Sprintf("race%d", i))); r.Status {
			case 200:
				made.Add(1)
			case http.StatusTooManyRequests:
				refused.Add(1)
			}
		})
	}
	all.Wait()
	require.EqualValues(t, 1, made.Load(), "one of those that come at once is the last one")
	require.EqualValues(t, 11, refused.Load())

	base := srv.REST(t, "GET", "/api/apis?p=1", "").Get("apis.0.api_definition.api_id").Str
	full(
		t,
		srv.REST(t, "POST", "/api/apis?base_api_id="+base+"&base_api_version_name=v1&new_version_name=v2", api("version")),
		"APIs",
	)
	g := srv.GraphQL(
		t,
		`mutation($d: JSON!) { createApi(input: {definition: $d}) { id } }`,
		map[string]any{"d": map[string]any{}},
	)
	require.NotEqual(t, "INTERNAL", g.Get("errors.0.extensions.code").Str, "%s", g.Body)

	policy := func(name string) string {
		return `{"name":"` + name + `","rate":1,"per":1,"quota_max":-1,"access_rights":{"` + base + `":{"api_id":"` + base + `","versions":["Default"]}}}`
	}
	require.Equal(t, 200, srv.REST(t, "POST", "/api/portal/policies", policy("one")).Status)
	full(t, srv.REST(t, "POST", "/api/portal/policies", policy("two")), "policies")
	key := `{"rate":1,"per":1,"quota_max":-1,"org_id":"` + srv.OrgID + `","access_rights":{"` + base + `":{"api_id":"` + base + `","versions":["Default"]}}}`
	require.Equal(t, 200, srv.REST(t, "POST", "/api/keys", key).Status)
	full(t, srv.REST(t, "POST", "/api/keys", key), "keys")
	user := func(name string) string {
		return `{"first_name":"` + name + `","last_name":"x","email_address":"` + name + `@x.test","active":true,"user_permissions":{"apis":"read"}}`
	}
	require.Equal(t, 200, srv.REST(t, "POST", "/api/users", user("jo")).Status)
	full(t, srv.REST(t, "POST", "/api/users", user("al")), "users")
	hook := func(name string) string {
		return `{"name":"` + name + `","method":"POST","target_path":"http://hook.test/","template_path":"","header_map":{},"event_timeout":0}`
	}
	require.Equal(t, 200, srv.REST(t, "POST", "/api/hooks", hook("one")).Status)
	full(t, srv.REST(t, "POST", "/api/hooks", hook("two")), "webhooks")
	certificate := func() string {
		private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		require.NoError(t, err)
		der, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
		require.NoError(t, err)
		return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	}
	one := srv.REST(t, "POST", "/api/certs", certificate())
	require.Equal(t, 200, one.Status, "%s", one.Body)
	full(t, srv.REST(t, "POST", "/api/certs", certificate()), "certificates")
	one = srv.REST(t, "POST", "/api/apis/oauth/"+base, `{"client_id":"one"}`)
	require.Equal(t, 200, one.Status, "%s", one.Body)
	full(t, srv.REST(t, "POST", "/api/apis/oauth/"+base, `{"client_id":"two"}`), "OAuth clients")
	_, there := gateway.Client(base, "two")
	require.False(t, there, "the gateway has none that we have not")

	// Deleting makes room; the organisation's own limit is in the place of the configured one.
	require.Equal(t, 200, srv.REST(t, "DELETE", "/api/apis/"+base+"?force=true", "").Status)
	require.Equal(t, 200, srv.REST(t, "POST", "/api/apis", api("again")).Status)
	full(t, srv.REST(t, "POST", "/api/apis", api("more")), "APIs")
	limit := func(limits string) apptest.Reply {
		return srv.GraphQL(t, `mutation($id: ID!, $d: JSON!) { updateOrganisation(id: $id, input: {document: $d}) { id } }`,
			map[string]any{"id": srv.OrgID, "d": limits}, "admin-auth: "+apptest.AdminSecret)
	}
	document := srv.GraphQL(
		t,
		`query($id: ID!) { organisation(id: $id) { document } }`,
		map[string]any{"id": srv.OrgID},
		"admin-auth: "+apptest.AdminSecret,
	).Get(
		"data.organisation.document",
	)
	text := document.Raw
	if document.Type.String() == "String" {
		text = document.Str
	}
	for given, code := range map[string]string{`{"apis":-1}`: "INVALID", `{"apis":"5"}`: "INVALID", `{"apis":1.5}`: "INVALID", `{"apis":1e300}`: "INVALID", `{"api":5}`: "INVALID", `[]`: "INVALID"} {
		require.Equal(
			t,
			code,
			limit(strings.Replace(text, "{", `{"gatehouse_limits":`+given+",", 1)).Get("errors.0.extensions.code").Str,
			given,
		)
	}
	r = limit(strings.Replace(text, "{", `{"gatehouse_limits":{"apis":4},`, 1))
	require.False(t, r.Get("errors").Exists(), "%s", r.Body)
	require.Equal(t, 200, srv.REST(t, "POST", "/api/apis", api("fourth")).Status)
	full(t, srv.REST(t, "POST", "/api/apis", api("fifth")), "may have 4 APIs")

	_, other := srv.Organisation(t, "other")
	r = srv.Do(t, "POST", "/api/apis", api("others"), "Authorization: "+other)
	require.Equal(t, 200, r.Status, "another organisation has room of its own: %s", r.Body)
}

func TestAnOrganisationHoldsNoMoreBytesThanItMay(t *testing.T) {
	t.Parallel()
	srv := apptest.New(t, apptest.WithEnv("GATEHOUSE_ORGANISATIONLIMITS_BYTES=20000"))
	hook := func(name string, size int) string {
		return `{"name":"` + name + `","method":"POST","target_path":"http://hook.test/","template_path":"","header_map":{"x":"` + strings.Repeat(
			"x",
			size,
		) + `"},"event_timeout":0}`
	}
	first := srv.REST(t, "POST", "/api/hooks", hook("a", 9000))
	require.Equal(t, 200, first.Status, "%s", first.Body)
	r := srv.REST(t, "POST", "/api/hooks", hook("b", 15000))
	require.Equal(t, http.StatusTooManyRequests, r.Status, "%s", r.Body)
	require.Contains(t, r.Get("Message").Str, "may have 20000 bytes")
	require.Equal(t, 200, srv.REST(t, "POST", "/api/hooks", hook("b", 100)).Status)
	id := srv.GraphQL(t, `{ webhooks { nodes { id } } }`, nil).Get("data.webhooks.nodes.0.id").Str
	require.Equal(
		t,
		http.StatusTooManyRequests,
		srv.REST(t, "PUT", "/api/hooks/"+id, hook("a", 19900)).Status,
		"growing is adding",
	)
	require.Equal(
		t,
		200,
		srv.REST(t, "PUT", "/api/hooks/"+id, hook("a", 10)).Status,
		"an organisation that has too much can shrink",
	)
	require.Equal(t, 200, srv.REST(t, "POST", "/api/hooks", hook("c", 9000)).Status, "and has room at once")
	require.Equal(t, 200, srv.REST(t, "DELETE", "/api/hooks/"+id, "").Status)
}

func TestAnOrganisationMakesNoMoreRequestsThanItMay(t *testing.T) {
	t.Parallel()
	now := atomic.Int64{}
	now.Store(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Unix())
	srv := apptest.New(t, apptest.WithEnv("GATEHOUSE_ORGANISATIONLIMITS_REQUESTSPERSECOND=3"),
		apptest.WithStore(store.WithClock(func() time.Time { return time.Unix(now.Load(), 0) })))
	other, key := srv.Organisation(t, "other")
	require.NotEmpty(t, other)
	now.Add(10)
	for range 2 {
		require.Equal(t, 200, srv.REST(t, "GET", "/api/apis", "").Status)
	}
	require.Equal(t, 200, srv.GraphQL(t, `{ version }`, nil).Status)
	r := srv.REST(t, "GET", "/api/apis", "")
	require.Equal(t, http.StatusTooManyRequests, r.Status, "%s", r.Body)
	require.Equal(t, "1", r.Header.Get("Retry-After"))
	g := srv.GraphQL(t, `{ version }`, nil)
	require.Equal(t, http.StatusTooManyRequests, g.Status)
	require.Equal(t, "TOO_MANY", g.Get("errors.0.extensions.code").Str)
	require.Equal(
		t,
		200,
		srv.REST(t, "GET", "/admin/organisations", "").Status,
		"the admin secret belongs to no organisation",
	)
	require.Equal(
		t,
		200,
		srv.Do(t, "GET", "/api/apis", "", "Authorization: "+key).Status,
		"another organisation has its own share",
	)
	now.Add(1)
	require.Equal(t, 200, srv.REST(t, "GET", "/api/apis", "").Status)
}
