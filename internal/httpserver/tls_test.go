package httpserver

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// certificate makes a self-signed certificate for a name.
func certificate(t *testing.T, name string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		DNSNames:     []string{name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func get(t *testing.T, s *Server, config *tls.Config) *http.Response {
	t.Helper()
	config.InsecureSkipVerify = true
	r, err := client(t, config).Get("https://" + s.Addr())
	require.NoError(t, err)
	_ = body(t, r)
	return r
}

func TestServerSpeaksHTTP2OverTLS(t *testing.T) {
	s, _ := serve(
		t,
		Options{Handler: answer(200, ""), TLS: &tls.Config{Certificates: []tls.Certificate{certificate(t, "a.test")}}},
	)
	r := get(t, s, &tls.Config{})
	assert.Equal(t, 2, r.ProtoMajor)
	assert.GreaterOrEqual(t, r.TLS.Version, uint16(tls.VersionTLS12))
	_, err := client(
		t,
		&tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10},
	).Get(
		"https://" + s.Addr(),
	)
	assert.Error(t, err, "1.2 is the oldest version unless configured")
}

func TestServerKeepsToTheConfiguredSuites(t *testing.T) {
	s, _ := serve(
		t,
		Options{
			Handler: answer(200, ""),
			TLS: &tls.Config{Certificates: []tls.Certificate{certificate(t, "a.test")}, MinVersion: tls.VersionTLS12,
				CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384}},
		},
	)
	r := get(t, s, &tls.Config{MaxVersion: tls.VersionTLS12})
	assert.Equal(t, tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, r.TLS.CipherSuite)
	assert.Equal(t, 1, r.ProtoMajor, "a list without what HTTP/2 demands serves HTTP/1.1")
}
