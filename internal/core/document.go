package core

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/tidwall/gjson"
	"github.com/tidwall/sjson"
)

// MaxDepth is how deep objects and arrays may nest in a document. Gateways decode with Go's encoding/json, and
// PostgreSQL parses what it keeps; both stay far from their own limits at this depth.
const MaxDepth = 512

// Document is somebody's JSON object, kept byte for byte: unknown fields, key order and number spelling included.
// Server-owned fields are set in the raw text.
type Document []byte

// ParseDocument checks that raw is one JSON object in valid UTF-8, not nested deeper than MaxDepth, in which no object
// names a field twice (readers disagree on which of the two counts, so a check on one would not bind the other).
// It returns a CodeMalformed error that says where the fault is.
func ParseDocument(raw []byte) (Document, error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return nil, Errorf(CodeMalformed, "the body is empty: send a JSON object")
	}
	if !utf8.Valid(raw) {
		return nil, Errorf(CodeMalformed, "the JSON is not valid UTF-8")
	}
	if err := checkJSON(raw); err != nil {
		return nil, err
	}
	if raw[0] != '{' {
		return nil, Errorf(CodeMalformed, "the JSON is not an object: it must start with {")
	}
	return Document(raw), nil
}

// checkJSON checks depth, syntax and repeated names.
func checkJSON(raw []byte) error {
	if tooDeep(raw, MaxDepth) {
		return Errorf(CodeMalformed, "the JSON nests deeper than %d levels", MaxDepth)
	}
	if !json.Valid(raw) {
		return malformed(raw)
	}
	if name, at := repeatedName(raw); at > 0 {
		return Errorf(
			CodeMalformed,
			"the JSON names the field %s twice in one object (near byte %d)",
			strconv.Quote(name),
			at,
		)
	}
	return nil
}

// repeatedName finds a name that comes twice in one object, and where the second one ends; 0 when there is none. raw is
// valid, so that a string before a colon is a name; that makes this walk several times as fast as a decoder's.
func repeatedName(raw []byte) (name string, at int) {
	// The names in the objects around the place where we are; sets of objects that ended serve again, unless they are
	// large.
	const large = 64
	var sets []map[string]struct{}
	depth := 0
	for i := 0; i < len(raw); i++ {
		switch raw[i] {
		case '{':
			if depth == len(sets) {
				sets = append(sets, nil)
			}
			if sets[depth] == nil || len(sets[depth]) > large {
				sets[depth] = make(map[string]struct{})
			}
			clear(sets[depth])
			depth++
		case '}':
			depth--
		case '"':
			start := i
			for i++; raw[i] != '"'; i++ {
				if raw[i] == '\\' {
					i++
				}
			}
			if rest := bytes.TrimLeft(raw[i+1:], " \t\r\n"); len(rest) == 0 || rest[0] != ':' {
				continue
			}
			quoted, names := raw[start:i+1], sets[depth-1]
			name = string(quoted[1 : len(quoted)-1])
			if bytes.IndexByte(quoted, '\\') >= 0 {
				_ = json.Unmarshal(quoted, &name) // valid, as all of raw is
			}
			if _, twice := names[name]; twice {
				return name, i + 1
			}
			names[name] = struct{}{}
		}
	}
	return "", 0
}

// tooDeep tells whether raw is deeper than limit before its first syntax error, so that the depth is what is reported.
func tooDeep(raw []byte, limit int) bool {
	depth, inString := 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			if depth++; depth > limit {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}

// malformed explains the first syntax error of raw.
func malformed(raw []byte) error {
	var v json.RawMessage
	err := json.Unmarshal(raw, &v)
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return Wrap(CodeMalformed, err, "the JSON has a syntax error near byte %d: %v", syntax.Offset, err)
	}
	return Wrap(CodeMalformed, err, "the JSON has a syntax error")
}

// Get reads the value at a gjson path.
func (d Document) Get(path string) gjson.Result { return gjson.GetBytes(d, path) }

// Text reads the string at a path; "" when there is none or it is no string.
func (d Document) Text(path string) string {
	return text(d.Get(path))
}

// top reads the fields of the document's first level in one walk, where as many calls of Get would walk it as often.
// Their texts are parts of the document, which nobody changes in place, and not copies.
func (d Document) top() map[string]gjson.Result {
	return gjson.Parse(unsafe.String(unsafe.SliceData(d), len(d))).Map()
}

// text is the string that a value is; "" when it is none.
func text(r gjson.Result) string {
	if r.Type == gjson.String {
		return r.Str
	}
	return ""
}

// Set returns a copy with the value at a path replaced or added; the rest of the text stays as it is.
// The path is ours, never a caller's, so it cannot fail on a valid document.
func (d Document) Set(path string, value any) Document {
	out, err := sjson.SetBytesOptions(bytes.Clone(d), path, value, nil)
	if err != nil {
		panic(fmt.Sprintf("core: set %s: %v", path, err))
	}
	return out
}

// SetRaw is Set with a value that is JSON already.
func (d Document) SetRaw(path string, value []byte) Document {
	out, err := sjson.SetRawBytesOptions(bytes.Clone(d), path, value, nil)
	if err != nil {
		panic(fmt.Sprintf("core: set %s: %v", path, err))
	}
	return out
}

// EachOf returns a copy in which each value of the object, or of the list, at a path is what change makes of it; the
// rest of the text stays as it is. It is one walk, however many values there are, where as many calls of Set would copy
// the document as often. The values of a list have no name. What is neither stays.
func (d Document) EachOf(path string, change func(name string, value Document) Document) Document {
	object := d.Get(path)
	if !object.IsObject() && !object.IsArray() || object.Index == 0 {
		return d
	}
	out := make([]byte, 0, len(d)+len(d)/8)
	out = append(out, d[:object.Index]...)
	// Positions of values are counted from the object's beginning.
	kept := 0
	object.ForEach(func(name, value gjson.Result) bool {
		at := value.Index - object.Index
		out = append(out, object.Raw[kept:at]...)
		out = append(out, change(name.Str, Document(value.Raw))...)
		kept = at + len(value.Raw)
		return true
	})
	out = append(out, object.Raw[kept:]...)
	return append(out, d[object.Index+len(object.Raw):]...)
}

// Without returns a copy that lacks the field at a path.
func (d Document) Without(path string) Document {
	out, err := sjson.DeleteBytes(bytes.Clone(d), path)
	if err != nil {
		return d
	}
	return out
}

// Owned sets a field that the server owns in the object at parent ("" is the root) to a string. It refuses a document
// that spells the name with other capitals: Go programs, gateways among them, would read that spelling too, and could
// be told another owner than the one we checked.
func (d Document) Owned(parent, name, value string) (Document, error) {
	if err := d.spelledAs(parent, name); err != nil {
		return nil, err
	}
	path := name
	if parent != "" {
		path = parent + "." + name
	}
	switch r := d.Get(path); {
	case r.Type == gjson.String && r.Str == value:
		return d, nil
	case r.Exists() && r.Type != gjson.String && r.Type != gjson.Null:
		return nil, InField(path, "must be a string, not %s", excerpt(r.Raw))
	}
	return d.Set(path, value), nil
}

func (d Document) spelledAs(parent, name string) error {
	object := gjson.ParseBytes(d)
	if parent != "" {
		object = d.Get(parent)
	}
	return spelledAs(object, name)
}

// spelledAs refuses an object that spells one of names with other capitals.
func spelledAs(object gjson.Result, names ...string) error {
	var err error
	object.ForEach(func(key, _ gjson.Result) bool {
		err = spelled(key.Str, names)
		return err == nil
	})
	return err
}

// spelled refuses one that has other capitals than it has among names.
func spelled(given string, names []string) error {
	for _, name := range names {
		// EqualFold folds as encoding/json does, ſ (U+017F) to s and the Kelvin sign to k included.
		if given != name && strings.EqualFold(given, name) {
			return Errorf(CodeInvalid, "the field %q must be spelled %q", given, name)
		}
	}
	return nil
}

// UnmarshalJSON keeps a copy of the bytes.
func (d *Document) UnmarshalJSON(raw []byte) error {
	*d = append((*d)[:0:0], raw...)
	return nil
}

// MarshalJSON writes the document as it is; nil is null.
func (d Document) MarshalJSON() ([]byte, error) {
	if len(d) == 0 {
		return []byte("null"), nil
	}
	return d, nil
}

// Equal tells whether two documents are the same text, but for what an answer around a document may change of it: white
// space between its parts, and whether <, >, & and the line separators are escaped. So a client that sends back what it
// read, as it read it, changes nothing.
func (d Document) Equal(other Document) bool {
	return bytes.Equal(d, other) || bytes.Equal(d.plain(), other.plain())
}

// plain is the text without white space between its parts and with the escapes of encoding/json for HTML.
func (d Document) plain() []byte {
	var compact, escaped bytes.Buffer
	if json.Compact(&compact, d) != nil {
		return d
	}
	json.HTMLEscape(&escaped, compact.Bytes())
	return escaped.Bytes()
}

// MaxPatchDepth is how deep a merge patch may nest: each level is one more walk through the document.
const MaxPatchDepth = 32

// ParsePatch is ParseDocument for a merge patch, which may nest MaxPatchDepth levels.
func ParsePatch(raw []byte) (Document, error) {
	patch, err := ParseDocument(raw)
	if err == nil && tooDeep(patch, MaxPatchDepth) {
		return nil, Errorf(
			CodeInvalid,
			"the patch nests deeper than %d levels: replace the whole document, or give the inner part as it shall be",
			MaxPatchDepth,
		)
	}
	return patch, err
}

// Patched is the document with a merge patch that came from outside: checked, applied, and checked again. One that
// would change whose an object is, is refused, since that stays as it is.
func (d Document) Patched(patch Document) (Document, error) {
	p, err := ParsePatch(patch)
	if err != nil {
		return nil, err
	}
	for _, path := range []string{"org_id", "api_definition.org_id"} {
		before, next := d.Get(path), p.Get(path)
		if before.Type == gjson.String && next.Exists() && next.Str != before.Str && (next.Str != "" || next.Type == gjson.Null) {
			return nil, InField(path, "stays %q: leave it out of the patch", before.Str)
		}
	}
	return ParseDocument(d.MergePatch(p))
}

// MergePatch applies a JSON merge patch (RFC 7396). Fields that the patch does not name keep their bytes and their
// order, which is why this is not a library call: those decode and encode the whole document.
func (d Document) MergePatch(patch Document) Document { return Document(mergePatch(d, patch)) }

func mergePatch(target, patch []byte) []byte {
	p := gjson.ParseBytes(patch)
	if !p.IsObject() {
		return bytes.TrimSpace(patch)
	}
	changes, order := map[string]string{}, []string{}
	p.ForEach(func(key, value gjson.Result) bool {
		if _, seen := changes[key.Str]; !seen {
			order = append(order, key.Str)
		}
		changes[key.Str] = value.Raw
		return true
	})
	var out bytes.Buffer
	out.WriteByte('{')
	field := func(rawKey, value string) {
		if out.Len() > 1 {
			out.WriteByte(',')
		}
		out.WriteString(rawKey)
		out.WriteByte(':')
		out.WriteString(value)
	}
	if t := gjson.ParseBytes(target); t.IsObject() {
		t.ForEach(func(key, value gjson.Result) bool {
			change, ok := changes[key.Str]
			delete(changes, key.Str)
			switch {
			case !ok:
				field(key.Raw, value.Raw)
			case gjson.Parse(change).IsObject():
				field(key.Raw, string(mergePatch([]byte(value.Raw), []byte(change))))
			case change != "null":
				field(key.Raw, change)
			}
			return true
		})
	}
	for _, name := range order {
		if change, ok := changes[name]; ok && change != "null" {
			key, _ := json.Marshal(name)
			field(string(key), string(mergePatch(nil, []byte(change))))
		}
	}
	out.WriteByte('}')
	return out.Bytes()
}
