package config

import (
	"crypto/tls"
	"fmt"
)

// TLSConfig reads the certificates and returns what a server needs for HTTPS; nil when use_ssl is off. The error names
// the setting and the file.
func (o HTTPServerOptions) TLSConfig() (*tls.Config, error) {
	if !o.UseSSL {
		return nil, nil
	}
	pairs := make([]CertData, 0, len(o.Certificates)+len(o.SSLCertificates))
	pairs = append(pairs, o.Certificates...)
	for _, file := range o.SSLCertificates {
		pairs = append(pairs, CertData{Cert: file, Key: file})
	}
	out := &tls.Config{MinVersion: o.MinVersion}
	for i, p := range pairs {
		cert, err := tls.LoadX509KeyPair(p.Cert, p.Key)
		if err != nil {
			key := "http_server_options.certificates"
			if i >= len(o.Certificates) {
				key = "http_server_options.ssl_certificates"
			}
			return nil, fmt.Errorf("%s: cannot use %s with the key in %s: %w", key, p.Cert, p.Key, err)
		}
		out.Certificates = append(out.Certificates, cert)
	}
	for _, name := range o.SSLCiphers {
		if id, ok := cipherSuite(name); ok {
			out.CipherSuites = append(out.CipherSuites, id)
		}
	}
	return out, nil
}

// cipherSuite finds a suite by its IANA name. Old suites are found too: who names one has a client that knows no other.
func cipherSuite(name string) (uint16, bool) {
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		if s.Name == name {
			return s.ID, true
		}
	}
	return 0, false
}
