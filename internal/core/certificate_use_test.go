package core_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
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

const (
	ownOrg     = "5e9d9544a1dcd60001d0ed20"
	foreignOrg = "5e9d9544a1dcd60001d0ed21"
)

var print64 = strings.Repeat("0123456789abcdef", 4)

func TestWhatTheNameOfACertificateIsToAnOrganisation(t *testing.T) {
	for id, want := range map[string]core.CertificateName{
		ownOrg + print64:                       core.CertificateOwn,
		ownOrg + strings.ToUpper(print64):      core.CertificateOwn,
		foreignOrg + print64:                   core.CertificateForeign,
		"default" + print64:                    core.CertificateForeign,
		"pub-" + ownOrg + print64:              core.CertificateForeign,
		ownOrg + print64 + "0":                 core.CertificateForeign,
		print64:                                core.CertificateOther,
		ownOrg + print64[1:]:                   core.CertificateForeign,
		ownOrg:                                 core.CertificateOther,
		ownOrg + "/../../etc/ssl/key.pem":      core.CertificateOther,
		"/etc/ssl/" + print64:                  core.CertificateOther,
		"cert.pem":                             core.CertificateOther,
		"env://CERT":                           core.CertificateDeferred,
		"secrets://cert":                       core.CertificateDeferred,
		"consul://cert":                        core.CertificateDeferred,
		"vault://engine/path.key":              core.CertificateDeferred,
		"kv://vault/path":                      core.CertificateDeferred,
		"file:///cert":                         core.CertificateDeferred,
		"$secret_vault.path":                   core.CertificateDeferred,
		"$kv{vault:path}":                      core.CertificateDeferred,
		foreignOrg + print64[:40] + " env://X": core.CertificateOther,
		"/etc/ssl/key.pem#env://X":             core.CertificateOther,
		ownOrg + strings.Repeat("g", 64):       core.CertificateOther,
		strings.ToUpper(ownOrg) + print64 + "": core.CertificateForeign,
		"x" + ownOrg + print64:                 core.CertificateForeign,
		core.NoCertificate(ownOrg):             core.CertificateOwn,
	} {
		assert.Equal(t, want, core.CertificateRef{ID: id}.Of(ownOrg), id)
	}
	assert.Equal(
		t,
		core.CertificateOther,
		core.CertificateRef{ID: print64}.Of(""),
		"what belongs to no organisation owns nothing",
	)
}

func TestGatewaysAreToldOfNoCertificateInThePlaceOfAForeignOne(t *testing.T) {
	own, foreign, none := ownOrg+print64, foreignOrg+print64, core.NoCertificate(ownOrg)
	for name, fields := range map[string]string{
		"clients":                     ` "client_certificates" : [ "%s", "` + own + `", "%s" ] `,
		"servers":                     `"certificates":["%s"]`,
		"upstreams":                   `"upstream_certificates":{"*":"%s","up.test":"` + own + `"}`,
		"signatures":                  `"request_signing":{"key_id":"x","certificate_id":"%s"}`,
		"pinned keys":                 `"pinned_public_keys":{"*":"` + own + `,%s,/file.pem","up.test":"%s"}`,
		"other capitals":              `"Client_Certificates":["%s"],"REQUEST_SIGNING":{"Certificate_ID":"%s"}`,
		"several fields":              `"certificates":["%s"],"name":"é < \u00e9","client_certificates":["%s"]`,
		"only own ones and files":     `"certificates":["` + own + `","/etc/ssl/key.pem","` + print64 + `"],"upstream_certificates":{"*":"env://X"}`,
		"a name that is no reference": `"config_data":{"certificates":["` + foreign + `"]}`,
		"values of another type":      `"certificates":[1,null,{"a":["` + foreign + `"]}],"upstream_certificates":["` + foreign + `"],"request_signing":[{"certificate_id":"` + foreign + `"}]`,
	} {
		t.Run(name, func(t *testing.T) {
			n := strings.Count(fields, "%s")
			got, replaced := core.WithoutForeignCertificates(
				core.Document(`{"name":"x",`+strings.ReplaceAll(fields, "%s", foreign)+`}`),
				ownOrg,
			)
			require.Equal(t, `{"name":"x",`+strings.ReplaceAll(fields, "%s", none)+`}`, string(got))
			require.Equal(t, n, replaced)
		})
	}
}

func FuzzWithoutForeignCertificatesKeepsJSON(f *testing.F) {
	f.Add(
		[]byte(
			`{"certificates":["` + foreignOrg + print64 + `"],"pinned_public_keys":{"\"":"a,` + foreignOrg + print64 + `"},"Request_Signing":{"certificate_id":"x"}}`,
		),
	)
	f.Fuzz(func(t *testing.T, raw []byte) {
		doc, err := core.ParseDocument(raw)
		if err != nil {
			return
		}
		told, replaced := core.WithoutForeignCertificates(doc, ownOrg)
		require.True(t, json.Valid(told), "%s", told)
		if replaced == 0 {
			require.Equal(t, string(doc), string(told))
		}
		again, left := core.WithoutForeignCertificates(told, ownOrg)
		require.Zero(t, left, "%s", told)
		require.Equal(t, string(told), string(again))
	})
}
