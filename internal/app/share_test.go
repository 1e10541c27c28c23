package app_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/apptest"
	"gatehouse/internal/core"
)

// api makes an active API of an organisation.
func shareApi(t *testing.T, s *apptest.Server, accessKey, id string) apptest.Reply {
	t.Helper()
	return s.Do(
		t,
		"POST",
		"/api/apis",
		fmt.Sprintf(
			`{"api_definition":{"name":%q,"slug":%q,"api_id":%q,"active":true,"proxy":{"listen_path":"/%s/"}}}`,
			id,
			id,
			id,
			id,
		),
		"Authorization: "+accessKey,
	)
}

func TestAnApiIDStaysWithTheOrganisationThatUsedItFirst(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	ourOrg, ours := s.Organisation(t, "ours")
	admin := "admin-auth: " + apptest.AdminSecret
	require.Equal(t, 200, shareApi(t, s, s.AccessKey, "theirs").Status)
	require.Equal(t, 200, s.REST(t, "DELETE", "/api/apis/theirs", "").Status)

	r := shareApi(t, s, ours, "theirs")
	assert.Equal(t, 409, r.Status, "%s", r.Body)
	assert.Contains(t, string(r.Body), "Found API with the same ID")
	r = s.Do(
		t,
		"POST",
		"/admin/apis/import",
		fmt.Sprintf(`{"apis":[{"api_definition":{"name":"x","org_id":%q,"api_id":"theirs"}}]}`, ourOrg),
		admin,
	)
	assert.Equal(t, 409, r.Status, "%s", r.Body)
	assert.Equal(t, 200, shareApi(t, s, s.AccessKey, "theirs").Status, "its own organisation may have it again")

	// A policy of theirs is imported before its API.
	r = s.Do(
		t,
		"POST",
		"/admin/policies/import",
		fmt.Sprintf(
			`{"Data":[{"name":"early","id":"early","org_id":%q,"access_rights":{"later":{"api_id":"later","versions":["Default"]}}}]}`,
			s.OrgID,
		),
		admin,
	)
	require.Equal(t, 200, r.Status, "%s", r.Body)
	assert.Equal(t, 409, shareApi(t, s, ours, "later").Status)
	assert.Equal(t, 200, shareApi(t, s, s.AccessKey, "later").Status)
}

func TestAPolicyIDStaysWithTheOrganisationThatUsedItFirst(t *testing.T) {
	t.Parallel()
	s := apptest.New(t, apptest.WithEnv("TYK_DB_ALLOWEXPLICITPOLICYID=true"))
	ourOrg, ours := s.Organisation(t, "ours")
	admin := "admin-auth: " + apptest.AdminSecret
	create := func(key, id string) apptest.Reply {
		return s.Do(
			t,
			"POST",
			"/api/portal/policies",
			fmt.Sprintf(`{"name":"p of %s","id":%q}`, id, id),
			"Authorization: "+key,
		)
	}
	imported := func(ids string) apptest.Reply {
		return s.Do(
			t,
			"POST",
			"/admin/policies/import",
			fmt.Sprintf(`{"Data":[{"name":"i","org_id":%q,%s}]}`, ourOrg, ids),
			admin,
		)
	}
	made := create(s.AccessKey, "gold")
	require.Equal(t, 200, made.Status, "%s", made.Body)
	database := found(t, s.Store.Policies, s.REST(t, "GET", "/api/portal/policies/gold", "").Get("_id").Str).ID
	require.Equal(t, 200, s.REST(t, "DELETE", "/api/portal/policies/gold", "").Status)

	for what, r := range map[string]apptest.Reply{
		"created": create(ours, "gold"), "created by the id in the database": create(ours, database),
		"imported": imported(`"id":"gold"`), "imported by the id in the database": imported(fmt.Sprintf(`"_id":%q`, database)),
	} {
		assert.Contains(t, []int{400, 409}, r.Status, "%s: %s", what, r.Body)
		assert.Contains(t, string(r.Body), "another policy has the same ID", what)
	}
	r := create(ours, "silver")
	require.Equal(t, 200, r.Status, "%s", r.Body)
	r = s.Do(t, "PUT", "/api/portal/policies/silver", `{"name":"s","id":"gold"}`, "Authorization: "+ours)
	assert.Equal(t, 400, r.Status, "renamed: %s", r.Body)
	assert.Equal(t, 200, create(s.AccessKey, "gold").Status, "its own organisation may have it again")

	// A key of theirs from before ids were reserved still applies a policy that is gone.
	session := core.Document(`{"org_id":"` + s.OrgID + `","apply_policies":["bronze"]}`)
	require.NoError(
		t,
		s.Store.Keys.Create(t.Context(), core.NewKey(core.Meta{ID: "00000000000000aa", OrgID: s.OrgID}, session)),
	)
	assert.Equal(t, 400, create(ours, "bronze").Status)
	assert.Equal(t, 200, create(s.AccessKey, "bronze").Status)
}

func TestNoPolicyOrKeyNamesAnApiOfAnotherOrganisation(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	ourOrg, ours := s.Organisation(t, "ours")
	require.Equal(t, 200, shareApi(t, s, s.AccessKey, "theirs").Status)
	require.Equal(t, 200, shareApi(t, s, ours, "ours-api").Status)
	admin := "admin-auth: " + apptest.AdminSecret
	for name, document := range map[string]string{
		"access rights":                                `"access_rights":{"theirs":{"versions":["Default"]}}`,
		"a policy in the meta data":                    `"access_rights":{"ours-api":{}},"meta_data":{"policies":[{"Access_Rights":{"theirs":{}}}]}`,
		"one of another organisation in the meta data": fmt.Sprintf(`"access_rights":{"ours-api":{}},"meta_data":{"policies":[{"org_id":%q}]}`, s.OrgID),
		"in other capitals":                            `"access_rights":{"ours-api":{}},"Access_Rights":{"theirs":{}}`,
		// Gateways apply no policy then, and open everything to a key without rights of its own.
		"none in the meta data": `"access_rights":{"ours-api":{}},"meta_data":{"policies":[]}`,
	} {
		for method, path := range map[string]string{"a key": "/api/keys", "a custom key": "/api/keys/custom", "a preview": "/api/keys/preview"} {
			r := s.Do(t, "POST", path, `{"name":"n","alias":"a",`+document+`}`, "Authorization: "+ours)
			assert.Equal(t, 400, r.Status, "%s of %s: %s", name, method, r.Body)
		}
		if name == "access rights" || name == "a policy in the meta data" {
			continue // kept, and told to nobody: see TestAPolicyThatNamesWhatIsAnothersIsAsOneThatNamesNothing
		}
		r := s.Do(t, "POST", "/api/portal/policies", `{"name":"n",`+document+`}`, "Authorization: "+ours)
		assert.Equal(t, 400, r.Status, "%s of a policy: %s", name, r.Body)
		r = s.Do(
			t,
			"POST",
			"/admin/policies/import",
			fmt.Sprintf(`{"Data":[{"name":"i","id":"i","org_id":%q,%s}]}`, ourOrg, document),
			admin,
		)
		assert.Equal(t, 400, r.Status, "%s of an import: %s", name, r.Body)
	}
}

func TestGatewaysAreToldNoRightsToApisOfOthers(t *testing.T) {
	t.Parallel()
	s := apptest.New(t, apptest.WithEnv("TYK_DB_NODESECRET=node-secret"))
	ourOrg, ours := s.Organisation(t, "ours")
	require.Equal(t, 200, shareApi(t, s, s.AccessKey, "theirs").Status)
	require.Equal(t, 200, shareApi(t, s, ours, "ours-api").Status)
	// As an earlier version may have stored it.
	stored := core.Document(
		`{"_id":"6b07029325cf117545e48001","org_id":"` + ourOrg + `","name":"old","access_rights":{"theirs":{"api_id":"theirs"},"ours-api":{"api_id":"ours-api"}}}`,
	)
	require.NoError(
		t,
		s.Store.Policies.Create(
			t.Context(),
			core.NewPolicy(core.Meta{ID: "6b07029325cf117545e48001", OrgID: ourOrg}, stored),
		),
	)
	bare := core.Document(
		`{"_id":"6b07029325cf117545e48002","org_id":"` + ourOrg + `","name":"bare","access_rights":{"theirs":{"api_id":"theirs"}}}`,
	)
	require.NoError(
		t,
		s.Store.Policies.Create(t.Context(), core.NewPolicy(core.Meta{ID: "6b07029325cf117545e48002", OrgID: ourOrg}, bare)),
	)

	node := s.Do(t, "GET", "/register/node", "", "authorization: node-secret", "x-tyk-hostname: h", "x-tyk-session-id: s")
	require.Equal(t, 200, node.Status, "%s", node.Body)
	fed := s.Do(t, "GET", "/system/policies", "", "authorization: node-secret", "x-tyk-session-id: s",
		"x-tyk-nodeid: "+node.Get("Message.NodeID").Str, "x-tyk-nonce: "+node.Get("Nonce").Str)
	require.Equal(t, 200, fed.Status, "%s", fed.Body)
	assert.NotContains(t, string(fed.Body), "theirs")
	assert.Equal(t, int64(2), fed.Get("Message.#").Int())
	assert.Equal(t, `{"ours-api":{"api_id":"ours-api"}}`, fed.Get(`Message.#(name=="old").access_rights`).Raw)
	assert.Equal(
		t,
		int64(1),
		fed.Get(`Message.#(name=="bare").access_rights.@keys.#`).Int(),
		"a policy without any rights would open all",
	)
	assert.Equal(
		t,
		string(stored),
		string(found(t, s.Store.Policies, "6b07029325cf117545e48001").Document),
		"what is stored stays",
	)
}

func TestOnlyTheAdminSecretMakesAKeyForAllOrganisations(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	s := apptest.New(
		t,
		apptest.WithEnv("TYK_DB_ENABLEMASTERKEYS=true"),
		apptest.WithLog(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))),
	)
	const warning = "the key has neither access rights nor policies: on the gateways it opens every API of every organisation"
	r := s.REST(t, "POST", "/api/keys", `{"alias":"master"}`)
	require.Equal(t, 200, r.Status, "a lone organisation may: %s", r.Body)
	assert.Equal(t, `["`+warning+`"]`, r.Get("Warnings").Raw)
	assert.Contains(t, log.String(), "a master key is made")
	assert.Contains(t, log.String(), "key_hash="+r.Get("key_hash").Str)
	assert.NotContains(t, log.String(), r.Get("key_id").Str, "the log holds the token")
	shown := s.GraphQL(t, `{ keys { nodes { warnings } } }`, nil)
	assert.Equal(t, `["`+warning+`"]`, shown.Get("data.keys.nodes.0.warnings").Raw, "%s", shown.Body)
	require.Equal(t, 200, shareApi(t, s, s.AccessKey, "theirs").Status)
	log.Reset()
	r = s.REST(t, "POST", "/api/keys", `{"access_rights":{"theirs":{}}}`)
	require.Equal(t, 200, r.Status, "%s", r.Body)
	assert.False(t, r.Get("Warnings").Exists())
	r = s.REST(t, "PUT", "/api/keys/"+r.Get("key_id").Str, `{"access_rights":{}}`)
	require.Equal(t, 200, r.Status, "%s", r.Body)
	assert.Equal(t, `["`+warning+`"]`, r.Get("Warnings").Raw)
	assert.Contains(t, log.String(), "a master key is made")
	_, ours := s.Organisation(t, "ours")
	r = s.Do(t, "POST", "/api/keys", `{"alias":"master"}`, "Authorization: "+ours)
	assert.Equal(t, 403, r.Status, "%s", r.Body)
	require.Equal(t, 200, shareApi(t, s, ours, "ours-api").Status)
	made := s.Do(t, "POST", "/api/keys", `{"alias":"k","access_rights":{"ours-api":{}}}`, "Authorization: "+ours)
	require.Equal(t, 200, made.Status, "%s", made.Body)
	r = s.Do(t, "PUT", "/api/keys/"+made.Get("key_id").Str, `{"alias":"k","access_rights":{}}`, "Authorization: "+ours)
	assert.Equal(t, 403, r.Status, "%s", r.Body)
}

func TestAPolicyThatNamesWhatIsAnothersIsAsOneThatNamesNothing(t *testing.T) {
	t.Parallel()
	s := apptest.New(t, apptest.WithEnv("TYK_DB_NODESECRET=node-secret"))
	ourOrg, ours := s.Organisation(t, "ours")
	require.Equal(t, 200, shareApi(t, s, s.AccessKey, "theirs").Status)
	admin := "admin-auth: " + apptest.AdminSecret
	const save = `mutation($id: ID!, $doc: JSON!) { createPolicy(input: {policyId: $id, document: $doc}) { apiIds warnings apis { totalCount nodes { id } } } }`
	answers := map[string]string{}
	for _, id := range []string{"theirs", "nobody"} {
		doc := `{"name":"` + id + ` ` + `","access_rights":{"` + id + `":{"api_id":"` + id + `","api_name":""}},"meta_data":{"policies":[{"Access_Rights":{"` + id + `":{}}}]}}`
		r := s.GraphQL(t, save, map[string]any{"id": "p-" + id, "doc": doc}, "Authorization: "+ours)
		require.False(t, r.Get("errors").Exists(), "%s", r.Body)
		imported := s.Do(t, "POST", "/admin/policies/import", fmt.Sprintf(`{"Data":[{"name":"i-%[2]s","id":"i-%[2]s","org_id":%[1]q,"access_rights":{"%[2]s":{}}}]}`, ourOrg, id), admin)
		require.Equal(t, 200, imported.Status, "%s", imported.Body)
		patched := s.Do(t, "PATCH", "/api/portal/policies/p-"+id, `{"active":true}`, "Authorization: "+ours)
		require.Equal(t, 200, patched.Status, "%s", patched.Body)
		stored := s.Do(t, "GET", "/api/portal/policies/p-"+id, "", "Authorization: "+ours).Get("access_rights").Raw
		answers[id] = strings.ReplaceAll(string(r.Body)+string(imported.Body)+string(patched.Body)+stored, id, "x")
	}
	assert.Equal(t, answers["nobody"], answers["theirs"], "nobody learns which ids others have")

	node := s.Do(t, "GET", "/register/node", "", "authorization: node-secret", "x-tyk-hostname: h", "x-tyk-session-id: s")
	require.Equal(t, 200, node.Status, "%s", node.Body)
	fed := s.Do(t, "GET", "/system/policies", "", "authorization: node-secret", "x-tyk-session-id: s",
		"x-tyk-nodeid: "+node.Get("Message.NodeID").Str, "x-tyk-nonce: "+node.Get("Nonce").Str)
	require.Equal(t, 200, fed.Status, "%s", fed.Body)
	assert.Equal(t, int64(4), fed.Get("Message.#").Int())
	assert.NotRegexp(t, `"theirs":|"api_id":"theirs"`, string(fed.Body), "gateways are told of no such right")
	assert.Regexp(t, `"nobody":`, string(fed.Body))

	assert.Equal(t, 409, shareApi(t, s, s.AccessKey, "nobody").Status, "what dangles opens nothing of others later")
	assert.Equal(t, 200, shareApi(t, s, ours, "nobody").Status, "and its organisation's own")
	require.Equal(t, 200, s.REST(t, "DELETE", "/api/apis/theirs", "").Status)
	assert.Equal(t, 409, shareApi(t, s, ours, "theirs").Status, "what was named stays the other's")
	assert.Equal(t, 200, shareApi(t, s, s.AccessKey, "theirs").Status)
}
