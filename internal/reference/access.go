package reference

import (
	"strings"

	"gatehouse/internal/core"
)

// WithAccess replaces access rights by all of some APIs; nil leaves them. The names follow in Described. The rights
// are written in one go: set one by one, the document would be copied as often as it has rights.
func WithAccess(doc core.Document, apiIDs []string) (core.Document, error) {
	if apiIDs == nil {
		return doc, nil
	}
	rights, seen := []byte{'{'}, make(map[string]bool, len(apiIDs))
	for _, id := range apiIDs {
		if !plainID(id) {
			return nil, core.Errorf(
				core.CodeInvalid,
				"apiIds must hold public ids of APIs, not %q",
				clip(id),
			).In(
				"access_rights." + id,
			)
		}
		if seen[id] {
			continue
		}
		if seen[id] = true; len(rights) > 1 {
			rights = append(rights, ',')
		}
		rights = append(rights, `"`+id+`":{"api_id":"`+id+`","api_name":"","versions":["Default"]}`...)
	}
	return doc.SetRaw("access_rights", append(rights, '}')), nil
}

// plainID tells whether an id can stand in JSON text of ours as it is.
func plainID(id string) bool {
	return id != "" && len(id) <= 128 && !strings.ContainsFunc(id, func(c rune) bool {
		return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_')
	})
}

// clip shortens what came from outside for a message.
func clip(s string) string {
	if len(s) > 60 {
		return strings.ToValidUTF8(s[:60], "") + "…"
	}
	return s
}
