package resolvers

import (
	"context"

	"gatehouse/internal/core"
	"gatehouse/internal/portal"
	"gatehouse/internal/secret"
	"gatehouse/store"
)

func (r *Resolver) portalMaker() portal.Maker {
	return portal.Maker{Now: r.store.Now, Hash: func(password string) (string, error) {
		return secret.HashPassword(password, r.settings.PasswordCost)
	}}
}

// onlyPortal finds the document of a type of which an organisation has one, past the read cache.
func (r *Resolver) onlyPortal(ctx context.Context, org string, t core.PortalType) (*core.PortalDocument, error) {
	key := (&core.PortalDocument{Type: t}).Key()
	return hidden(one(ctx, core.PortalKind, r.store.PortalDocuments.FindMany, store.Org(org), [2]string{"portal_key", key}))
}

// addPortal writes a new document of the portal.
func (r *Resolver) addPortal(ctx context.Context, org string, t core.PortalType, given core.Document) (*core.PortalDocument, error) {
	d, err := r.portalMaker().Make(t, org, given, nil)
	if err != nil {
		return nil, err
	}
	if err := r.adding(ctx, core.PortalKind, org, d, func() error { return r.store.PortalDocuments.Create(ctx, d) }); err != nil {
		return nil, r.writeError(ctx, core.PortalKind, err)
	}
	r.changed(ctx, core.ChangeCreated, core.PortalKind, &d.Meta)
	return d, nil
}

// editPortal changes a document of the portal to what change makes of the old one.
func (r *Resolver) editPortal(ctx context.Context, id string, revision *int, change func(old core.Document) core.Document) (*core.PortalDocument, error) {
	find := func() (*core.PortalDocument, error) {
		return one(ctx, core.PortalKind, r.store.PortalDocuments.FindMany, tenant(ctx), [2]string{"id", id})
	}
	return edit(ctx, r, core.PortalKind, r.store.PortalDocuments.Update, revision, find, func(old *core.PortalDocument) (*core.PortalDocument, error) {
		next, err := r.portalMaker().Make(old.Type, old.OrgID, change(old.Document), old)
		if err != nil || next.Document.Equal(old.Document) && next.PasswordHash == old.PasswordHash {
			return nil, err
		}
		return next, nil
	})
}
