package mongo

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestTLS(t *testing.T) {
	dir := t.TempDir()
	ours, theirs := newAuthority(t), newAuthority(t)
	caFile := ours.write(t, filepath.Join(dir, "ca.pem"))
	clientFile := ours.issue(t, "client", filepath.Join(dir, "client.pem"))
	right := ours.issue(t, "db.example.org", filepath.Join(dir, "right.pem"))
	wrong := ours.issue(t, "other.example.org", filepath.Join(dir, "wrong.pem"))
	foreign := theirs.issue(t, "db.example.org", filepath.Join(dir, "foreign.pem"))
	for name, tc := range map[string]struct {
		config Config
		server string // file of its certificate
		client string // file of ours
		ok     bool
	}{
		"a certificate of a trusted authority for the host":           {Config{CAFile: caFile}, right, clientFile, true},
		"one for another host is refused":                             {Config{CAFile: caFile}, wrong, clientFile, false},
		"one for another host is taken where host names may differ":   {Config{CAFile: caFile, AllowInvalidHostnames: true}, wrong, clientFile, true},
		"one of a stranger is refused":                                {Config{CAFile: caFile}, foreign, clientFile, false},
		"one of a stranger is refused even where host names differ":   {Config{CAFile: caFile, AllowInvalidHostnames: true}, foreign, clientFile, false},
		"one of a stranger is taken when certificates are not looked": {Config{CAFile: caFile, InsecureSkipVerify: true}, foreign, clientFile, true},
		"one that the system does not know is refused":                {Config{}, right, clientFile, false},
		"without a client certificate a server that asks refuses us":  {Config{CAFile: caFile}, right, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			tc.config.PEMKeyFile = tc.client
			config, err := tlsConfig(tc.config)
			if err != nil {
				t.Fatal(err)
			}
			if err := handshake(t, config, tc.server, ours); (err == nil) != tc.ok {
				t.Errorf("handshake: %v", err)
			}
		})
	}
}

// handshake connects to a server that demands a certificate of the authority; both sides must agree.
func handshake(t *testing.T, config *tls.Config, serverFile string, clients authority) error {
	t.Helper()
	cert, err := tls.LoadX509KeyPair(serverFile, serverFile)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(clients.cert)
	listener, err := tls.Listen(
		"tcp",
		"127.0.0.1:0",
		&tls.Config{Certificates: []tls.Certificate{cert}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool},
	)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	done := make(chan error, 1)
	go func() {
		conn, err := listener.Accept()
		if err == nil {
			err = conn.(*tls.Conn).HandshakeContext(t.Context())
			_ = conn.Close()
		}
		done <- err
	}()
	config.ServerName = "db.example.org"
	conn, err := tls.Dial("tcp", listener.Addr().String(), config)
	if err == nil {
		defer conn.Close()
	}
	return errors.Join(err, <-done)
}

// authority is a certificate authority for one test.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	key := newKey(t)
	cert := sign(
		t,
		&x509.Certificate{
			SerialNumber:          big.NewInt(1),
			Subject:               pkix.Name{CommonName: "test"},
			IsCA:                  true,
			BasicConstraintsValid: true,
			KeyUsage:              x509.KeyUsageCertSign,
			NotBefore:             time.Now().Add(-time.Hour),
			NotAfter:              time.Now().Add(time.Hour),
		},
		nil,
		key,
		key,
	)
	return authority{cert: cert, key: key}
}

// write puts the authority's own certificate into a file.
func (a authority) write(t *testing.T, file string) string {
	t.Helper()
	writePEM(t, file, &pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
	return file
}

// issue puts a certificate for a host, and its key, into a file.
func (a authority) issue(t *testing.T, host, file string) string {
	t.Helper()
	key := newKey(t)
	cert := sign(
		t,
		&x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host},
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
			NotBefore:   time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)},
		a.cert,
		key,
		a.key,
	)
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, file, &pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}, &pem.Block{Type: "PRIVATE KEY", Bytes: raw})
	return file
}

func sign(t *testing.T, template, parent *x509.Certificate, key, by *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	if parent == nil {
		parent = template
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, by)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func writePEM(t *testing.T, file string, blocks ...*pem.Block) {
	t.Helper()
	var out []byte
	for _, b := range blocks {
		out = append(out, pem.EncodeToMemory(b)...)
	}
	if err := os.WriteFile(file, out, 0o600); err != nil {
		t.Fatal(err)
	}
}
