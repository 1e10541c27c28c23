package definition

import (
	"net/url"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"

	"gatehouse/internal/core"
)

// chosen tells whether something is put into an address before it is settled whom it calls: the scheme, which may
// become that of a loop, and the host. A path without either is settled: it stays with the upstream.
func chosen(address string) bool {
	literal, _, substituted := cutAny(address, "${")
	if !substituted {
		return false
	}
	literal = strings.TrimSpace(literal)
	end := strings.IndexAny(literal, ":/?#")
	if end < 0 || literal[end] != ':' {
		return end < 0
	}
	host, ok := strings.CutPrefix(literal[end:], "://")
	if !ok {
		return true
	}
	if strings.EqualFold(literal[:end], "tyk") {
		return !strings.Contains(host, "/") // gateways take all that is before it for the name of the API
	}
	return !strings.ContainsAny(host, "/?#")
}

// cutAny cuts a text before the first of some letters.
func cutAny(text, letters string) (before, after string, found bool) {
	if i := strings.IndexAny(text, letters); i >= 0 {
		return text[:i], text[i:], true
	}
	return text, "", false
}

// copied is a part of the request that a rewrite takes over: a group of its pattern, or what the request, or its key,
// says elsewhere.
var copied = regexp.MustCompile(`\$(?:([0-9]+)|tyk_(?:context|meta))`)

// maxPatterns is how long the patterns of one definition may be together that are looked into: a few letters can stand
// for thousands.
const maxPatterns = 64 << 10

// copies tells whether a loop takes over a part of the request that may add a setting to its query, or be one. Among
// these is loop_limit, so that the caller decides how deep the stack of the gateway gets.
//
// A group may hold the reference to another, so it does not matter which of those that are used is where.
func (l *accessList) copies(target, pattern string) bool {
	if _, ok := core.LoopHost(target); !ok {
		return false
	}
	references := copied.FindAllStringSubmatch(target, -1)
	if len(references) == 0 {
		return false
	}
	for _, m := range references {
		if m[1] == "" {
			return true
		}
	}
	_, query, asks := strings.Cut(target, "?")
	l.patterns += len(pattern)
	if pattern == "" || l.patterns > maxPatterns || asks && limits(query) {
		return true
	}
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return false // gateways leave such a rewrite out
	}
	letters := "?"
	if asks && copied.MatchString(query) {
		letters = "?&"
	}
	may := map[int]bool{}
	may[0] = mayHold(re, letters, may)
	for _, m := range references {
		// Where both are used, $1 is replaced in $12 as well. Patterns of that length have fewer than a million groups.
		for n := range min(len(m[1]), 6) {
			if group, _ := strconv.Atoi(m[1][:n+1]); may[group] {
				return true
			}
		}
	}
	return false
}

// limits tells whether the limit of a loop comes from the request: the name of a setting may become it, or its value is
// put in.
func limits(query string) bool {
	for pair := range strings.FieldsFuncSeq(query, func(r rune) bool { return r == '&' || r == '?' }) {
		name, value, _ := strings.Cut(pair, "=")
		if copied.MatchString(name) {
			return true
		}
		if name, err := url.QueryUnescape(name); (err != nil || name == loopLimit) && copied.MatchString(value) {
			return true
		}
	}
	return false
}

// mayHold tells whether what an expression matches may hold one of some letters, and notes the groups within it that
// may.
func mayHold(re *syntax.Regexp, letters string, may map[int]bool) (holds bool) {
	switch re.Op {
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return true
	case syntax.OpLiteral:
		return strings.ContainsAny(string(re.Rune), letters)
	case syntax.OpCharClass:
		for i := 0; i+1 < len(re.Rune); i += 2 {
			if strings.ContainsFunc(letters, func(r rune) bool { return re.Rune[i] <= r && r <= re.Rune[i+1] }) {
				return true
			}
		}
		return false
	}
	for _, sub := range re.Sub {
		holds = mayHold(sub, letters, may) || holds
	}
	if holds && re.Op == syntax.OpCapture {
		may[re.Cap] = true
	}
	return holds
}
