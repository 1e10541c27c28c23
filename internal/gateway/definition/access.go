package definition

import (
	_ "embed"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/tidwall/gjson"

	"gatehouse/internal/core"
)

//go:embed access.txt
var accessText string

// Access is a value by which a gateway is told to run, read, fetch or trust something that is not the organisation's
// own.
type Access struct {
	// Subject is one of Subjects.
	Subject string
	// Path is where it is in the document.
	Path string
	raw  string
	// over says that it stands for more than are looked at.
	over bool
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
		"loops":     "has the gateways hand a request on as the request itself says (groups such as ([^?&]*) copy no more than a part of a path)",
		"proxy":     "has the gateways send requests through a proxy",
		"trust":     "has the gateways believe any certificate",
		"batch":     "has the gateways call themselves",
		"recording": "has the gateways keep what requests hold",
	}[subject]
}

// NewAccess returns what a definition has that old, what it replaces, does not have: what is there may stay. Without an
// old one that is all of it. Only the subjects are looked for.
func NewAccess(doc, old core.Document, subjects []string) []Access {
	found := accesses(doc, subjects)
	if len(found) == 0 || found[0].over || len(old) == 0 {
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
	if a.over {
		return core.Errorf(
			core.CodeInvalid,
			"%s %s, and there is more such than Gatehouse looks at in one definition, of which organisations that share gateways may have up to %d: leave some out",
			a.Path,
			does(a.Subject),
			maxAccess,
		).In(
			a.Path,
		)
	}
	return core.Errorf(
		core.CodeInvalid,
		"%s %s, which organisations that share them may not: ask whoever runs Gatehouse, whose setting gatehouse.shared_gateways.deny has %q",
		a.Path,
		does(a.Subject),
		a.Subject,
	).In(
		a.Path,
	)
}

// accesses walks a definition that gateways can read.
func accesses(doc core.Document, subjects []string) []Access {
	l := &accessList{subjects: subjects}
	root := gjson.ParseBytes(doc)
	if l.asked("secrets") {
		l.references(&checker{}, root)
	}
	c := checker{oldest: newest, access: l}
	if wrapped := root.Get("api_definition"); wrapped.Exists() {
		c.path, root = []step{{name: "api_definition"}}, wrapped
	}
	_, _ = c.check("APIDefinition", root) // what is wrong with it is said elsewhere
	if l.over {
		return []Access{{Subject: l.found[0].Subject, Path: l.found[0].Path, over: true}}
	}
	return l.found
}

// accessList is what a walk finds of the subjects that are asked for.
type accessList struct {
	subjects []string
	found    []Access
	// size is that of the paths, and over says that there was more than is remembered.
	size int
	over bool
	// patterns is the length of the patterns that were looked into.
	patterns int
}

// What is remembered of one document: a definition with more is refused, so that nothing hides behind the rest.
const (
	maxAccess     = 10_000
	maxAccessSize = 4 << 20
)

func (l *accessList) asked(subject string) bool { return slices.Contains(l.subjects, subject) }

func (l *accessList) add(c *checker, subject, raw string) {
	if l.over || !l.asked(subject) {
		return
	}
	if len(l.found) == maxAccess || l.size > maxAccessSize {
		l.over = true
		return
	}
	found := Access{Subject: subject, Path: c.place(), raw: raw}
	l.size += len(found.Path)
	l.found = append(l.found, found)
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
		if typeName, name, _ := strings.Cut(words[0], "."); types()[typeName] == nil ||
			types()[typeName].fields[name] == nil {
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
	if f.name == "rewrite_to" {
		if !chosen(value.Str) && l.copies(value.Str, at(object, "match_pattern").Str) {
			l.add(c, "loops", value.Raw)
		}
		if completed.MatchString(value.Str) {
			l.add(c, "secrets", value.Raw)
		}
	}
	l.texts(c, value)
}

// texts notes files and targets, whatever the name of their field is spelled like.
func (l *accessList) texts(c *checker, value gjson.Result) {
	if value.Type != gjson.String || value.Str == "" {
		return
	}
	switch fold(c.path[len(c.path)-1].name) {
	case "rewrite_to", "target_url", "override_target", "url":
		if chosen(value.Str) {
			l.add(c, "loops", value.Raw)
		}
	case "template_path":
		l.add(c, "files", value.Raw)
		return
	}
	if fileURL.MatchString(value.Str) {
		l.add(c, "files", value.Raw)
	}
}

// fileURL is the URL of a file of the gateway's own.
var fileURL = regexp.MustCompile(`(?i)^\s*file:/`)

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
