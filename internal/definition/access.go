package definition

import (
	_ "embed"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/tidwall/gjson"

	"gatehouse/internal/core"
)

//go:embed access.txt
var accessText string

// Access is a value by which a gateway is told to run, read, fetch or trust something that is not the organisation's own.
type Access struct {
	// Subject is one of Subjects.
	Subject string
	// Path is where it is in the document.
	Path string
	raw  string
}

// Subjects are what an organisation that shares gateways can be denied.
func Subjects() []string {
	return []string{"code", "files", "secrets", "storage", "discovery", "loops", "proxy", "trust", "batch", "recording"}
}

// does is what gateways do for a subject, in words.
func does(subject string) string {
	return map[string]string{
		"code":      "has the gateways run code",
		"files":     "has the gateways read a file of theirs",
		"secrets":   "has the gateways put in a secret or a variable of theirs",
		"storage":   "has the gateways ask another store for keys",
		"discovery": "has the gateways ask an address while they load",
		"loops":     "has the gateways hand a request on as the request itself says (groups such as ([^?]*) copy no more than a path)",
		"proxy":     "has the gateways send requests through a proxy",
		"trust":     "has the gateways believe any certificate",
		"batch":     "has the gateways call themselves",
		"recording": "has the gateways keep what requests hold",
	}[subject]
}

// NewAccess returns what a definition has that old, what it replaces, does not have: what is there may stay. Without an old one that is
// all of it. Only the subjects are looked for.
func NewAccess(doc, old core.Document, subjects []string) []Access {
	found := accesses(doc, subjects)
	if len(found) == 0 || len(old) == 0 {
		return found
	}
	before := map[Access]int{}
	for _, a := range accesses(old, subjects) {
		before[a.anywhere()]++
	}
	return slices.DeleteFunc(found, func(a Access) bool {
		before[a.anywhere()]--
		return before[a.anywhere()] >= 0
	})
}

// place is that of an element in its list.
var place = regexp.MustCompile(`\[\d+\]`)

// anywhere is the access wherever in its lists it is: what stood before it may have gone.
func (a Access) anywhere() Access {
	a.Path = place.ReplaceAllString(a.Path, "[]")
	return a
}

// Refusal says that an organisation may not do that.
func (a Access) Refusal() error {
	return core.Errorf(core.CodeInvalid, "%s %s, which organisations that share them may not: ask whoever runs Gatehouse, whose setting gatehouse.shared_gateways.deny has %q",
		a.Path, does(a.Subject), a.Subject).In(a.Path)
}

// accesses walks a definition that gateways can read.
func accesses(doc core.Document, subjects []string) []Access {
	c := checker{oldest: newest, access: &accessList{}}
	root := gjson.ParseBytes(doc)
	if wrapped := root.Get("api_definition"); wrapped.Exists() {
		c.path, root = []step{{name: "api_definition"}}, wrapped
	}
	_, _ = c.check("APIDefinition", root) // what is wrong with it is said elsewhere
	return slices.DeleteFunc(c.access.found, func(a Access) bool { return !slices.Contains(subjects, a.Subject) })
}

// accessList is what a walk finds.
type accessList struct{ found []Access }

// maxAccess bounds what is remembered of one document.
const maxAccess = 10_000

func (l *accessList) add(c *checker, subject, raw string) {
	if len(l.found) < maxAccess {
		l.found = append(l.found, Access{subject, c.place(), raw})
	}
}

// accessRule is a line of access.txt.
type accessRule struct{ subject, beside, value string }

// accessRules are the lines of access.txt, by type and field.
var accessRules = sync.OnceValue(func() map[string][]accessRule {
	out := map[string][]accessRule{}
	for line := range strings.Lines(accessText) {
		words := strings.Fields(line)
		if len(words) == 0 || words[0] == "#" {
			continue
		}
		if len(words) < 2 || len(words) > 3 || !slices.Contains(Subjects(), words[1]) {
			panic(fmt.Sprintf("access.txt: %q is no line of it", line))
		}
		if typeName, name, _ := strings.Cut(words[0], "."); types()[typeName] == nil || types()[typeName].fields[name] == nil {
			panic(fmt.Sprintf("access.txt: fields.txt has no %s", words[0]))
		}
		r := accessRule{subject: words[1]}
		if len(words) == 3 {
			r.beside, r.value, _ = strings.Cut(words[2], "=")
		}
		out[words[0]] = append(out[words[0]], r)
	}
	return out
})

// note notes what a field of an object gives access to.
func (l *accessList) note(c *checker, object gjson.Result, k *kind, f *field, value gjson.Result) {
	for _, r := range accessRules()[k.name+"."+f.name] {
		beside := object
		for name := range strings.SplitSeq(r.beside, ".") {
			beside = at(beside, name)
		}
		if holds(value) && (r.beside == "" || beside.String() == r.value) {
			l.add(c, r.subject, value.Raw)
		}
	}
	if f.name == "rewrite_to" && !chosen.MatchString(value.Str) && copies(value.Str, at(object, "match_pattern").Str) {
		l.add(c, "loops", value.Raw)
	}
	l.texts(c, value)
}

// copied is a part of the request that a rewrite takes over: a group of its pattern, or what the request, or its key, says elsewhere.
var copied = regexp.MustCompile(`\$(?:([0-9]+)|tyk_(?:context|meta))`)

// copies tells whether a loop takes over a part of the request that may hold a question mark. What follows one is settings of the loop,
// loop_limit among them, so that the caller decides how deep the stack of the gateway gets.
func copies(target, pattern string) bool {
	if _, ok := core.LoopHost(target); !ok {
		return false
	}
	for _, m := range copied.FindAllStringSubmatch(target, -1) {
		if m[1] == "" || pattern == "" {
			return true
		}
		re, err := syntax.Parse(pattern, syntax.Perl)
		if err != nil {
			continue // gateways leave such a rewrite out
		}
		if n, _ := strconv.Atoi(m[1]); mayAsk(re, n, n == 0) {
			return true
		}
	}
	return false
}

// mayAsk tells whether a group of an expression, or what is within it, can match a question mark.
func mayAsk(re *syntax.Regexp, group int, within bool) bool {
	within = within || re.Op == syntax.OpCapture && re.Cap == group
	if within {
		switch re.Op {
		case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
			return true
		case syntax.OpLiteral:
			return slices.Contains(re.Rune, '?')
		case syntax.OpCharClass:
			for i := 0; i+1 < len(re.Rune); i += 2 {
				if re.Rune[i] <= '?' && '?' <= re.Rune[i+1] {
					return true
				}
			}
		}
	}
	return slices.ContainsFunc(re.Sub, func(sub *syntax.Regexp) bool { return mayAsk(sub, group, within) })
}

// texts notes references that the gateway replaces, wherever they are: it does so in the text of the whole definition. Those in
// objects and lists are noted with the field that is their innermost.
func (l *accessList) texts(c *checker, value gjson.Result) {
	if value.Type == gjson.String && reference.MatchString(value.Str) {
		l.add(c, "secrets", value.Raw)
	}
	if value.Type == gjson.String && slices.Contains([]string{"rewrite_to", "target_url", "override_target", "url"}, c.path[len(c.path)-1].name) && chosen.MatchString(value.Str) {
		l.add(c, "loops", value.Raw)
	}
	if value.Type == gjson.String && value.Str != "" && (strings.HasPrefix(value.Str, "file://") || strings.EqualFold(c.path[len(c.path)-1].name, "template_path")) {
		l.add(c, "files", value.Raw)
	}
}

// reference is what gateways replace with a variable of their environment, or a secret.
var reference = regexp.MustCompile(`(?:env|secrets|consul|vault|kv)://|\$secret_(?:env|conf|vault|consul)|\$(?:kv|env)\{`)

// chosen is a loop whose target comes from the request.
var chosen = regexp.MustCompile(`(?i)^\s*(?:tyk://[^/?#]*[${]|\$)`)

// holds tells whether a value is more than none.
func holds(v gjson.Result) bool {
	switch {
	case v.IsObject(), v.IsArray():
		some := false
		v.ForEach(func(_, inner gjson.Result) bool {
			some = holds(inner)
			return !some
		})
		return some
	case v.Type == gjson.String:
		return v.Str != ""
	case v.Type == gjson.Number:
		return v.Num != 0
	}
	return v.Type == gjson.True
}
