package e2e

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// forgetRedis removes what Redis wrote to its folder.
func forgetRedis(t *testing.T, dir string) {
	t.Helper()
	require.NoError(t, os.RemoveAll(filepath.Join(dir, "appendonlydir")))
	require.NoError(t, os.RemoveAll(filepath.Join(dir, "dump.rdb")))
}

// certificate makes a self-signed certificate, as PEM and for use.
func certificate(t *testing.T, name string) (certificate, key []byte, pair tls.Certificate) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(90 * 24 * time.Hour), DNSNames: []string{name},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, BasicConstraintsValid: true, IsCA: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	require.NoError(t, err)
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	certificate = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	key = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})
	pair, err = tls.X509KeyPair(certificate, key)
	require.NoError(t, err)
	return certificate, key, pair
}

// upload sends a PEM text as a form's file, as the legacy API takes it, and returns the certificate's id.
func (in *installation) upload(t *testing.T, text []byte) string {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	file, err := form.CreateFormFile("data", "certificate.pem")
	require.NoError(t, err)
	_, err = file.Write(text)
	require.NoError(t, err)
	require.NoError(t, form.Close())
	a := in.call(
		"POST",
		in.url+"/api/certs",
		body.String(),
		"Authorization: "+in.key,
		"Content-Type: "+form.FormDataContentType(),
	)
	require.Equal(t, http.StatusOK, a.status, "%s", a)
	require.NotEmpty(t, a.get("id").Str, "%s", a)
	return a.get("id").Str
}

func mutualTLS(t *testing.T, in *installation) {
	serverPEM, serverKey, server := certificate(t, "gateway.test")
	clientPEM, _, client := certificate(t, "client.test")
	_, _, stranger := certificate(t, "stranger.test")
	serverID := in.upload(t, append(serverPEM, serverKey...))
	clientID := in.upload(t, clientPEM)
	id := in.api(
		t,
		"mutual",
		map[string]any{"use_keyless": true, "use_mutual_tls_auth": true, "client_certificates": []string{clientID}},
	)

	// The gateway that serves HTTPS takes its own certificate, private key and all, from Gatehouse too.
	address := fmt.Sprintf("https://127.0.0.1:%d", freePort(t))
	secure := in.newGateway(t, "secure gateway", address, map[string]any{
		"http_server_options": map[string]any{
			"use_ssl":          true,
			"ssl_certificates": []string{serverID},
			"min_version":      tls.VersionTLS12,
		},
	})
	secure.start(t)
	defer func() {
		secure.stop(syscall.SIGTERM)
		if t.Failed() {
			t.Log(secure.tail(40))
		}
	}()
	var shown []byte
	eventually(t, patient, "the gateway takes the client's certificate", func() (bool, string) {
		c := tlsClient(&client)
		c.Transport.(*http.Transport).TLSClientConfig.VerifyConnection = func(s tls.ConnectionState) error {
			shown = s.PeerCertificates[0].Raw
			return nil
		}
		a := send(c, "GET", address+"/mutual/", "")
		return a.status == http.StatusOK, a.String()
	})
	assert.Equal(t, server.Certificate[0], shown, "the gateway shows the uploaded certificate")
	without, other := send(
		tlsClient(nil),
		"GET",
		address+"/mutual/",
		"",
	), send(
		tlsClient(&stranger),
		"GET",
		address+"/mutual/",
		"",
	)
	t.Logf("with the certificate: 200; without one: %s; with another one: %s", without, other)
	assert.NotEqual(t, http.StatusOK, without.status)
	assert.NotEqual(t, http.StatusOK, other.status)

	inUse := in.call("DELETE", in.url+"/api/certs/"+clientID, "", "Authorization: "+in.key)
	assert.Equal(t, http.StatusConflict, inUse.status, "deleting a certificate that is in use: %s", inUse)
	in.drop(t, id)
	in.rest(t, "DELETE", "/api/certs/"+clientID, "")
	in.rest(t, "DELETE", "/api/certs/"+serverID, "")
}
