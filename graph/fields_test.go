package graph_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/apptest"
)

func TestAnErrorSaysWhichInputItIsAbout(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	made := s.GraphQL(
		t,
		`mutation { createApi(input: {name: "A", apiId: "a", active: true, listenPath: "/taken/"}) { id } createPolicy(input: {name: "Taken", policyId: "taken", apiIds: ["a"]}) { id } }`,
		nil,
	)
	require.False(t, made.Get("errors").Exists(), "%s", made.Body)
	for name, c := range map[string]struct {
		query, field, code, says string
		variables                map[string]any
	}{
		"an API that a key names and that does not exist": {`mutation { createKey(input: {apiIds: ["a", "nope", "b"]}) { token } }`, "input.apiIds[2]", "INVALID", "apiIds name APIs that do not exist in the organisation: b, nope", nil},
		"the same in a session":                           {`mutation($s: JSON) { createKey(input: {session: $s}) { token } }`, "input.session.access_rights.nope", "INVALID", "access_rights name APIs that do not exist", map[string]any{"s": `{"access_rights":{"nope":{}}}`}},
		"an API of access rights that does not exist":     {`mutation { createKey(input: {accessRights: [{apiId: "a"}, {apiId: "nope"}]}) { token } }`, "input.accessRights[1]", "INVALID", "accessRights name APIs that do not exist in the organisation: nope", nil},
		"access rights in two ways":                       {`mutation { createPolicy(input: {name: "p", apiIds: ["a"], accessRights: [{apiId: "a"}]}) { id } }`, "input.apiIds", "INVALID", "leave out apiIds", nil},
		"an API twice":                                    {`mutation($r: [AccessRightInput!]) { createPolicy(input: {name: "p", accessRights: $r}) { id } }`, "input.accessRights[1]", "INVALID", "accessRights[1] names the API a twice", map[string]any{"r": []any{map[string]any{"apiId": "a"}, map[string]any{"apiId": "a"}}}},
		"a URL that gateways cannot compile":              {`mutation { createPolicy(input: {name: "p", accessRights: [{apiId: "a", allowedUrls: [{url: "/", methods: [GET]}, {url: "(", methods: [GET]}]}]}) { id } }`, "input.accessRights[0].allowedUrls[1].url", "INVALID", "accessRights[0].allowedUrls[1].url must be a regular expression", nil},
		"neither ids nor access rights":                   {`mutation { createKey(input: {alias: "k"}) { token } }`, "input.apiIds", "INVALID", "neither apiIds nor policyIds", nil},
		"what is no id of an API":                         {`mutation { createKey(input: {apiIds: ["a", "a b"]}) { token } }`, "input.apiIds[1]", "INVALID", "apiIds must hold public ids", nil},
		"a policy of a key that does not exist":           {`mutation { createKey(input: {apiIds: ["a"], policyIds: ["x", "nope"]}) { token } }`, "input.policyIds[0]", "INVALID", "policyIds names policies that do not exist in the organisation: x, nope", nil},
		"a name that is missing":                          {`mutation { createPolicy(input: {rate: 1}) { id } }`, "input.name", "INVALID", "name is required", nil},
		"a name of an API that is too long":               {`mutation($n: String!) { createApi(input: {name: $n}) { id } }`, "input.name", "INVALID", "name must be at most 255 bytes", map[string]any{"n": string(make([]byte, 300))}},
		"ways in that exclude each other":                 {`mutation { createApi(input: {name: "B", authentication: {types: [KEYLESS, JWT]}}) { id } }`, "input.authentication.types", "INVALID", "KEYLESS alone", nil},
		"a way in beside another word for it":             {`mutation { createApi(input: {name: "B", keyless: true, authentication: {types: [JWT]}}) { id } }`, "input.keyless", "INVALID", "leave it out", nil},
		"a state that does not exist":                     {`mutation { createPolicy(input: {name: "p", document: {state: "asleep"}}) { id } }`, "input.document.state", "INVALID", "state must be active", nil},
		"a listen path that is none":                      {`mutation { createApi(input: {name: "B", listenPath: "b"}) { id } }`, "input.listenPath", "INVALID", "listenPath must start with /", nil},
		"the same in a definition":                        {`mutation { createApi(input: {definition: {name: "B", proxy: {listen_path: "b"}}}) { id } }`, "input.definition.api_definition.proxy.listen_path", "INVALID", "api_definition.proxy.listen_path must start with /", nil},
		"a field of another type in a patch":              {`mutation { patchApi(id: "a", patch: {api_definition: {active: "yes"}}) { id } }`, "patch.api_definition.active", "INVALID", "api_definition.active must be true or false", nil},
		"an e-mail address that is none":                  {`mutation { createUser(input: {email: "jo", permissions: {apis: "read"}}) { id } }`, "input.email", "INVALID", "email must be an e-mail address", nil},
		"a method of a webhook":                           {`mutation { createWebhook(input: {name: "w", document: {method: "FETCH"}, targetPath: "http://w.test"}) { id } }`, "input.document.method", "INVALID", "method must be GET", nil},
		"a target of a webhook":                           {`mutation { createWebhook(input: {name: "w", method: GET, targetPath: "ftp://w.test"}) { id } }`, "input.targetPath", "INVALID", "targetPath must be", nil},
		"a moment that is none":                           {`{ keys(filter: {expiresBefore: "soon"}) { totalCount } }`, "filter.expiresBefore", "INVALID", "2026-12-01", nil},
		"a moment that is none, in a variable":            {`query($t: Time) { keys(filter: {expiresBefore: $t}) { totalCount } }`, "filter.expiresBefore", "INVALID", "2026-12-01", map[string]any{"t": "soon"}},
		"an end that gateways would take for none":        {`mutation { createKey(input: {apiIds: ["a"], expires: "0001-01-01T00:00:00Z"}) { token } }`, "input.expires", "INVALID", "expires must be after 1970", nil},
		"a page that is too large":                        {`{ apis(first: 501) { nodes { id } } }`, "first", "LIMIT", "at most 500", nil},
		"a page of a relation that is too large":          {`{ apis { nodes { policies(first: 0) { nodes { id } } } } }`, "first", "INVALID", "at least 1", nil},
		"a cursor that is none":                           {`{ apis(after: "x") { nodes { id } } }`, "after", "INVALID", "cursor", nil},
		"what gateways would choke on":                    {`mutation { createApi(input: {name: "B", definition: {api_definition: {custom_middleware: {driver: 5}}}}) { id } }`, "input.definition.api_definition.custom_middleware.driver", "INVALID", "must be a string", nil},
		"what would take gateways down":                   {`mutation { createApi(input: {name: "B", definition: {api_definition: {graphql: {enabled: true, engine: {data_sources: [{config: "x"}]}}}}}) { id } }`, "input.definition.api_definition.graphql.engine.data_sources[0].kind", "INVALID", "must be one of", nil},
		"a listen path that is taken":                     {`mutation { createApi(input: {name: "B", listenPath: "/taken/"}) { id } }`, "input.listenPath", "CONFLICT", "listen path", nil},
		"an id of an API that is taken":                   {`mutation { createApi(input: {name: "B", apiId: "a"}) { id } }`, "input.apiId", "CONFLICT", "same ID", nil},
		"a name of a policy that is taken":                {`mutation { createPolicy(input: {name: "Taken", apiIds: ["a"]}) { id } }`, "input.name", "CONFLICT", "already been used", nil},
		"an id of a policy that is taken":                 {`mutation { createPolicy(input: {name: "Other", policyId: "taken", apiIds: ["a"]}) { id } }`, "input.policyId", "CONFLICT", "same ID", nil},
		"a base that does not exist":                      {`mutation { createApi(input: {name: "B", baseApiId: "nope", versionName: "v2"}) { id } }`, "input.baseApiId", "INVALID", "does not exist", nil},
		"another organisation":                            {`mutation { createPolicy(input: {name: "p", document: {name: "p"}, orgId: "5f00000000000000000000aa"}) { id } }`, "input.orgId", "FORBIDDEN", "another organisation", nil},
		"the objects of another organisation":             {`{ apis(filter: {orgId: "5f00000000000000000000aa"}) { totalCount } }`, "filter.orgId", "FORBIDDEN", "another organisation", nil},
		"another organisation in a patch":                 {`mutation { patchApi(id: "a", patch: {api_definition: {org_id: "5f00000000000000000000aa"}}) { id } }`, "patch.api_definition.org_id", "INVALID", "leave it out", nil},
		"a number of days below zero":                     {`{ certificates(filter: {expiresWithinDays: -1}) { totalCount } }`, "filter.expiresWithinDays", "INVALID", "expiresWithinDays must be", nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := s.GraphQL(t, c.query, c.variables)
			assert.Equal(t, c.code, r.Get("errors.0.extensions.code").Str, "%.500s", r.Body)
			assert.Equal(t, c.field, r.Get("errors.0.extensions.field").Str, "%.500s", r.Body)
			assert.Contains(t, r.Get("errors.0.message").Str, c.says)
		})
	}
}
