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
		return s.Do(
			t,
			"PATCH",
			"/api/apis/plain",
			`{"api_definition":{"custom_middleware":{"pre":[{"name":"F"}]}}}`,
			"Authorization: "+key,
		)
	}
	r := code(s.AccessKey)
	assert.Equal(t, 400, r.Status, "%s", r.Body)
	assert.Contains(t, string(r.Body), "api_definition.custom_middleware.pre[0].name has the gateways run code")
	assert.Contains(t, string(r.Body), "gatehouse.shared_gateways.deny")
	r = s.Do(
		t,
		"POST",
		"/api/apis",
		string(core.Document(bundled).Set("api_definition.api_id", "theirs").Set("api_definition.slug", "theirs")),
		"Authorization: "+other,
	)
	assert.Equal(t, 400, r.Status, "%s", r.Body)
	assert.Equal(
		t,
		200,
		s.REST(t, "PATCH", "/api/apis/bundled", `{"api_definition":{"active":false}}`).Status,
		"what is there may stay",
	)
	r = s.REST(
		t,
		"POST",
		"/admin/apis/import",
		`{"apis":[{"api_definition":`+core.Document(
			bundled,
		).Set(
			"api_definition.api_id",
			"imported",
		).Set(
			"api_definition.slug",
			"imported",
		).
			Set(
				"api_definition.proxy.listen_path",
				"/imported/",
			).Set(
			"api_definition.org_id",
			s.OrgID,
		).Get(
			"api_definition",
		).Raw+`}]}`,
	)
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
		assert.Equal(
			t,
			c.shared,
			s.REST(
				t,
				"POST",
				"/api/apis",
				string(core.Document(bundled).Set("api_definition.api_id", "two").Set("api_definition.slug", "two").
					Set("api_definition.proxy.listen_path", "/two/")),
			).Status,
			"%v",
			c.env,
		)
	}
}

func TestAWebhookIsJudgedAsThePartOfADefinitionThatItBecomes(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	hook := func(more string) string {
		return `{"name":"h","method":"POST","target_path":"http://up.test/"` + more + `}`
	}
	const file = `,"template_path":"/etc/hostname"`
	r := s.REST(t, "POST", "/api/hooks", hook(file))
	require.Equal(t, 200, r.Status, "alone, an organisation may: %s", r.Body)
	before := r.Get("ID").String()
	s.Organisation(t, "other")
	r = s.REST(t, "POST", "/api/hooks", hook(""))
	require.Equal(t, 200, r.Status, "%s", r.Body)
	plain := r.Get("ID").String()
	for more, want := range map[string]string{
		file:                                  "template_path has the gateways read a file of theirs",
		`,"Template_Path":"/etc/hostname"`:    `must be spelled \"template_path\"`,
		`,"header_map":{"X":"env://HOME"}`:    "header_map.X has the gateways put in a secret",
		`,"header_map":{"X":"$secret_env.a"}`: "header_map.X has the gateways put in a secret",
	} {
		for target, method := range map[string]string{"/api/hooks": "POST", "/api/hooks/" + plain: "PUT"} {
			r := s.REST(t, method, target, hook(more))
			assert.Equal(t, 400, r.Status, "%s %s", method, more)
			assert.Contains(t, string(r.Body), want)
		}
	}
	for _, mutation := range []string{`createWebhook(input: {document: $d}) { id }`, `updateWebhook(id: "` + plain + `", input: {document: $d}) { id }`} {
		r := s.GraphQL(
			t,
			`mutation($d: JSON) { `+mutation+` }`,
			map[string]any{
				"d": map[string]any{
					"name":          "h",
					"method":        "POST",
					"target_path":   "http://up.test/",
					"template_path": "/etc/hostname",
				},
			},
		)
		assert.Equal(t, "input.document.template_path", r.Get("errors.0.extensions.field").String(), "%s", r.Body)
	}
	super := s.GraphQL(
		t,
		makeUser,
		map[string]any{
			"in": map[string]any{"email": "root@x.test", "active": true, "permissions": map[string]any{"IsAdmin": "admin"}},
		},
		"admin-auth: "+apptest.AdminSecret,
	).Get(
		"data.it.accessKey",
	).String()
	r = s.GraphQL(
		t,
		`mutation($d: JSON, $o: ID) { createWebhook(input: {orgId: $o, document: $d}) { id } }`,
		map[string]any{
			"o": s.OrgID,
			"d": map[string]any{"method": "POST", "target_path": "http://up.test/", "template_path": "/etc/hostname"},
		},
		"Authorization: "+super,
	)
	assert.False(t, r.Get("errors").Exists(), "whoever runs Gatehouse may: %s", r.Body)
	assert.Equal(
		t,
		200,
		s.REST(t, "PUT", "/api/hooks/"+before, hook(`,"template_path":"/etc/hostname","event_timeout":5`)).Status,
		"what is there may stay",
	)
	assert.Equal(t, 400, s.REST(t, "PUT", "/api/hooks/"+before, hook(`,"template_path":"/etc/passwd"`)).Status)

	refers := core.Document(
		plainApi,
	).SetRaw(
		"hook_references",
		[]byte(`[{"event_name":"AuthFailure","event_timeout":1,"hook":{"id":"`+before+`"}}]`),
	)
	r = s.REST(t, "POST", "/api/apis", string(refers))
	assert.Equal(t, 400, r.Status, "another definition would read the file")
	assert.Contains(
		t,
		string(r.Body),
		"api_definition.event_handlers.events.AuthFailure[0].handler_meta.template_path has the gateways read a file",
	)
	assert.Equal(
		t,
		200,
		s.REST(t, "POST", "/api/apis", string(refers.SetRaw("hook_references.0.hook", []byte(`{"id":"`+plain+`"}`)))).Status,
		"a plain one may be named",
	)
}
