package audit

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Request is a request without its body, and without its secrets.
func (r *Redactor) Request(method, uri, proto string, header map[string][]string) string {
	path, query, found := strings.Cut(uri, "?")
	uri = r.Path(path)
	if found {
		uri += "?" + r.Query(query)
	}
	return method + " " + uri + " " + proto + "\n" + r.headers(header)
}

// Response is an answer without its secrets: of a body that is JSON, what is left; of others, how long they are. body
// is what was kept of it, and length how long it was.
func (r *Redactor) Response(status int, header map[string][]string, body []byte, length int) string {
	out := strconv.Itoa(status) + "\n" + r.headers(header) + "\n"
	trimmed := bytes.TrimSpace(body)
	if len(body) == length && len(trimmed) > 0 && (trimmed[0] == '{' || trimmed[0] == '[') {
		return out + string(r.Answer(trimmed))
	}
	return out + fmt.Sprintf("(%d bytes)", length)
}

// Answer is the JSON of an answer without its secrets, wherever in it they come again: legacy answers have access keys
// in their message, too.
func (r *Redactor) Answer(body []byte) []byte {
	var secrets []string
	noting := NewRedactor(func(value string) string {
		if len(value) >= shortestSecret {
			secrets = append(secrets, value)
		}
		return r.lookup(value)
	})
	out := noting.JSON(body)
	for _, value := range secrets {
		quoted := appendString(nil, value)
		out = bytes.ReplaceAll(out, quoted[1:len(quoted)-1], []byte(r.Secret(value)))
	}
	return out
}

// shortestSecret is how long a secret must be to be looked for in other places: shorter ones are parts of words.
const shortestSecret = 8

func (r *Redactor) headers(header map[string][]string) string {
	lines := make([]string, 0, len(header))
	for name, values := range header {
		for _, value := range values {
			lines = append(lines, name+": "+oneLine.Replace(r.Value(name, value))+"\n")
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}
