package resolvers

import (
	"context"

	"gatehouse/graph/model"
	"gatehouse/internal/core"
	"gatehouse/internal/edit"
	"gatehouse/internal/gateway/api"
	"gatehouse/internal/gateway/claim"
	"gatehouse/resolvers/connection"
	"gatehouse/store"
)

// findApi reads an API by either id, past the read cache.
func (r *Resolver) findApi(ctx context.Context, id string) (*core.Api, error) {
	return edit.One(ctx, core.ApiKind, r.store.Apis.FindMany, tenant(ctx), [2]string{"id", id}, [2]string{"api_id", id})
}

// importedApi makes an API of a document of an import: over the one with the same public id, or new with the ids it
// carries. It returns what it replaces, too; nil for a new one.
func (r *Resolver) importedApi(ctx context.Context, raw core.Document) (a, old *core.Api, err error) {
	doc, err := api.Document(api.Input{Definition: raw}, nil)
	if err != nil {
		return nil, nil, err
	}
	org := doc.Text("api_definition.org_id")
	if org == "" {
		return nil, nil, core.InField("api_definition.org_id", "is required: it says into which organisation the API goes")
	}
	if err := r.organisationExists(ctx, org); err != nil {
		return nil, nil, err
	}
	if old, err = r.apis.Replaced(ctx, org, doc); err != nil {
		return nil, nil, err
	}
	a, err = r.apis.Import(ctx, org, doc, old)
	return a, old, err
}

// writeApis writes APIs as claims has it, and notes what they newly name that there is not.
func (r *Resolver) writeApis(ctx context.Context, writes ...claim.Api) error {
	err := r.claims.Write(ctx, writes)
	if err == nil {
		r.apis.NoteDangling(ctx, writes)
	}
	return err
}

// editApi changes an API to the document that change makes of the old one.
func (r *Resolver) editApi(
	ctx context.Context,
	id string,
	revision *int,
	change func(old *core.Api) (core.Document, error),
) (*core.Api, error) {
	var before *core.Api
	find := func() (*core.Api, error) { return r.findApi(ctx, id) }
	write := func(ctx context.Context, next *core.Api) error {
		return r.writeApis(ctx, claim.Api{Next: next, Old: before})
	}
	return edit.Change(ctx, r.editor, core.ApiKind, write, revision, find, func(old *core.Api) (*core.Api, error) {
		before = old
		doc, err := edit.Judged(ctx)(change(old))
		if err != nil {
			return nil, err
		}
		return r.apis.Change(ctx, doc, old)
	})
}

func (r *Resolver) listApis(
	ctx context.Context,
	t store.Tenant,
	first *int,
	after *string,
	filter *model.APIFilter,
	sort *model.APISort,
) (*model.APIConnection, error) {
	by := connection.Sorted(sort, nil, model.APISortCreatedAtDesc)
	c, err := connection.Listed(ctx, r.settings.Pages, r.store.Apis, t, first, after, by, func() ([]store.Cond, error) {
		return r.apis.Conditions(ctx, t, (*api.Filter)(filter))
	})
	return (*model.APIConnection)(c), err
}
