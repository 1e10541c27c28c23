package resolvers_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/apptest"
)

func TestAnImportOfWhatIsThereAlreadyChangesNothing(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	org := fmt.Sprintf(`{"id":%q,"owner_name":"Default Org.","owner_slug":"default"}`, s.OrgID)
	api := fmt.Sprintf(`{"apis":[{"api_definition":{"name":"A","api_id":"a","org_id":%q}}]}`, s.OrgID)
	policy := fmt.Sprintf(`{"Data":[{"_id":%q,"name":"P","org_id":%q}]}`, anID, s.OrgID)
	bodies := [][2]string{
		{"/admin/organisations/import", org},
		{"/admin/apis/import", api},
		{"/admin/policies/import", policy},
	}
	revisions := func() string {
		r := s.GraphQL(
			t,
			`query($org: ID!, $p: ID!) { organisation(id: $org) { revision } api(id: "a") { revision } policy(id: $p) { revision } }`,
			map[string]any{"org": s.OrgID, "p": anID},
			"Authorization: "+s.AccessKey,
			admin,
		)
		require.False(t, r.Get("errors").Exists(), "%s", r.Body)
		return r.Get("data").Raw
	}
	for _, b := range bodies {
		require.Equal(t, 200, s.REST(t, "POST", b[0], b[1]).Status)
	}
	before := revisions()
	for _, b := range bodies {
		require.Equal(t, 200, s.REST(t, "POST", b[0], b[1]).Status)
	}
	assert.Equal(t, before, revisions())
}

func TestAnImportSaysWhichElementCollidesWithWhat(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	must(t, s.GraphQL(t, `mutation { createApi(input: {apiId: "there", name: "There", slug: "there", listenPath: "/there/"}) { id } }`,
		nil, "Authorization: "+s.AccessKey))
	api := func(name, id, slug, path string) string {
		return fmt.Sprintf(`{"api_definition":{"org_id":%q,"active":true,"name":%q,"api_id":%q,"slug":%q,"proxy":{"listen_path":"/%s/"}}}`,
			s.OrgID, name, id, slug, path)
	}
	policy := func(name string) string {
		return fmt.Sprintf(`{"org_id":%q,"name":%q,"access_rights":{}}`, s.OrgID, name)
	}
	for name, c := range map[string]struct {
		path, body string
		says       []string
	}{
		"one slug for two":      {"/admin/apis/import", `{"apis":[` + api("a", "a", "s", "a") + `,` + api("b", "b", "s", "b") + `]}`, []string{"apis[1]", `"s"`, "apis[0]"}},
		"one public id for two": {"/admin/apis/import", `{"apis":[` + api("a", "same", "s1", "a") + `,` + api("b", "same", "s2", "b") + `]}`, []string{"apis[1]", `"same"`, "apis[0]"}},
		"one path for two":      {"/admin/apis/import", `{"apis":[` + api("a", "a", "s1", "x") + `,` + api("b", "b", "s2", "x") + `]}`, []string{"apis[1]", "listen path"}},
		"a slug of another API": {"/admin/apis/import", `{"apis":[` + api("a", "a", "s1", "a") + `,` + api("b", "b", "there", "b") + `]}`, []string{"apis[1]", `"there"`, "There"}},
		"one name for two":      {"/admin/policies/import", `{"Data":[` + policy("n") + `,` + policy("n") + `]}`, []string{"Data[1]", `"n"`, "Data[0]"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := s.REST(t, "POST", c.path, c.body)
			require.Equal(t, 409, r.Status, string(r.Body))
			for _, word := range c.says {
				require.Contains(t, r.Get("Message").Str, word)
			}
		})
	}
}

func TestPoliciesOfTheOpenSourceGatewayCanBeImported(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	body := fmt.Sprintf(`{"basic":{"org_id":%[1]q,"rate":1000,"per":1,"quota_max":100,"quota_renewal_rate":60,"access_rights":{}},
		"named":{"id":"other","org_id":%[1]q,"name":"A name","access_rights":{}}}`, s.OrgID)
	r := s.REST(t, "POST", "/admin/policies/import", body)
	require.Equal(t, 200, r.Status, string(r.Body))
	require.JSONEq(t, `{"basic":true,"other":true}`, r.Get("Meta").Raw)
	q := must(t, s.GraphQL(t, `{ a: policy(id: "basic") { name rate } b: policy(id: "other") { name } }`, nil, "Authorization: "+s.AccessKey))
	require.JSONEq(t, `{"a":{"name":"basic","rate":1000},"b":{"name":"A name"}}`, q.Get("data").Raw)
	require.Equal(t, 403, s.REST(t, "POST", "/admin/policies/import", `{"Data":"none"}`).Status)
}
