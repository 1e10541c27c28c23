// Package input makes the document that the input of a caller means: its own, the stored one or a blank one, with the
// fields set in it that the input gives by themselves.
package input

import (
	"time"

	"github.com/tidwall/gjson"

	"gatehouse/internal/core"
)

// Blank is a document without a field.
const Blank = `{}`

// Base is the document that an input starts from: its own, the stored one, or a blank one.
func Base(given, stored core.Document, blank string) (core.Document, error) {
	if given != nil {
		return core.ParseDocument(given)
	}
	if stored != nil {
		return stored, nil
	}
	return core.Document(blank), nil
}

// Fields sets fields in Doc. What an input leaves out, nil, stays as it is.
type Fields struct{ Doc core.Document }

// Text sets a text.
func (f *Fields) Text(path string, v *string) { set(f, path, v) }

// Truth sets a yes or no.
func (f *Fields) Truth(path string, v *bool) { set(f, path, v) }

// Number sets a number.
func (f *Fields) Number(path string, v *float64) { set(f, path, v) }

// Integer sets a whole number.
func (f *Fields) Integer(path string, v *int64) { set(f, path, v) }

func set[T any](f *Fields, path string, v *T) {
	if v != nil {
		f.Doc = f.Doc.Set(path, *v)
	}
}

// Texts sets a list of texts.
func (f *Fields) Texts(path string, v []string) {
	if v != nil {
		f.Doc = f.Doc.Set(path, v)
	}
}

// Unix sets a moment, in seconds since 1970.
func (f *Fields) Unix(path string, v *time.Time) {
	if v != nil {
		f.Doc = f.Doc.Set(path, v.Unix())
	}
}

// Object sets an object, as it came, where it is valid.
func (f *Fields) Object(path string, v core.Document) error {
	if v == nil {
		return nil
	}
	doc, err := core.ParseDocument(v)
	if err != nil {
		return err
	}
	f.Doc = f.Doc.SetRaw(path, doc)
	return nil
}

// Lowered puts an e-mail address into the form in which addresses are compared.
func (f *Fields) Lowered(path string) {
	if given := f.Doc.Get(path); given.Type == gjson.String && given.Str != core.NormalEmail(given.Str) {
		f.Doc = f.Doc.Set(path, core.NormalEmail(given.Str))
	}
}

// Absent sets a raw JSON value where the document has none.
func (f *Fields) Absent(path, raw string) {
	if !f.Doc.Get(path).Exists() {
		f.Doc = f.Doc.SetRaw(path, []byte(raw))
	}
}
