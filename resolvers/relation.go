package resolvers

import (
	"context"

	"gatehouse/graph/model"
	"gatehouse/internal/access"
	"gatehouse/internal/batch"
	"gatehouse/internal/core"
	"gatehouse/internal/gateway/claim"
	"gatehouse/internal/page"
	"gatehouse/internal/relation"
)

// named resolves a relation whose ids stand in the object: the page of ids is cut before anything is loaded, so that
// what it costs depends on the page and not on the list. Ids of what does not exist have no node, and count. of names
// the list for its cursors; load finds the objects of ids, and siblings is how many ids of each sibling will be asked
// for along with them.
func named[T any](ctx context.Context, r *Resolver, of string, ids []string, first *int, after *string,
	load func(ids []string, siblings int) ([]*T, error)) (*connection[*T], error) {
	c, err := cut(r, of, ids, page.Itself, first, after)
	if err != nil {
		return nil, err
	}
	out := &connection[*T]{Nodes: []*T{}, TotalCount: len(ids), PageInfo: c.PageInfo}
	if !askedOf(ctx).page {
		return out, nil
	}
	siblings := 0
	if after == nil || *after == "" {
		siblings, _ = r.settings.Pages.Of(first) // which cut has checked
	}
	out.Nodes, err = load(c.Nodes, siblings)
	return out, err
}

// related resolves a relation that objects tell by a label: those that carry the value, the newest first, and their
// number when it was asked for.
func related[T any, P object[T]](
	ctx context.Context,
	r *Resolver,
	l *batch.ByLabel[T, P],
	org, value string,
	first *int,
	after *string,
) (*connection[*T], error) {
	limit, err := r.settings.Pages.Of(first)
	if err != nil {
		return nil, err
	}
	asks, out := askedOf(ctx), &connection[*T]{Nodes: []*T{}}
	if asks.page {
		nodes, info, err := l.Page(ctx, org, value, limit, after)
		if err != nil {
			return nil, err
		}
		out.Nodes, out.PageInfo = nodes, model.PageInfo(info)
	}
	if asks.total {
		out.TotalCount, err = l.Count(ctx, org, value)
	}
	return out, err
}

// namedApis is a relation to the APIs of public ids.
func (r *Resolver) namedApis(
	ctx context.Context,
	of, org string,
	ids []string,
	first *int,
	after *string,
) (*model.APIConnection, error) {
	c, err := named(ctx, r, of, ids, first, after, func(ids []string, siblings int) ([]*core.Api, error) {
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
	c, err := named(ctx, r, of, ids, first, after, func(ids []string, siblings int) ([]*access.Right, error) {
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
	return relation.With(ctx, relation.New(r.store, r.keys, r.mayRead))
}

func (r *Resolver) loaders(ctx context.Context) *relation.Loaders {
	if l := relation.From(ctx); l != nil {
		return l
	}
	return relation.New(r.store, r.keys, r.mayRead)
}

// sharingWarnings are those of claims, of the operation.
func (r *Resolver) sharingWarnings(ctx context.Context) *claim.Warnings {
	if w, ok := ctx.Value(sharingKey{}).(*claim.Warnings); ok {
		return w
	}
	return r.claims.Warnings()
}
