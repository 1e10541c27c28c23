package definition_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"gatehouse/internal/core"
	"gatehouse/internal/gateway/definition"
)

// rules are those for every supported gateway.
var rules = definition.New(definition.Oldest)

type checker func(core.Document) ([]string, error)

func TestCheckRefusesWhatGatewaysCannotDecode(t *testing.T) {
	const all = ": gateways would refuse all definitions with it"
	tests := []struct {
		name  string
		check checker
		doc   string
		want  string
	}{
		{"a string for a bool", rules.CheckApi, `{"api_definition": {"proxy": {"strip_listen_path": "yes"}}}`,
			`api_definition.proxy.strip_listen_path must be true or false, not "yes"` + all},
		{"a definition without its wrapper", rules.CheckApi, `{"active": 1}`, `active must be true or false, not 1` + all},
		{"a name in other capitals", rules.CheckApi, `{"Proxy": "x"}`, `Proxy must be an object, not a string` + all},
		{"a name with a letter that folds", rules.CheckApi, `{"ſlug": 1}`, `"ſlug" must be a string, not a number` + all},
		{"a name with escapes", rules.CheckApi, `{"\u0061ctive": []}`, `active must be true or false, not a list` + all},
		{"a list for an object", rules.CheckApi, `{"version_data": []}`, `version_data must be an object, not a list` + all},
		{"a null in the place of a duration", rules.CheckApi, `{"jwt_jwks_uris": [{"cache_timeout": null}]}`,
			`jwt_jwks_uris[0].cache_timeout must be a string such as "1m30s", not null` + all},
		{"a number for a duration", rules.CheckApi, `{"jwt_jwks_uris": [{"url": ""}, {"cache_timeout": 5}]}`,
			`jwt_jwks_uris[1].cache_timeout must be a string such as "1m30s", not 5` + all},
		{
			"a fraction for a whole number",
			rules.CheckApi,
			`{"listen_port": 80.5}`,
			`listen_port must be a whole number of at most 64 bits, not 80.5` + all,
		},
		{
			"a whole number written with a point",
			rules.CheckApi,
			`{"listen_port": 80.0}`,
			`listen_port must be a whole number of at most 64 bits, not 80.0` + all,
		},
		{"a whole number that is too large", rules.CheckApi, `{"cache_options": {"cache_timeout": 9223372036854775808}}`,
			`cache_options.cache_timeout must be a whole number of at most 64 bits, not 9223372036854775808` + all},
		{"a negative number where there is none", rules.CheckApi, `{"jwt_issued_at_validation_skew": -1}`,
			`jwt_issued_at_validation_skew must be a whole number from 0 to 18446744073709551615, not -1` + all},
		{"a number over 16 bits", rules.CheckApi, `{"proxy": {"transport": {"ssl_min_version": 65536}}}`,
			`proxy.transport.ssl_min_version must be a whole number from 0 to 65535, not 65536` + all},
		{
			"a float that is too large",
			rules.CheckApi,
			`{"global_rate_limit": {"rate": 1e400}}`,
			`global_rate_limit.rate must be a number, not 1e400` + all,
		},
		{"a number too large for anything", rules.CheckApi, `{"config_data": {"a": ["1e999", {"b": -2E999}]}}`,
			`config_data.a holds the number -2E999, which is too large` + all},
		{"a day for a time", rules.CheckApi, `{"graphql": {"last_schema_update": "2026-01-31"}}`,
			`graphql.last_schema_update must be a time such as "2026-01-31T12:00:00Z", not "2026-01-31"` + all},
		{"an id that is none", rules.CheckApi, `{"id": "pets"}`, `id must be 24 hex digits or "", not "pets"` + all},
		{"an element of a list", rules.CheckApi, `{"tags": ["a", 2]}`, `tags[1] must be a string, not a number` + all},
		{
			"a value of a map with a name like a path",
			rules.CheckApi,
			`{"version_data": {"versions": {"v1.0": {"paths": true}}}}`,
			`version_data.versions."v1.0".paths must be an object, not true` + all,
		},
		{
			"a string where a secret may stand is not repeated",
			rules.CheckApi,
			`{"upstream_auth": "pass1234"}`,
			`upstream_auth must be an object, not a string` + all,
		},
		{
			"a field that only newer gateways know",
			rules.CheckApi,
			`{"json_rpc_version": 2}`,
			`json_rpc_version must be a string, not a number` + all,
		},
		{"a policy", rules.CheckPolicy, `{"access_rights": {"pets": {"versions": "Default"}}}`,
			`access_rights.pets.versions must be a list, not a string: gateways would refuse all policies with it`},
		{"a session", rules.CheckSession, `{"expires": 1.5e9}`,
			`expires must be a whole number of at most 64 bits, not 1.5e9: gateways could not read the key with it`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := tt.check(core.Document(tt.doc))
			require.Error(t, err)
			assert.Equal(t, core.CodeInvalid, core.CodeOf(err))
			assert.Equal(t, tt.want, core.AsError(err).Message)
		})
	}
}

func TestCheckRefusesAFieldInTwoSpellings(t *testing.T) {
	for _, tt := range []struct {
		check     checker
		doc, want string
	}{
		{rules.CheckApi, `{"proxy": {"listen_path": "/a/", "Listen_Path": "/b/"}}`, `proxy.Listen_Path is there twice, in other capitals: gateways take both for "listen_path", so leave one out`},
		{rules.CheckApi, `{"proxy": {"li\u017ften_path": "/a/", "LI\u017fTEN_PATH": "/b/"}}`, `proxy."LIſTEN_PATH" is there twice, in other capitals`},
		{rules.CheckApi, `{"Proxy": {}, "proxy": {}}`, `proxy is there twice, in other capitals`},
		{rules.CheckApi, extended(`"white_list": [{"method_actions": {"GET": {"data": "", "DATA": "", "code": 200}}}]`), `method_actions.GET.DATA is there twice, in other capitals`},
		{rules.CheckApi, source(`"kind": "REST", "\u212Aind": "rest", ` + config), `ind" is there twice, in other capitals`},
		{rules.CheckPolicy, `{"org_id": "a", "ORG_ID": "b"}`, `ORG_ID is there twice, in other capitals`},
		{rules.CheckSession, `{"alias": "a", "Alias": "b"}`, `Alias is there twice, in other capitals`},
	} {
		_, err := tt.check(core.Document(tt.doc))
		require.Error(t, err, tt.doc)
		assert.Equal(t, core.CodeInvalid, core.CodeOf(err))
		assert.Contains(t, core.AsError(err).Message, tt.want)
	}
	_, err := rules.CheckApi(core.Document(`{"config_data": {"a": 1, "A": 2}, "auth_configs": {"x": {}, "X": {}}}`))
	assert.NoError(t, err, "the names of a map are as they are spelled")
}

func TestCheckTakesWhatGatewaysDecode(t *testing.T) {
	for name, doc := range map[string]string{
		"null in the place of everything": `{"api_definition": {"id": null, "name": null, "active": null, "proxy": null, "tags": null, "listen_port": null, "graphql": {"last_schema_update": null}}}`,
		"nothing":                         `{}`,
		"no definition":                   `{"api_definition": null}`,
		"an empty id":                     `{"id": ""}`,
		"an id in capitals":               `{"id": "5EAD7120575961000181867E"}`,
		"the edges of numbers":            `{"listen_port": -9223372036854775808, "jwt_issued_at_validation_skew": 18446744073709551615, "global_rate_limit": {"rate": 1e308, "per": 1e-400}}`,
		"a duration that is none":         `{"jwt_jwks_uris": [{"cache_timeout": "soon"}, {"cache_timeout": ""}]}`,
		"anything in config_data":         `{"config_data": {"a": {"active": "yes"}, "b": [null, true, "1e999", "\"1e999"]}}`,
		"a huge number nobody decodes":    `{"graphql": {"engine": {"data_sources": [{"kind": "REST", "config": {"timeout": 1e999}}]}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			warnings, err := rules.CheckApi(core.Document(doc))
			require.NoError(t, err)
			for _, w := range warnings {
				assert.Contains(t, w, "newer than 5.5")
			}
		})
	}
}

func TestCheckWarnsOfFieldsThatGatewaysMayNotKnow(t *testing.T) {
	many := `{`
	for i := range 25 {
		many += `"unknown` + strconv.Itoa(i) + `": 1, `
	}
	many += `"name": ""}`
	tests := []struct {
		name  string
		check checker
		doc   string
		want  []string
	}{
		{"none", rules.CheckApi, `{"name": "Pets", "proxy": {"listen_path": "/pets/"}}`, nil},
		{
			"a field of newer gateways, once and not again for what it holds",
			rules.CheckApi,
			`{"api_definition": {"upstream_auth": {"enabled": true, "oauth": {"enabled": false}}}}`,
			[]string{"only gateways newer than 5.5 know the field api_definition.upstream_auth"},
		},
		{
			"a field that nobody knows, whatever it holds",
			rules.CheckApi,
			`{"proxy": {"listenpath": {"a": 1e999}}}`,
			[]string{"no gateway knows the field proxy.listenpath"},
		},
		{"an unknown field within a newer one", rules.CheckApi, `{"upstream_auth": {"enable": true}}`,
			[]string{
				"only gateways newer than 5.5 know the field upstream_auth",
				"no gateway knows the field upstream_auth.enable",
			}},
		{"extensions are nobody's business", rules.CheckApi, `{"x-team": 1, "proxy": {"x-note": 2}}`, nil},
		{
			"the dashboard's own fields of policies",
			rules.CheckPolicy,
			`{"state": "active", "access_rights_array": [], "auth_types": ["authToken"], "date_created": "x"}`,
			nil,
		},
		{
			"what is the dashboard's at the top is unknown further in",
			rules.CheckPolicy,
			`{"partitions": {"state": 1}}`,
			[]string{"no gateway knows the field partitions.state"},
		},
		{
			"a field that stands beside the definition",
			rules.CheckApi,
			`{"api_definition": {"name": "a"}, "proxy": {"listen_path": "/a/"}, "user_owners": [], "id": "x", "x-note": 1}`,
			[]string{"proxy stands beside api_definition, where gateways do not read it: write it in there"},
		},
		{
			"a long name is cut",
			rules.CheckSession,
			`{"` + strings.Repeat("n", 200) + `": 1}`,
			[]string{`no gateway knows the field "` + strings.Repeat("n", 40) + `..."`},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			warnings, err := tt.check(core.Document(tt.doc))
			require.NoError(t, err)
			assert.Equal(t, tt.want, warnings)
		})
	}
	t.Run("many are counted", func(t *testing.T) {
		warnings, err := rules.CheckApi(core.Document(many))
		require.NoError(t, err)
		require.Len(t, warnings, 21)
		assert.Equal(t, "no gateway knows the field unknown19", warnings[19])
		assert.Equal(t, "and 5 more", warnings[20])
	})
}

func TestRealDefinitionsPoliciesAndKeysPass(t *testing.T) {
	for pattern, check := range map[string]checker{"apis/*.json": rules.CheckApi, "policies/*.json": rules.CheckPolicy, "other/key-*.json": rules.CheckSession} {
		for _, path := range samples(t, pattern) {
			raw, err := os.ReadFile(path)
			require.NoError(t, err)
			warnings, err := check(raw)
			require.NoError(t, err, path)
			for _, w := range warnings {
				if gjson.GetBytes(raw, "api_definition").Exists() { // others are OpenAPI descriptions
					assert.Contains(t, w, "newer than 5.5", path)
				}
			}
		}
	}
}

func samples(t testing.TB, pattern string) []string {
	t.Helper()
	dir := os.Getenv("GATEHOUSE_SAMPLES")
	if dir == "" {
		dir = "../../../../shared/samples"
	}
	paths, err := filepath.Glob(filepath.Join(dir, pattern))
	require.NoError(t, err)
	if len(paths) == 0 {
		t.Skip("no samples: set GATEHOUSE_SAMPLES to their folder")
	}
	return paths
}

// FuzzCheck holds what is known of the fields of two types against encoding/json itself.
func FuzzCheck(f *testing.F) {
	for _, seed := range []string{`{"smoothing": {"threshold": 5}, "partitions": {"acl": true}}`, `{"partitions": {"ACL": "x"}}`, `{"smoothing": {"trigger": 1e999}}`,
		`{"smoothing": [], "partitions": null}`, `{"\u017fmoothing": {"step": 1.0}}`, `{"smoothing": {"delay": -9223372036854775809}}`} {
		f.Add([]byte(seed))
	}
	type policy struct {
		Partitions struct {
			Quota      bool `json:"quota"`
			RateLimit  bool `json:"rate_limit"`
			Complexity bool `json:"complexity"`
			Acl        bool `json:"acl"`
			PerAPI     bool `json:"per_api"`
		} `json:"partitions"`
		Smoothing *struct {
			Enabled   bool    `json:"enabled"`
			Threshold int64   `json:"threshold"`
			Trigger   float64 `json:"trigger"`
			Step      int64   `json:"step"`
			Delay     int64   `json:"delay"`
		} `json:"smoothing"`
		MetaData map[string]any `json:"meta_data"`
		Tags     []string       `json:"tags"`
	}
	known := []string{"partitions", "smoothing", "meta_data", "tags"}
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, check := range []checker{rules.CheckApi, rules.CheckPolicy, rules.CheckSession} {
			_, _ = check(raw) // whatever it is, it ends
		}
		doc, err := core.ParseDocument(raw)
		if err != nil {
			return
		}
		ours := true
		gjson.ParseBytes(doc).ForEach(func(key, _ gjson.Result) bool {
			ours = ours && containsFold(known, key.Str)
			return ours
		})
		if !ours {
			return
		}
		_, err = rules.CheckPolicy(doc)
		if err != nil && strings.Contains(err.Error(), "is there twice, in other capitals") {
			return // encoding/json takes one of the two
		}
		want := json.Unmarshal(doc, &policy{})
		assert.Equal(t, want == nil, err == nil, "encoding/json: %v; the check: %v", want, err)
	})
}

func containsFold(list []string, name string) bool {
	for _, known := range list {
		if strings.EqualFold(known, name) {
			return true
		}
	}
	return false
}

func BenchmarkCheckApi(b *testing.B) {
	var doc core.Document
	for _, path := range samples(b, "apis/*.json") {
		raw, err := os.ReadFile(path)
		require.NoError(b, err)
		if d := gjson.GetBytes(raw, "api_definition").Raw; len(d) > len(doc) && len(d) < 12<<10 {
			doc = core.Document(d)
		}
	}
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := rules.CheckApi(doc); err != nil {
			b.Fatal(err)
		}
	}
}
