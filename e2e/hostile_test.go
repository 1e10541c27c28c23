package e2e

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"gatehouse/internal/core"
	"gatehouse/internal/gateway/definition"
	"gatehouse/store"
	"gatehouse/store/sql"
)

// TestTwoHostileOrganisationsDoNotHurtAThird puts an honest organisation beside two that have written what they like
// into the store, and looks at what a real gateway makes of it.
func TestTwoHostileOrganisationsDoNotHurtAThird(t *testing.T) {
	in := install(t)
	honest := in.api(t, "honest", nil)
	in.becomes(t, patient, http.StatusOK, "/honest/")
	killers := in.killers()
	names := slices.Sorted(maps.Keys(killers))
	orgs := []string{in.organisation(t, "first"), in.organisation(t, "second")}
	certificates := in.lend(t)
	v := in.vault(t)
	in.refusesByTheFrontDoor(t, orgs[0], in.user(t, orgs[0]), v)

	in.gatehouse.stop(syscall.SIGTERM)
	lie := mismatched(orgs[0], in.org, v)
	tokens := in.steal(t, orgs[0], stolen(orgs[0], lie.ID, in.org, v))
	before := in.statuses(tokens)
	require.Equal(
		t,
		http.StatusOK,
		before["a right"],
		"a gateway that is on its own lets it in; otherwise this proves nothing",
	)
	in.behindOurBack(t, func(s *store.Store) {
		certificates.put(t, s, in.org, orgs[0])
		storePolicy(t, s, lie)
		for i, name := range names {
			put(t, s, orgs[i%2], fmt.Sprintf("killer-%d", i), name, in.upstream.URL, killers[name])
		}
		for name, fields := range in.harmless() {
			put(t, s, orgs[0], "harmless-"+slug(name), name, in.upstream.URL, fields)
		}
		// What a gateway would look up among everybody's APIs.
		put(t, s, orgs[0], "loops-by-id", "Loops by id", "tyk://"+honest, "")
		put(t, s, orgs[1], "loops-by-name", "Loops by name", "tyk://inside", "")
		put(
			t,
			s,
			orgs[1],
			"versions",
			"Versions",
			in.upstream.URL,
			`,"definition":{"enabled":true,"name":"v1","location":"header","key":"x-version","versions":{"v2":"inside"}}`,
		)
		put(t, s, in.org, "inside", "Inside", in.upstream.URL, `,"internal":true`)
		put(t, s, in.org, "door", "Door", "tyk://inside/", "")
	})
	in.startGatehouse(t)
	in.gatewayReloads(t)

	in.becomes(t, patient, http.StatusOK, "/door/")
	assert.Equal(t, http.StatusOK, in.through("/honest/").status)
	in.openNothing(t, tokens, before)
	assert.Equal(
		t,
		http.StatusOK,
		in.through("/own/", "Authorization: "+tokens["a right beside its own"]).status,
		"what is its own stays open",
	)
	assert.Equal(t, http.StatusOK, in.through("/vault/", "Authorization: "+v.key).status, "the key of the honest one")
	for i, name := range names {
		t.Run("a killer is kept from the gateway: "+name, func(t *testing.T) {
			path := fmt.Sprintf("/killer-%d/x", i)
			assert.Equal(t, http.StatusNotFound, in.through(path).status, "a killer is served")
			assert.Equal(t, http.StatusNotFound, in.asks(path).status, "a killer is served")
			assert.Equal(t, http.StatusOK, in.through("/honest/").status, "the gateway died of it: %s", in.gateway.tail(20))
		})
	}
	for name := range in.harmless() {
		t.Run("what hurts its own callers alone is served: "+name, func(t *testing.T) {
			assert.NotEqual(t, http.StatusNotFound, in.asks(fmt.Sprintf("/harmless-%s/", slug(name))).status)
			in.gatewayReloads(t)
			assert.Equal(t, http.StatusOK, in.through("/honest/").status, "the gateway died of it: %s", in.gateway.tail(20))
		})
	}
	assert.Equal(
		t,
		http.StatusInternalServerError,
		in.through("/loops-by-id/").status,
		"a loop by id reaches another organisation",
	)
	assert.Equal(
		t,
		http.StatusInternalServerError,
		in.through("/loops-by-name/").status,
		"a loop by name reaches another organisation",
	)
	assert.NotEqual(
		t,
		http.StatusOK,
		in.through("/versions/", "x-version: v2").status,
		"a version reaches another organisation",
	)

	certificates.shows(t, in)

	listed := in.call(
		"POST",
		in.url+"/graphql",
		`{"query":"{ apis(first: 100, filter: {servable: false}) { totalCount nodes { name fault } } }"}`,
		"admin-auth: "+in.admin,
		"Content-Type: application/json",
	)
	if n := listed.get("data.apis.totalCount").Int(); n != 0 {
		assert.Equal(t, int64(len(killers)), n, "%s", listed) // where the admin secret lists every organisation's
	}
	for range 3 {
		in.gatewayReloads(t)
		require.Equal(t, http.StatusOK, in.through("/honest/").status, in.gateway.tail(20))
	}
	assert.NotContains(t, in.gateway.said.String(), "panic:", "the gateway has not died")
	t.Logf(
		"%s: %d killers of two organisations are kept from the gateway; it serves the honest one through three more reloads",
		filepath.Base(in.binary),
		len(killers),
	)
}

// asks sends a query to the API of a graph, which has a gateway make its engine.
func (in *installation) asks(path string) answer {
	return in.call("POST", in.gatewayURL+path, `{"query":"{ a }"}`, "Content-Type: application/json")
}

func slug(name string) string { return strings.ReplaceAll(name, " ", "-") }

// harmless is what looks like a killer and was seen to hurt nobody but its own callers, by a name each.
func (in *installation) harmless() map[string]string {
	graph := func(schema, source string) string {
		return `,"graphql":{"enabled":true,"version":"2","execution_mode":"executionEngine","schema":"` + schema + `","engine":{"field_configs":[],"data_sources":[` + source + `]}}`
	}
	const schema, root = "type Query { a: String }", `"root_fields":[{"type":"Query","fields":["a"]}]`
	return map[string]string{
		"url of no host": graph(schema, `{"kind":"REST",`+root+`,"config":{"url":"://","method":"GET"}}`),
		"bad schema":     graph("type { 1", `{"kind":"REST",`+root+`,"config":{"url":"http://127.0.0.1:9/"}}`),
		"bad subscription": graph(
			schema,
			`{"kind":"GraphQL",`+root+`,"config":{"url":"http://127.0.0.1:9/","method":"POST","subscription_type":"none"}}`,
		),
	}
}

// killers are what takes down gateways, by a name each: the fields of a definition after the usual ones.
func (in *installation) killers() map[string]string {
	graph := func(source string) string {
		return `,"graphql":{"enabled":true,"version":"2","execution_mode":"executionEngine","schema":"type Query { a: String }","engine":{"field_configs":[],"data_sources":[` + source + `]}}`
	}
	extended := func(paths string) string {
		return `,"version_data":{"not_versioned":true,"versions":{"Default":{"name":"Default","use_extended_paths":true,"extended_paths":{` + paths + `}}}}`
	}
	event := func(handler string) string {
		return `,"event_handlers":{"events":{"AuthFailure":[` + handler + `]}}`
	}
	const root = `"root_fields":[{"type":"Query","fields":["a"]}]`
	blob := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	return map[string]string{
		"config string":       graph(`{"kind":"REST",` + root + `,"config":"x"}`),
		"config missing":      graph(`{"kind":"REST",` + root + `}`),
		"config headers":      graph(`{"kind":"REST",` + root + `,"config":{"headers":[]}}`),
		"config url":          graph(`{"kind":"REST",` + root + `,"config":{"url":"http://up.test?a=%zz"}}`),
		"kind lower":          graph(`{"kind":"rest",` + root + `,"config":{}}`),
		"kind empty":          graph(`{"kind":"",` + root + `,"config":{}}`),
		"fields of no schema": graph(`{"kind":"REST","root_fields":[{"type":"Query","fields":["b"]}],"config":{}}`),
		"mode unknown":        `,"graphql":{"enabled":true,"version":"2","execution_mode":"engine","schema":"type Query { a: String }"}`,
		"supergraph merged":   `,"graphql":{"enabled":true,"version":"2","execution_mode":"supergraph","schema":"type Query { a: String }","supergraph":{"merged_sdl":"type { 1"}}`,
		"log without prefix":  event(`{"handler_name":"eh_log_handler","handler_meta":{}}`),
		"script without path": event(`{"handler_name":"eh_dynamic_handler","handler_meta":{"name":"f"}}`),
		"schema of itself":    extended(`"validate_json":[{"path":"/x","method":"GET","schema":{"$ref":"#"}}]`),
		"loop without an end": extended(
			`"url_rewrites":[{"path":"/","match_pattern":".*","method":"GET","rewrite_to":"tyk://self/x?loop_limit=100000000"}]`,
		),
		"template of brackets": extended(
			`"transform":[{"path":"/x","method":"GET","template_data":{"template_mode":"blob","input_type":"json","template_source":"` + blob(
				"{{"+strings.Repeat("(", 10_000),
			) + `"}}]`,
		),
		"type decoded wrong": `,"enable_jwt":"yes"`,
	}
}

// put writes an API into the store, past all checks.
func put(t *testing.T, s *store.Store, org, id, name, target, fields string) {
	t.Helper()
	doc := `{"api_definition":{"id":"` + core.NewID(
		time.Now(),
	) + `","api_id":"` + id + `","org_id":"` + org + `","slug":"` + id + `","name":"` + name + `","active":true,"use_keyless":true,` +
		`"proxy":{"listen_path":"/` + id + `/","target_url":"` + target + `","strip_listen_path":true}`
	if !strings.Contains(fields, `"version_data"`) {
		doc += `,"version_data":{"not_versioned":true,"versions":{"Default":{"name":"Default"}}}`
	}
	doc += fields + `}}`
	a := core.NewApi(core.Meta{ID: gjson.Get(doc, "api_definition.id").Str, OrgID: org}, core.Document(doc))
	require.NoError(t, s.Apis.Create(t.Context(), a))
}

// behindOurBack opens the store while the program is down.
func (in *installation) behindOurBack(t *testing.T, write func(*store.Store)) {
	t.Helper()
	engine, err := sql.Open(t.Context(), sql.Config{Type: "sqlite", DSN: filepath.Join(in.dir, "data", "gatehouse.db")})
	require.NoError(t, err)
	rules := definition.New(definition.Oldest)
	s := store.New(engine, store.WithJudge(store.Judge{Version: rules.Version(), Fault: rules.Fault}))
	write(s)
	require.NoError(t, s.Close())
}

// organisation makes one, and returns its id.
func (in *installation) organisation(t *testing.T, slug string) string {
	t.Helper()
	a := in.call(
		"POST",
		in.url+"/admin/organisations",
		`{"owner_name":"`+slug+`","owner_slug":"`+slug+`"}`,
		"admin-auth: "+in.admin,
	)
	require.Equal(t, http.StatusOK, a.status, "%s", a)
	return a.get("Meta").Str
}

// gatewayReloads has the gateway load everything again, and waits for it.
func (in *installation) gatewayReloads(t *testing.T) {
	t.Helper()
	eventually(t, patient, "the gateway has loaded everything again", func() (bool, string) {
		a := in.call("GET", in.gatewayURL+"/tyk/reload?block=true", "", "x-tyk-authorization: "+gatewaySecret)
		return a.status == http.StatusOK, a.String() + in.gateway.tail(10)
	})
}
