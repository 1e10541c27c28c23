package core_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"gatehouse/internal/core"
)

func TestTheCertificatesOfAnApi(t *testing.T) {
	for name, tc := range map[string]struct {
		definition string
		want       map[string][]string
	}{
		"none is named":                        {`{"name":"x"}`, map[string][]string{}},
		"empty lists and objects name none":    {`{"client_certificates":[],"upstream_certificates":{},"certificates":null,"pinned_public_keys":{}}`, map[string][]string{}},
		"clients that are let in":              {`{"client_certificates":["a","b"]}`, map[string][]string{"a": {"client"}, "b": {"client"}}},
		"what the domain is served with":       {`{"certificates":["a"]}`, map[string][]string{"a": {"server"}}},
		"what upstreams are shown, per host":   {`{"upstream_certificates":{"*":"a","b.example:8443":"b"}}`, map[string][]string{"a": {"upstream"}, "b": {"upstream"}}},
		"what signs requests to the upstream":  {`{"request_signing":{"is_enabled":true,"certificate_id":"a"}}`, map[string][]string{"a": {"upstream"}}},
		"several public keys pinned to a host": {`{"pinned_public_keys":{"*":"a,b","b.example":"b, c,"}}`, map[string][]string{"a": {"pinned"}, "b": {"pinned"}, "c": {"pinned"}}},
		"one for everything, in two places each": {
			`{"pinned_public_keys":{"*":"a"},"upstream_certificates":{"x":"a","y":"a"},"client_certificates":["a","a"],"certificates":["a"],"request_signing":{"certificate_id":"a"}}`,
			map[string][]string{"a": {"client", "pinned", "server", "upstream"}}},
		"switched off, and named nevertheless": {
			`{"upstream_certificates_disabled":true,"upstream_certificates":{"*":"a"},"certificate_pinning_disabled":true,"pinned_public_keys":{"*":"b"}}`,
			map[string][]string{"a": {"upstream"}, "b": {"pinned"}}},
		"values that are no ids":         {`{"client_certificates":[1,null,{},""],"upstream_certificates":{"*":7},"pinned_public_keys":{"*":[]},"request_signing":[]}`, map[string][]string{}},
		"fields of the same name deeper": {`{"proxy":{"certificates":["a"]},"config_data":{"client_certificates":["a"]}}`, map[string][]string{}},
	} {
		t.Run(name, func(t *testing.T) {
			a := core.NewApi(core.Meta{}, core.Document(`{"api_definition":`+tc.definition+`,"certificates":["outside"]}`))
			require.Equal(t, tc.want, a.Certificates())
		})
	}
}

func TestTheCertificatesOfAKey(t *testing.T) {
	for name, tc := range map[string]struct {
		session string
		want    []string
	}{
		"none is named":                {`{"alias":"x"}`, nil},
		"empty names are none":         {`{"certificate":"","mtls_static_certificate_bindings":[""],"rsa_certificate_id":""}`, nil},
		"the one it stands for":        {`{"certificate":"a"}`, []string{"a"}},
		"those it is bound to":         {`{"mtls_static_certificate_bindings":["c","b"]}`, []string{"b", "c"}},
		"the one of its signatures":    {`{"rsa_certificate_id":"d"}`, []string{"d"}},
		"each once":                    {`{"certificate":"a","mtls_static_certificate_bindings":["b","a"],"rsa_certificate_id":"b"}`, []string{"a", "b"}},
		"values that are no ids":       {`{"certificate":5,"mtls_static_certificate_bindings":{"x":"a"},"rsa_certificate_id":["a"]}`, nil},
		"a name deeper in the session": {`{"meta_data":{"certificate":"a"}}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tc.want, core.NewKey(core.Meta{}, core.Document(tc.session)).Certificates())
		})
	}
}
