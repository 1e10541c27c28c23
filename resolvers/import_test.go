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
