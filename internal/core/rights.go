package core

import (
	"bytes"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

// NamedApis are the public ids of all APIs that a policy or a session opens to a gateway, each once, sorted: those of its access
// rights, under whatever spelling gateways read them, and those of policies that stand in its meta data, which gateways apply in the
// place of the ones that a key names.
func NamedApis(doc Document) []string {
	var out []string
	eachRights(gjson.ParseBytes(doc), func(rights gjson.Result) {
		rights.ForEach(func(key, value gjson.Result) bool {
			out = append(out, namedBy(key.Str, value)...)
			return true
		})
	})
	slices.Sort(out)
	return slices.Compact(out)
}

// eachRights calls f for each object of access rights in a policy or a session.
func eachRights(doc gjson.Result, f func(rights gjson.Result)) {
	doc.ForEach(func(name, value gjson.Result) bool {
		switch {
		case strings.EqualFold(name.Str, "access_rights"):
			if value.IsObject() {
				f(value)
			}
		case strings.EqualFold(name.Str, "meta_data"):
			value.ForEach(func(name, policies gjson.Result) bool {
				if name.Str == "policies" && policies.IsArray() {
					policies.ForEach(func(_, policy gjson.Result) bool {
						policy.ForEach(func(name, rights gjson.Result) bool {
							if strings.EqualFold(name.Str, "access_rights") && rights.IsObject() {
								f(rights)
							}
							return true
						})
						return true
					})
				}
				return true
			})
		}
		return true
	})
}

// namedBy are the ids that one entry of access rights names: the one under which it stands, and the one in it.
func namedBy(key string, entry gjson.Result) []string {
	out := []string{key}
	entry.ForEach(func(name, inner gjson.Result) bool {
		if strings.EqualFold(name.Str, "api_id") && inner.Str != "" && inner.Str != key {
			out = append(out, inner.Str)
		}
		return true
	})
	return out
}

// noApi is an id that no API has: they do not begin with a dot.
const noApi = ".none"

// WithoutApis returns a policy or a session without the access rights to some APIs. What had only such rights opens an API then that
// does not exist: without any, it would open all.
func WithoutApis(doc Document, foreign func(apiID string) bool) Document {
	var out bytes.Buffer
	last := 0
	eachRights(gjson.ParseBytes(doc), func(rights gjson.Result) {
		var kept [][]byte
		dropped := false
		rights.ForEach(func(key, value gjson.Result) bool {
			if slices.ContainsFunc(namedBy(key.Str, value), foreign) {
				dropped = true
				return true
			}
			kept = append(kept, []byte(key.Raw+":"+value.Raw))
			return true
		})
		if !dropped {
			return
		}
		if kept == nil {
			kept = [][]byte{[]byte(`"` + noApi + `":{"api_id":"` + noApi + `","versions":[]}`)}
		}
		out.Write(doc[last:rights.Index])
		out.WriteByte('{')
		out.Write(bytes.Join(kept, []byte(",")))
		out.WriteByte('}')
		last = rights.Index + len(rights.Raw)
	})
	if last == 0 {
		return doc
	}
	out.Write(doc[last:])
	return out.Bytes()
}
