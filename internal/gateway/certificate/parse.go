package certificate

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"strings"
	"time"

	"gatehouse/internal/core"
)

// Bounds of what is read.
const (
	// MaxSize is how long, in bytes, PEM text may be.
	MaxSize = 1 << 20
	// maxBlocks is how many PEM blocks it may have.
	maxBlocks = 32
	// maxRSABits is the limit of crypto/tls, and so that of the gateways; with maxKeyDER it keeps the arithmetic of
	// foreign keys short.
	maxRSABits = 8192
	maxKeyDER  = 8 << 10
)

// Parse reads what somebody uploads, and refuses with a core.Error what gateways could not use: the message says what
// to change. now decides what has expired.
func Parse(text []byte, now time.Time) (*Bundle, error) {
	if len(text) > MaxSize {
		return nil, core.Errorf(core.CodeTooLarge, "a certificate may have %d bytes at most", MaxSize)
	}
	b, err := read(text, "")
	if err != nil {
		return nil, err
	}
	for i, c := range b.chain {
		if c.NotAfter.Before(now) {
			return nil, core.Errorf(
				core.CodeInvalid,
				"certificate %d (%s) expired on %s: upload the one that replaces it",
				i+1,
				name(c),
				c.NotAfter.UTC().Format(time.RFC3339),
			)
		}
	}
	if err := b.checkKey(); err != nil {
		return nil, err
	}
	return b, b.checkChain()
}

// read reads PEM text; with a secret, private keys that are encrypted with it, as in Redis. It looks at each block
// alone.
func read(text []byte, secret string) (*Bundle, error) {
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, core.Errorf(core.CodeInvalid, "there is nothing in it: give a certificate as PEM text")
	}
	// What is no block is skipped while decoding; each beginning has to become one.
	begun := bytes.Count(text, []byte("-----BEGIN "))
	if begun == 0 {
		return nil, core.Errorf(
			core.CodeInvalid,
			"it is not PEM text: it must have a block that starts with -----BEGIN CERTIFICATE-----; openssl x509 -inform DER makes one of a binary certificate",
		)
	}
	if begun > maxBlocks {
		return nil, core.Errorf(
			core.CodeInvalid,
			"it has %d blocks, and at most %d are allowed: upload one certificate at a time",
			begun,
			maxBlocks,
		)
	}
	b := &Bundle{}
	for n := 1; n <= begun; n++ {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return nil, core.Errorf(
				core.CodeInvalid,
				"one of its %d PEM blocks cannot be decoded: look for cut lines, and for a missing line that starts with -----END",
				begun,
			)
		}
		if err := b.add(n, block, secret); err != nil {
			return nil, err
		}
	}
	switch {
	case len(b.chain) == 0 && b.publicKey == nil:
		return nil, core.Errorf(core.CodeInvalid, "there is no certificate in it: put the certificate before its private key")
	case b.publicKey != nil && (len(b.chain) > 0 || b.key != nil):
		return nil, core.Errorf(
			core.CodeInvalid,
			"a public key stands alone: take it out of the text, or upload it without the rest",
		)
	}
	return b, nil
}

// add takes the n-th block into the bundle.
func (b *Bundle) add(n int, block *pem.Block, secret string) error {
	switch {
	case block.Type == typeCertificate:
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return core.Wrap(core.CodeInvalid, err, "block %d is a malformed certificate (%s)", n, err.Error())
		}
		if !reasonable(c.PublicKey) {
			return core.Errorf(
				core.CodeInvalid,
				"the certificate in block %d has an RSA key of more than %d bits",
				n,
				maxRSABits,
			)
		}
		b.chain = append(b.chain, c)
	case block.Type == typePublicKey:
		if b.publicKey != nil {
			return core.Errorf(core.CodeInvalid, "there are two public keys: upload one at a time")
		}
		if key, err := x509.ParsePKIXPublicKey(block.Bytes); err != nil || !reasonable(key) {
			return core.Wrap(core.CodeInvalid, err, "block %d is a malformed public key, or one that is too long", n)
		}
		b.publicKey = block.Bytes
	case strings.HasSuffix(block.Type, typePrivateKey):
		if b.key != nil {
			return core.Errorf(core.CodeInvalid, "there are two private keys: upload each with its certificate")
		}
		if len(block.Bytes) > maxKeyDER {
			return core.Errorf(core.CodeInvalid, "the private key is too long: it has %d bytes", len(block.Bytes))
		}
		der, err := opened(block, secret)
		if err != nil {
			return err
		}
		// Whatever the label says, gateways try every form.
		b.key = &pem.Block{Type: typePrivateKey, Bytes: der}
	case block.Type == typeECParameters:
	default:
		return core.Errorf(
			core.CodeInvalid,
			"block %d is a %.60q: only certificates, one private key, or one public key may be in it",
			n,
			block.Type,
		)
	}
	return nil
}

// opened is the DER form of a private key. One that is encrypted is opened with the secret, in the way of ForGateways;
// "" refuses it.
func opened(block *pem.Block, secret string) ([]byte, error) {
	legacy := x509.IsEncryptedPEMBlock(block) //nolint:staticcheck // what gateways write
	switch {
	case !legacy && block.Type != typeEncryptedKey:
		return block.Bytes, nil
	case !legacy || secret == "":
		return nil, core.Errorf(
			core.CodeInvalid,
			"the private key is encrypted: decrypt it first, with openssl pkey -in key.pem -out plain.pem",
		)
	}
	der, err := x509.DecryptPEMBlock(block, []byte(secret)) //nolint:staticcheck // what gateways write
	if err != nil {
		return nil, errSecret
	}
	return der, nil
}

// errSecret means that Redis holds a private key that our secret does not open.
var errSecret = errors.New(
	"the private key is encrypted with another secret than security.private_certificate_encoding_secret",
)

// checkKey checks that the private key, where there is one, is that of the leaf.
func (b *Bundle) checkKey() error {
	if b.key == nil {
		return nil
	}
	key, err := public(b.key.Bytes)
	if err != nil {
		return err
	}
	if !reasonable(key) {
		return core.Errorf(core.CodeInvalid, "the private key has more than %d bits", maxRSABits)
	}
	for i, c := range b.chain {
		switch {
		case !equal(key, c.PublicKey):
		case i > 0:
			return core.Errorf(
				core.CodeInvalid,
				"the private key belongs to certificate %d (%s): put that one first, then the one that signed it, and so on",
				i+1,
				name(c),
			)
		default:
			return nil
		}
	}
	return core.Errorf(
		core.CodeInvalid,
		"the private key does not belong to the certificate (%s): upload the key that the certificate was made with",
		name(b.leaf()),
	)
}

// checkChain checks that each certificate signed the one before it.
func (b *Bundle) checkChain() error {
	for i := 1; i < len(b.chain); i++ {
		child, parent := b.chain[i-1], b.chain[i]
		switch {
		case signed(parent, child):
		case signed(child, parent):
			return core.Errorf(
				core.CodeInvalid,
				"the order of the certificates is wrong: %s comes before %s, which it signed; put the leaf first, then the one that signed it, and so on",
				name(child),
				name(parent),
			)
		default:
			return core.Errorf(
				core.CodeInvalid,
				"the certificates are no chain: certificate %d (%s) did not sign certificate %d (%s); put the leaf first, then the one that signed it, and upload others on their own",
				i+1,
				name(parent),
				i,
				name(child),
			)
		}
	}
	return nil
}

// signed tells whether parent signed child. Where the signature is of a kind that is not checked any more, names have
// to do.
func signed(parent, child *x509.Certificate) bool {
	if !bytes.Equal(child.RawIssuer, parent.RawSubject) {
		return false
	}
	err := parent.CheckSignature(child.SignatureAlgorithm, child.RawTBSCertificate, child.Signature)
	var insecure x509.InsecureAlgorithmError
	return err == nil || errors.As(err, &insecure) || errors.Is(err, x509.ErrUnsupportedAlgorithm)
}

func equal(a, b crypto.PublicKey) bool {
	key, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && key.Equal(b)
}

func reasonable(key crypto.PublicKey) bool {
	k, ok := key.(*rsa.PublicKey)
	return !ok || k.N.BitLen() <= maxRSABits
}

// name is what people know a certificate by.
func name(c *x509.Certificate) string {
	text := c.Subject.CommonName
	if text == "" && len(c.DNSNames) > 0 {
		text = c.DNSNames[0]
	}
	if text == "" {
		return "without a name"
	}
	if len(text) > 100 {
		text = text[:100] + "…"
	}
	return strings.ToValidUTF8(text, "\ufffd")
}
