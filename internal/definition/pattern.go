package definition

import (
	"regexp/syntax"
	"strings"

	"github.com/gorilla/mux"
	"github.com/tidwall/gjson"
)

// maxRepeats is how many times over the parts of all patterns of a definition may be repeated by counts such as {1000}, together.
// Gateways compile each when they load it, and keep a copy of the part for each time.
const maxRepeats = 100_000

// repeats counts what the pattern in a text, if it is one, is longer by when it is compiled.
func (c *checker) repeats(text string) error {
	if !counts(text) {
		return nil
	}
	re, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil //nolint:nilerr // gateways do not compile it either
	}
	if c.repeated += max(compiled(re)-len(text), 0); c.repeated > maxRepeats {
		return c.hazard("", "must not repeat so much, with all patterns of the definition over %d times", maxRepeats)
	}
	return nil
}

// counts tells whether a text holds a count of repetitions: a digit behind a brace.
func counts(text string) bool {
	for {
		_, rest, ok := strings.Cut(text, "{")
		if !ok {
			return false
		}
		if rest != "" && rest[0] >= '0' && rest[0] <= '9' {
			return true
		}
		text = rest
	}
}

// compiled is about how many instructions an expression becomes. The syntax bounds how often a part is repeated, by itself and by those
// around it, to a thousand.
func compiled(re *syntax.Regexp) int {
	n := 1
	switch re.Op {
	case syntax.OpLiteral:
		return len(re.Rune)
	case syntax.OpRepeat:
		return compiled(re.Sub[0]) * max(re.Min, re.Max, 1)
	}
	for _, sub := range re.Sub {
		n += compiled(sub)
	}
	return n
}

// routes looks at the templates of the router of gateways. It panics where an expression in one has groups that capture.
func (c *checker) routes(fields map[string]gjson.Result) error {
	const groups = "must not have groups that capture in its braces, ( ), but (?: )"
	for name, build := range map[string]func(string){
		"domain": func(text string) { mux.NewRouter().Host(text) },
		"api_id": func(text string) { mux.NewRouter().PathPrefix("/" + text + "/") },
	} {
		if panics(build, fields[name].Str) {
			return c.hazard(name, groups)
		}
	}
	path := func(text string) { mux.NewRouter().PathPrefix("/" + strings.TrimPrefix(text, "/")) }
	if panics(path, at(fields["proxy"], "listen_path").Str) {
		return c.hazard("proxy.listen_path", groups)
	}
	if panics(path, at(at(fields["graphql"], "playground"), "path").Str) {
		return c.hazard("graphql.playground.path", groups)
	}
	return nil
}

// panics tells whether a router panics at a template.
func panics(build func(string), text string) (panicked bool) {
	if !strings.Contains(text, "{") {
		return false
	}
	defer func() { panicked = recover() != nil }()
	build(text)
	return false
}
