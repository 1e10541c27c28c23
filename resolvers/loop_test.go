package resolvers_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"gatehouse/internal/apptest"
)

func TestTargetsThatLeadInACircleAreRefusedOnEverySave(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	create := func(id, target, more string) apptest.Reply {
		return s.REST(
			t,
			"POST",
			"/api/apis",
			`{"api_definition":{"name":"`+id+`","api_id":"`+id+`","proxy":{"listen_path":"/`+id+`/","target_url":"`+target+`"}`+more+`}}`,
		)
	}
	made := create("end", "http://up.test", "")
	require.Equal(t, 200, made.Status, "%s", made.Body)
	require.Equal(t, 200, create("b", "tyk://end/", "").Status)
	require.Equal(t, 200, create("a", "tyk://b/x", "").Status, "a chain that ends")

	id := s.REST(t, "GET", "/api/apis/end", "").Get("api_definition.id").Str
	refused := s.GraphQL(
		t,
		`mutation($id: ID!) { updateApi(id: $id, input: {targetUrl: "tyk://a"}) { id } }`,
		map[string]any{"id": id},
	)
	require.Equal(t, "INVALID", refused.Get("errors.0.extensions.code").Str, "%s", refused.Body)
	require.Equal(t, "input.targetUrl", refused.Get("errors.0.extensions.field").Str, "%s", refused.Body)
	require.Contains(t, refused.Get("errors.0.message").Str, "without an end")

	late := create("late", "tyk://early", "")
	require.Equal(t, 200, late.Status, "who is handed to may come later: %s", late.Body)
	require.Equal(t, 400, create("early", "tyk://late", "").Status)
	require.Equal(
		t,
		200,
		create(
			"base",
			"http://up.test",
			`,"definition":{"enabled":true,"name":"v1","versions":{"v1":"base","v2":"v2"}}`,
		).Status,
	)
	require.Equal(t, 400, create("v2", "tyk://base", "").Status, "a version that hands back to its base")
	patched := s.REST(t, "PATCH", "/api/apis/b", `{"api_definition":{"proxy":{"target_url":"tyk://a"}}}`)
	require.Equal(t, 400, patched.Status, "%s", patched.Body)
}
