package resolvers_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"gatehouse/internal/apptest"
)

func TestHowCallersShowWhoTheyAreIsSetByItself(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	const shown = `{ id authTypes authentication { types baseIdentity stripAuthorizationData sources { type header parameter cookie }
		jwt { signingMethod source identityClaim policyClaim defaultPolicyIds issuedAtSkew } } }`
	policy := must(t, s.GraphQL(t, `mutation { it: createPolicy(input: {name: "P"}) { id } }`, nil)).Get("data.it.id").Str
	made := must(t, s.GraphQL(t, `mutation($policy: ID!) { it: createApi(input: {name: "A", authentication: {
		types: [JWT, AUTH_TOKEN], baseIdentity: JWT, stripAuthorizationData: true,
		sources: [{type: AUTH_TOKEN, header: "X-Key", parameter: "key"}],
		jwt: {signingMethod: RSA, source: "aHR0cHM6Ly9rZXlzLnRlc3Q=", identityClaim: "sub", defaultPolicyIds: [$policy], issuedAtSkew: 5}
	}}) `+shown+` }`, map[string]any{"policy": policy}))
	const sources = `[{"type":"AUTH_TOKEN","header":"X-Key","parameter":"key","cookie":null},` +
		`{"type":"JWT","header":"Authorization","parameter":null,"cookie":null}]`
	assert.Equal(t, `{"types":["AUTH_TOKEN","JWT"],"baseIdentity":"JWT","stripAuthorizationData":true,"sources":`+sources+
		`,"jwt":{"signingMethod":"RSA","source":"aHR0cHM6Ly9rZXlzLnRlc3Q=","identityClaim":"sub","policyClaim":"",`+
		`"defaultPolicyIds":["`+policy+`"],"issuedAtSkew":5}}`, made.Get("data.it.authentication").Raw)

	changed := must(t, s.GraphQL(t, `mutation($id: ID!) { it: updateApi(id: $id, input: {authentication: {types: [BASIC]}}) `+shown+` }`,
		map[string]any{"id": made.Get("data.it.id").Str}))
	assert.Equal(t, `["BASIC"]`, changed.Get("data.it.authTypes").Raw)
	assert.Equal(t, "RSA", changed.Get("data.it.authentication.jwt.signingMethod").Str, "what is left out stays")
}

func TestWhatIsSetOfAuthenticationIsJudgedAsTheDefinitionThatItBecomes(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	addApi(t, s, "a")
	_, stranger := s.Organisation(t, "others")
	theirs := must(t, s.GraphQL(t, `mutation { it: createPolicy(input: {name: "T"}) { id } }`, nil, "Authorization: "+stranger)).
		Get("data.it.id").Str
	const set = `mutation($jwt: JwtSettingsInput!) { it: updateApi(id: "a", input: {authentication: {jwt: $jwt}}) {
		warnings authentication { jwt { source defaultPolicyIds } } } }`
	r := s.GraphQL(t, set, map[string]any{"jwt": map[string]any{"source": "secrets://shared"}})
	refused(t, r, "INVALID", "gatehouse.shared_gateways.deny")
	assert.Contains(t, string(r.Body), "jwt_source", "the gateways' secrets are not for those who share them")

	said := func(policy string) string {
		r := must(t, s.GraphQL(t, set, map[string]any{"jwt": map[string]any{"defaultPolicyIds": []string{policy}}}))
		return strings.ReplaceAll(r.Get("data.it").Raw, policy, "POLICY")
	}
	assert.Equal(t, said("0123456789abcdef01234567"), said(theirs), "another organisation's policy is as one that nobody has")
}
