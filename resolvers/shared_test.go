package resolvers_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/apptest"
	"gatehouse/internal/core"
)

const (
	plainApi = `{"api_definition":{"name":"Plain","api_id":"plain","slug":"plain","active":true,"proxy":{"listen_path":"/plain/","target_url":"http://up.test"}}}`
	bundled  = `{"api_definition":{"name":"Bundled","api_id":"bundled","slug":"bundled","custom_middleware_bundle":"b.zip","proxy":{"listen_path":"/bundled/","target_url":"http://up.test"}}}`
)

func TestAnOrganisationThatSharesGatewaysMayNotAddCodeToThem(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	require.Equal(t, 200, s.REST(t, "POST", "/api/apis", bundled).Status, "alone, an organisation may")
	require.Equal(t, 200, s.REST(t, "POST", "/api/apis", plainApi).Status)
	_, other := s.Organisation(t, "other")
	code := func(key string) apptest.Reply {
		return s.Do(t, "PATCH", "/api/apis/plain", `{"api_definition":{"custom_middleware":{"pre":[{"name":"F"}]}}}`, "Authorization: "+key)
	}
	r := code(s.AccessKey)
	assert.Equal(t, 400, r.Status, "%s", r.Body)
	assert.Contains(t, string(r.Body), "api_definition.custom_middleware.pre[0].name has the gateways run code")
	assert.Contains(t, string(r.Body), "gatehouse.shared_gateways.deny")
	r = s.Do(t, "POST", "/api/apis", string(core.Document(bundled).Set("api_definition.api_id", "theirs").Set("api_definition.slug", "theirs")), "Authorization: "+other)
	assert.Equal(t, 400, r.Status, "%s", r.Body)
	assert.Equal(t, 200, s.REST(t, "PATCH", "/api/apis/bundled", `{"api_definition":{"active":false}}`).Status, "what is there may stay")
	r = s.REST(t, "POST", "/admin/apis/import", `{"apis":[{"api_definition":`+core.Document(bundled).Set("api_definition.api_id", "imported").Set("api_definition.slug", "imported").
		Set("api_definition.proxy.listen_path", "/imported/").Set("api_definition.org_id", s.OrgID).Get("api_definition").Raw+`}]}`)
	assert.Equal(t, 200, r.Status, "whoever runs Gatehouse may: %s", r.Body)
}

func TestWhatOrganisationsMayHaveGatewaysDoIsASetting(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		env    []string
		alone  int
		shared int
	}{
		{[]string{"GATEHOUSE_SHAREDGATEWAYS_APPLY=never"}, 200, 200},
		{[]string{"GATEHOUSE_SHAREDGATEWAYS_APPLY=always"}, 400, 400},
		{[]string{"GATEHOUSE_SHAREDGATEWAYS_DENY=none"}, 200, 200},
		{[]string{"GATEHOUSE_SHAREDGATEWAYS_DENY=trust"}, 200, 200},
	} {
		s := apptest.New(t, apptest.WithEnv(c.env...))
		assert.Equal(t, c.alone, s.REST(t, "POST", "/api/apis", bundled).Status, "%v", c.env)
		s.Organisation(t, "other")
		assert.Equal(t, c.shared, s.REST(t, "POST", "/api/apis", string(core.Document(bundled).Set("api_definition.api_id", "two").Set("api_definition.slug", "two").
			Set("api_definition.proxy.listen_path", "/two/"))).Status, "%v", c.env)
	}
}
