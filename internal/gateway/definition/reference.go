package definition

import (
	"regexp"
	"strings"

	"github.com/tidwall/gjson"
)

// reference is what gateways replace with a variable of their environment, or a secret. They may put together a label
// of "$secret" from the request, so what follows it does not matter.
var reference = regexp.MustCompile(`(?i)(?:env|secrets|consul|vault|kv)://|\$secret|\$(?:kv|env)\{`)

// completed is a label of "$secret" that a group of a rewrite completes: gateways put in groups first, and secrets
// after.
var completed = regexp.MustCompile(`(?i)\$(?:s(?:e(?:c(?:re?)?)?)?)?\$[0-9]`)

// refers tells whether a string of JSON holds a reference, as it is spelled or as it is read: gateways replace most in
// the text that they are sent, and some in what they made of it.
func refers(text gjson.Result) bool {
	for _, form := range []string{text.Str, text.Raw} {
		if (strings.Contains(form, "://") || strings.Contains(form, "$")) && reference.MatchString(form) {
			return true
		}
	}
	return false
}

// references notes the references of a document in every name and every value, those of fields that no gateway knows
// too: gateways replace them before they look for fields.
func (l *accessList) references(c *checker, v gjson.Result) {
	list := v.IsArray()
	if !list && !v.IsObject() {
		if v.Type == gjson.String && refers(v) {
			l.add(c, "secrets", v.Raw)
		}
		return
	}
	i := 0
	v.ForEach(func(key, value gjson.Result) bool {
		c.path = append(c.path, step{key.Str, i, list})
		if !list && refers(key) {
			l.add(c, "secrets", key.Raw)
		}
		l.references(c, value)
		c.path = c.path[:len(c.path)-1]
		i++
		return !l.over
	})
}
