package resolvers

import (
	"context"

	"gatehouse/graph/model"
	"gatehouse/internal/core"
	"gatehouse/internal/reference"
)

// usedBy is a page of what names an object, of the kinds that the caller may read.
func (r *Resolver) usedBy(ctx context.Context, of core.Object, first *int, after *string) (*model.UsageConnection, error) {
	limit, err := r.settings.Pages.Of(first)
	if err != nil {
		return nil, err
	}
	asks, c := askedOf(ctx), &connection[*reference.Namer]{}
	uses := r.loaders(ctx).uses
	if asks.page {
		nodes, info, err := uses.Page(ctx, of, limit, after, r.mayReadKind(ctx))
		if err != nil {
			return nil, err
		}
		c.Nodes, c.PageInfo = nodes, model.PageInfo(info)
	}
	if asks.total {
		c.TotalCount, err = uses.Count(ctx, of, r.mayReadKind(ctx))
	}
	out, err := mapped(c, err, func(n *reference.Namer) *model.Usage {
		return &model.Usage{Kind: usageKinds(n.Kind), ID: n.ID, Name: n.Name}
	})
	return (*model.UsageConnection)(out), err
}

// usageKinds is how the schema spells a kind that can name others.
func usageKinds(k *core.Kind) model.UsageKind {
	switch k {
	case core.ApiKind:
		return model.UsageKindAPI
	case core.PolicyKind:
		return model.UsageKindPolicy
	case core.KeyKind:
		return model.UsageKindKey
	}
	return model.UsageKindOauthClient
}

// mayReadKind tells of which kinds the caller may read.
func (r *Resolver) mayReadKind(ctx context.Context) func(*core.Kind) bool {
	return func(k *core.Kind) bool { return r.mayRead(ctx, k.Name) }
}

// unlessUsed is a finder of an object to delete, which refuses what is in use unless force is given.
func unlessUsed[T any, P object[T]](
	ctx context.Context,
	r *Resolver,
	kind *core.Kind,
	force *bool,
	find func() (*T, error),
) func() (*T, error) {
	return func() (*T, error) {
		o, err := find()
		if err != nil || force != nil && *force {
			return o, err
		}
		return o, reference.NewUses(r.store, r.keys).Unused(ctx, kind, P(o), r.mayReadKind(ctx))
	}
}
