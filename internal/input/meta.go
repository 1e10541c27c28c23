package input

import (
	"time"

	"gatehouse/internal/core"
)

// Meta is what an object is known by whose document carries its id: as old, where it replaces that; else by the id that
// is given, or by a new one.
func Meta(doc core.Document, kind *core.Kind, org string, old *core.Meta, now time.Time) (core.Meta, error) {
	given := doc.Text("id")
	if old != nil {
		if given != "" && given != old.ID {
			return core.Meta{}, core.InField(
				"id", "is %q, and the %s that you are changing has %q", given, kind.Word, old.ID,
			)
		}
		return *old, nil
	}
	id, err := ID("id", given, now)
	return core.Meta{ID: id, OrgID: org}, err
}

// ID is the id that is given at a path of a new document, or a new one.
func ID(path, given string, now time.Time) (string, error) {
	switch {
	case given == "" || given == core.ZeroID:
		return core.NewID(now), nil
	case !core.IsID(given):
		return "", core.InField(path, "must be 24 lower-case hex digits; leave it out to have one made")
	}
	return given, nil
}

// Owned sets texts that the server owns, pairs of a field and its text, where they are not there already.
func Owned(doc core.Document, fields ...[2]string) (core.Document, error) {
	for _, f := range fields {
		var err error
		if doc, err = doc.Owned("", f[0], f[1]); err != nil {
			return nil, err
		}
	}
	return doc, nil
}
