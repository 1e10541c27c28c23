package resolvers_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"gatehouse/internal/apptest"
)

func TestWhatIsNewHasTheDefaultsThatTheSchemaSays(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	must(t, s.GraphQL(t, `mutation { it: createApi(input: {name: "Base", apiId: "base"}) { id } }`, nil))
	for mutation, want := range map[string]string{
		`createApi(input: {name: "A"}) { active internal domain targetUrl authTypes tags }`:                                                                        `{"active":true,"internal":false,"domain":"","targetUrl":"","authTypes":["AUTH_TOKEN"],"tags":[]}`,
		`createPolicy(input: {name: "P"}) { active isInactive state rate per quotaMax quotaRenewalRate keyExpiresIn apiIds tags partitions { quota acl perApi } }`: `{"active":true,"isInactive":false,"state":"ACTIVE","rate":1000,"per":60,"quotaMax":-1,"quotaRenewalRate":3600,"keyExpiresIn":0,"apiIds":[],"tags":[],"partitions":{"quota":false,"acl":false,"perApi":false}}`,
		`previewKey(input: {apiIds: ["base"]}) { alias tags policyIds expires inactive rate per quotaMax quotaRenewalRate }`:                                       `{"alias":"","tags":[],"policyIds":[],"expires":null,"inactive":false,"rate":1000,"per":60,"quotaMax":-1,"quotaRenewalRate":3600}`,
		`createUser(input: {email: "jo@x.test", permissions: {apis: "read"}}) { firstName lastName active groupId }`:                                               `{"firstName":"","lastName":"","active":false,"groupId":""}`,
	} {
		operation := "mutation"
		if mutation[:7] == "preview" {
			operation = "query"
		}
		r := must(t, s.GraphQL(t, operation+` { it: `+mutation+` }`, nil))
		assert.Equal(t, want, r.Get("data.it").Raw)
	}
	r := must(t, s.GraphQL(
		t,
		`mutation { it: createWebhook(input: {name: "W", method: POST, targetPath: "http://w.test"}) { document } }`,
		nil,
	))
	assert.Equal(t, `{}`, r.Get("data.it.document.header_map").Raw)
}
