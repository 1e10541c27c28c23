package notify

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
)

// signer sets the signature and the algorithm of a notification.
type signer func(*notification) error

// newSigner signs with the private key, or else with the node secret. Without either it signs with the empty secret,
// which is what gateways without a node_secret check.
func newSigner(o Options) (signer, error) {
	if o.PrivateKeyPath == "" {
		if o.Secret == "" {
			o.Log.Warn(
				"neither shared_node_secret nor private_key_path is set: gateways that have a node_secret take no notifications, unless they have allow_insecure_configs",
			)
		}
		return withSecret(o.Secret), nil
	}
	key, err := readKey(o.PrivateKeyPath)
	if err != nil {
		return nil, fmt.Errorf("private_key_path: %w", err)
	}
	sign := withKey(key)
	if err := sign(&notification{}); err != nil {
		return nil, fmt.Errorf("private_key_path: %s cannot sign: %w", o.PrivateKeyPath, err)
	}
	return sign, nil
}

// withSecret signs command, payload and secret together.
func withSecret(secret string) signer {
	return func(m *notification) error {
		sum := sha256.Sum256([]byte(string(m.Command) + m.Payload + secret))
		m.Signature, m.Algorithm = hex.EncodeToString(sum[:]), uint(crypto.SHA256)
		return nil
	}
}

// withKey signs the payload. Gateways take any algorithm but SHA-256 for a signature by key.
func withKey(key *rsa.PrivateKey) signer {
	return func(m *notification) error {
		sum := sha256.Sum256([]byte(m.Payload))
		signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
		m.Signature, m.Algorithm = base64.StdEncoding.EncodeToString(signature), 0
		return err
	}
}

func readKey(path string) (*rsa.PrivateKey, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot be read: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s is not PEM: make a key with openssl genrsa", path)
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	any, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if key, ok := any.(*rsa.PrivateKey); ok {
		return key, nil
	}
	if err == nil {
		err = errors.New("it is of another kind")
	}
	return nil, fmt.Errorf("%s holds no RSA private key without a password: %w", path, err)
}
