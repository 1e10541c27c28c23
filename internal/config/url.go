package config

import (
	"net"
	"net/url"
	"strconv"
	"strings"
)

// Address is the host and port to listen on, as net.Listen takes them.
func (c *Config) Address() string {
	return net.JoinHostPort(c.Gatehouse.ListenAddress, strconv.Itoa(c.ListenPort))
}

// URL is where people reach this server, without a trailing slash: host_config.hostname, else the address that it
// listens on, else localhost. The port is the one that it listens on in the end, which listen_port does not tell when
// it is 0; it is left out when it is the scheme's own or when host_config.hostname names one.
func (c *Config) URL(port int) string {
	scheme, usual := "http", 80
	if c.HTTPServerOptions.UseSSL {
		scheme, usual = "https", 443
	}
	host := c.HostConfig.Hostname
	if host == "" {
		host = c.Gatehouse.ListenAddress
		if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
			host = "localhost"
		}
	}
	if before, after, ok := strings.Cut(host, "://"); ok {
		scheme, host = before, after
	}
	host = strings.TrimRight(host, "/")
	if _, _, err := net.SplitHostPort(host); err == nil {
		return scheme + "://" + host
	}
	if port != usual {
		return scheme + "://" + net.JoinHostPort(strings.Trim(host, "[]"), strconv.Itoa(port))
	}
	return scheme + "://" + host
}

// GatewayURL is where clients reach the gateways, without a trailing slash: host_config.override_hostname, else the
// host and port of tyk_api_config; "" when neither is set. A scheme in the setting is kept; otherwise
// host_config.generate_secure_paths decides.
func (c *Config) GatewayURL() string {
	host := c.HostConfig.OverrideHostname
	if host == "" && c.TykAPI.Host != "" {
		host = strings.TrimRight(c.TykAPI.Host, "/")
		if c.TykAPI.Port != "" {
			host += ":" + c.TykAPI.Port
		}
	}
	if host == "" {
		return ""
	}
	if !strings.Contains(host, "://") {
		if c.HostConfig.GenerateSecurePaths {
			host = "https://" + host
		} else {
			host = "http://" + host
		}
	}
	return strings.TrimRight(host, "/")
}

// Gateways are the addresses of all gateways that the configuration names: GatewayURL, GatewayAPIURL and the edge
// endpoints, over http where they name no scheme.
func (c *Config) Gateways() []string {
	var out []string
	for _, address := range []string{c.GatewayURL(), c.GatewayAPIURL()} {
		if address != "" {
			out = append(out, address)
		}
	}
	for _, e := range c.EdgeEndpoints {
		if e.Endpoint != "" && !strings.Contains(e.Endpoint, "://") {
			e.Endpoint = "http://" + e.Endpoint
		}
		if e.Endpoint != "" {
			out = append(out, e.Endpoint)
		}
	}
	return out
}

// GatewayAPIURL is where the gateway's own REST API is, without a trailing slash: the host and port of tyk_api_config,
// over http when they name no scheme; "" when there is none.
func (c *Config) GatewayAPIURL() string {
	host := strings.TrimRight(c.TykAPI.Host, "/")
	if host == "" {
		return ""
	}
	if !strings.Contains(host, "://") {
		host = "http://" + host
	}
	if c.TykAPI.Port != "" {
		host += ":" + c.TykAPI.Port
	}
	return host
}

// URL is the address of the endpoint, http where it names no scheme.
func (e *EdgeEndpoint) URL() string {
	if strings.Contains(e.Endpoint, "://") {
		return e.Endpoint
	}
	return "http://" + e.Endpoint
}

// On is the endpoint on a machine; nil for none.
func (all EdgeEndpoints) On(hostname string) *EdgeEndpoint {
	for i, e := range all {
		if u, err := url.Parse(e.URL()); err == nil && hostname != "" && strings.EqualFold(u.Hostname(), hostname) {
			return &all[i]
		}
	}
	return nil
}
