package resolvers

import (
	"context"

	"gatehouse/graph/model"
	"gatehouse/internal/core"
	"gatehouse/store"
)

// named resolves a relation whose ids stand in the object: the page of ids is cut before anything is loaded, so that
// what it costs depends on the page and not on the list. Ids of what does not exist have no node, and count. of names
// the list for its cursors; load finds the objects of ids, and siblings is how many ids of each sibling will be asked
// for along with them.
func named[T any](ctx context.Context, r *Resolver, of string, ids []string, first *int, after *string,
	load func(ids []string, siblings int) ([]*T, error)) (nodes []*T, total int, info model.PageInfo, err error) {
	page, info, err := cut(r, of, ids, itself, first, after)
	if err != nil || !askedOf(ctx).page {
		return []*T{}, len(ids), info, err
	}
	siblings := 0
	if after == nil || *after == "" {
		siblings, _ = r.pageSize(first) // which cut has checked
	}
	nodes, err = load(page, siblings)
	return nodes, len(ids), info, err
}

// related resolves a relation that objects tell by a label: those that carry the value, the newest first, and their
// number when it was asked for. First pages are loaded for all siblings at once; a cursor is of one object, so there is
// no page behind it to load for others.
func related[T any, P object[T]](
	ctx context.Context,
	r *Resolver,
	l *byLabel[T],
	org, value string,
	first *int,
	after *string,
) (nodes []*T, total int, info model.PageInfo, err error) {
	limit, err := r.pageSize(first)
	if err != nil {
		return nil, 0, info, err
	}
	of := l.of + " " + value
	asks, key := askedOf(ctx), within{org, value}
	nodes = []*T{}
	if asks.page {
		if after != nil && *after != "" {
			nodes, err = l.behind(ctx, of, key, limit+1, *after)
		} else {
			// One more than asked for tells whether there are more.
			nodes, _, err = l.lists.start(ctx, limit+1, 1, key)[0].wait(ctx)
		}
	}
	if err == nil && asks.total {
		total, _, err = l.counts.start(ctx, 0, 1, key)[0].wait(ctx)
	}
	if err != nil {
		return nil, 0, info, err
	}
	if len(nodes) > limit {
		nodes, info.HasNextPage = nodes[:limit], true
	}
	if n := len(nodes); n > 0 {
		last := P(nodes[n-1]).Base()
		end := core.Cursor{Of: of, Int: last.CreatedAt.UnixMicro(), ID: last.ID}.Encode()
		info.EndCursor = &end
	}
	return nodes, total, info, nil
}

// behind lists what follows a cursor among the objects that carry a label.
func (l *byLabel[T]) behind(ctx context.Context, of string, key within, limit int, after string) ([]*T, error) {
	c, ok := core.ParseCursor(after)
	switch {
	case !ok:
		return nil, errNoCursor
	case c.Of != of || c.Offset > 0:
		return nil, errForeignCursor
	}
	page, err := l.from.List(
		ctx,
		store.Query{Tenant: store.Org(key.org), Where: []store.Cond{store.HasLabel(l.label, key.value)}, Desc: true,
			Limit: limit, After: core.Cursor{Int: c.Int, ID: c.ID}.Encode()},
	)
	if err != nil {
		return nil, err
	}
	return siblings(ctx, page.Objects), nil
}

// namedApis is a relation to the APIs of public ids.
func (r *Resolver) namedApis(
	ctx context.Context,
	of, org string,
	ids []string,
	first *int,
	after *string,
) (*model.APIConnection, error) {
	nodes, total, info, err := named(ctx, r, of, ids, first, after, func(ids []string, siblings int) ([]*core.Api, error) {
		return r.loaders(ctx).apis.all(ctx, org, ids, siblings)
	})
	if err != nil {
		return nil, err
	}
	return &model.APIConnection{Nodes: nodes, TotalCount: total, PageInfo: info}, nil
}

func (r *Resolver) relatedApis(
	ctx context.Context,
	l *byLabel[core.Api],
	org, value string,
	first *int,
	after *string,
) (*model.APIConnection, error) {
	nodes, total, info, err := related(ctx, r, l, org, value, first, after)
	if err != nil {
		return nil, err
	}
	return &model.APIConnection{Nodes: nodes, TotalCount: total, PageInfo: info}, nil
}

func (r *Resolver) relatedPolicies(
	ctx context.Context,
	l *byLabel[core.Policy],
	org, value string,
	first *int,
	after *string,
) (*model.PolicyConnection, error) {
	nodes, total, info, err := related(ctx, r, l, org, value, first, after)
	if err != nil {
		return nil, err
	}
	return &model.PolicyConnection{Nodes: nodes, TotalCount: total, PageInfo: info}, nil
}

func (r *Resolver) relatedKeys(
	ctx context.Context,
	l *byLabel[core.Key],
	org, value string,
	first *int,
	after *string,
) (*model.KeyConnection, error) {
	nodes, total, info, err := related(ctx, r, l, org, value, first, after)
	if err != nil {
		return nil, err
	}
	return &model.KeyConnection{Nodes: nodes, TotalCount: total, PageInfo: info}, nil
}
