// Package certificate reads certificates, and hands them to the gateways in the form that they expect.
//
// What people upload is read by Parse, which says what is wrong with it. A Shelf keeps the gateways' Redis in step with
// the store, and warns of certificates that expire.
package certificate

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"
	"time"

	"gatehouse/internal/core"
)

// Bundle is what one upload holds: a certificate with its chain, the leaf first, and perhaps its private key; or a
// public key alone.
type Bundle struct {
	chain     []*x509.Certificate
	publicKey []byte // DER; of a lone public key
	key       *pem.Block
}

// The types of PEM blocks.
const (
	typeCertificate  = "CERTIFICATE"
	typePublicKey    = "PUBLIC KEY"
	typePrivateKey   = "PRIVATE KEY" // and all that end in it
	typeEncryptedKey = "ENCRYPTED PRIVATE KEY"
	typeECParameters = "EC PARAMETERS" // what openssl writes before a key on a curve, and nobody needs
)

// leaf is the certificate that the bundle is about, nil for a public key.
func (b *Bundle) leaf() *x509.Certificate {
	if len(b.chain) == 0 {
		return nil
	}
	return b.chain[0]
}

// Fingerprint is the SHA-256 of the leaf's DER form, or of the public key's, in hex.
func (b *Bundle) Fingerprint() string {
	der := b.publicKey
	if leaf := b.leaf(); leaf != nil {
		der = leaf.Raw
	}
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}

// HasPrivate tells whether the private key is in it.
func (b *Bundle) HasPrivate() bool { return b.key != nil }

// ID is how gateways name what an organisation uploaded.
func (b *Bundle) ID(org string) string { return org + b.Fingerprint() }

// PEM is the text of the bundle, with the private key in the clear: it belongs into a seal.
func (b *Bundle) PEM() string {
	text := b.publicPEM()
	if b.key != nil {
		text = append(text, pem.EncodeToMemory(b.key)...)
	}
	return string(text)
}

func (b *Bundle) publicPEM() []byte {
	if len(b.chain) == 0 {
		return pem.EncodeToMemory(&pem.Block{Type: typePublicKey, Bytes: b.publicKey})
	}
	var out bytes.Buffer
	for _, c := range b.chain {
		out.Write(pem.EncodeToMemory(&pem.Block{Type: typeCertificate, Bytes: c.Raw}))
	}
	return out.Bytes()
}

// forGateways is what gateways get of the bundle. A chain without a private key is only there to let clients in, for
// which gateways look at the leaf and at the fingerprint of the last certificate, whichever that is: with a chain they
// would refuse the client, and let everybody in who shows the public certificate of its signer. So they get the leaf.
func (b *Bundle) forGateways() *Bundle {
	if b.key == nil && len(b.chain) > 1 {
		return &Bundle{chain: b.chain[:1]}
	}
	return b
}

// ForGateways is the text as gateways keep it in Redis: the chain, and the private key encrypted with their secret in
// the way of RFC 1421, or the leaf alone where there is no private key. That is a weak way to encrypt, and the only one
// that they read.
func (b *Bundle) ForGateways(secret string) (string, error) {
	b = b.forGateways()
	text := b.publicPEM()
	if b.key == nil {
		return string(text), nil
	}
	block, err := x509.EncryptPEMBlock( //nolint:staticcheck // what gateways read
		rand.Reader,
		typeEncryptedKey,
		b.key.Bytes,
		[]byte(secret),
		x509.PEMCipherAES256,
	)
	if err != nil {
		return "", fmt.Errorf("encrypt a private key: %w", err)
	}
	return string(append(text, pem.EncodeToMemory(block)...)), nil
}

// Info is what may be shown of the bundle as a certificate of an organisation.
func (b *Bundle) Info(org string) core.CertificateInfo {
	info := core.CertificateInfo{Fingerprint: b.Fingerprint(), HasPrivate: b.HasPrivate(), IsPublicKey: b.leaf() == nil}
	shown := details{ID: b.ID(org), Fingerprint: info.Fingerprint, HasPrivate: info.HasPrivate}
	if leaf := b.leaf(); leaf != nil {
		notBefore, notAfter := leaf.NotBefore.UTC(), leaf.NotAfter.UTC()
		info.IsCa, info.DNSNames = leaf.IsCA, leaf.DNSNames
		info.SubjectCn, info.IssuerCn = leaf.Subject.CommonName, leaf.Issuer.CommonName
		info.NotBefore, info.NotAfter = &notBefore, &notAfter
		shown.Issuer, shown.Subject, shown.NotBefore, shown.NotAfter = leaf.Issuer, leaf.Subject, notBefore, notAfter
		shown.DNSNames, shown.IsCA = leaf.DNSNames, leaf.IsCA
	} else {
		info.SubjectCn = "Public Key: " + info.Fingerprint // as gateways show it
		shown.Subject.CommonName = info.SubjectCn
	}
	raw, err := json.Marshal(shown)
	if err != nil {
		panic(fmt.Sprintf("certificate: details: %v", err)) // texts, times, and attributes that were parsed as texts
	}
	info.Details = raw
	return info
}

// details is a certificate as the legacy API shows it in detail; names are as crypto/x509/pkix has them.
type details struct {
	ID          string    `json:"id"`
	Fingerprint string    `json:"fingerprint"`
	HasPrivate  bool      `json:"has_private"`
	Issuer      pkix.Name `json:"issuer"`
	Subject     pkix.Name `json:"subject"`
	NotBefore   time.Time `json:"not_before"`
	NotAfter    time.Time `json:"not_after"`
	DNSNames    []string  `json:"dns_names,omitempty"`
	IsCA        bool      `json:"is_ca"`
}

// public returns the public half of a private key's DER form, in one of the three forms that gateways read.
func public(der []byte) (crypto.PublicKey, error) {
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return key.Public(), nil
	}
	if key, err := x509.ParseECPrivateKey(der); err == nil {
		return key.Public(), nil
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		// What the parser says of a private key stays with us.
		return nil, core.Errorf(
			core.CodeInvalid,
			"the private key is malformed, or of a kind that gateways cannot use: give an RSA or ECDSA key",
		)
	}
	switch key := key.(type) {
	case *rsa.PrivateKey:
		return key.Public(), nil
	case *ecdsa.PrivateKey:
		return key.Public(), nil
	}
	return nil, core.Errorf(
		core.CodeInvalid,
		"gateways use RSA and ECDSA keys only, and the private key is another kind (%s)",
		strings.TrimPrefix(fmt.Sprintf("%T", key), "*"),
	)
}
