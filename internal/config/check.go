package config

import (
	"crypto/tls"
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// settle fills in what follows from several settings, so that Config holds what is in effect.
func (l *loader) settle() {
	c := &l.Config
	for _, name := range layerNames() {
		key := "storage." + string(name) + ".type"
		if own := c.Storage.layer(name); own.Type == "" && own.ReadDSN() != "" && !l.hasProblem(key) {
			l.problem(key, "must be set when the layer has a connection string; use sqlite, postgres, mysql or mongo")
		}
	}
	if c.Storage.Main.Type == "" {
		c.Storage.Main.Type = SQLite
		if c.MongoURL != "" {
			c.Storage.Main.Type = Mongo
			l.origins["storage.main.type"] = l.origins["mongo_url"]
		}
	}
	l.settleWords()
	l.settleAudit()
	if c.MongoBatchSize == 0 {
		c.MongoBatchSize = 2000
	}
	if c.HTTPServerOptions.MinVersion == 0 {
		c.HTTPServerOptions.MinVersion = tls.VersionTLS12
	}
	l.resolve(&c.MongoSSLCAFile)
	l.resolve(&c.MongoSSLPEMKeyFile)
	for _, path := range []*string{&c.RedisCAFile, &c.RedisCertFile, &c.RedisKeyFile, &c.PrivateKeyPath} {
		l.resolve(path)
	}
	for i := range c.HTTPServerOptions.Certificates {
		l.resolve(&c.HTTPServerOptions.Certificates[i].Cert)
		l.resolve(&c.HTTPServerOptions.Certificates[i].Key)
	}
	for i := range c.HTTPServerOptions.SSLCertificates {
		l.resolve(&c.HTTPServerOptions.SSLCertificates[i])
	}
}

// settleWords reads two settings as the Tyk Dashboard does: in any case, with a word for all that is none of its own.
// Deployments rely on it; those of its chart set the log format to "default".
func (l *loader) settleWords() {
	c := &l.Config
	if c.LogFormat = strings.ToLower(c.LogFormat); c.LogFormat != "json" {
		c.LogFormat = "text"
	}
	switch c.MongoSessionConsistency = strings.ToLower(c.MongoSessionConsistency); c.MongoSessionConsistency {
	case "monotonic", "eventual":
	default:
		c.MongoSessionConsistency = "strong"
	}
}

// resolve lets a relative path start from home_dir.
func (l *loader) resolve(path *string) {
	if *path != "" && l.Config.HomeDir != "" && !filepath.IsAbs(*path) {
		*path = filepath.Join(l.Config.HomeDir, *path)
	}
}

func (l *loader) checkStorage() {
	for _, name := range layerNames() {
		prefix := "storage." + string(name)
		if l.hasProblem(prefix + ".type") {
			continue
		}
		used := l.Config.Layer(name)
		switch {
		case name != LayerMain && l.Config.Storage.layer(name).Type == "":
		case used.WriteDSN() == "" && used.Type == Mongo:
			l.problem(
				prefix+".connection_string",
				"must be set when the type is mongo, here or in mongo_url, such as mongodb://host:27017/tyk_analytics",
			)
		case used.WriteDSN() == "":
			l.problem(
				prefix+".connection_string",
				fmt.Sprintf(
					"must be set when the type is %s, such as user=tyk password=... host=127.0.0.1 database=tyk_analytics",
					used.Type,
				),
			)
		case used.Type == Mongo && !isMongoURL(used.WriteDSN()):
			l.problem(
				prefix+".connection_string",
				Mask+" is not allowed; use a URL that starts with mongodb:// or mongodb+srv://",
			)
		}
	}
}

func isMongoURL(s string) bool {
	return strings.HasPrefix(s, "mongodb://") || strings.HasPrefix(s, "mongodb+srv://")
}

// checkOrigins holds the origins of other sites to the form in which browsers name them. A star would let every page
// that an administrator opens try its luck.
func (l *loader) checkOrigins() {
	for _, origin := range l.Config.Gatehouse.AllowedOrigins {
		u, err := url.Parse(origin)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.Scheme+"://"+u.Host != origin ||
			strings.Contains(origin, "*") {
			l.problem(
				"gatehouse.allowed_origins",
				fmt.Sprintf(
					"%q is not allowed; name origins such as https://portal.example or http://localhost:5173, without a path",
					origin,
				),
			)
		}
	}
}

var endpointName = regexp.MustCompile(`^[A-Za-z0-9._~-]+$`)

func (l *loader) checkServer() {
	c := &l.Config
	l.checkProtection()
	l.checkOrigins()
	l.checkShared()
	l.checkEmail()
	for _, proxy := range c.Gatehouse.TrustedProxies {
		if _, err := prefix(proxy); err != nil {
			l.problem(
				"gatehouse.trusted_proxies",
				fmt.Sprintf("%q is not allowed; use addresses and networks such as 10.1.2.3 and 10.0.0.0/8", clip(proxy)),
			)
		}
	}
	if name := c.HealthCheckEndpointName; !endpointName.MatchString(name) {
		l.problem(
			"health_check_endpoint_name",
			fmt.Sprintf("%q is not allowed; use letters, digits, '.', '_', '~' and '-', without a slash", name),
		)
	}
	if port := c.TykAPI.Port; port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			l.problem(
				"tyk_api_config.Port",
				fmt.Sprintf("%q is not allowed; use a text that holds a number from 1 to 65535", clip(port)),
			)
		}
	}
	l.checkHost("tyk_api_config.Host", c.TykAPI.Host)
	l.checkHost("host_config.hostname", c.HostConfig.Hostname)
	l.checkHost("host_config.override_hostname", c.HostConfig.OverrideHostname)

	o := &c.HTTPServerOptions
	for i, cert := range o.Certificates {
		if (cert.Cert == "" || cert.Key == "") && cert != (CertData{}) {
			l.problem("http_server_options.certificates", fmt.Sprintf("entry %d must name a cert_file and a key_file", i+1))
		}
	}
	if o.UseSSL && len(o.Certificates) == 0 && len(o.SSLCertificates) == 0 {
		l.problem(
			"http_server_options.use_ssl",
			"true is not allowed without a certificate; set http_server_options.certificates or http_server_options.ssl_certificates",
		)
	}
	// A list in which some are known narrows what is allowed, as the Tyk Dashboard reads it; one in which none is would
	// allow everything.
	anyKnown := slices.ContainsFunc(o.SSLCiphers, func(name string) bool {
		_, ok := cipherSuite(name)
		return ok
	})
	for _, name := range o.SSLCiphers {
		if !anyKnown {
			l.problem(
				"http_server_options.ssl_ciphers",
				fmt.Sprintf("%q is not allowed; use IANA names such as TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", clip(name)),
			)
		}
	}
}

// checkHost takes a host, with or without a scheme, a port and a path.
func (l *loader) checkHost(key, host string) {
	if host == "" {
		return
	}
	address := host
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	if u, err := url.Parse(address); err != nil || u.Host == "" || u.User != nil {
		shown := strconv.Quote(clip(host))
		if strings.Contains(host, "@") {
			shown = Mask
		}
		l.problem(key, shown+" is not allowed; use a host name such as www.example.com or www.example.com:8080")
	}
}
