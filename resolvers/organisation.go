package resolvers

import (
	"context"

	"gatehouse/graph/model"
	"gatehouse/internal/core"
	"gatehouse/store"
)

func (r *Resolver) findOrganisation(ctx context.Context, id string) (*core.Organisation, error) {
	return one(ctx, core.OrganisationKind, r.store.Organisations.FindMany, store.AllTenants(), [2]string{"id", id})
}

func organisationDocument(in model.OrganisationInput, stored core.Document) (core.Document, error) {
	doc, err := base(in.Document, stored, blank)
	if err != nil {
		return nil, err
	}
	f := fields{doc}
	f.text("owner_name", in.Name)
	f.text("owner_slug", in.Slug)
	f.text("cname", in.Cname)
	f.truth("cname_enabled", in.CnameEnabled)
	return f.doc, nil
}

// newOrganisation makes an organisation of a document that came from outside. old is what it replaces, nil for a new
// one.
func (r *Resolver) newOrganisation(doc core.Document, old *core.Organisation) (*core.Organisation, error) {
	meta := core.Meta{ID: doc.Text("id")}
	if old != nil {
		if meta.ID != "" && meta.ID != old.ID {
			return nil, core.InField("id", "is %q, and the organisation that you are changing has %q", meta.ID, old.ID)
		}
		meta = old.Meta
	}
	if meta.ID == "" || meta.ID == zeroID {
		meta.ID = core.NewID(r.store.Now())
	}
	if !core.IsID(meta.ID) {
		return nil, core.InField("id", "must be 24 lower-case hex digits; leave it out to have one made")
	}
	doc, err := doc.Owned("", "id", meta.ID)
	if err != nil {
		return nil, err
	}
	f := fields{doc}
	for _, d := range [][2]string{{"owner_slug", `""`}, {"cname_enabled", "false"}, {"cname", `""`}, {"apis", "[]"},
		{"developer_quota", "0"}, {"developer_count", "0"}, {"event_options", "{}"}, {"hybrid_enabled", "false"}, {"ui", "{}"},
		{"org_options_meta", "{}"}} {
		f.absent(d[0], d[1])
	}
	return core.ParseOrganisation(meta, f.doc)
}

// editOrganisation changes the document of an organisation.
func (r *Resolver) editOrganisation(
	ctx context.Context,
	id string,
	revision *int,
	change func(stored core.Document) (core.Document, error),
) (*core.Organisation, error) {
	find := func() (*core.Organisation, error) { return r.findOrganisation(ctx, id) }
	return edit(ctx, r, core.OrganisationKind, r.store.Organisations.Update, revision, find,
		func(old *core.Organisation) (*core.Organisation, error) {
			doc, err := change(old.Document)
			if err != nil {
				return nil, err
			}
			next, err := r.newOrganisation(doc, old)
			if err != nil || next.Document.Equal(old.Document) {
				return nil, err
			}
			return next, nil
		})
}
