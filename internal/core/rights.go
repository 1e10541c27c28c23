package core

import (
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

// NamedApis are the public ids of all APIs that a policy or a session opens to a gateway, each once, sorted: those of
// its access rights, under whatever spelling gateways read them, and those of policies that stand in its meta data,
// which gateways apply in the place of the ones that a key names.
func NamedApis(doc Document) []string {
	var out []string
	var n Naming
	n.Rights = func(rights gjson.Result) {
		rights.ForEach(func(key, value gjson.Result) bool {
			out = append(out, NamedBy(key.Str, value)...)
			return true
		})
	}
	n.Session(gjson.ParseBytes(doc))
	slices.Sort(out)
	return slices.Compact(out)
}

// NamedBy are the ids that one entry of access rights names: the one under which it stands, and the one in it.
func NamedBy(key string, entry gjson.Result) []string {
	out := []string{key}
	entry.ForEach(func(name, inner gjson.Result) bool {
		if strings.EqualFold(name.Str, "api_id") && inner.Str != "" && inner.Str != key {
			out = append(out, inner.Str)
		}
		return true
	})
	return out
}
