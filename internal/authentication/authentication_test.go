package authentication_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/authentication"
	"gatehouse/internal/core"
	"gatehouse/internal/gateway/api"
)

func TestWhereCallersShowWhoTheyAreIsReadAsGatewaysReadIt(t *testing.T) {
	text := func(s string) *string { return &s }
	for name, c := range map[string]struct {
		definition string
		want       []authentication.Source
	}{
		"a key without a word about it": {`{}`, []authentication.Source{{Type: "authToken", Header: text("Authorization")}}},
		"a key by the old field": {
			`{"use_standard_auth":true,"auth":{"auth_header_name":"X-Key","use_param":true}}`,
			[]authentication.Source{{Type: "authToken", Header: text("X-Key"), Parameter: text("X-Key")}},
		},
		"a key by the new field, which goes first": {
			`{"use_standard_auth":true,"auth":{"auth_header_name":"X-Old"},"auth_configs":{"authToken":{"disable_header":true,"use_cookie":true}}}`,
			[]authentication.Source{{Type: "authToken", Cookie: text("Authorization")}},
		},
		"tokens, whose source may be that of keys": {
			`{"enable_jwt":true,"auth":{"auth_header_name":"X-Key"}}`,
			[]authentication.Source{{Type: "jwt", Header: text("X-Key")}},
		},
		"basic authentication, whose source never is": {
			`{"use_basic_auth":true,"auth":{"auth_header_name":"X-Key"}}`,
			[]authentication.Source{{Type: "basic", Header: text("Authorization")}},
		},
		"certificates and nothing, which are in no place": {`{"use_keyless":true,"use_mutual_tls_auth":true}`, []authentication.Source{}},
		"what is no object": {`{"auth_configs":{"authToken":7},"auth":[1]}`, []authentication.Source{{Type: "authToken", Header: text("Authorization")}}},
	} {
		t.Run(name, func(t *testing.T) {
			a := core.NewApi(core.Meta{}, core.Document(`{"api_definition":`+c.definition+`}`))
			assert.Equal(t, c.want, authentication.Of(a).Sources)
		})
	}
}

func TestWaysInAreWrittenAsGatewaysReadThem(t *testing.T) {
	text := func(s string) *string { return &s }
	yes := true
	for name, c := range map[string]struct {
		stored string
		in     authentication.Input
		want   string
	}{
		"ways in take the place of those before": {
			`{"use_basic_auth":true,"use_keyless":true,"name":"kept"}`,
			authentication.Input{Types: []string{"jwt", "mtls"}},
			`{"use_basic_auth":false,"use_keyless":false,"name":"kept","enable_jwt":true,"use_mutual_tls_auth":true}`,
		},
		"a plugin that is enabled stays the one that it is": {
			`{"use_go_plugin_auth":true}`,
			authentication.Input{Types: []string{"coprocess"}},
			`{"use_go_plugin_auth":true}`,
		},
		"a source keeps what else is said there": {
			`{"auth_configs":{"authToken":{"use_certificate":true,"use_param":true,"param_name":"k"}}}`,
			authentication.Input{Sources: []authentication.Source{{Type: "authToken", Header: text("X-Key")}}},
			`{"auth_configs":{"authToken":{"use_certificate":true,"use_param":false,"param_name":"k","use_cookie":false,"disable_header":false,"auth_header_name":"X-Key"}}}`,
		},
		"a source that is the first of its API takes what the old field says along": {
			`{"auth":{"auth_header_name":"X-Old","use_certificate":true}}`,
			authentication.Input{Sources: []authentication.Source{{Type: "authToken", Cookie: text("key")}}},
			`{"auth":{"auth_header_name":"X-Old","use_certificate":true},"auth_configs":{"authToken":{"auth_header_name":"X-Old",` +
				`"use_certificate":true,"disable_header":true,"use_param":false,"use_cookie":true,"cookie_name":"key"}}}`,
		},
		"all of it": {
			`{}`,
			authentication.Input{BaseIdentity: text("jwt"), StripAuthorizationData: &yes, JWT: &authentication.JWTInput{
				SigningMethod: text("rsa"), Source: text("aHR0cHM6Ly94"), IdentityClaim: text("sub"), PolicyClaim: text("pol"),
				DefaultPolicyIDs: []string{"p"}, IssuedAtSkew: new(int64(1)), ExpiresAtSkew: new(int64(2)), NotBeforeSkew: new(int64(3)),
			}},
			`{"base_identity_provided_by":"jwt_claim","strip_auth_data":true,"jwt_signing_method":"rsa","jwt_source":"aHR0cHM6Ly94",` +
				`"jwt_identity_base_field":"sub","jwt_policy_field_name":"pol","jwt_default_policies":["p"],` +
				`"jwt_issued_at_validation_skew":1,"jwt_expires_at_validation_skew":2,"jwt_not_before_validation_skew":3}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := api.Document(api.Input{Authentication: &c.in}, core.Document(`{"api_definition":`+c.stored+`}`))
			require.NoError(t, err)
			assert.JSONEq(t, c.want, got.Get("api_definition").Raw)
		})
	}
}

func TestWaysInThatGatewaysWouldNotReadAreRefused(t *testing.T) {
	text := func(s string) *string { return &s }
	header := []authentication.Source{{Type: "jwt", Header: text("a")}}
	for name, c := range map[string]struct {
		in   api.Input
		says string
	}{
		"none":                     {api.Input{Authentication: &authentication.Input{Types: []string{}}}, "must name a way in"},
		"everybody beside others":  {api.Input{Authentication: &authentication.Input{Types: []string{"jwt", "keyless"}}}, "KEYLESS alone"},
		"two words for one":        {api.Input{Keyless: new(true), Authentication: &authentication.Input{Types: []string{"jwt"}}}, "leave it out"},
		"a source twice":           {api.Input{Authentication: &authentication.Input{Sources: append(header, header...)}}, "stands before it"},
		"a source in no place":     {api.Input{Authentication: &authentication.Input{Sources: []authentication.Source{{Type: "jwt"}}}}, "sources[0] must name a place"},
		"a source of nothing":      {api.Input{Authentication: &authentication.Input{Sources: []authentication.Source{{Type: "mtls", Header: text("a")}}}}, "sources[0] must be of another way in"},
		"a header without a name":  {api.Input{Authentication: &authentication.Input{Sources: []authentication.Source{{Type: "jwt", Header: text("")}}}}, "no spaces"},
		"a session of a handshake": {api.Input{Authentication: &authentication.Input{BaseIdentity: text("mtls")}}, "a session of its own"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := api.Document(c.in, nil)
			require.ErrorContains(t, err, c.says)
			require.Equal(t, core.CodeInvalid, core.CodeOf(err))
		})
	}
}
