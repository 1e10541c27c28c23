package definition

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"

	"gatehouse/internal/core"
)

// loopPattern is a reference to another API of the gateway, and whom it names.
var loopPattern = regexp.MustCompile(`(?i)(\btyk://)([^/?#\s"\\]*)`)

// LoopHosts are whom a text names that loops to other APIs, wherever it does; none for most.
func LoopHosts(doc []byte) (hosts []string) {
	Relooped(doc, func(host string) string {
		hosts = append(hosts, host)
		return host
	})
	return hosts
}

// Relooped returns a text of JSON with what replace says in the place of whom it loops to. An API's loop to itself, and
// a loop whose target the gateway puts together, stay. Where nothing changes it is the text itself.
func Relooped(doc []byte, replace func(host string) string) []byte {
	var out []byte
	copied := 0
	for i := 0; i < len(doc); i++ {
		if doc[i] != '"' {
			continue
		}
		end := i + 1
		for ; end < len(doc) && doc[end] != '"'; end++ {
			if doc[end] == '\\' {
				end++
			}
		}
		if end >= len(doc) {
			break
		}
		if token := doc[i : end+1]; bytes.Contains(token, []byte(`//`)) || bytes.IndexByte(token, '\\') >= 0 {
			if changed, ok := reloopedString(token, replace); ok {
				out = append(append(out, doc[copied:i]...), changed...)
				copied = end + 1
			}
		}
		i = end
	}
	if copied == 0 {
		return doc
	}
	return append(out, doc[copied:]...)
}

// reloopedString does it for one string; ok is false where nothing changes.
func reloopedString(token []byte, replace func(string) string) (changed []byte, ok bool) {
	var text string
	if json.Unmarshal(token, &text) != nil || !loopPattern.MatchString(text) {
		return nil, false
	}
	next := loopPattern.ReplaceAllStringFunc(text, func(match string) string {
		host, _ := core.LoopHost(match)
		if host == "" || strings.EqualFold(host, "self") || strings.ContainsAny(host, "${") || deferred(host) {
			return match
		}
		return match[:len("tyk://")] + replace(host)
	})
	if next == text {
		return nil, false
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if enc.Encode(next) != nil {
		return nil, false
	}
	return bytes.TrimSpace(out.Bytes()), true
}
