package core

import (
	"encoding/json"
	"fmt"
	"time"
)

// Certificate is a certificate, or a lone public key, with or without its private key. ID is the organisation's id and
// the SHA-256 fingerprint in hex, one behind the other, as gateways name it.
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

// NewCertificate reads a Certificate from its document. Where only ids were read there is none, and the info stays
// empty.
func NewCertificate(meta Meta, doc Document, sealed string) (*Certificate, error) {
	c := &Certificate{Meta: meta, Sealed: sealed}
	if len(doc) == 0 {
		return c, nil
	}
	if err := json.Unmarshal(doc, &c.CertificateInfo); err != nil {
		return nil, fmt.Errorf("certificate %s: %w", meta.ID, err)
	}
	return c, nil
}

// SealContext is what Sealed is sealed for.
func (c *Certificate) SealContext() string { return "certificate " + c.ID + "/pem" }

// CertificateStatus says where a certificate is in its life.
type CertificateStatus string

// The statuses, in the order of a life. A lone public key is valid always.
const (
	CertificateNotYetValid CertificateStatus = "NOT_YET_VALID"
	CertificateValid       CertificateStatus = "VALID"
	CertificateExpiring    CertificateStatus = "EXPIRING"
	CertificateExpired     CertificateStatus = "EXPIRED"
)

// StatusAt is where the certificate is in its life at a time; it is expiring during the last part of it, warning long.
func (c *CertificateInfo) StatusAt(now time.Time, warning time.Duration) CertificateStatus {
	switch {
	case c.NotAfter != nil && c.NotAfter.Before(now):
		return CertificateExpired
	case c.NotBefore != nil && c.NotBefore.After(now):
		return CertificateNotYetValid
	case c.NotAfter != nil && c.NotAfter.Before(now.Add(warning)):
		return CertificateExpiring
	}
	return CertificateValid
}

// Document is the info as JSON.
func (c *Certificate) Document() Document {
	raw, err := json.Marshal(c.CertificateInfo)
	if err != nil {
		panic(fmt.Sprintf("core: certificate: %v", err)) // its details are JSON, the rest are texts and times
	}
	return raw
}
