package resolvers

import (
	"context"

	"gatehouse/internal/core"
	"gatehouse/internal/edit"
	"gatehouse/internal/gateway/organisation"
	"gatehouse/store"
)

func (r *Resolver) findOrganisation(ctx context.Context, id string) (*core.Organisation, error) {
	return edit.One(ctx, core.OrganisationKind, r.store.Organisations.FindMany, store.AllTenants(), [2]string{"id", id})
}

// editOrganisation changes the document of an organisation.
func (r *Resolver) editOrganisation(
	ctx context.Context,
	id string,
	revision *int,
	change func(stored core.Document) (core.Document, error),
) (*core.Organisation, error) {
	find := func() (*core.Organisation, error) { return r.findOrganisation(ctx, id) }
	return edit.Change(ctx, r.editor, core.OrganisationKind, r.store.Organisations.Update, revision, find,
		func(old *core.Organisation) (*core.Organisation, error) {
			doc, err := change(old.Document)
			if err != nil {
				return nil, err
			}
			next, err := r.madeOrganisation(doc, old)
			if err != nil || next.Document.Equal(old.Document) {
				return nil, err
			}
			return next, nil
		})
}

// madeOrganisation makes an organisation of a document that came from outside. Rules that it newly has can be used.
func (r *Resolver) madeOrganisation(doc core.Document, old *core.Organisation) (*core.Organisation, error) {
	next, err := organisation.Make(doc, old, r.store.Now())
	if err != nil || old != nil && old.OpenPolicy.Rules == next.OpenPolicy.Rules {
		return next, err
	}
	return next, r.rules.CheckText(next.OpenPolicy.Rules)
}
