package resolvers

import (
	"context"

	"github.com/99designs/gqlgen/graphql"

	"gatehouse/graph/model"
	"gatehouse/internal/page"
	"gatehouse/internal/relation"
	"gatehouse/store"
)

// query starts the Query of a list field: page size, cursor, and whether anybody asked for the total.
func (r *Resolver) query(ctx context.Context, t store.Tenant, first *int, after *string) (store.Query, error) {
	q := store.Query{Tenant: t, Total: askedOf(ctx).total}
	var err error
	if q.Limit, err = r.settings.Pages.Of(first); err != nil {
		return q, err
	}
	if after != nil {
		if _, ok := store.ParseCursor(*after); !ok {
			return q, page.ErrNoCursor
		}
		q.After = *after
	}
	return q, nil
}

// asked is what of a connection somebody asked for: the page, which takes reading the objects, and the total, which
// does not.
type asked struct{ page, total bool }

// askedOf is what the connection that is being resolved was asked for. REST always wants everything.
func askedOf(ctx context.Context) asked {
	if graphql.GetFieldContext(ctx) == nil || !graphql.HasOperationContext(ctx) {
		return asked{true, true}
	}
	var out asked
	for _, f := range graphql.CollectFieldsCtx(ctx, nil) {
		switch f.Name {
		case "totalCount":
			out.total = true
		case "nodes", "pageInfo":
			out.page = true
		}
	}
	return out
}

// lister is the part of a repository, or of the key space, that lists objects.
type lister[T any] interface {
	List(ctx context.Context, q store.Query) (*store.List[T], error)
	Count(ctx context.Context, t store.Tenant, where ...store.Cond) (int, error)
}

// connection is a page of a list as every connection of the schema has it: it converts to each of them.
type connection[T any] struct {
	Nodes      []T
	TotalCount int
	PageInfo   model.PageInfo
}

// list reads the page of a list field. Where nobody asks for objects none is read: counting takes no documents.
func list[T any](ctx context.Context, from lister[T], q store.Query) (*connection[*T], error) {
	if a := askedOf(ctx); !a.page {
		c := &connection[*T]{}
		var err error
		if a.total {
			c.TotalCount, err = from.Count(ctx, q.Tenant, q.Where...)
		}
		return c, err
	}
	l, err := from.List(ctx, q)
	if err != nil {
		return nil, err
	}
	relation.Siblings(ctx, l.Objects)
	c := &connection[*T]{Nodes: l.Objects, TotalCount: l.Total, PageInfo: model.PageInfo{HasNextPage: l.More}}
	if n := len(l.Cursors); n > 0 {
		c.PageInfo.EndCursor = &l.Cursors[n-1]
	}
	return c, nil
}

// listed reads the page of a list field: those of a tenant's objects that where says, in an order.
func listed[T any](
	ctx context.Context,
	r *Resolver,
	from lister[T],
	t store.Tenant,
	first *int,
	after *string,
	by order,
	where func() ([]store.Cond, error),
) (*connection[*T], error) {
	q, err := r.query(ctx, t, first, after)
	if err != nil {
		return nil, err
	}
	if q.Where, err = where(); err != nil {
		return nil, err
	}
	q.Sort, q.Desc = by.field, by.desc
	return list(ctx, from, q)
}

// cut is a page of a list that is at hand as a whole; see page.Cut.
func cut[T any](r *Resolver, of string, all []T, key func(T) string, first *int, after *string) (*connection[T], error) {
	nodes, info, err := page.Cut(r.settings.Pages, of, all, key, first, after)
	if err != nil {
		return nil, err
	}
	return &connection[T]{Nodes: nodes, TotalCount: len(all), PageInfo: model.PageInfo(info)}, nil
}

// mapped is a connection of what show makes of each node.
func mapped[T, U any](c *connection[T], err error, show func(T) U) (*connection[U], error) {
	if err != nil {
		return nil, err
	}
	out := &connection[U]{Nodes: make([]U, len(c.Nodes)), TotalCount: c.TotalCount, PageInfo: c.PageInfo}
	for i, node := range c.Nodes {
		out.Nodes[i] = show(node)
	}
	return out, nil
}
