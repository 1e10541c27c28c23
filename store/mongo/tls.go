package mongo

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// tlsConfig reads the TLS settings. The server's certificate is checked as far as they allow.
func tlsConfig(config Config) (*tls.Config, error) {
	out := &tls.Config{MinVersion: tls.VersionTLS12}
	if config.CAFile != "" {
		pem, err := os.ReadFile(config.CAFile)
		if err != nil {
			return nil, fmt.Errorf("mongo: the file of certificate authorities: %w", err)
		}
		out.RootCAs = x509.NewCertPool()
		if !out.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("mongo: the file of certificate authorities, %s, holds no PEM certificate", config.CAFile)
		}
	}
	if config.PEMKeyFile != "" {
		cert, err := tls.LoadX509KeyPair(config.PEMKeyFile, config.PEMKeyFile)
		if err != nil {
			return nil, fmt.Errorf(
				"mongo: the file %s must hold the client's certificate and its unencrypted private key, both as PEM: %w",
				config.PEMKeyFile,
				err,
			)
		}
		out.Certificates = []tls.Certificate{cert}
	}
	switch {
	case config.InsecureSkipVerify:
		out.InsecureSkipVerify = true
	case config.AllowInvalidHostnames:
		// Go checks name and signature together or not at all, so the signature is checked by hand.
		out.InsecureSkipVerify = true
		out.VerifyConnection = func(state tls.ConnectionState) error { return verifySignature(state, out.RootCAs) }
	}
	return out, nil
}

// verifySignature checks that an authority in roots (nil is the system's) vouches for the server, under whatever name.
func verifySignature(state tls.ConnectionState, roots *x509.CertPool) error {
	if len(state.PeerCertificates) == 0 {
		return errors.New("mongo: the server sent no certificate")
	}
	between := x509.NewCertPool()
	for _, cert := range state.PeerCertificates[1:] {
		between.AddCert(cert)
	}
	_, err := state.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between})
	return err
}
