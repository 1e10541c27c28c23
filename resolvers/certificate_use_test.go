package resolvers_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/apptest"
	"gatehouse/internal/core"
)

// certificateFields are all fields of definitions that name certificates: the field with %s in the place of the name,
// where the name is, and under which of the dependencies the API is then.
var certificateFields = []struct{ field, place, dependency string }{
	{`"client_certificates":["%s"]`, "client_certificates[0]", "clientApis"},
	{`"certificates":["%s"]`, "certificates[0]", "serverApis"},
	{`"upstream_certificates":{"*":"%s"}`, "upstream_certificates.*", "upstreamApis"},
	{`"request_signing":{"is_enabled":true,"certificate_id":"%s"}`, "request_signing.certificate_id", "upstreamApis"},
	{`"pinned_public_keys":{"up.test":"%s"}`, "pinned_public_keys.up.test", "serverApis"},
	{`"Pinned_Public_Keys":{"up.test":"%s"}`, "Pinned_Public_Keys.up.test", "serverApis"},
}

// keyFields are those of sessions; files tells that gateways read one.
var keyFields = []struct {
	field, place string
	files        bool
}{
	{`"certificate":"%s"`, "certificate", false},
	{`"mtls_static_certificate_bindings":["%s"]`, "mtls_static_certificate_bindings[0]", false},
	{`"rsa_certificate_id":"%s"`, "rsa_certificate_id", true},
}

const notOwnCertificate = " must be the id of a certificate of the organisation: upload the certificate, and give the id that it gets"

// certificates are two neighbours with a certificate each: that of ours, which is judged, and that of the others.
type certified struct {
	*neighbours
	own, foreign string
}

func newCertified(t *testing.T, env ...string) *certified {
	t.Helper()
	n := newNeighbours(t, env...)
	c := &certified{neighbours: n, foreign: keep(t, n.Server, "theirs.test", 100*day)}
	c.own = c.upload(t)
	return c
}

// upload uploads a certificate of ours.
func (c *certified) upload(t *testing.T) string {
	t.Helper()
	text, _ := pemOf(t, "ours.test", -day, 100*day)
	return must(t, c.GraphQL(t, makeCertificate, map[string]any{"pem": text}, as(c.ours))).Get("data.it.id").Str
}

// written puts an API of ours into the store past all checks, as an earlier version of the program would have done.
func (c *certified) written(t *testing.T, id, fields string) *core.Api {
	t.Helper()
	meta := core.Meta{ID: core.NewID(c.Store.Now()), OrgID: c.ourOrg}
	a := core.NewApi(
		meta,
		core.Document(
			`{"api_definition":{"id":"`+meta.ID+`","api_id":"`+id+`","slug":"`+id+`","org_id":"`+c.ourOrg+`","name":"`+id+`","active":true,"proxy":{"listen_path":"/`+id+`/"},`+fields+`}}`,
		),
	)
	require.NoError(t, c.Store.Apis.Create(t.Context(), a))
	return a
}

const patchApi = `mutation($id: ID!, $doc: JSON!) { it: patchApi(id: $id, patch: $doc) { definition } }`

func TestADefinitionNamesOwnCertificatesOnly(t *testing.T) {
	t.Parallel()
	c := newCertified(t)
	base := must(t, c.make(t, c.ours, path("/base/"))).Get("data.it.apiId").Str
	stranger := "5e9d9544a1dcd60001d0ffff" + c.foreign[24:]
	for i, f := range certificateFields {
		t.Run(f.place, func(t *testing.T) {
			with := func(name string) string { return strings.Replace(f.field, "%s", name, 1) }
			place := "api_definition." + f.place
			patch := func(name string) apptest.Reply {
				return c.GraphQL(
					t,
					patchApi,
					map[string]any{"id": base, "doc": json.RawMessage(`{"api_definition":{` + with(name) + `}}`)},
					as(c.ours),
				)
			}
			var said []string
			for _, name := range []string{c.foreign, stranger} {
				r := patch(name)
				refused(t, r, "INVALID", place+notOwnCertificate)
				assert.Equal(t, "patch."+place, r.Get("errors.0.extensions.field").Str)
				assert.NotContains(t, string(r.Body), name)
				said = append(said, string(r.Body))
			}
			assert.Equal(t, said[0], said[1], "whether it exists is not told")
			for _, name := range []string{"/etc/ssl/private/gateway.pem", "cert.pem", c.ourOrg + "/../key.pem", c.foreign[24:]} {
				r := patch(name)
				refused(
					t,
					r,
					"INVALID",
					place+" has the gateways read a file or a certificate of theirs",
					"gatehouse.shared_gateways.deny",
					`"files"`,
				)
				assert.NotContains(t, string(r.Body), name)
			}
			refused(t, c.make(t, c.ours, path("/new/", with(c.foreign))), "INVALID", place+notOwnCertificate)
			wrapped := `{"api_definition":{"name":"x",` + path("/x/", with(c.foreign)) + `}}`
			for target, r := range map[string]apptest.Reply{
				"POST":      c.Do(t, "POST", "/api/apis", wrapped, as(c.ours)),
				"PUT":       c.Do(t, "PUT", "/api/apis/"+base, wrapped, as(c.ours)),
				"PATCH":     c.Do(t, "PATCH", "/api/apis/"+base, `{"api_definition":{`+with(c.foreign)+`}}`, as(c.ours)),
				"a version": c.Do(t, "POST", "/api/apis?base_api_id="+base+"&base_api_version_name=v1&new_version_name=v2", wrapped, as(c.ours)),
				"an import": c.REST(t, "POST", "/admin/apis/import", `{"apis":[{"api_definition":{"name":"x","org_id":"`+c.ourOrg+`",`+path("/x/", with(c.foreign))+`}}]}`),
			} {
				assert.Equal(t, 400, r.Status, "%s: %s", target, r.Body)
				assert.Contains(t, string(r.Body), place+notOwnCertificate, target)
			}
			own := c.upload(t)
			for _, name := range []string{"env://CERT", "secrets://x", "vault://x/y", "consul://x", "$secret_vault.x", core.NoCertificate(c.ourOrg), own} {
				r := c.REST(
					t,
					"POST",
					"/admin/apis/import",
					`{"apis":[{"api_definition":{"name":"x","api_id":"deferred","org_id":"`+c.ourOrg+`",`+path(
						"/deferred/",
						with(name),
					)+`}}]}`,
				)
				assert.Equal(t, 200, r.Status, "%s: %s", name, r.Body)
			}
			r := must(
				t,
				c.GraphQL(
					t,
					`query($id: ID!) { it: certificateDependencies(id: $id) { `+f.dependency+` { nodes { apiId } } } }`,
					map[string]any{"id": own},
					as(c.ours),
				),
			)
			assert.Equal(t, `["deferred"]`, r.Get("data.it."+f.dependency+".nodes.#.apiId").Raw)
			refused(t, c.GraphQL(t, dropCertificate, map[string]any{"id": own}, as(c.ours)), "CONFLICT", "by 1 API and 0 keys")

			old := c.written(t, "old-"+string(rune('a'+i)), with(c.foreign))
			must(
				t,
				c.GraphQL(
					t,
					patchApi,
					map[string]any{"id": old.ID, "doc": json.RawMessage(`{"api_definition":{"active":false}}`)},
					as(c.ours),
				),
			)
			must(
				t,
				c.GraphQL(
					t,
					changeApi,
					map[string]any{"id": old.ID, "doc": string(old.Definition.Set("api_definition.name", "saved as it was read"))},
					as(c.ours),
				),
			)
			warned := must(
				t,
				c.GraphQL(
					t,
					`query($id: ID!) { it: api(id: $id) { servable warnings } }`,
					map[string]any{"id": old.ID},
					as(c.ours),
				),
			)
			assert.Contains(
				t,
				warned.Get("data.it.warnings").Raw,
				"gateways that organisations share are told of no certificate",
			)
			assert.Contains(t, warned.Get("data.it.warnings").Raw, place)
			assert.True(t, warned.Get("data.it.servable").Bool())
		})
	}
}

func TestWhatAnApiNamedMayMoveInItsListAndNowhereElse(t *testing.T) {
	t.Parallel()
	c := newCertified(t)
	old := c.written(
		t,
		"old",
		`"client_certificates":["`+c.own+`","`+c.foreign+`"],"pinned_public_keys":{"*":"`+c.own+`"}`,
	)
	patch := func(doc string) apptest.Reply {
		return c.GraphQL(
			t,
			patchApi,
			map[string]any{"id": old.ID, "doc": json.RawMessage(`{"api_definition":{` + doc + `}}`)},
			as(c.ours),
		)
	}
	must(t, patch(`"client_certificates":["`+c.foreign+`"]`))
	refused(t, patch(`"certificates":["`+c.foreign+`"]`), "INVALID", "api_definition.certificates[0]")
	refused(
		t,
		patch(`"pinned_public_keys":{"*":"`+c.own+`, `+c.foreign+`"}`),
		"INVALID",
		"api_definition.pinned_public_keys.*",
	)
	must(t, patch(`"client_certificates":[]`))
	refused(t, patch(`"client_certificates":["`+c.foreign+`"]`), "INVALID", "api_definition.client_certificates[0]")
}

func TestAKeyNamesOwnCertificatesOnly(t *testing.T) {
	t.Parallel()
	c := newCertified(t)
	must(t, c.make(t, c.ours, path("/pay/", `"api_id":"pay"`)))
	const createKey = `mutation($s: JSON!) { it: createKey(input: {session: $s}) { token key { id } } }`
	const updateKey = `mutation($id: ID!, $s: JSON!) { it: updateKey(id: $id, by: HASH, input: {session: $s}) { id session } }`
	session := func(fields string) string { return `{"access_rights":{"pay":{"api_id":"pay"}},` + fields + `}` }
	for i, f := range keyFields {
		t.Run(f.place, func(t *testing.T) {
			with := func(name string) string { return session(strings.Replace(f.field, "%s", name, 1)) }
			for _, name := range []string{c.foreign, "/etc/ssl/gateway.pem", c.foreign[24:], c.ourOrg} {
				want := notOwnCertificate
				if f.files && name != c.foreign {
					want = " has the gateways read a file or a certificate of theirs"
				}
				r := c.GraphQL(t, createKey, map[string]any{"s": with(name)}, as(c.ours))
				refused(t, r, "INVALID", f.place+want)
				assert.Equal(t, "input.session."+f.place, r.Get("errors.0.extensions.field").Str)
				rest := c.Do(t, "POST", "/api/keys", with(name), as(c.ours))
				assert.Equal(t, 400, rest.Status, "%s", rest.Body)
			}
			own := c.upload(t)
			made := must(t, c.GraphQL(t, createKey, map[string]any{"s": with(own)}, as(c.ours)))
			refused(
				t,
				c.GraphQL(t, updateKey, map[string]any{"id": made.Get("data.it.key.id").Str, "s": with(c.foreign)}, as(c.ours)),
				"INVALID",
				f.place+notOwnCertificate,
			)
			r := must(
				t,
				c.GraphQL(
					t,
					`query($id: ID!) { it: certificateDependencies(id: $id) { keys { nodes { id } } } }`,
					map[string]any{"id": own},
					as(c.ours),
				),
			)
			assert.Equal(t, made.Get("data.it.key.id").Str, r.Get("data.it.keys.nodes.0.id").Str)
			refused(t, c.GraphQL(t, dropCertificate, map[string]any{"id": own}, as(c.ours)), "CONFLICT", "by 0 APIs and 1 key")

			old := core.NewKey(core.Meta{ID: "01d" + string(rune('a'+i)), OrgID: c.ourOrg}, core.Document(with(c.foreign)))
			require.NoError(t, c.Store.Keys.Create(t.Context(), old))
			must(
				t,
				c.GraphQL(
					t,
					updateKey,
					map[string]any{"id": old.ID, "s": string(old.Session.Set("is_inactive", true))},
					as(c.ours),
				),
			)
		})
	}
	// Gateways put the certificate into a token as it is.
	refused(
		t,
		c.GraphQL(t, createKey, map[string]any{"s": session(`"certificate":"x\",\"org\":\"y"`)}, as(c.ours)),
		"INVALID",
		"certificate must be 1 to 120 printable",
	)
}

func TestWhoeverRunsGatehouseMayNameFilesOfGatewaysAndNobodyForeignCertificates(t *testing.T) {
	t.Parallel()
	c := newCertified(t)
	importing := func(id, name string) apptest.Reply {
		return c.REST(
			t,
			"POST",
			"/admin/apis/import",
			`{"apis":[{"api_definition":{"name":"x","api_id":"`+id+`","slug":"`+id+`","org_id":"`+c.ourOrg+`",`+path(
				"/"+id+"/",
				`"certificates":["`+name+`"]`,
			)+`}}]}`,
		)
	}
	assert.Equal(t, 200, importing("file", "/etc/ssl/own.pem").Status)
	assert.Equal(t, 200, importing("gateways-own", c.foreign[24:]).Status)
	assert.Equal(t, 400, importing("foreign", c.foreign).Status)
}

func TestWhenCertificatesAreJudgedIsTheSettingOfSharedGateways(t *testing.T) {
	t.Parallel()
	const file = "/etc/ssl/own.pem"
	for _, tc := range []struct {
		env                 string
		two                 bool
		foreignOK, fileIsOK bool
	}{
		{"GATEHOUSE_SHAREDGATEWAYS_APPLY=auto", false, true, true},
		{"GATEHOUSE_SHAREDGATEWAYS_APPLY=auto", true, false, false},
		{"GATEHOUSE_SHAREDGATEWAYS_APPLY=always", false, false, false},
		{"GATEHOUSE_SHAREDGATEWAYS_APPLY=never", true, true, true},
		{"GATEHOUSE_SHAREDGATEWAYS_DENY=none", true, false, true},
	} {
		s := apptest.New(t, apptest.WithEnv(tc.env))
		if tc.two {
			s.Organisation(t, "other")
		}
		save := func(name string) bool {
			r := s.GraphQL(t, makeApi, map[string]any{"doc": `{"name":"x","upstream_certificates":{"*":"` + name + `"}}`})
			return r.Get("data.it.id").Str != ""
		}
		assert.Equal(t, tc.foreignOK, save("5e9d9544a1dcd60001d0ffff"+strings.Repeat("a", 64)), "%+v", tc)
		assert.Equal(t, tc.fileIsOK, save(file), "%+v", tc)
	}
}

func TestTheCertificatesOfADeletedOrganisationAreNobodys(t *testing.T) {
	t.Parallel()
	c := newCertified(t, "GATEHOUSE_SHAREDGATEWAYS_APPLY=always")
	must(t, c.GraphQL(t, dropOrg, map[string]any{"id": c.OrgID, "cascade": true}, admin))
	refused(
		t,
		c.make(t, c.ours, path("/x/", `"certificates":["`+c.foreign+`"]`)),
		"INVALID",
		"api_definition.certificates[0]"+notOwnCertificate,
	)
}
