package resolvers_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/apptest"
	"gatehouse/internal/core"
)

// killer is a definition that takes gateways down, as the value of api_definition.
const killer = `{"name":"K","api_id":"killer","slug":"killer","active":true,"use_keyless":true,"proxy":{"listen_path":"/killer/","target_url":"http://up.test"},` +
	`"graphql":{"enabled":true,"version":"2","execution_mode":"executionEngine","schema":"type Query { a: String }",` +
	`"engine":{"data_sources":[{"kind":"rest","root_fields":[{"type":"Query","fields":["a"]}],"config":{"url":"http://up.test"}}]}}}`

const aboutKiller = "api_definition.graphql.engine.data_sources[0].kind must be one of REST, GraphQL, Kafka, spelled so: it would take down gateways"

func TestADefinitionThatTakesGatewaysDownIsRefusedOnEverySave(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	require.Equal(
		t,
		200,
		s.REST(
			t,
			"POST",
			"/api/apis",
			`{"api_definition":{"name":"Good","api_id":"good","slug":"good","proxy":{"listen_path":"/good/","target_url":"http://up.test"}}}`,
		).Status,
	)
	wrapped := `{"api_definition":` + killer + `}`
	engine := `{"api_definition":{"graphql":{"engine":{"data_sources":[{"kind":"rest"}]}}}}`
	for name, r := range map[string]apptest.Reply{
		"POST":          s.REST(t, "POST", "/api/apis", wrapped),
		"PUT":           s.REST(t, "PUT", "/api/apis/good", `{"api_definition":`+string(core.Document(killer).Set("api_id", "good").Set("slug", "good"))+`}`),
		"PATCH":         s.REST(t, "PATCH", "/api/apis/good", engine),
		"a new version": s.REST(t, "POST", "/api/apis?base_api_id=good&new_version_name=v2", wrapped),
		"an import":     s.REST(t, "POST", "/admin/apis/import", `{"apis":[{"api_definition":`+string(core.Document(killer).Set("org_id", s.OrgID))+`}]}`),
	} {
		assert.Equal(t, 400, r.Status, "%s: %s", name, r.Body)
		assert.Contains(t, string(r.Body), aboutKiller, name)
	}
	doc := func(raw string) map[string]any { return map[string]any{"id": "good", "doc": json.RawMessage(raw)} }
	for _, r := range []apptest.Reply{
		s.GraphQL(t, makeApi, doc(wrapped)),
		s.GraphQL(t, changeApi, doc(wrapped)),
		s.GraphQL(t, `mutation($id: ID!, $doc: JSON!) { patchApi(id: $id, patch: $doc) { id } }`, doc(engine)),
	} {
		refused(t, r, "INVALID", aboutKiller)
	}
}

func TestAFaultThatAnApiHadMayStayWhileTheRestIsChanged(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	a := core.NewApi(
		core.Meta{ID: anID, OrgID: s.OrgID},
		core.Document(`{"api_definition":`+string(core.Document(killer).Set("id", anID))+`}`),
	)
	require.NoError(t, s.Store.Apis.Create(context.Background(), a))
	off := s.REST(t, "PATCH", "/api/apis/killer", `{"api_definition":{"active":false}}`)
	require.Equal(t, 200, off.Status, "%s", off.Body)
	worse := s.REST(
		t,
		"PATCH",
		"/api/apis/killer",
		`{"api_definition":{"graphql":{"engine":{"data_sources":[{"kind":"REST"}]}}}}`,
	)
	assert.Equal(t, 400, worse.Status, "%s", worse.Body)
	assert.Contains(t, string(worse.Body), "data_sources[0].config must be an object")
	well := s.REST(t, "PATCH", "/api/apis/killer", `{"api_definition":{"graphql":{"engine":{"data_sources":[]}}}}`)
	assert.Equal(t, 200, well.Status, "%s", well.Body)
}

func TestAnApiThatIsKeptFromGatewaysIsMarkedAndListed(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	require.Equal(
		t,
		200,
		s.REST(
			t,
			"POST",
			"/api/apis",
			`{"api_definition":{"name":"Good","api_id":"good","proxy":{"listen_path":"/good/","target_url":"http://up.test"}}}`,
		).Status,
	)
	a := core.NewApi(
		core.Meta{ID: anID, OrgID: s.OrgID},
		core.Document(`{"api_definition":`+string(core.Document(killer).Set("id", anID))+`}`),
	)
	require.NoError(t, s.Store.Apis.Create(context.Background(), a))
	list := func(servable bool) string {
		t.Helper()
		return must(
			t,
			s.GraphQL(
				t,
				`query($servable: Boolean) { it: apis(filter: {servable: $servable}) { totalCount nodes { apiId servable fault } } }`,
				map[string]any{"servable": servable},
			),
		).Get(
			"data.it",
		).Raw
	}
	assert.JSONEq(t, `{"totalCount":1,"nodes":[{"apiId":"good","servable":true,"fault":null}]}`, list(true))
	assert.JSONEq(
		t,
		`{"totalCount":1,"nodes":[{"apiId":"killer","servable":false,"fault":"`+aboutKiller+`, those of every organisation"}]}`,
		list(false),
	)
	require.Equal(
		t,
		200,
		s.REST(
			t,
			"PATCH",
			"/api/apis/killer",
			`{"api_definition":{"graphql":{"enabled":false,"engine":{"data_sources":[]}}}}`,
		).Status,
	)
	assert.JSONEq(t, `{"totalCount":0,"nodes":[]}`, list(false))
}
