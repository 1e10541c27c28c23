package e2e

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/core"
	"gatehouse/store"
)

// lending are APIs that name a certificate in front of an upstream that answers with the name of the one that it was
// shown.
type lending struct {
	certificate string
	upstream    *httptest.Server
}

// lend uploads the certificate, with its private key, of the first organisation.
func (in *installation) lend(t *testing.T) lending {
	t.Helper()
	text, key, _ := certificate(t, "honest.test")
	l := lending{certificate: in.upload(t, append(text, key...))}
	l.upstream = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		shown := "none"
		if len(r.TLS.PeerCertificates) > 0 {
			shown = r.TLS.PeerCertificates[0].Subject.CommonName
		}
		_, _ = w.Write([]byte(shown))
	}))
	l.upstream.TLS = &tls.Config{ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS12}
	l.upstream.StartTLS()
	t.Cleanup(l.upstream.Close)
	return l
}

// put writes into the store an API of the owner of the certificate, and others that use it without being asked.
func (l lending) put(t *testing.T, s *store.Store, owner, other string) {
	t.Helper()
	for id, api := range map[string]struct{ org, fields string }{
		"shows-own":     {owner, `"upstream_certificates":{"*":"` + l.certificate + `"}`},
		"shows-foreign": {other, `"upstream_certificates":{"*":"` + l.certificate + `"}`},
		"pins-foreign":  {other, `"pinned_public_keys":{"*":"` + l.certificate + `"}`},
		"lets-foreign":  {other, `"use_mutual_tls_auth":true,"client_certificates":["` + l.certificate + `"]`},
	} {
		meta := core.Meta{ID: core.NewID(time.Now()), OrgID: api.org}
		a := core.NewApi(
			meta,
			core.Document(
				`{"api_definition":{"id":"`+meta.ID+`","api_id":"`+id+`","org_id":"`+api.org+`","slug":"`+id+`","name":"`+id+`","active":true,"use_keyless":true,`+
					`"proxy":{"listen_path":"/`+id+`/","target_url":"`+l.upstream.URL+`","strip_listen_path":true,"transport":{"ssl_insecure_skip_verify":true}},`+
					`"version_data":{"not_versioned":true,"versions":{"Default":{"name":"Default"}}},`+api.fields+`}}`,
			),
		)
		require.NoError(t, s.Apis.Create(t.Context(), a))
	}
}

// shows looks at what a gateway makes of them.
func (l lending) shows(t *testing.T, in *installation) {
	t.Helper()
	in.becomes(t, patient, http.StatusOK, "/shows-own/")
	assert.Equal(t, "honest.test", in.through("/shows-own/").body, "the owner uses its certificate")
	foreign := in.through("/shows-foreign/")
	assert.Equal(t, http.StatusOK, foreign.status)
	assert.Equal(t, "none", foreign.body, "another organisation shows the certificate to its upstream")
	for _, path := range []string{"/pins-foreign/", "/lets-foreign/"} {
		assert.NotEqual(t, http.StatusOK, in.through(path).status, "what no certificate is told for is open: %s", path)
	}
}
