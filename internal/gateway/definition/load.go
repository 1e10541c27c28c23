package definition

import (
	"encoding/base64"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"gatehouse/internal/core"
)

// api looks at what the fields of a definition make of each other.
func (c *checker) api(fields map[string]gjson.Result) error {
	name := fields["name"].Str
	if strings.HasPrefix(name, "#") {
		// Gateways cut a name before its first "#", and one character more, whenever any API looks for another by its name.
		return c.hazard("name", "must not begin with #, so that gateways can cut the categories off")
	}
	if core.IsID(core.LoopName(name)) || fields["api_id"].Str == core.ZeroID {
		return c.hazard("name", "must not be 24 hex digits, which gateways take for the id of another API")
	}
	self := []string{fields["api_id"].Str, fields["id"].Str, core.LoopName(name)}
	self = slices.DeleteFunc(self, func(s string) bool { return s == "" })
	if at(fields["proxy"], "target_url").Exists() {
		if host, ok := core.LoopHost(at(fields["proxy"], "target_url").Str); ok &&
			slices.ContainsFunc(self, func(s string) bool { return strings.EqualFold(s, host) }) {
			return c.hazard("proxy.target_url", "must not be the API itself, which calls itself without an end")
		}
	}
	if err := c.certificates(fields); err != nil {
		return err
	}
	if err := c.routes(fields); err != nil {
		return err
	}
	if c.access == nil {
		c.ignored(fields)
	}
	return c.versions(fields["definition"], self)
}

// certificates looks for the name under which gateways remember the fingerprint of a pinned key. Where they look for a
// certificate under it they find a text, and panic: in the case of what is served, at each TLS handshake for any API.
func (c *checker) certificates(fields map[string]gjson.Result) (err error) {
	for _, name := range []string{"client_certificates", "certificates", "upstream_certificates"} {
		fields[name].ForEach(func(_, id gjson.Result) bool {
			if strings.HasPrefix(id.Str, "pub-") {
				err = c.hazard(name, "must not hold a name that begins with pub-")
			}
			return err == nil
		})
	}
	if err == nil && strings.HasPrefix(at(fields["request_signing"], "certificate_id").Str, "pub-") {
		return c.hazard("request_signing.certificate_id", "must not begin with pub-")
	}
	return err
}

// versions looks for a version that is the API itself under a name that it does not have: gateways hand such a request
// to the API again.
func (c *checker) versions(definition gjson.Result, self []string) (err error) {
	if !at(definition, "enabled").Bool() {
		return nil
	}
	own := at(definition, "name").Str
	at(definition, "versions").ForEach(func(name, id gjson.Result) bool {
		if name.Str != own && name.Str != "self" &&
			slices.ContainsFunc(self, func(s string) bool { return strings.EqualFold(s, id.Str) }) {
			err = c.hazard(
				"definition.versions",
				"must name the API itself by definition.name, %q, and not as %q, which calls itself without an end",
				clip(own),
				clip(name.Str),
			)
		}
		return err == nil
	})
	return err
}

// maxLoops is how often a request may loop, at most; gateways themselves stop at 5 where nothing else is said.
const maxLoops = 100

// loopLimit is the setting of a loop that says how often its request may loop.
const loopLimit = "loop_limit"

// rewrite looks for loops that go on for longer than the stack of a gateway is deep. It reads the query as gateways do,
// escapes included.
func (c *checker) rewrite(fields map[string]gjson.Result) error {
	target := fields["rewrite_to"].Str
	if _, ok := core.LoopHost(target); !ok {
		return nil
	}
	target, _, _ = strings.Cut(target, "#")
	_, query, _ := strings.Cut(target, "?")
	settings, _ := url.ParseQuery(query) // gateways, too, leave out what cannot be read
	for _, limit := range settings[loopLimit] {
		if n, err := strconv.Atoi(limit); limit != "" && (err != nil || n > maxLoops) {
			return c.hazard("rewrite_to", "must set loop_limit to at most %d", maxLoops)
		}
	}
	return nil
}

// eventHandler looks for what gateways take out of the settings of a handler while they load, where nothing catches
// them.
func (c *checker) eventHandler(fields map[string]gjson.Result) error {
	var needed []string
	switch fields["handler_name"].Str {
	case "eh_log_handler":
		if c.oldest < 508 {
			needed = []string{"prefix"}
		}
	case "eh_dynamic_handler":
		needed = []string{"name", "path"}
	case "cp_dynamic_handler":
		needed = []string{"name"}
	}
	for _, name := range needed {
		// These are looked up in a map: the name counts as it is spelled.
		found := false
		fields["handler_meta"].ForEach(func(key, value gjson.Result) bool {
			found = found || key.Str == name && value.Type == gjson.String
			return !found
		})
		if !found {
			return c.hazard("handler_meta."+name, "must be a string, spelled so; the handler needs it")
		}
	}
	return nil
}

// uptimeTests looks for a port in what a discovery service says: gateways read it while they load, and an empty list
// there ends them.
func (c *checker) uptimeTests(fields map[string]gjson.Result) error {
	discovery := fields["service_discovery"]
	if at(discovery, "use_discovery_service").Bool() && at(discovery, "port_data_path").Str != "" {
		return c.hazard(
			"service_discovery.port_data_path",
			"must be empty: what is discovered here is a list of checks, and has no port",
		)
	}
	return nil
}

const (
	// maxCodeNesting is how deep templates and scripts may nest their parentheses. Their parsers recurse.
	maxCodeNesting = 500
	// maxCodeBytes is how long one may be.
	maxCodeBytes = 1 << 20
	// maxActions is how many actions a template may have, and with that how deep it may nest them.
	maxActions = 10_000
)

func (c *checker) template(fields map[string]gjson.Result) error {
	text, err := c.code("template_source", fields["template_mode"].Str, fields["template_source"].Str)
	switch {
	case err != nil:
		return err
	case strings.Count(text, "{{") > maxActions:
		return c.hazard("template_source", "must not have more than %d actions", maxActions)
	case c.access != nil && multiplies(text):
		c.within("template_source", func() { c.access.add(c, "code", fields["template_source"].Raw) })
	}
	return nil
}

func (c *checker) virtual(fields map[string]gjson.Result) error {
	_, err := c.code("function_source_uri", fields["function_source_type"].Str, fields["function_source_uri"].Str)
	return err
}

// code looks at a text in base64 that gateways parse, and returns it.
func (c *checker) code(field, mode, source string) (string, error) {
	if mode != "blob" {
		return "", nil
	}
	if base64.StdEncoding.DecodedLen(len(source)) > maxCodeBytes {
		return "", c.hazard(field, "must not be longer than %d bytes", maxCodeBytes)
	}
	text, _ := base64.StdEncoding.DecodeString(source) // what does not decode is not loaded
	depth := 0
	for _, b := range text {
		switch b {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			depth = max(depth-1, 0)
		}
		if depth > maxCodeNesting {
			return "", c.hazard(field, "must not nest its brackets more than %d levels deep", maxCodeNesting)
		}
	}
	return string(text), nil
}
