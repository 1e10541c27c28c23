package certificate

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// now is the time of these tests.
var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// issued is a certificate that was made for a test.
type issued struct {
	t    testing.TB
	cert *x509.Certificate
	key  crypto.Signer
}

func curveKey(t testing.TB) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return key
}

// issue makes a certificate for a year; by nil for one that signs itself. change changes what it says.
func issue(t testing.TB, name string, by *issued, key crypto.Signer, change ...func(*x509.Certificate)) *issued {
	t.Helper()
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: name, Organization: []string{"Example"}},
		DNSNames:              []string{name},
		NotBefore:             now.Add(-time.Hour),
		NotAfter:              now.AddDate(1, 0, 0),
		BasicConstraintsValid: true,
		IsCA:                  by == nil,
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	for _, c := range change {
		c(template)
	}
	parent, signer := template, key
	if by != nil {
		parent, signer = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return &issued{t, cert, key}
}

func (i *issued) pem() string { return block("CERTIFICATE", i.cert.Raw) }

func (i *issued) pkcs8() string {
	der, err := x509.MarshalPKCS8PrivateKey(i.key)
	require.NoError(i.t, err)
	return block("PRIVATE KEY", der)
}

func (i *issued) ec() string {
	der, err := x509.MarshalECPrivateKey(i.key.(*ecdsa.PrivateKey))
	require.NoError(i.t, err)
	return block("EC PRIVATE KEY", der)
}

func (i *issued) public() string {
	der, err := x509.MarshalPKIXPublicKey(i.key.Public())
	require.NoError(i.t, err)
	return block("PUBLIC KEY", der)
}

func block(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func isCA(c *x509.Certificate) { c.IsCA = true }
