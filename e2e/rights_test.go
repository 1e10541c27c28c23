package e2e

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/core"
	"gatehouse/internal/gateway/token"
	"gatehouse/store"
)

// vault is what the honest organisation has to lose: an API that asks for a key, a policy for it, and a key.
type vault struct{ api, policy, key string }

func (in *installation) vault(t *testing.T) vault {
	t.Helper()
	v := vault{api: in.protected(t, "vault")}
	v.policy, v.key = in.policy(t, v.api, `"rate": 1000, "per": 1, "quota_max": -1`)
	require.Equal(t, http.StatusOK, in.through("/vault/", "Authorization: "+v.key).status)
	return v
}

// user is the access key of an administrator of an organisation.
func (in *installation) user(t *testing.T, org string) string {
	t.Helper()
	a := in.call(
		"POST",
		in.url+"/admin/users",
		fmt.Sprintf(
			`{"org_id":%q,"email_address":"u@%s.test","active":true,"user_permissions":{"IsAdmin":"admin"}}`,
			org,
			org,
		),
		"admin-auth: "+in.admin,
	)
	require.Equal(t, http.StatusOK, a.status, "%s", a)
	return a.get("Message").Str
}

// refusesByTheFrontDoor holds that an organisation which asks politely is given nothing of another one.
func (in *installation) refusesByTheFrontDoor(t *testing.T, org, key string, v vault) {
	t.Helper()
	for _, path := range []string{"/honest/", "/honest", "/honest/login/", "/{any}/", "/vault/"} {
		a := in.call(
			"POST",
			in.url+"/api/apis",
			fmt.Sprintf(
				`{"api_definition":{"name":"thief","slug":"thief","active":true,"use_keyless":true,"proxy":{"listen_path":%q,"target_url":"http://127.0.0.1:9","strip_listen_path":true}}}`,
				path,
			),
			"Authorization: "+key,
		)
		assert.Equal(t, http.StatusConflict, a.status, "%s: %s", path, a)
	}
	own := in.call(
		"POST",
		in.url+"/api/apis",
		fmt.Sprintf(
			`{"api_definition":{"name":"own","slug":"own","api_id":"own","active":true,"use_standard_auth":true,"auth":{"auth_header_name":"Authorization"},
		"proxy":{"listen_path":"/own/","target_url":%q,"strip_listen_path":true},"version_data":{"not_versioned":true,"versions":{"Default":{"name":"Default"}}}}}`,
			in.upstream.URL,
		),
		"Authorization: "+key,
	)
	require.Equal(t, http.StatusOK, own.status, "%s", own)
	for what, session := range map[string]string{
		"a right":                          rights(v.api),
		"a policy":                         fmt.Sprintf(`"apply_policies":[%q]`, v.policy),
		"a right of a policy in meta data": fmt.Sprintf(`%s,"meta_data":{"policies":[{"id":"x","org_id":%q,%s}]}`, rights("own"), in.org, rights(v.api)),
		"nothing, which opens everything":  `"alias":"master"`,
	} {
		a := in.call("POST", in.url+"/api/keys", `{`+session+`}`, "Authorization: "+key)
		assert.NotEqual(t, http.StatusOK, a.status, "%s: %s", what, a)
	}
	in.becomes(t, patient, http.StatusUnauthorized, "/own/")
	assert.Equal(
		t,
		"upstream was asked for /login",
		in.through("/honest/login").body,
		"the traffic of the honest one goes elsewhere",
	)
}

// stolen are sessions of an organisation by which gateways let it into the API of another, by a name each. own is a
// policy of its own.
func stolen(org, own string, victim string, v vault) map[string]string {
	return map[string]string{
		"a right":                   rights(v.api),
		"a right beside its own":    `"access_rights":{"own":{"api_id":"own"},"` + v.api + `":{"api_id":"` + v.api + `"}}`,
		"a policy":                  fmt.Sprintf(`"apply_policies":[%q]`, v.policy),
		"a policy by the old field": fmt.Sprintf(`"apply_policy_id":%q`, v.policy),
		"a policy of its own, stored as another's": fmt.Sprintf(`"apply_policies":[%q]`, own),
		"a policy in meta data": fmt.Sprintf(
			`%s,"meta_data":{"policies":[{"id":"x","org_id":%q,%s}]}`,
			rights("own"),
			victim,
			rights(v.api),
		),
		"no policies in meta data":          fmt.Sprintf(`"apply_policies":[%q],"meta_data":{"policies":[]}`, own),
		"an organisation in other capitals": fmt.Sprintf(`"Org_ID":%q,%s`, victim, rights(v.api)),
	}
}

// thieves are tokens of sessions that were made behind our back.
type thieves map[string]string

// steal writes sessions into Redis, where gateways find them, while Gatehouse is down.
func (in *installation) steal(t *testing.T, org string, sessions map[string]string) thieves {
	t.Helper()
	db := redis.NewClient(&redis.Options{Addr: fmt.Sprintf("127.0.0.1:%d", in.redisPort)})
	defer db.Close()
	tokens := thieves{}
	for name, fields := range sessions {
		tok := token.Generate(org, token.Murmur64)
		tokens[name] = tok
		session := fmt.Sprintf(`{"org_id":%q,"rate":1000,"per":1,"allowance":1000,"quota_max":-1,%s}`, org, fields)
		require.NoError(t, db.Set(t.Context(), "apikey-"+token.Hash(tok), session, 0).Err())
	}
	return tokens
}

// mismatched is a policy of an organisation whose document says that it is another's, with rights to what that one has.
func mismatched(org, victim string, v vault) *core.Policy {
	id := core.NewID(time.Now())
	doc := fmt.Sprintf(
		`{"_id":%q,"org_id":%q,"name":"mismatched","active":true,"state":"active","rate":1000,"per":1,"quota_max":-1,"access_rights":{%q:{"api_id":%q,"versions":["Default"]},"own":{"api_id":"own","versions":["Default"]}}}`,
		id,
		victim,
		v.api,
		v.api,
	)
	return core.NewPolicy(core.Meta{ID: id, OrgID: org}, core.Document(doc))
}

// openNothing holds that none of the thieves gets into the API, and says which of them the gateway had let in.
func (in *installation) openNothing(t *testing.T, tokens thieves, before map[string]int) {
	t.Helper()
	for name, tok := range tokens {
		eventually(t, patient, "a key with "+name+" is refused", func() (bool, string) {
			a := in.through("/vault/", "Authorization: "+tok)
			return a.status == http.StatusForbidden, a.String()
		})
		t.Logf("a key with %s: %d before, 403 now", name, before[name])
	}
}

func (in *installation) statuses(tokens thieves) map[string]int {
	out := map[string]int{}
	for name, tok := range tokens {
		out[name] = in.through("/vault/", "Authorization: "+tok).status
	}
	return out
}

// storePolicy writes a policy into the store, past all checks.
func storePolicy(t *testing.T, s *store.Store, p *core.Policy) {
	t.Helper()
	require.NoError(t, s.Policies.Create(t.Context(), p))
}
