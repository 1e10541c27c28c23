package resolvers_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/apptest"
	"gatehouse/internal/gateway/token"
)

func rights(ids ...string) string {
	out := ""
	for _, id := range ids {
		if out != "" {
			out += ","
		}
		out += fmt.Sprintf(`%q:{"api_id":%q,"api_name":"n","versions":["Default"]}`, id, id)
	}
	return `"access_rights":{` + out + `}`
}

func addApi(t *testing.T, s *apptest.Server, id string) {
	t.Helper()
	r := s.REST(t, "POST", "/api/apis", `{"api_definition":{"name":"`+id+`","api_id":"`+id+`","proxy":{"target_url":"http://up.test"}}}`)
	require.Equal(t, 200, r.Status, "%s", r.Body)
}

func TestAPolicyMayComeBeforeItsApis(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	r := s.REST(t, "POST", "/api/portal/policies", `{"id":"plan","name":"plan",`+rights("later")+`}`)
	require.Equal(t, 200, r.Status, "%s", r.Body)
	r = s.GraphQL(t, `mutation { createPolicy(input: {name: "p2", policyId: "p2", apiIds: ["later", "never"]}) { warnings } }`, nil)
	assert.Equal(t, "access_rights name APIs that do not exist in the organisation: later, never", r.Get("data.createPolicy.warnings.0").Str, "%s", r.Body)
	addApi(t, s, "later")
	r = s.GraphQL(t, `{ plan: policy(id: "plan") { warnings } p2: policy(id: "p2") { warnings } }`, nil)
	assert.JSONEq(t, `{"plan":{"warnings":[]},"p2":{"warnings":["access_rights name APIs that do not exist in the organisation: never"]}}`, r.Get("data").Raw, "%s", r.Body)
}

func TestWhatDanglesAlreadyStandsInTheWayOfNoSave(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	addApi(t, s, "gone")
	addApi(t, s, "kept")
	require.Equal(t, 200, s.REST(t, "POST", "/api/portal/policies", `{"id":"p","name":"p",`+rights("gone", "kept")+`}`).Status)
	byPolicy := s.REST(t, "POST", "/api/keys", `{"apply_policies":["p"]}`).Get("key_id").Str
	byRights := s.REST(t, "POST", "/api/keys", `{`+rights("gone", "kept")+`}`).Get("key_id").Str
	require.Equal(t, 200, s.REST(t, "DELETE", "/api/apis/gone", "").Status)

	for name, c := range map[string]struct{ method, path, body string }{
		"a policy, as it was read":  {"PUT", "/api/portal/policies/p", s.REST(t, "GET", "/api/portal/policies/p", "").Get("@this").Raw},
		"a policy, patched":         {"PATCH", "/api/portal/policies/p", `{"active":false}`},
		"a key with its own rights": {"PUT", "/api/keys/" + byRights, `{"is_inactive":true,` + rights("gone", "kept") + `}`},
	} {
		r := s.REST(t, c.method, c.path, c.body)
		assert.Equal(t, 200, r.Status, "%s: %s", name, r.Body)
	}
	r := s.GraphQL(t, `mutation($k: ID!) { patchPolicy(id: "p", patch: {is_inactive: true}) { isInactive } updateKey(id: $k, input: {inactive: true}) { inactive warnings } }`, map[string]any{"k": byRights})
	assert.True(t, r.Get("data.updateKey.inactive").Bool() && r.Get("data.patchPolicy.isInactive").Bool(), "%s", r.Body)
	assert.Contains(t, r.Get("data.updateKey.warnings.0").Str, "do not exist in the organisation: gone")

	require.Equal(t, 200, s.REST(t, "DELETE", "/api/portal/policies/p", "").Status)
	r = s.REST(t, "PUT", "/api/keys/"+byPolicy, `{"is_inactive":true,"apply_policies":["p"]}`)
	assert.Equal(t, 200, r.Status, "a key whose policy has gone: %s", r.Body)

	const custom, user = `{"apply_policies":["q"]}`, `{"apply_policies":["q"],"basic_auth_data":{"password":"secret"}}`
	require.Equal(t, 200, s.REST(t, "POST", "/api/portal/policies", `{"id":"q","name":"q",`+rights("kept")+`}`).Status)
	again := map[string]string{"/api/keys/my-own-key": custom, "/api/apis/keys/basic/jo": user}
	for path, body := range again {
		require.Equal(t, 200, s.REST(t, "POST", path, body).Status, path)
	}
	require.Equal(t, 200, s.REST(t, "DELETE", "/api/portal/policies/q", "").Status)
	for path, body := range again {
		r := s.REST(t, "POST", path, body)
		assert.Equal(t, 200, r.Status, "%s, made once more over itself: %s", path, r.Body)
	}
	r = s.REST(t, "POST", "/api/keys/another-key", custom)
	assert.Equal(t, 400, r.Status, "a new key must name what is there: %s", r.Body)
	for name, body := range map[string]string{"another API": `{` + rights("gone", "nowhere") + `}`, "another policy": `{"apply_policies":["p","nowhere"]}`} {
		for _, k := range []string{byPolicy, byRights} {
			r := s.REST(t, "PUT", "/api/keys/"+k, body)
			assert.Equal(t, 400, r.Status, "%s: what is added must exist: %s", name, r.Body)
		}
	}
}

func TestAnOauthClientWhosePolicyOrAccessHasGoneCanBeChanged(t *testing.T) {
	t.Parallel()
	w := newOauthWorld(t)
	policy := w.REST(t, "POST", "/api/portal/policies", `{"id":"gold","name":"g",`+rights(w.api)+`}`).Get("Message").Str
	w.create(t, `{"client_id":"c","redirect_uri":"http://a.test","policy_id":"`+policy+`"}`)
	assert.Equal(t, "gold", w.REST(t, "GET", w.path("c"), "").Get("policy_id").Str, "kept by the id that gateways know")
	const warnings = `{ oauthClient(apiId: "cats", clientId: "c") { warnings } }`
	r := must(t, w.GraphQL(t, warnings, nil))
	assert.Equal(t, `[]`, r.Get("data.oauthClient.warnings").Raw)
	require.Equal(t, 200, w.REST(t, "DELETE", "/api/portal/policies/gold", "").Status)
	r = must(t, w.GraphQL(t, warnings, nil))
	assert.Equal(
		t,
		`["policy_id names a policy that does not exist in the organisation: gold"]`,
		r.Get("data.oauthClient.warnings").Raw,
	)
	r = w.GraphQL(t, `mutation { updateOauthClient(apiId: "cats", clientId: "c", input: {description: "changed"}) { description } }`, nil)
	assert.Equal(t, "changed", r.Get("data.updateOauthClient.description").Str, "%s", r.Body)
	r = w.GraphQL(t, `mutation { updateOauthClient(apiId: "cats", clientId: "c", input: {policyId: "other"}) { description } }`, nil)
	assert.Equal(t, "INVALID", r.Get("errors.0.extensions.code").Str, "%s", r.Body)
}

func TestAKeyNamesPoliciesAsGatewaysKnowThem(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	addApi(t, s, "a")
	id := s.REST(t, "POST", "/api/portal/policies", `{"id":"gold","name":"g",`+rights("a")+`}`).Get("Message").Str
	for name, c := range map[string]struct{ session, field, want string }{
		"in the list":              {`{"apply_policies":["` + id + `"]}`, "data.apply_policies", `["gold"]`},
		"by both":                  {`{"apply_policies":["gold","` + id + `"]}`, "data.apply_policies", `["gold"]`},
		"as the one":               {`{"apply_policy_id":"` + id + `"}`, "data.apply_policy_id", `"gold"`},
		"by the one that is right": {`{"apply_policies":["gold"]}`, "data.apply_policies", `["gold"]`},
	} {
		r := s.REST(t, "POST", "/api/keys", c.session)
		require.Equal(t, 200, r.Status, "%s: %s", name, r.Body)
		assert.Equal(t, c.want, s.REST(t, "GET", "/api/keys/"+r.Get("key_id").Str, "").Get(c.field).Raw, name)
	}
	r := s.GraphQL(t, `query($id: ID!) { mid: keys(filter: {policyId: $id}) { totalCount } gold: keys(filter: {policyId: "gold"}) { totalCount } }`, map[string]any{"id": id})
	assert.JSONEq(t, `{"mid":{"totalCount":4},"gold":{"totalCount":4}}`, r.Get("data").Raw, "found by either id: %s", r.Body)
}

func TestAKeyThatWasMadeFromACertificateFollowsIt(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	addApi(t, s, "m")
	upload := func() string {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		require.NoError(t, err)
		template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "c"}, NotAfter: time.Now().Add(time.Hour)}
		raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
		require.NoError(t, err)
		text := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}))
		r := must(t, s.GraphQL(t, `mutation($pem: String!) { createCertificate(pem: $pem) { id } }`, map[string]any{"pem": text}))
		return r.Get("data.createCertificate.id").Str
	}
	first, second := upload(), upload()
	session := func(certificate string) string { return `{"certificate":"` + certificate + `",` + rights("m") + `}` }
	r := s.REST(t, "POST", "/api/keys", session(first))
	require.Equal(t, 200, r.Status, "%s", r.Body)
	moved := s.REST(t, "PUT", "/api/keys/"+url.PathEscape(r.Get("key_id").Str), session(second))
	require.Equal(t, 200, moved.Status, "%s", moved.Body)
	assert.Equal(t, token.Custom(s.OrgID, second, token.Default), moved.Get("key_id").Str, "the name that it has now")
	assert.Equal(t, token.Hash(moved.Get("key_id").Str), moved.Get("key_hash").Str)
	again := s.REST(t, "PATCH", "/api/keys/"+url.PathEscape(moved.Get("key_id").Str), `{"alias":"moved"}`)
	assert.Equal(t, moved.Get("key_id").Str, again.Get("key_id").Str, "%s", again.Body)
	r = s.REST(t, "POST", "/api/keys", session(second))
	assert.Equal(t, 409, r.Status, "%s", r.Body)
	assert.Contains(t, string(r.Body), "another key is for this certificate")
	r = s.REST(t, "POST", "/api/keys", session(first))
	require.Equal(t, 200, r.Status, "the first one is free: %s", r.Body)
	r = s.REST(t, "PUT", "/api/keys/"+url.PathEscape(r.Get("key_id").Str), session(second))
	assert.Equal(t, 409, r.Status, "%s", r.Body)
	assert.Equal(t, int64(2), s.GraphQL(t, `{ keys { totalCount } }`, nil).Get("data.keys.totalCount").Int())
}

func TestOrphansCanBeListed(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	_, others := s.Organisation(t, "others")
	for _, id := range []string{"gone", "kept"} {
		addApi(t, s, id)
		require.Equal(t, 200, s.REST(t, "POST", "/api/portal/policies", `{"id":"p-`+id+`","name":"p-`+id+`",`+rights(id)+`}`).Status)
		require.Equal(t, 200, s.REST(t, "POST", "/api/keys", `{"alias":"own-`+id+`",`+rights(id)+`}`).Status)
		require.Equal(t, 200, s.REST(t, "POST", "/api/keys", `{"alias":"by-`+id+`","apply_policies":["p-`+id+`"]}`).Status)
	}
	require.Equal(t, 200, s.REST(t, "POST", "/api/keys", `{"alias":"old","apply_policies":["p-kept","p-gone"]}`).Status)
	require.Equal(t, 200, s.REST(t, "DELETE", "/api/apis/gone", "").Status)
	const orphans = `{
		keys(filter: {apiId: "gone"}) { totalCount }
		policies(filter: {apiIds: ["gone"]}) { totalCount }
		danglingKeys: keys(filter: {danglingOnly: true}) { totalCount nodes { alias } }
		danglingPolicies: policies(filter: {danglingOnly: true}) { totalCount nodes { policyId } }
		sound: policies(filter: {danglingOnly: false}) { totalCount }
	}`
	r := must(t, s.GraphQL(t, orphans, nil))
	assert.JSONEq(t, `{"keys":{"totalCount":3},"policies":{"totalCount":1},"sound":{"totalCount":1},
		"danglingKeys":{"totalCount":1,"nodes":[{"alias":"own-gone"}]},"danglingPolicies":{"totalCount":1,"nodes":[{"policyId":"p-gone"}]}}`, r.Get("data").Raw)
	require.Equal(t, 200, s.REST(t, "DELETE", "/api/portal/policies/p-gone", "").Status)
	r = must(t, s.GraphQL(t, `{ keys(filter: {danglingOnly: true}) { nodes { alias warnings } } }`, nil))
	assert.Equal(t, `["old","by-gone","own-gone"]`, r.Get("data.keys.nodes.#.alias").Raw, "%s", r.Body)
	assert.Equal(t, "apply_policies name policies that do not exist in the organisation: p-gone", r.Get("data.keys.nodes.0.warnings.0").Str)
	assert.Len(t, s.REST(t, "GET", "/api/apis/gone/keys", "").Get("data.keys").Array(), 1)

	r = must(t, s.GraphQL(t, `{ policies(filter: {apiIds: ["gone"]}) { totalCount } keys(filter: {danglingOnly: true}) { totalCount } }`, nil, "Authorization: "+others))
	assert.JSONEq(t, `{"policies":{"totalCount":0},"keys":{"totalCount":0}}`, r.Get("data").Raw, "another organisation has none of them")
	r = s.GraphQL(t, `{ keys(filter: {apiId: "gone"}) { totalCount } }`, nil, "Authorization: "+others)
	assert.Equal(t, "NOT_FOUND", r.Get("errors.0.extensions.code").Str, "as of what nobody has: %s", r.Body)
}

func TestWhatGatewaysPutInIsNotJudgedAsTheValue(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	for i, v := range []string{"env://PATH_OF_IT", "kv://env/path", "vault://secret/data/app.path", "secrets://path", "consul://path", "$secret_env.PATH", "file:///run/path", "/a/$kv{env:path}"} {
		id := fmt.Sprintf("path%d", i)
		r := s.REST(t, "POST", "/api/apis", fmt.Sprintf(`{"api_definition":{"name":%q,"api_id":%[1]q,"active":true,"proxy":{"listen_path":%q,"target_url":"http://up.test"}}}`, id, v))
		assert.Equal(t, 200, r.Status, "%s: %s", v, r.Body)
		assert.Equal(t, v, s.REST(t, "GET", "/api/apis/"+id, "").Get("api_definition.proxy.listen_path").Str)
	}
	for i, v := range []string{"$kv{secrets:up}", "https://$kv{secrets:host}/v1", "http://$kv{env:h}:8080/", "env://TARGET", "http://$secret_env.HOST:80%zz/"} {
		id := fmt.Sprintf("target%d", i)
		r := s.GraphQL(t, `mutation($id: ID!, $url: String!) { createApi(input: {name: "t", apiId: $id, targetUrl: $url}) { apiId } }`, map[string]any{"id": id, "url": v})
		assert.Equal(t, id, r.Get("data.createApi.apiId").Str, "%s: %s", v, r.Body)
		r = s.GraphQL(t, `mutation($url: String!) { createWebhook(input: {name: "w", method: POST, targetPath: $url}) { targetPath } }`, map[string]any{"url": v})
		assert.Equal(t, v, r.Get("data.createWebhook.targetPath").Str, "%s: %s", v, r.Body)
	}
	r := s.REST(t, "POST", "/api/apis", `{"api_definition":{"name":"n","proxy":{"listen_path":"nothing"}}}`)
	assert.Equal(t, 400, r.Status, "%s", r.Body)
}

func TestUsersAreNamedAsTheyAreAndSavedAsThemselves(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	addApi(t, s, "b")
	for _, name := range []string{"anna b", "jörg", "a+b@x.example", "auth0|1", "a/b"} {
		path := "/api/apis/keys/basic/" + url.PathEscape(name)
		r := s.REST(t, "POST", path, `{`+rights("b")+`,"basic_auth_data":{"password":"longenough"}}`)
		assert.Equal(t, 200, r.Status, "%s: %s", name, r.Body)
		assert.Equal(t, 200, s.REST(t, "GET", "/api/keys/"+url.PathEscape(name)+"?username=1", "").Status, name)
	}
	user := func(n string) string {
		r := s.GraphQL(t, `mutation($e: String!) { createUser(input: {email: $e, permissions: {apis: "read"}}) { id } }`, map[string]any{"e": n + "@x.example"})
		return r.Get("data.createUser.id").Str
	}
	a, b := user("a"), user("b")
	r := s.REST(t, "PUT", "/api/users/"+a, s.REST(t, "GET", "/api/users/"+b, "").Get("@this").Raw)
	assert.Equal(t, 400, r.Status, "%s", r.Body)
	assert.Contains(t, string(r.Body), "the user that you are changing has")
	assert.Equal(t, "a@x.example", s.REST(t, "GET", "/api/users/"+a, "").Get("email_address").Str)
}
