package organisation

import (
	"time"

	"gatehouse/internal/core"
	"gatehouse/internal/input"
)

// Input is what a caller gives of an organisation, as the schema has it; nil is not given.
type Input struct {
	// Document is a whole document, which the other fields change further.
	Document          core.Document
	Name, Slug, Cname *string
	CnameEnabled      *bool
}

// Document is the document that an input means, started from the stored one where there is one.
func Document(in Input, stored core.Document) (core.Document, error) {
	doc, err := input.Base(in.Document, stored, input.Blank)
	if err != nil {
		return nil, err
	}
	f := input.Fields{Doc: doc}
	f.Text("owner_name", in.Name)
	f.Text("owner_slug", in.Slug)
	f.Text("cname", in.Cname)
	f.Truth("cname_enabled", in.CnameEnabled)
	return f.Doc, nil
}

// Make makes an organisation of a document that came from outside. old is what it replaces, nil for a new one.
func Make(doc core.Document, old *core.Organisation, now time.Time) (*core.Organisation, error) {
	var before *core.Meta
	if old != nil {
		before = &old.Meta
	}
	meta, err := input.Meta(doc, core.OrganisationKind, "", before, now)
	if err != nil {
		return nil, err
	}
	if doc, err = input.Owned(doc, [2]string{"id", meta.ID}); err != nil {
		return nil, err
	}
	f := input.Fields{Doc: doc}
	for _, d := range [][2]string{
		{"owner_slug", `""`}, {"cname_enabled", "false"}, {"cname", `""`}, {"apis", "[]"}, {"developer_quota", "0"},
		{"developer_count", "0"}, {"event_options", "{}"}, {"hybrid_enabled", "false"}, {"ui", "{}"},
		{"org_options_meta", "{}"},
	} {
		f.Absent(d[0], d[1])
	}
	return core.ParseOrganisation(meta, f.Doc)
}
