package core

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tidwall/gjson"
)

// fieldType says which JSON type the field at a path must have when it is there.
type fieldType struct {
	path string
	want jsonType
}

type jsonType struct {
	phrase string
	ok     func(gjson.Result) bool
}

var (
	isString = jsonType{"a string", func(r gjson.Result) bool { return r.Type == gjson.String }}
	isNumber = jsonType{"a number", func(r gjson.Result) bool { return r.Type == gjson.Number }}
	isBool   = jsonType{"true or false", func(r gjson.Result) bool { return r.IsBool() }}
	isObject = jsonType{"an object", gjson.Result.IsObject}
	isArray  = jsonType{"an array", gjson.Result.IsArray}
	isTexts  = jsonType{"an array of strings", func(r gjson.Result) bool {
		ok := r.IsArray()
		r.ForEach(func(_, v gjson.Result) bool {
			ok = ok && v.Type == gjson.String
			return ok
		})
		return ok
	}}
)

// checkTypes refuses a field of another JSON type. An absent field and null pass: Go programs read both as empty. It
// refuses other spellings of the fields too (ACCESS_RIGHTS): gateways read them as the fields, past what we check.
func checkTypes(doc Document, fields []fieldType) error {
	names, parents := map[string][]string{}, []string{}
	for _, f := range fields {
		at := strings.LastIndexByte(f.path, '.')
		parent := f.path[:max(at, 0)]
		if names[parent] == nil {
			parents = append(parents, parent)
		}
		names[parent] = append(names[parent], f.path[at+1:])
	}
	// Each object is walked once, however many of its fields are looked at: a document may have megabytes.
	found := make(map[string]gjson.Result, len(fields))
	for _, parent := range parents {
		object := gjson.ParseBytes(doc)
		if parent != "" {
			object = doc.Get(parent)
		}
		if !object.IsObject() {
			continue
		}
		var err error
		object.ForEach(func(key, v gjson.Result) bool {
			path := key.Str
			if parent != "" {
				path = parent + "." + key.Str
			}
			if _, twice := found[path]; !twice && slices.Contains(names[parent], key.Str) {
				found[path] = v
			}
			err = spelled(key.Str, names[parent])
			return err == nil
		})
		if err != nil {
			return err
		}
	}
	for _, f := range fields {
		r := found[f.path]
		if !r.Exists() || r.Type == gjson.Null {
			continue
		}
		if !f.want.ok(r) {
			return InField(f.path, "must be %s, not %s", f.want.phrase, excerpt(r.Raw))
		}
		if r.IsArray() {
			if err := atMost(f.path, r, maxValues, "values"); err != nil {
				return err
			}
		}
	}
	return nil
}

// CheckFields is that check for documents whose types lie elsewhere: by the JSON type, the names of fields with spaces
// between them.
func (d Document) CheckFields(fields map[string]string) error {
	types := map[string]jsonType{
		"string": isString, "number": isNumber, "bool": isBool, "object": isObject, "array": isArray, "texts": isTexts,
	}
	var all []fieldType
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		for _, field := range strings.Fields(fields[name]) {
			all = append(all, fieldType{field, types[name]})
		}
	}
	return checkTypes(d, all)
}

// How long the lists of a document may be: well beyond what anybody writes, and what each entry costs, in the indexes
// and at the gateways, stays bounded.
const (
	// maxRights is how many APIs one policy or key may name.
	maxRights = 20_000
	// maxValues is how many values any other list may have that we read: tags, owners, policies of a key, webhooks of an
	// API.
	maxValues = 1000
)

// atMost refuses a list, or an object, with more entries than limit.
func atMost(field string, list gjson.Result, limit int, what string) error {
	n := 0
	list.ForEach(func(_, _ gjson.Result) bool {
		n++
		return true
	})
	if n > limit {
		return InField(field, "must hold at most %d %s, not %d", limit, what, n)
	}
	return nil
}

// checkName holds for names that people see: there is one, it fits a line and a database index.
func checkName(field, name string) error {
	switch {
	case strings.TrimSpace(name) == "":
		return InField(field, "is required")
	case len(name) > 255:
		return InField(field, "must be at most 255 bytes, not %d", len(name))
	case hasControl(name):
		return InField(field, "must not hold control characters")
	}
	return nil
}

func hasControl(s string) bool { return strings.ContainsFunc(s, unicode.IsControl) }

// texts reads an array of strings; other elements are left out.
func texts(r gjson.Result) []string {
	var out []string
	if r.IsArray() {
		r.ForEach(func(_, v gjson.Result) bool {
			if v.Type == gjson.String {
				out = append(out, v.Str)
			}
			return true
		})
	}
	return out
}

// maxShown is how many bytes a message shows of what came from outside.
const maxShown = 60

// Clip shortens what came from outside for a message: it is valid UTF-8 of at most 60 bytes, and ends in an ellipsis
// where it goes on.
func Clip(s string) string {
	if len(s) <= maxShown {
		return strings.ToValidUTF8(s, "\ufffd")
	}
	end := maxShown
	for end > maxShown-utf8.UTFMax && !utf8.RuneStart(s[end]) {
		end--
	}
	return strings.ToValidUTF8(s[:end], "\ufffd") + "…"
}

// excerpt is Clip for JSON, which stands in messages without quotes: what was cut is no JSON any more, and has them.
func excerpt(s string) string {
	if len(s) > maxShown {
		return strconv.Quote(Clip(s))
	}
	return s
}
