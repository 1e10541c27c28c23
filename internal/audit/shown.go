package audit

import (
	"strings"

	"gatehouse/internal/core"
)

// UserID is the id of the user; "" for none.
func (r *Record) UserID() string { return r.Actor.ID }

// Called is what the caller is called.
func (r *Record) Called() string { return r.Actor.Called() }

// KnownBy is by what the caller was known.
func (r *Record) KnownBy() string { return string(r.Actor.Kind) }

// KindText is the kind, "" for a call.
func (r *Record) KindText() string { return string(r.Kind) }

// CodeText is the code of the error, "" for none.
func (r *Record) CodeText() string { return string(r.Code) }

// Touched are the objects, which may be none.
func (r *Record) Touched() []string {
	if r.Objects == nil {
		return []string{}
	}
	return r.Objects
}

// DiffDocument is the diff; nil for none.
func (r *Record) DiffDocument() core.Document { return core.Document(r.Diff) }

// DiffText is its text.
func (r *Record) DiffText() *string { return textOf(r.Diff) }

// ArgumentsDocument are the arguments; nil for none.
func (r *Record) ArgumentsDocument() core.Document { return core.Document(r.Arguments) }

// ArgumentsText is their text.
func (r *Record) ArgumentsText() *string { return textOf(r.Arguments) }

func textOf(raw []byte) *string {
	if len(raw) == 0 {
		return nil
	}
	return new(string(raw))
}

// Blank is the record without what was in the objects that it is about, for somebody who may not see them.
func (r *Record) Blank() *Record {
	out := *r
	out.Diff, out.Arguments, out.RequestDump, out.ResponseDump = nil, nil, "", ""
	return &out
}

// Kinds are those of the objects that were touched.
func (r *Record) Kinds() []string {
	var out []string
	for _, object := range r.Objects {
		if kind, _, ok := strings.Cut(object, "/"); ok {
			out = append(out, kind)
		}
	}
	return out
}
