package definition_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/core"
)

// The first five kinds are those of the gateway's own validation (apidef/validator.go).
func TestASaveMayNotAddWhatGatewaysWouldNotGoBy(t *testing.T) {
	tests := []struct{ name, doc, want string }{
		{"a word that is no address", `{"enable_ip_whitelisting": true, "allowed_ips": ["10.0.0.0/8", "1.2.3.4.5"]}`,
			`allowed_ips[1] must be an IP address or a range such as 10.0.0.0/8, not "1.2.3.4.5"`},
		{"a range that is none", `{"enable_ip_blacklisting": true, "blacklisted_ips": ["1.2.3.4/99"]}`,
			`blacklisted_ips[0] must be an IP address or a range`},
		{"a time below none", `{"version_data": {"versions": {"v1": {"extended_paths": {"hard_timeouts": [{"timeout": -5}]}}}}}`,
			`version_data.versions.v1.extended_paths.hard_timeouts[0].timeout must be 0 or more, not -5`},
		{"a credential that is looked for nowhere", `{"enable_jwt": true, "auth_configs": {"jwt": {"disable_header": true}}}`,
			`auth_configs.jwt must leave one of header, cookie and parameter on`},
		{"the same where keys are the way since nothing else is", `{"auth_configs": {"authToken": {"disable_header": true}}}`,
			`auth_configs.authToken must leave one of`},
		{"two sources of one name", `{"graphql": {"engine": {"data_sources": [
			{"name": "A", "kind": "REST", "config": {}}, {"name": " a", "kind": "REST", "config": {}}]}}}`,
			`graphql.engine.data_sources[1].name must be another than those before it`},
		{"two ways at the upstream", `{"upstream_auth": {"enabled": true, "basic_auth": {"enabled": true},
			"oauth": {"enabled": true, "allowed_authorize_types": ["password"]}}}`,
			`upstream_auth.basic_auth.enabled must be false where oauth is on`},
		{"no way to get a token", `{"upstream_auth": {"enabled": true, "oauth": {"enabled": true}}}`,
			`upstream_auth.oauth.allowed_authorize_types must name one of clientCredentials, password`},
		{"two ways to get a token", `{"upstream_auth": {"enabled": true, "oauth": {"enabled": true,
			"allowed_authorize_types": ["password", "clientCredentials"]}}}`, `upstream_auth.oauth.allowed_authorize_types must name one, not 2`},
		{"an unknown way to get a token", `{"upstream_auth": {"enabled": true, "oauth": {"enabled": true,
			"allowed_authorize_types": ["implicit"]}}}`, `upstream_auth.oauth.allowed_authorize_types[0] must be one of`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			wrapped := `{"api_definition": ` + test.doc + `}`
			for prefix, doc := range map[string]string{"": test.doc, "api_definition.": wrapped} {
				err := rules.CheckSave(core.Document(doc), nil)
				require.Error(t, err)
				assert.Equal(t, core.CodeInvalid, core.CodeOf(err))
				assert.Contains(t, err.Error(), prefix+test.want)
			}
			old := &core.Api{Definition: core.Document(test.doc)}
			require.NoError(t, rules.CheckSave(old.Definition, old), "what is stored can be saved again")
			assert.Empty(t, rules.Fault(old.Definition), "and gateways are given it")
			warnings, err := rules.CheckApi(old.Definition)
			require.NoError(t, err)
			assert.Contains(t, strings.Join(warnings, "\n"), test.want, "with a warning")
		})
	}
}

func TestWhatGatewaysGoByCanBeSaved(t *testing.T) {
	for _, doc := range []string{
		`{"allowed_ips": ["nonsense"], "blacklisted_ips": ["nonsense"]}`,
		`{"enable_ip_whitelisting": true, "allowed_ips": ["::1", "10.0.0.0/8", "1.2.3.4", "$secret_ip.home", "env://HOME_IP"]}`,
		`{"version_data": {"versions": {"": {"extended_paths": {"hard_timeouts": [{"timeout": 0}, {"timeout": 30}]}}}}}`,
		`{"auth_configs": {"jwt": {"disable_header": true}}}`,
		`{"use_keyless": true, "auth_configs": {"authToken": {"disable_header": true}}}`,
		`{"use_basic_auth": true, "auth_configs": {"authToken": {"disable_header": true}}}`,
		`{"use_standard_auth": true, "auth_configs": {"authToken": {"disable_header": true, "use_cookie": true}}}`,
		`{"upstream_auth": {"oauth": {"enabled": true}}}`,
		`{"upstream_auth": {"enabled": true, "basic_auth": {"enabled": true}}}`,
		`{"upstream_auth": {"enabled": true, "oauth": {"enabled": true, "allowed_authorize_types": ["clientCredentials"]}}}`,
	} {
		assert.NoError(t, rules.CheckSave(core.Document(doc), nil), doc)
	}
}

func TestWhatIsMisreadAlreadyMayMoveAndShrink(t *testing.T) {
	list := func(ips string) core.Document {
		return core.Document(`{"enable_ip_whitelisting": true, "allowed_ips": [` + ips + `]}`)
	}
	old := &core.Api{Definition: list(`"a", "b", "c"`)}
	require.NoError(t, rules.CheckSave(list(`"c", "a"`), old))
	require.ErrorContains(t, rules.CheckSave(list(`"a", "1.2.3.4", "d"`), old), `allowed_ips[2]`)
	switched := core.Document(`{"active": false, "enable_ip_whitelisting": true, "allowed_ips": ["a"]}`)
	require.NoError(t, rules.CheckSave(switched, old), "what is stored does not keep an API from being switched off")
}

func TestMisreadsBeyondCountingAreOneError(t *testing.T) {
	var many strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&many, `"x%d",`, i)
	}
	doc := core.Document(`{"enable_ip_whitelisting": true, "allowed_ips": [` + strings.TrimSuffix(many.String(), ",") + `]}`)
	require.ErrorContains(t, rules.CheckSave(doc, nil), "allowed_ips[0]")
	require.NoError(t, rules.CheckSave(doc, &core.Api{Definition: doc}))
	warnings, err := rules.CheckApi(doc)
	require.NoError(t, err)
	assert.Len(t, warnings, 21)
}

func TestAnApiThatGatewaysLeaveOutSaysWhy(t *testing.T) {
	for doc, want := range map[string]string{
		`{"proxy": {"listen_path": "/a b/"}}`:       "so gateways leave the API out: proxy.listen_path",
		`{"protocol": "tcp"}`:                       "so gateways leave the API out: listen_port",
		`{"proxy": {"target_url": "http://a:b:c"}}`: "so gateways leave the API out: proxy.target_url",
	} {
		warnings, err := rules.CheckApi(core.Document(doc))
		require.NoError(t, err)
		assert.Contains(t, strings.Join(warnings, "\n"), want)
		require.NoError(t, rules.CheckSave(core.Document(doc), nil))
	}
	for _, doc := range []string{
		`{"proxy": {"listen_path": "/a/", "target_url": "env://TARGET"}}`,
		`{"protocol": "tls", "listen_port": 8443, "proxy": {"listen_path": "any thing"}}`,
	} {
		warnings, err := rules.CheckApi(core.Document(doc))
		require.NoError(t, err)
		assert.NotContains(t, strings.Join(warnings, "\n"), "leave the API out")
	}
}
