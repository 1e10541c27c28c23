package redisdb_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/gateway/redistest"
)

// startServer runs a Redis of its own until the test ends, and returns its address.
func startServer(t *testing.T, args ...string) string {
	t.Helper()
	return redistest.Start(t, args...).Addr
}

func portOf(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}

// startTLS runs a Redis that speaks TLS only, and asks for a client certificate. The folder has ca.pem, cert.pem and
// key.pem.
func startTLS(t *testing.T) (dir, address string) {
	t.Helper()
	dir = t.TempDir()
	ca, caKey := certificate(t, nil, nil)
	cert, key := certificate(t, ca, caKey)
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
		return path
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	address = redistest.FreeAddress(t)
	redistest.StartAt(
		t,
		address,
		"--port",
		"0",
		"--tls-port",
		portOf(address),
		"--tls-ca-cert-file",
		write("ca.pem", "CERTIFICATE", ca.Raw),
		"--tls-cert-file",
		write("cert.pem", "CERTIFICATE", cert.Raw),
		"--tls-key-file",
		write("key.pem", "PRIVATE KEY", der),
	)
	return dir, address
}

// certificate makes one for 127.0.0.1, signed by the parent or, when there is none, by itself.
func certificate(
	t *testing.T,
	parent *x509.Certificate,
	parentKey *ecdsa.PrivateKey,
) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		NotAfter:              time.Now().Add(time.Hour),
		BasicConstraintsValid: true,
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:                  parent == nil,
		Subject:               pkix.Name{CommonName: "leaf"},
	}
	if parent == nil {
		parent, parentKey = template, key
		template.Subject.CommonName, template.KeyUsage = "authority", x509.KeyUsageCertSign
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, parentKey)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return cert, key
}

// startCluster runs a cluster of one node, which has all slots.
func startCluster(t *testing.T) string {
	t.Helper()
	bus := redistest.FreeAddress(t)
	address := startServer(t, "--cluster-enabled", "yes", "--cluster-port", portOf(bus))
	client := redis.NewClient(&redis.Options{Addr: address})
	defer client.Close()
	require.NoError(t, client.ClusterAddSlotsRange(t.Context(), 0, 16383).Err())
	return address
}

// startSentinel runs one sentinel that watches a master.
func startSentinel(t *testing.T, master, masterPassword, password string) string {
	t.Helper()
	address := redistest.FreeAddress(t)
	file := filepath.Join(t.TempDir(), "sentinel.conf")
	require.NoError(
		t,
		os.WriteFile(
			file,
			[]byte("sentinel monitor main 127.0.0.1 "+portOf(master)+" 1\nsentinel auth-pass main "+masterPassword+
				"\nrequirepass "+strconv.Quote(password)+"\n"),
			0o600,
		),
	)
	redistest.StartAt(t, address, file, "--sentinel", "--port", portOf(address))
	return address
}
