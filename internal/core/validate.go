package core

import (
	"strconv"
	"strings"
	"unicode"

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

// checkTypes refuses a field of another JSON type. An absent field and null pass: Go programs read both as empty. It refuses
// other spellings of the fields too (ACCESS_RIGHTS): gateways read them as the fields, past what we check.
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
	for _, parent := range parents {
		object := gjson.ParseBytes(doc)
		if parent != "" {
			object = doc.Get(parent)
		}
		if !object.IsObject() {
			continue
		}
		if err := spelledAs(object, names[parent]...); err != nil {
			return err
		}
	}
	for _, f := range fields {
		if r := doc.Get(f.path); r.Exists() && r.Type != gjson.Null && !f.want.ok(r) {
			return Errorf(CodeInvalid, "%s must be %s, not %s", f.path, f.want.phrase, clip(r.Raw))
		}
	}
	return nil
}

// checkName holds for names that people see: there is one, it fits a line and a database index.
func checkName(field, name string) error {
	switch {
	case strings.TrimSpace(name) == "":
		return Errorf(CodeInvalid, "%s is required", field)
	case len(name) > 255:
		return Errorf(CodeInvalid, "%s must be at most 255 bytes, not %d", field, len(name))
	case hasControl(name):
		return Errorf(CodeInvalid, "%s must not hold control characters", field)
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

// clip shortens a value from outside for an error message.
func clip(s string) string {
	if len(s) > 60 {
		return strconv.Quote(strings.ToValidUTF8(s[:60], "") + "…")
	}
	return s
}
