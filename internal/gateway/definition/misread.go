package definition

import (
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"gatehouse/internal/core"
)

// This file holds what gateways decode and load, and then do not do as the document says. Where a definition is given
// to a gateway itself, it refuses the first five; what it is told in a feed it takes without a word. So each is refused
// when a save adds it, and is a warning where it is stored already.

// misread is a value that gateways take and cannot go by.
type misread struct {
	// what is the same wherever in a list the value is.
	what string
	err  error
}

// maxMisreads is how many of them are told apart in one document.
const maxMisreads = 1000

// misread notes a value at a path below the place of the walk.
func (c *checker) misread(path, format string, args ...any) {
	if len(c.misreads) == maxMisreads {
		c.more++ // words for each of a million would take seconds
		return
	}
	place := c.below(path)
	err := core.Errorf(core.CodeInvalid, "%s "+format, append([]any{place}, args...)...).In(place)
	message := core.AsError(err).Message
	c.note(message)
	c.misreads = append(c.misreads, misread{indexes.ReplaceAllString(message, "[]"), err})
}

// below is a path below the place of the walk.
func (c *checker) below(path string) string {
	if place := c.place(); place != "" {
		return place + "." + path
	}
	return path
}

// indexes are the places in lists of a path.
var indexes = regexp.MustCompile(`\[[0-9]+\]`)

// added is the first of the misreads of a document that the one before it did not have; nil for none. Of one that had
// too many to tell them apart nothing is said.
func added(now, before []misread) error {
	if len(before) == maxMisreads {
		return nil
	}
	had := map[string]bool{}
	for _, m := range before {
		had[m.what] = true
	}
	for _, m := range now {
		if !had[m.what] {
			return m.err
		}
	}
	return nil
}

// ignored looks for what a gateway would refuse if it were given the definition itself, and what it leaves an API out
// for.
func (c *checker) ignored(fields map[string]gjson.Result) {
	c.addresses(fields, "allowed_ips", "enable_ip_whitelisting", "and let nobody in by it")
	c.addresses(fields, "blacklisted_ips", "enable_ip_blacklisting", "and keep nobody out by it")
	c.authSources(fields)
	c.leftOut(fields)
}

// addresses looks for entries of a list of addresses that are none.
func (c *checker) addresses(fields map[string]gjson.Result, list, enabled, effect string) {
	if !fields[enabled].Bool() {
		return
	}
	fields[list].ForEach(func(i, entry gjson.Result) bool {
		if deferred(entry.Str) {
			return true
		}
		_, _, err := net.ParseCIDR(entry.Str)
		if err != nil && net.ParseIP(entry.Str) == nil {
			c.misread(list+"["+i.String()+"]", "must be an IP address or a range such as 10.0.0.0/8, not %q: "+
				"gateways cannot read it, %s", clip(entry.Str), effect)
		}
		return true
	})
}

// authSources looks for ways to authenticate whose every place to look for the credential is switched off.
func (c *checker) authSources(fields map[string]gjson.Result) {
	fields["auth_configs"].ForEach(func(name, config gjson.Result) bool {
		if !authenticates(name.Str, fields) || !at(config, "disable_header").Bool() ||
			at(config, "use_param").Bool() || at(config, "use_cookie").Bool() {
			return true
		}
		c.within("auth_configs", func() {
			c.misread(name.Str, "must leave one of header, cookie and parameter on: "+
				"gateways find no credential anywhere, and refuse every request")
		})
		return true
	})
}

// authenticates tells whether an API lets callers in by what auth_configs describes under a name.
func authenticates(name string, fields map[string]gjson.Result) bool {
	switches := map[string]string{
		"authToken": "use_standard_auth", "jwt": "enable_jwt", "hmac": "enable_signature_checking",
		"oauth": "use_oauth2", "oidc": "use_openid", "coprocess": "enable_coprocess_auth",
	}
	if fields[switches[name]].Bool() {
		return true
	}
	if name != "authToken" || fields["use_keyless"].Bool() || at(fields["external_oauth"], "enabled").Bool() {
		return false
	}
	// An API that says nothing about callers lets them in by key.
	for _, other := range []string{
		"enable_jwt", "enable_signature_checking", "use_oauth2", "use_openid", "enable_coprocess_auth", "use_basic_auth",
		"use_go_plugin_auth", "custom_plugin_auth_enabled",
	} {
		if fields[other].Bool() {
			return false
		}
	}
	return true
}

// leftOut warns of what gateways leave an API out for, with a line in their log.
func (c *checker) leftOut(fields map[string]gjson.Result) {
	const skipped = ", so gateways leave the API out: "
	proxy := fields["proxy"]
	switch fields["protocol"].Str {
	case "", "http", "https":
		if strings.Contains(at(proxy, "listen_path").Str, " ") {
			c.note("a listen path must not hold spaces" + skipped + c.below("proxy.listen_path"))
		}
	case "tcp", "tls":
		if port := fields["listen_port"]; port.Int() == 0 {
			c.note("an API for TCP needs a port to listen on" + skipped + c.below("listen_port"))
		}
	}
	target := at(proxy, "target_url").Str
	if _, err := url.Parse(target); err != nil && !deferred(target) {
		c.note("the target is no URL" + skipped + c.below("proxy.target_url"))
	}
}

// hardTimeout looks for a time below none.
func (c *checker) hardTimeout(fields map[string]gjson.Result) error {
	if n := fields["timeout"]; n.Num < 0 {
		c.misread("timeout", "must be 0 or more, not %s: gateways enforce no timeout here", clip(n.Raw))
	}
	return nil
}

// engine looks for sources of data that gateways take for each other.
func (c *checker) engine(fields map[string]gjson.Result) error {
	seen := map[string]bool{}
	fields["data_sources"].ForEach(func(i, source gjson.Result) bool {
		name := strings.ToLower(strings.TrimSpace(at(source, "name").Str))
		if seen[name] {
			c.misread("data_sources["+i.String()+"].name", "must be another than those before it, and %q is one of them, "+
				"whatever its capitals: gateways take them for one source", clip(name))
		}
		seen[name] = true
		return true
	})
	return nil
}

// upstreamAuth looks for two ways to authenticate at the upstream, or none.
func (c *checker) upstreamAuth(fields map[string]gjson.Result) error {
	oauth := fields["oauth"]
	if !fields["enabled"].Bool() || !at(oauth, "enabled").Bool() {
		return nil
	}
	if at(fields["basic_auth"], "enabled").Bool() {
		c.misread("basic_auth.enabled", "must be false where oauth is on: "+
			"gateways authenticate at the upstream in one way only")
	}
	known := []string{"clientCredentials", "password"}
	types := at(oauth, "allowed_authorize_types").Array()
	switch {
	case len(types) == 0:
		c.misread("oauth.allowed_authorize_types", "must name one of %s: without, gateways get no token",
			strings.Join(known, ", "))
	case len(types) > 1:
		c.misread("oauth.allowed_authorize_types", "must name one, not %d: gateways go by the first", len(types))
	case !slices.Contains(known, types[0].Str) && !deferred(types[0].Str):
		c.misread("oauth.allowed_authorize_types[0]", "must be one of %s, not %q: with another, gateways get no token",
			strings.Join(known, ", "), clip(types[0].Str))
	}
	return nil
}
