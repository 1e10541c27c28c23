package core

import (
	"encoding/json"
	"fmt"
	"time"
)

// Certificate is a certificate, or a lone public key, with or without its private key. ID is the organisation's id and the
// SHA-256 fingerprint in hex, one behind the other, as gateways name it.
type Certificate struct {
	Meta
	CertificateInfo
	// Sealed is the PEM text, sealed with the keyring. The private key in it is in the clear inside the seal.
	Sealed string
}

// CertificateInfo is what may be shown of a certificate.
type CertificateInfo struct {
	// Fingerprint is that of the DER form; of a lone public key that of the key.
	Fingerprint string     `json:"fingerprint"`
	HasPrivate  bool       `json:"has_private"`
	IsCa        bool       `json:"is_ca"`
	IsPublicKey bool       `json:"is_public_key"`
	SubjectCn   string     `json:"subject_cn"`
	IssuerCn    string     `json:"issuer_cn"`
	DNSNames    []string   `json:"dns_names"`
	NotBefore   *time.Time `json:"not_before,omitempty"`
	NotAfter    *time.Time `json:"not_after,omitempty"`
	// Details is everything, in the form that the legacy API shows in detail.
	Details Document `json:"details"`
}

// NewCertificate reads a Certificate from its document.
func NewCertificate(meta Meta, doc Document, sealed string) (*Certificate, error) {
	c := &Certificate{Meta: meta, Sealed: sealed}
	if err := json.Unmarshal(doc, &c.CertificateInfo); err != nil {
		return nil, fmt.Errorf("certificate %s: %w", meta.ID, err)
	}
	return c, nil
}

// Document is the info as JSON.
func (c *Certificate) Document() Document {
	raw, err := json.Marshal(c.CertificateInfo)
	if err != nil {
		panic(fmt.Sprintf("core: certificate: %v", err)) // its details are JSON, the rest are texts and times
	}
	return raw
}
