package resolvers_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"gatehouse/internal/apptest"
)

// refused wants an answer with one error of the code, whose message says all of these.
func refused(t *testing.T, r apptest.Reply, code string, says ...string) {
	t.Helper()
	require.Equal(t, code, r.Get("errors.0.extensions.code").Str, "%s", r.Body)
	for _, want := range says {
		assert.Contains(t, r.Get("errors.0.message").Str, want)
	}
}

const (
	makeApi   = `mutation($doc: JSON!) { it: createApi(input: {definition: $doc}) { id apiId slug listenPath name displayName categories definition revision active } }`
	changeApi = `mutation($id: ID!, $doc: JSON!, $revision: Int) { it: updateApi(id: $id, input: {definition: $doc}, revision: $revision) { id apiId slug listenPath name categories definition revision } }`
	showApi   = `query($id: ID!) { it: api(id: $id) { id apiId slug name revision definition } }`
	anID      = "5e9d9544a1dcd60001d0ed20"
)

func TestIdsSlugAndListenPathAreKeptOrMade(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		doc  string
		want map[string]string // by field, a pattern
	}{
		"all are made where none is given": {`{"api_definition":{"name":"Weather #public today"}}`,
			map[string]string{"id": "^[0-9a-f]{24}$", "apiId": "^[0-9a-f]{32}$", "slug": "^weather-today$", "listenPath": "^/[0-9a-f]{32}/$"}},
		"all are kept that are given": {`{"api_definition":{"name":"W","id":"` + anID + `","api_id":"my-api","slug":"my-slug","proxy":{"listen_path":"/mine/"}}}`,
			map[string]string{"id": anID, "apiId": "^my-api$", "slug": "^my-slug$", "listenPath": "^/mine/$"}},
		"the zero id counts as none": {`{"api_definition":{"name":"W","id":"000000000000000000000000"}}`,
			map[string]string{"id": "^[1-9a-f]"}},
		"a bare definition is wrapped": {`{"name":"Bare","proxy":{"target_url":"http://up.test"}}`,
			map[string]string{"name": "^Bare$", "definition": `"api_definition":`}},
		"a name of no letters takes the id for its slug": {`{"api_definition":{"name":"天気","api_id":"weather-1"}}`,
			map[string]string{"slug": "^weather-1$"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := apptest.New(t)
			r := must(t, s.GraphQL(t, makeApi, map[string]any{"doc": c.doc}))
			for field, pattern := range c.want {
				assert.Regexp(t, pattern, r.Get("data.it."+field).String(), field)
			}
			assert.Equal(t, s.OrgID, r.Get("data.it.definition.api_definition.org_id").Str)
		})
	}
}

func TestTwoApisOfOneNameGetTwoSlugs(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	first := must(t, s.GraphQL(t, makeApi, map[string]any{"doc": `{"name":"Weather"}`})).Get("data.it.slug").Str
	second := must(t, s.GraphQL(t, makeApi, map[string]any{"doc": `{"name":"Weather"}`})).Get("data.it.slug").Str
	assert.Equal(t, "weather", first)
	assert.Regexp(t, "^weather-[0-9a-f]{8}$", second)
}

func TestAnApiThatStandsInTheWayIsNamed(t *testing.T) {
	t.Parallel()
	const first = `{"api_definition":{"name":"First one","id":"` + anID + `","api_id":"first","slug":"taken","active":true,"domain":"a.test","proxy":{"listen_path":"/taken/"}}}`
	for name, c := range map[string]struct {
		doc  string
		says []string
	}{
		"the slug":                          {`{"name":"B","slug":"taken"}`, []string{"slug", `"First one" (first)`}},
		"the listen path on the domain":     {`{"name":"B","active":true,"domain":"a.test","proxy":{"listen_path":"/taken/"}}`, []string{"listen path", `"First one" (first)`}},
		"the path without its slash":        {`{"name":"B","active":true,"domain":"A.test","proxy":{"listen_path":"/taken"}}`, []string{"listen path", `"First one" (first)`}},
		"the public id":                     {`{"name":"B","api_id":"first"}`, []string{"Found API with the same ID"}},
		"the database id":                   {`{"name":"B","id":"` + anID + `"}`, []string{"Found API with the same ID", "api_definition.id", "leave it out"}},
		"nothing, for a path on other host": {`{"name":"B","active":true,"domain":"b.test","proxy":{"listen_path":"/taken/"}}`, nil},
		"nothing, for a longer path":        {`{"name":"B","active":true,"domain":"a.test","proxy":{"listen_path":"/taken/more/"}}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := apptest.New(t)
			must(t, s.GraphQL(t, makeApi, map[string]any{"doc": first}))
			r := s.GraphQL(t, makeApi, map[string]any{"doc": c.doc})
			if c.says == nil {
				must(t, r)
				return
			}
			refused(t, r, "CONFLICT", c.says...)
			assert.Equal(t, int64(1), s.GraphQL(t, `{ apis { totalCount } }`, nil).Get("data.apis.totalCount").Int())
			// The same on the way of an update.
			other := createApi(t, s, `{"name":"Other"}`)
			if !strings.Contains(c.doc, "id") {
				refused(t, s.GraphQL(t, changeApi, map[string]any{"id": other, "doc": c.doc}), "CONFLICT", c.says...)
			}
		})
	}
}

func TestAnotherOrganisationsApiIsNotNamed(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	createApi(t, s, `{"name":"A secret plan","api_id":"first"}`)
	_, key := s.Organisation(t, "other")
	r := s.GraphQL(t, makeApi, map[string]any{"doc": `{"name":"B","api_id":"first"}`}, "Authorization: "+key)
	refused(t, r, "CONFLICT")
	assert.NotContains(t, string(r.Body), "secret plan")
	must(t, s.GraphQL(t, makeApi, map[string]any{"doc": `{"name":"A secret plan"}`}, "Authorization: "+key))
}

func TestDuplicateSlugsAreTakenWhereTheConfigurationAllowsThem(t *testing.T) {
	t.Parallel()
	s := apptest.New(t, apptest.WithEnv("TYK_DB_ENABLEDUPLICATESLUGS=true"))
	for range 2 {
		must(
			t,
			s.GraphQL(t, makeApi, map[string]any{"doc": `{"name":"Twin","slug":"twin","proxy":{"listen_path":"/twin/"}}`}),
		)
	}
}

func TestCategoriesComeFromTheNameAndTheDocument(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	r := must(
		t,
		s.GraphQL(
			t,
			makeApi,
			map[string]any{"doc": `{"api_definition":{"name":"Weather #internal #public"},"categories":["data","#public"]}`},
		),
	)
	assert.Equal(t, `["data","internal","public"]`, r.Get("data.it.categories").Raw)
	assert.Equal(t, "Weather", r.Get("data.it.displayName").Str)
	createApi(t, s, `{"name":"Rain #public"}`)
	r = must(
		t,
		s.GraphQL(
			t,
			`{ apiCategories { nodes { name count } } apis(filter: {categories: ["#internal"]}) { nodes { displayName } } }`,
			nil,
		),
	)
	assert.JSONEq(
		t,
		`[{"name":"data","count":1},{"name":"internal","count":1},{"name":"public","count":2}]`,
		r.Get("data.apiCategories.nodes").Raw,
	)
	assert.Equal(t, `["Weather"]`, r.Get("data.apis.nodes.#.displayName").Raw)
}

func TestHookReferencesEmbedTheWebhook(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	hook := must(
		t,
		s.GraphQL(
			t,
			`mutation { it: createWebhook(input: {name: "Told", method: POST, targetPath: "http://told.test", headers: {a: "b"}}) { id } }`,
			nil,
		),
	).Get(
		"data.it.id",
	).Str
	doc := `{"api_definition":{"name":"W","event_handlers":{"events":{"QuotaExceeded":[{"handler_name":"eh_log_handler","handler_meta":{"prefix":"quota"}}]}}},` +
		`"hook_references":[{"event_name":"QuotaExceeded","event_timeout":60,"hook":{"id":"` + hook + `"}}]}`
	r := must(t, s.GraphQL(t, makeApi, map[string]any{"doc": doc}))
	id := r.Get("data.it.apiId").Str
	handlers := func(r apptest.Reply) gjson.Result {
		return r.Get("data.it.definition.api_definition.event_handlers.events.QuotaExceeded")
	}
	require.Equal(t, int64(2), handlers(r).Get("#").Int(), "the handler of another kind stays")
	assert.Equal(t, "eh_log_handler", handlers(r).Get("0.handler_name").Str)
	assert.JSONEq(
		t,
		fmt.Sprintf(
			`{"_id":%[1]q,"id":%[1]q,"name":"Told","org_id":%[2]q,"method":"POST","target_path":"http://told.test","template_path":"",
		"event_timeout":60,"header_map":{"a":"b"}}`,
			hook,
			s.OrgID,
		),
		handlers(r).Get("1.handler_meta").Raw,
	)
	assert.Equal(
		t,
		"Told",
		r.Get("data.it.definition.hook_references.0.hook.name").Str,
		"the reference holds the webhook, too",
	)

	before := r.Get("data.it.definition").Raw
	r = must(t, s.GraphQL(t, changeApi, map[string]any{"id": id, "doc": before}))
	assert.Equal(t, before, r.Get("data.it.definition").Raw, "a save without an edit changes nothing")
	assert.Equal(t, int64(1), r.Get("data.it.revision").Int())

	must(
		t,
		s.GraphQL(
			t,
			`mutation($id: ID!) { updateWebhook(id: $id, input: {targetPath: "http://elsewhere.test"}) { id } }`,
			map[string]any{"id": hook},
		),
	)
	r = must(t, s.GraphQL(t, changeApi, map[string]any{"id": id, "doc": before}))
	require.Equal(t, int64(2), handlers(r).Get("#").Int(), "the handler is replaced, not added again")
	assert.Equal(
		t,
		"http://elsewhere.test",
		handlers(r).Get("1.handler_meta.target_path").Str,
		"the next save takes the webhook as it is now",
	)
}

func TestAHookReferenceToNothingIsRefused(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	_, key := s.Organisation(t, "other")
	foreign := must(
		t,
		s.GraphQL(
			t,
			`mutation { it: createWebhook(input: {name: "F", method: POST, targetPath: "http://foreign.test"}) { id } }`,
			nil,
			"Authorization: "+key,
		),
	).Get(
		"data.it.id",
	).Str
	for name, c := range map[string]struct{ reference, says string }{
		"an unknown id":               {`{"event_name":"E","hook":{"id":"` + anID + `"}}`, "names no webhook of the organisation"},
		"another organisation's id":   {`{"event_name":"E","hook":{"id":"` + foreign + `"}}`, "names no webhook of the organisation"},
		"no event":                    {`{"hook":{"id":"` + anID + `"}}`, "event_name must name an event"},
		"an event that is no name":    {`{"event_name":"a.b","hook":{"id":"` + anID + `"}}`, "event_name must name an event"},
		"a reference without webhook": {`{"event_name":"E"}`, "names no webhook"},
	} {
		t.Run(name, func(t *testing.T) {
			r := s.GraphQL(
				t,
				makeApi,
				map[string]any{"doc": `{"api_definition":{"name":"W"},"hook_references":[` + c.reference + `]}`},
			)
			refused(t, r, "INVALID", "hook_references[0]", c.says)
			assert.NotContains(t, string(r.Body), "foreign.test")
		})
	}
}

func TestAVersionIsAddedToItsBase(t *testing.T) {
	t.Parallel()
	const version = `mutation($base: ID!, $name: String, $own: String, $default: Boolean) {
		it: createApi(input: {name: "Version", baseApiId: $base, versionName: $name, baseVersionName: $own, versionIsDefault: $default}) { apiId } }`
	s := apptest.New(t)
	base := createApi(t, s, `{"name":"Base"}`)
	definition := func() gjson.Result {
		return must(t, s.GraphQL(t, showApi, map[string]any{"id": base})).Get("data.it.definition.api_definition.definition")
	}
	refused(t, s.GraphQL(t, version, map[string]any{"base": base, "own": "v1"}), "INVALID", "new_version_name")
	refused(t, s.GraphQL(t, version, map[string]any{"base": base, "name": "v2"}), "INVALID", "base_api_version_name")
	refused(
		t,
		s.GraphQL(t, version, map[string]any{"base": "nothing", "name": "v2", "own": "v1"}),
		"INVALID",
		"nothing",
		"does not exist",
	)

	other := createApi(t, s, `{"name":"Other base"}`)
	one := must(t, s.GraphQL(t, version, map[string]any{"base": other, "name": "1", "own": "0"})).Get("data.it.apiId").Str
	r := must(t, s.GraphQL(t, showApi, map[string]any{"id": other}))
	assert.JSONEq(
		t,
		`{"1":"`+one+`"}`,
		r.Get("data.it.definition.api_definition.definition.versions").Raw,
		"a number is a name",
	)

	v2 := must(t, s.GraphQL(t, version, map[string]any{"base": base, "name": "v2", "own": "v1"})).Get("data.it.apiId").Str
	assert.Equal(t, "v1", definition().Get("name").Str)
	assert.Equal(t, "v1", definition().Get("default").Str)
	assert.True(t, definition().Get("enabled").Bool())
	assert.JSONEq(t, `{"v2":"`+v2+`"}`, definition().Get("versions").Raw)

	refused(t, s.GraphQL(t, version, map[string]any{"base": base, "name": "v2"}), "CONFLICT", `"v2"`)
	v3 := must(
		t,
		s.GraphQL(t, version, map[string]any{"base": base, "name": "v3", "default": true}),
	).Get(
		"data.it.apiId",
	).Str
	assert.Equal(t, "v3", definition().Get("default").Str)
	assert.JSONEq(t, `{"v2":"`+v2+`","v3":"`+v3+`"}`, definition().Get("versions").Raw)
	r = must(t, s.GraphQL(t, `{ all: apis { totalCount } base: apis(filter: {baseOnly: true}) { nodes { name } } }`, nil))
	assert.Equal(t, int64(5), r.Get("data.all.totalCount").Int(), "what was refused left nothing behind")
	assert.Equal(t, `["Other base","Base"]`, r.Get("data.base.nodes.#.name").Raw)
}

func TestAChangeByAnOldRevisionIsRefusedAndLosesNothing(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	id := createApi(t, s, `{"name":"One","x-unknown":1.50}`)
	must(t, s.GraphQL(t, changeApi, map[string]any{"id": id, "doc": `{"name":"Two"}`, "revision": 1}))
	refused(
		t,
		s.GraphQL(t, changeApi, map[string]any{"id": id, "doc": `{"name":"Three"}`, "revision": 1}),
		"STALE",
		"revision 2",
	)
	refused(
		t,
		s.GraphQL(t, `mutation($id: ID!) { deleteApi(id: $id, revision: 1) { id } }`, map[string]any{"id": id}),
		"STALE",
		"revision 2",
	)
	r := must(
		t,
		s.GraphQL(
			t,
			`mutation($id: ID!) { it: patchApi(id: $id, patch: {api_definition: {active: true}}, revision: 2) { name active revision } }`,
			map[string]any{"id": id},
		),
	)
	assert.JSONEq(t, `{"name":"Two","active":true,"revision":3}`, r.Get("data.it").Raw)
}

func TestAnImportOfApisIsAllOrNothing(t *testing.T) {
	t.Parallel()
	const imports = `mutation($apis: [JSON!]!) { it: importApis(apis: $apis) { id created warnings } }`
	s := apptest.New(t)
	doc := func(org, id, name string) string {
		return fmt.Sprintf(
			`{"api_definition":{"org_id":%q,"api_id":%q,"name":%q},"created_at":"2020-01-02T03:04:05Z"}`,
			org,
			id,
			name,
		)
	}
	admin := "admin-auth: " + apptest.AdminSecret
	for name, c := range map[string]struct{ bad, code, says string }{
		"an organisation that is not there": {doc(anID, "b", "B"), "INVALID", "apis[1]: there is no organisation"},
		"no organisation":                   {doc("", "b", "B"), "INVALID", "apis[1]: api_definition.org_id is required"},
		"no name":                           {doc(s.OrgID, "b", ""), "INVALID", "apis[1]: api_definition.name"},
		"the id of the one before":          {doc(s.OrgID, "a", "B"), "CONFLICT", "same ID"},
		"text":                              {"x", "MALFORMED", "apis[1]: "},
	} {
		t.Run(name, func(t *testing.T) {
			refused(
				t,
				s.GraphQL(t, imports, map[string]any{"apis": []string{doc(s.OrgID, "a", "A"), c.bad}}, admin),
				c.code,
				c.says,
			)
			assert.Equal(t, int64(0), s.GraphQL(t, `{ apis { totalCount } }`, nil).Get("data.apis.totalCount").Int())
		})
	}
	r := must(
		t,
		s.GraphQL(t, imports, map[string]any{"apis": []string{doc(s.OrgID, "a", "A"), doc(s.OrgID, "b", "B")}}, admin),
	)
	assert.JSONEq(
		t,
		`[{"id":"a","created":true,"warnings":[]},{"id":"b","created":true,"warnings":[]}]`,
		r.Get("data.it").Raw,
	)
	r = must(
		t,
		s.GraphQL(t, imports, map[string]any{"apis": []string{doc(s.OrgID, "a", "A again"), doc(s.OrgID, "c", "C")}}, admin),
	)
	assert.Equal(t, `[false,true]`, r.Get("data.it.#.created").Raw)
	r = must(t, s.GraphQL(t, `{ api(id: "a") { name revision createdAt } }`, nil))
	assert.JSONEq(t, `{"name":"A again","revision":2,"createdAt":"2020-01-02T03:04:05Z"}`, r.Get("data.api").Raw)
	org, _ := s.Organisation(t, "other")
	refused(
		t,
		s.GraphQL(t, imports, map[string]any{"apis": []string{doc(org, "a", "Taken over")}}, admin),
		"CONFLICT",
		"another organisation",
	)
}
