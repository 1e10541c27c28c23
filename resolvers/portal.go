package resolvers

import (
	"cmp"
	"context"

	"gatehouse/graph/model"
	"gatehouse/internal/core"
	"gatehouse/internal/edit"
	"gatehouse/internal/filter"
	"gatehouse/internal/portal"
	"gatehouse/internal/secret"
	"gatehouse/resolvers/connection"
	"gatehouse/store"
)

func (r *Resolver) portalMaker() *portal.Maker {
	return portal.NewMaker(r.store.Now, func(password string) (string, error) {
		return secret.HashPassword(password, r.settings.PasswordCost)
	})
}

func (r *Resolver) findPortal(ctx context.Context, id string) (*portal.Document, error) {
	return edit.One(ctx, core.PortalKind, r.store.PortalDocuments.FindMany, tenant(ctx), [2]string{"id", id})
}

// onlyPortal finds the document of a type of which an organisation has one, past the read cache; nil when there is
// none.
func (r *Resolver) onlyPortal(ctx context.Context, org string, t portal.Type) (*portal.Document, error) {
	lookup := [2]string{"portal_key", portal.OnlyKey(t)}
	return edit.Hidden(edit.One(ctx, core.PortalKind, r.store.PortalDocuments.FindMany, store.Org(org), lookup))
}

// ensurePortal finds that document, or makes it; of a type of which there are many, it makes one.
func (r *Resolver) ensurePortal(
	ctx context.Context,
	org string,
	t portal.Type,
	given core.Document,
) (d *portal.Document, made bool, err error) {
	for range 2 { // another caller may be the first
		if d, err = r.onlyPortal(ctx, org, t); err != nil || d != nil {
			return d, false, err
		}
		if d, err = r.addPortal(ctx, org, t, given); !t.IsOnly() || core.CodeOf(err) != core.CodeConflict {
			return d, true, err
		}
	}
	return nil, false, err
}

// addPortal writes a new document of the portal.
func (r *Resolver) addPortal(ctx context.Context, org string, t portal.Type, in core.Document) (*portal.Document, error) {
	d, err := r.portalMaker().Make(t, org, in, nil)
	if err != nil {
		return nil, err
	}
	write := func() error { return r.store.PortalDocuments.Create(ctx, d) }
	if err := r.editor.Adding(ctx, core.PortalKind, org, d, write); err != nil {
		return nil, r.editor.Failed(ctx, core.PortalKind, err)
	}
	r.editor.Changed(ctx, core.ChangeCreated, core.PortalKind, &d.Meta)
	return d, nil
}

// editPortal changes a document of the portal.
func (r *Resolver) editPortal(
	ctx context.Context,
	id string,
	revision *int,
	change func(stored core.Document) (core.Document, error),
) (*portal.Document, error) {
	find := func() (*portal.Document, error) { return r.findPortal(ctx, id) }
	maker := r.portalMaker()
	return edit.Change(ctx, r.editor, core.PortalKind, r.store.PortalDocuments.Update, revision, find,
		func(old *portal.Document) (*portal.Document, error) {
			doc, err := edit.Judged(ctx)(change(old.Document))
			if err != nil {
				return nil, err
			}
			next, err := maker.Make(old.Type, old.OrgID, doc, old)
			if err != nil || next.Document.Equal(old.Document) && next.PasswordHash == old.PasswordHash {
				return nil, err
			}
			return next, nil
		})
}

// portalQuery is what a filter and a sort mean.
func (r *Resolver) portalQuery(
	ctx context.Context,
	q store.Query,
	f *model.PortalFilter,
	sort *model.PortalSort,
) (store.Query, error) {
	by := connection.Sorted(sort, nil, model.PortalSortCreatedAt)
	q.Sort, q.Desc = by.Field, by.Desc
	if f == nil {
		return q, nil
	}
	var where filter.Where
	if f.Type != nil {
		where.Add(store.In("type", store.Fold(string(*f.Type))))
	}
	if f.Name != nil {
		where.Add(store.In("name", store.Fold(*f.Name)))
	}
	where.Part(f.Q, "name")
	if f.SsoKey != nil {
		lookup := [2]string{"sso_key", *f.SsoKey}
		known, err := edit.Hidden(edit.One(ctx, core.PortalKind, r.store.PortalDocuments.FindMany, q.Tenant, lookup))
		if err != nil {
			return q, err
		}
		none := &portal.Document{} // nobody has its id
		where.Add(store.In("id", cmp.Or(known, none).ID))
	}
	where.ChangedSince(f.UpdatedSince)
	q.Where = where
	return q, nil
}
