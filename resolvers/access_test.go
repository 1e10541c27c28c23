package resolvers_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/apptest"
)

// withAccess makes a policy or a key with access rights, and changeAccess changes the first of either.
const (
	policyWithAccess = `mutation($in: [AccessRightInput!], $doc: JSON) { it: createPolicy(input: {name: "P", policyId: "p", document: $doc, accessRights: $in}) { it: documentText warnings } }`
	keyWithAccess    = `mutation($in: [AccessRightInput!], $doc: JSON) { made: createKey(input: {customId: "key-1", session: $doc, accessRights: $in}) { it: key { it: sessionText } } }`
	changedPolicy    = `mutation($in: [AccessRightInput!]) { it: updatePolicy(id: "p", input: {accessRights: $in}) { it: documentText } }`
	changedKey       = `mutation($in: [AccessRightInput!]) { it: updateKey(id: "key-1", input: {accessRights: $in}) { it: sessionText } }`
)

const asSet = `apiId apiName versions allowedUrls { url methods } disableIntrospection restrictedTypes { name fields } allowedTypes { name fields }
	limit { rate per throttleInterval throttleRetryLimit maxQueryDepth quotaMax quotaRenewalRate } api { name }`

func TestAccessRightsGoThroughGraphQLToTheDocumentAndBack(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	for _, id := range []string{"a", "b.2", "c"} {
		addApi(t, s, id)
	}
	const (
		doc = `{"policy_id":"","access_rights":{"a":{"api_id":"a","x-unknown":1.0,"field_access_rights":[],"limit":{"rate":7,"per":1,"smoothing":null}},"c":{}}}`
		in  = `[{"apiId":"b.2","versions":["v1"],"allowedUrls":[{"url":"^/x<1>$","methods":["GET","TRACE"]}],"limit":{"rate":2.5,"quotaMax":9007199254740993},
			"disableIntrospection":true,"restrictedTypes":[{"name":"Q","fields":["f"]}],"allowedTypes":[]},{"apiId":"a"}]`
		stored = `{"b.2":{"api_id":"b.2","api_name":"b.2","versions":["v1"],"allowed_urls":[{"url":"^/x<1>$","methods":["GET","TRACE"]}],` +
			`"restricted_types":[{"name":"Q","fields":["f"]}],"allowed_types":[],"limit":{"rate":2.5,"per":60,"throttle_interval":-1,` +
			`"throttle_retry_limit":-1,"max_query_depth":-1,"quota_max":9007199254740993,"quota_renewal_rate":3600},"disable_introspection":true},` +
			`"a":{"api_id":"a","x-unknown":1.0,"field_access_rights":[],"api_name":"a","versions":["Default"]}}`
		shown = `[{"apiId":"b.2","apiName":"b.2","versions":["v1"],"allowedUrls":[{"url":"^/x<1>$","methods":["GET","TRACE"]}],"disableIntrospection":true,
			"restrictedTypes":[{"name":"Q","fields":["f"]}],"allowedTypes":[],"limit":{"rate":2.5,"per":60,"throttleInterval":-1,"throttleRetryLimit":-1,
			"maxQueryDepth":-1,"quotaMax":9007199254740993,"quotaRenewalRate":3600},"api":{"name":"b.2"}},
			{"apiId":"a","apiName":"a","versions":["Default"],"allowedUrls":[],"disableIntrospection":false,"restrictedTypes":[],"allowedTypes":[],"limit":null,
			"api":{"name":"a"}}]`
	)
	for name, c := range map[string]struct{ create, update, at, read string }{
		"of a policy": {policyWithAccess, changedPolicy, "data.it.it", `policy(id: "p")`},
		"of a key":    {keyWithAccess, changedKey, "data.made.it.it", `key(id: "key-1")`},
	} {
		t.Run(name, func(t *testing.T) {
			vars := map[string]any{"in": json.RawMessage(in), "doc": doc}
			text := must(t, s.GraphQL(t, c.create, vars)).Get(c.at).Str
			assert.Equal(t, stored, apptest.Reply{Body: []byte(text)}.Get("access_rights").Raw)
			read := func(args, fields string) apptest.Reply {
				return s.GraphQL(t, `{ it: `+c.read+` { accessRights`+args+` { totalCount nodes { `+fields+` } pageInfo { hasNextPage endCursor } } } }`, nil)
			}
			assert.JSONEq(t, shown, must(t, read("", asSet)).Get("data.it.accessRights.nodes").Raw)

			page := must(t, read("(first: 1)", "apiId")).Get("data.it.accessRights")
			assert.Equal(t, `[{"apiId":"b.2"}]`, page.Get("nodes").Raw)
			assert.True(t, page.Get("pageInfo.hasNextPage").Bool())
			assert.Equal(t, int64(2), page.Get("totalCount").Int())
			after := page.Get("pageInfo.endCursor").Str
			page = must(t, read(`(first: 5, after: "`+after+`")`, "apiId api { apiId }")).Get("data.it.accessRights")
			assert.Equal(t, `[{"apiId":"a","api":{"apiId":"a"}}]`, page.Get("nodes").Raw)
			assert.False(t, page.Get("pageInfo.hasNextPage").Bool())
			refused(t, s.GraphQL(t, `{ policies(after: "`+after+`") { totalCount nodes { id } } }`, nil), "INVALID", "cursor")

			vars["in"] = json.RawMessage(`[{"apiId":"b.2"},{"apiId":"a","limit":{}}]`)
			text = must(t, s.GraphQL(t, c.update, vars)).Get("data.it.it").Str
			assert.Equal(t, `{"b.2":{"api_id":"b.2","api_name":"b.2","versions":["Default"]},`+
				`"a":{"api_id":"a","x-unknown":1.0,"field_access_rights":[],"api_name":"a","versions":["Default"],`+
				`"limit":{"rate":-1,"per":60,"throttle_interval":-1,"throttle_retry_limit":-1,"max_query_depth":-1,"quota_max":-1,"quota_renewal_rate":3600}}}`,
				apptest.Reply{Body: []byte(text)}.Get("access_rights").Raw)
		})
	}
}

func TestAccessRightsNameApisByTheRulesOfTheirIds(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	addApi(t, s, "a")
	_, stranger := s.Organisation(t, "others")
	r := must(t, s.GraphQL(t, `mutation { createApi(input: {name: "T", apiId: "theirs", listenPath: "/theirs/"}) { id } }`, nil, "Authorization: "+stranger))
	require.NotEmpty(t, r.Get("data.createApi.id").Str)
	in := map[string]any{"in": json.RawMessage(`[{"apiId":"a"},{"apiId":"theirs"}]`)}
	r = must(t, s.GraphQL(t, policyWithAccess, in))
	assert.Equal(t, "access_rights name APIs that do not exist in the organisation: theirs", r.Get("data.it.warnings.0").Str)
	r = must(t, s.GraphQL(t, `{ policy(id: "p") { accessRights { nodes { apiId apiName api { name } } } } }`, nil))
	assert.Equal(t, `[{"apiId":"a","apiName":"a","api":{"name":"a"}},{"apiId":"theirs","apiName":"","api":null}]`,
		r.Get("data.policy.accessRights.nodes").Raw, "another organisation's API is not there")
	r = s.GraphQL(t, keyWithAccess, in)
	refused(t, r, "INVALID", "accessRights name APIs that do not exist in the organisation: theirs")
	assert.Equal(t, "input.accessRights[1]", r.Get("errors.0.extensions.field").Str, "%s", r.Body)

	tooMany := `[` + strings.Repeat(`{"apiId":"a"},`, 2) + `{"apiId":"b"}]`
	refused(t, s.GraphQL(t, policyWithAccess, map[string]any{"in": json.RawMessage(tooMany)}), "INVALID", "the API a twice")
}
