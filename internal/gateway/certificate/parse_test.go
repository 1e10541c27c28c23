package certificate

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gatehouse/internal/core"
)

const org = "5e9d9544a1dcd60001d0ed20"

func TestWhatIsAccepted(t *testing.T) {
	root := issue(t, "root.test", nil, curveKey(t))
	middle := issue(t, "middle.test", root, curveKey(t), isCA)
	leaf := issue(t, "leaf.test", middle, curveKey(t))
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	onRSA := issue(t, "rsa.test", root, rsaKey)
	future := issue(t, "future.test", nil, curveKey(t), func(c *x509.Certificate) { c.NotBefore = now.Add(time.Hour) })
	for _, tc := range []struct {
		name, text string
		about      *issued
		private    bool
	}{
		{"a certificate alone", leaf.pem(), leaf, false},
		{"a certificate with its chain", leaf.pem() + middle.pem() + root.pem(), leaf, false},
		{"a PKCS8 key behind the chain", leaf.pem() + middle.pem() + leaf.pkcs8(), leaf, true},
		{"a key before its certificate", leaf.pkcs8() + leaf.pem(), leaf, true},
		{"an EC key with the parameters that openssl writes", leaf.pem() + block("EC PARAMETERS", []byte{6, 8, 42, 134, 72, 206, 61, 3, 1, 7}) + leaf.ec(), leaf, true},
		{"a PKCS1 key", onRSA.pem() + block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey)), onRSA, true},
		{"a PKCS8 RSA key", onRSA.pem() + onRSA.pkcs8(), onRSA, true},
		{"an authority that signed itself", root.pem() + root.pkcs8(), root, true},
		{"one that does not hold yet", future.pem(), future, false},
		{"lines that end as on Windows", strings.ReplaceAll(leaf.pem()+leaf.pkcs8(), "\n", "\r\n"), leaf, true},
		{"words around the blocks", "Bag Attributes\n  friendlyName: x\n" + leaf.pem() + "\nKey:\n" + leaf.pkcs8() + "\nthe end", leaf, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b, err := Parse([]byte(tc.text), now)
			require.NoError(t, err)
			sum := sha256.Sum256(tc.about.cert.Raw)
			require.Equal(t, org+hex.EncodeToString(sum[:]), b.ID(org))
			require.Equal(t, tc.private, b.HasPrivate())
			info := b.Info(org)
			require.Equal(t, tc.about.cert.Subject.CommonName, info.SubjectCn)
			require.Equal(t, tc.about.cert.Issuer.CommonName, info.IssuerCn)
			require.Equal(t, tc.about.cert.DNSNames, info.DNSNames)
			require.Equal(t, tc.about.cert.NotAfter, *info.NotAfter)
			require.NotContains(t, string(info.Details), "PRIVATE")

			again, err := Parse([]byte(b.PEM()), now)
			require.NoError(t, err, "what is kept must be readable")
			require.Equal(t, b.PEM(), again.PEM())
			if tc.private {
				_, err := tls.X509KeyPair([]byte(b.PEM()), []byte(b.PEM()))
				require.NoError(t, err)
			}
		})
	}
	t.Run("a lone public key", func(t *testing.T) {
		b, err := Parse([]byte(leaf.public()), now)
		require.NoError(t, err)
		der, _ := pem.Decode([]byte(leaf.public()))
		sum := sha256.Sum256(der.Bytes)
		info := b.Info(org)
		require.Equal(t, hex.EncodeToString(sum[:]), info.Fingerprint)
		require.True(t, info.IsPublicKey)
		require.Nil(t, info.NotAfter)
		require.Equal(t, "Public Key: "+info.Fingerprint, info.SubjectCn)
	})
}

func TestWhatIsRefusedAndWhy(t *testing.T) {
	root := issue(t, "root.test", nil, curveKey(t))
	middle := issue(t, "middle.test", root, curveKey(t), isCA)
	leaf := issue(t, "leaf.test", middle, curveKey(t))
	other := issue(t, "other.test", nil, curveKey(t))
	past := issue(t, "past.test", nil, curveKey(t), func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = now.AddDate(-1, 0, 0), time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
	})
	byPast := issue(t, "late.test", past, curveKey(t))
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	onEd := issue(t, "ed.test", nil, edKey)
	key, _ := pem.Decode([]byte(leaf.pkcs8()))
	legacy, err := x509.EncryptPEMBlock( //nolint:staticcheck // what people have
		rand.Reader,
		"EC PRIVATE KEY",
		key.Bytes,
		[]byte("x"),
		x509.PEMCipherAES256,
	)
	require.NoError(t, err)
	cut := leaf.pem()
	for _, tc := range []struct{ name, text, says string }{
		{"nothing", "", "nothing in it"},
		{"white space", " \n\t\n", "nothing in it"},
		{"words", "hello", "not PEM"},
		{"DER", string(leaf.cert.Raw), "not PEM"},
		{"a block that is cut off", cut[:len(cut)/2], "cannot be decoded"},
		{"a block that is cut off behind one that is whole", leaf.pem() + cut[:len(cut)/2], "cannot be decoded"},
		{"a line that is no base64", strings.Replace(cut, "\nMI", "\n!!", 1), "cannot be decoded"},
		{"a certificate that is none", block("CERTIFICATE", []byte("hello")), "block 1 is a malformed certificate"},
		{"a certificate with bytes behind it", block("CERTIFICATE", append(append([]byte{}, leaf.cert.Raw...), 0)), "malformed certificate"},
		{"a public key that is none", block("PUBLIC KEY", []byte("hello")), "malformed public key"},
		{"a private key that is none", leaf.pem() + block("PRIVATE KEY", []byte("hello")), "private key is malformed"},
		{"a request for a certificate", block("CERTIFICATE REQUEST", []byte("hello")), `"CERTIFICATE REQUEST"`},
		{"something strange behind it", leaf.pem() + leaf.pkcs8() + block("SHOPPING LIST", []byte("milk")), `"SHOPPING LIST"`},
		{"a private key alone", leaf.pkcs8(), "no certificate in it"},
		{"a private key and a public key", leaf.public() + leaf.pkcs8(), "stands alone"},
		{"a certificate and a public key", leaf.pem() + leaf.public(), "stands alone"},
		{"two public keys", leaf.public() + other.public(), "two public keys"},
		{"two private keys", leaf.pem() + leaf.pkcs8() + other.pkcs8(), "two private keys"},
		{"the key of another", leaf.pem() + other.pkcs8(), "does not belong to the certificate (leaf.test)"},
		{"a key of a kind that gateways cannot use", onEd.pem() + onEd.pkcs8(), "RSA and ECDSA keys only"},
		{"a key that is encrypted", leaf.pem() + string(pem.EncodeToMemory(legacy)), "decrypt it first"},
		{"a key that is encrypted in the new way", leaf.pem() + block("ENCRYPTED PRIVATE KEY", key.Bytes), "decrypt it first"},
		{"one that has expired", past.pem() + past.pkcs8(), "certificate 1 (past.test) expired on 2026-02-03T04:05:06Z"},
		{"one whose signer has expired", byPast.pem() + past.pem(), "certificate 2 (past.test) expired on 2026-02-03T04:05:06Z"},
		{"a chain that starts at the root", root.pem() + middle.pem() + leaf.pem(), "order of the certificates is wrong: root.test comes before middle.test"},
		{"a chain that starts at the root, with the key", middle.pem() + leaf.pem() + leaf.pkcs8(), "belongs to certificate 2 (leaf.test): put that one first"},
		{"two that have nothing to do with each other", leaf.pem() + other.pem(), "certificate 2 (other.test) did not sign certificate 1 (leaf.test)"},
		{"a chain with a gap", leaf.pem() + root.pem(), "did not sign"},
		{"too many", strings.Repeat(leaf.pem(), 33), "33 blocks"},
		{"too much", leaf.pem() + strings.Repeat("x", MaxSize), "1048576 bytes at most"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Parse([]byte(tc.text), now)
			require.Error(t, err)
			require.Contains(t, core.AsError(err).Message, tc.says)
			require.NotEqual(t, core.CodeInternal, core.CodeOf(err))
		})
	}
}

func TestTheDetailsAreThoseOfThePublishedDescription(t *testing.T) {
	leaf := issue(t, "leaf.test", nil, curveKey(t))
	b, err := Parse([]byte(leaf.pem()), now)
	require.NoError(t, err)
	var got map[string]any
	require.NoError(t, json.Unmarshal(b.Info(org).Details, &got))
	for _, name := range []string{"id", "fingerprint", "has_private", "issuer", "subject", "not_before", "not_after", "dns_names", "is_ca"} {
		require.Contains(t, got, name)
	}
	require.Len(t, got, 9)
	subject := got["subject"].(map[string]any)
	require.Equal(t, "leaf.test", subject["CommonName"])
	require.Equal(t, []any{"Example"}, subject["Organization"])
	require.Equal(t, "2027-03-01T12:00:00Z", got["not_after"])
}

// fixed is an authority and a certificate that it signed, the same at each run: fuzzing gets nowhere on seeds that
// change.
func fixed(t testing.TB) (root, leaf *issued) {
	t.Helper()
	made := func(n byte, by *issued) *issued {
		key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), bytes.Repeat([]byte{n}, 32))
		require.NoError(t, err)
		template := &x509.Certificate{
			SerialNumber:          big.NewInt(int64(n)),
			Subject:               pkix.Name{CommonName: "fixed"},
			NotBefore:             now,
			NotAfter:              now.AddDate(1, 0, 0),
			IsCA:                  by == nil,
			BasicConstraintsValid: true,
		}
		parent, signer := template, key
		if by != nil {
			parent, signer = by.cert, by.key.(*ecdsa.PrivateKey)
		}
		der, err := x509.CreateCertificate(nil, template, parent, &key.PublicKey, signer)
		require.NoError(t, err)
		cert, err := x509.ParseCertificate(der)
		require.NoError(t, err)
		return &issued{t, cert, key}
	}
	root = made(1, nil)
	return root, made(2, root)
}

func FuzzParse(f *testing.F) {
	root, leaf := fixed(f)
	for _, seed := range []string{"", "x", leaf.pem(), leaf.pem() + root.pem() + leaf.pkcs8(), leaf.pem() + leaf.ec(), leaf.public(), block("CERTIFICATE", []byte{0x30}), "-----BEGIN CERTIFICATE-----"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		b, err := Parse(text, now)
		if err != nil {
			if core.CodeOf(err) == core.CodeInternal {
				t.Fatalf("refused without a reason: %v", err)
			}
			return
		}
		again, err := Parse([]byte(b.PEM()), now)
		if err != nil || again.PEM() != b.PEM() || again.Fingerprint() != b.Fingerprint() {
			t.Fatalf("what is kept of it reads differently: %v", err)
		}
		if _, err := core.ParseDocument(b.Info(org).Details); err != nil {
			t.Fatalf("details: %v", err)
		}
	})
}
