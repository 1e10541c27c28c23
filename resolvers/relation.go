package resolvers

import (
	"context"

	"gatehouse/graph/model"
	"gatehouse/internal/access"
	"gatehouse/internal/authz"
	"gatehouse/internal/core"
	"gatehouse/internal/gateway/claim"
	"gatehouse/internal/gateway/key"
	"gatehouse/internal/relation"
	"gatehouse/resolvers/connection"
)

// namedApis is a relation to the APIs of public ids.
func (r *Resolver) namedApis(
	ctx context.Context,
	of, org string,
	ids []string,
	first *int,
	after *string,
) (*model.APIConnection, error) {
	c, err := connection.Named(ctx, r.settings.Pages, of, ids, first, after, func(ids []string, siblings int) ([]*core.Api, error) {
		return r.loaders(ctx).Apis.All(ctx, org, ids, siblings)
	})
	return (*model.APIConnection)(c), err
}

// accessRights are the entries that a document has for the APIs that it names.
func (r *Resolver) accessRights(
	ctx context.Context,
	of, org string,
	ids []string,
	doc core.Document,
	first *int,
	after *string,
) (*model.AccessRightConnection, error) {
	of = "access rights of " + of
	c, err := connection.Named(ctx, r.settings.Pages, of, ids, first, after, func(ids []string, siblings int) ([]*access.Right, error) {
		r.loaders(ctx).Apis.Expect(org, ids...) // the APIs of the page are loaded together
		return access.Rights(org, doc, ids, siblings), nil
	})
	return (*model.AccessRightConnection)(c), err
}

// sharingKey is of the context value that holds the warnings of claims that one operation asks for.
type sharingKey struct{}

// WithLoaders gives an operation its loaders. GraphQL operations have them; without, each look-up stands alone.
func (r *Resolver) WithLoaders(ctx context.Context) context.Context {
	ctx = context.WithValue(ctx, sharingKey{}, r.claims.Warnings())
	return relation.With(ctx, r.newLoaders(ctx))
}

// newLoaders load what the caller sees.
func (r *Resolver) newLoaders(ctx context.Context) *relation.Loaders {
	if owning := authz.From(ctx).Owning; owning != nil {
		return relation.New(r.store.SeenBy(owning), key.SeenBy(r.keys, owning), r.mayRead)
	}
	return relation.New(r.store, r.keys, r.mayRead)
}

func (r *Resolver) loaders(ctx context.Context) *relation.Loaders {
	if l := relation.From(ctx); l != nil {
		return l
	}
	return r.newLoaders(ctx)
}

// sharingWarnings are those of claims, of the operation.
func (r *Resolver) sharingWarnings(ctx context.Context) *claim.Warnings {
	if w, ok := ctx.Value(sharingKey{}).(*claim.Warnings); ok {
		return w
	}
	return r.claims.Warnings()
}
