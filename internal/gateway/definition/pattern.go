package definition

import (
	"regexp"
	"regexp/syntax"
	"strings"

	"github.com/gorilla/mux"
	"github.com/tidwall/gjson"
)

// maxRepeats is how many times over the parts of all patterns of a definition may be repeated by counts such as {1000},
// together. Gateways compile each when they load it, and keep a copy of the part for each time.
const maxRepeats = 100_000

// maxPattern is how long one pattern with counts may be. What is longer is looked into by nobody.
const maxPattern = 64 << 10

// manyRunes is a class of Unicode, which stands for thousands of runes. For how long a pattern gets, any class will do.
var manyRunes = regexp.MustCompile(`\\[pP](?:\{[^}]*\}|.)`)

// repeats counts what the pattern in a text, if it is one, is longer by when it is compiled.
func (c *checker) repeats(text string) error {
	if !counts(text) {
		return nil
	}
	if len(text) > maxPattern {
		if c.atPattern() {
			return c.hazard("", "must not be longer than %d bytes, with counts such as {3}", maxPattern)
		}
		return nil
	}
	re, err := syntax.Parse(manyRunes.ReplaceAllString(text, `\d`), syntax.Perl)
	if err != nil {
		return nil //nolint:nilerr // gateways do not compile it either
	}
	if c.repeated += max(compiled(re)-len(text), 0); c.repeated > maxRepeats {
		return c.hazard("", "must not repeat so much, with all patterns of the definition over %d times", maxRepeats)
	}
	return nil
}

// atPattern tells whether the walk is at what gateways compile: a path, by itself or in a list, or another pattern by
// its field.
func (c *checker) atPattern() bool {
	if len(c.path) == 0 {
		return false
	}
	switch at := c.path[len(c.path)-1]; fold(at.name) {
	case "path", "url", "match_pattern", "match_rx", "regex_expression", "listen_path", "domain":
		return true
	default:
		return at.inList
	}
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

// compiled is about how many instructions an expression becomes. The syntax bounds how often a part is repeated, by
// itself and by those around it, to a thousand.
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

// routes looks at the templates of the router of gateways. It panics where an expression in one has groups that
// capture.
func (c *checker) routes(fields map[string]gjson.Result) error {
	const (
		groups = "must not have groups that capture in its braces, ( ), but (?: )"
		long   = "must not be longer than %d bytes, with expressions in braces"
	)
	path := func(text string) { mux.NewRouter().PathPrefix("/" + strings.TrimPrefix(text, "/")) }
	for _, t := range []struct {
		name  string
		text  string
		build func(string)
	}{
		{"api_id", fields["api_id"].Str, path},
		{"domain", fields["domain"].Str, func(text string) { mux.NewRouter().Host(text) }},
		{"proxy.listen_path", at(fields["proxy"], "listen_path").Str, path},
		{"graphql.playground.path", at(at(fields["graphql"], "playground"), "path").Str, path},
	} {
		switch {
		case !strings.Contains(t.text, "{"):
		case len(t.text) > maxTemplate:
			return c.hazard(t.name, long, maxTemplate)
		case panics(t.build, t.text):
			return c.hazard(t.name, groups)
		}
	}
	return nil
}

// maxTemplate is how long a template of the router may be that has expressions.
const maxTemplate = 4096

// panics tells whether a router panics at a template.
func panics(build func(string), text string) (panicked bool) {
	defer func() { panicked = recover() != nil }()
	build(text)
	return false
}
