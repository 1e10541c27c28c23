// Package connection is how lists of the schema are read and answered: pages by cursor, of what somebody asked for and
// no more. Every connection of the schema converts from an Of.
package connection

import (
	"cmp"
	"context"
	"strings"

	"github.com/99designs/gqlgen/graphql"

	"gatehouse/graph/model"
	"gatehouse/internal/page"
	"gatehouse/internal/relation"
	"gatehouse/store"
)

// Query starts the Query of a list field: page size, cursor, and whether anybody asked for the total.
func Query(ctx context.Context, sizes page.Sizes, t store.Tenant, first *int, after *string) (store.Query, error) {
	q := store.Query{Tenant: t, Total: AskedOf(ctx).Total}
	var err error
	if q.Limit, err = sizes.Of(first); err != nil {
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

// Asked is what of a connection somebody asked for: the page, which takes reading the objects, and the total, which
// does not.
type Asked struct{ Page, Total bool }

// AskedOf is what the connection that is being resolved was asked for. REST always wants everything.
func AskedOf(ctx context.Context) Asked {
	if graphql.GetFieldContext(ctx) == nil || !graphql.HasOperationContext(ctx) {
		return Asked{true, true}
	}
	var out Asked
	for _, f := range graphql.CollectFieldsCtx(ctx, nil) {
		switch f.Name {
		case "totalCount":
			out.Total = true
		case "nodes", "pageInfo":
			out.Page = true
		}
	}
	return out
}

// Lister is the part of a repository, or of the key space, that lists objects.
type Lister[T any] interface {
	List(ctx context.Context, q store.Query) (*store.List[T], error)
	Count(ctx context.Context, t store.Tenant, where ...store.Cond) (int, error)
}

// Of is a page of a list as every connection of the schema has it: it converts to each of them.
type Of[T any] struct {
	Nodes      []T
	TotalCount int
	PageInfo   model.PageInfo
}

// List reads the page of a list field. Where nobody asks for objects none is read: counting takes no documents.
func List[T any](ctx context.Context, from Lister[T], q store.Query) (*Of[*T], error) {
	if a := AskedOf(ctx); !a.Page {
		c := &Of[*T]{}
		var err error
		if a.Total {
			c.TotalCount, err = from.Count(ctx, q.Tenant, q.Where...)
		}
		return c, err
	}
	l, err := from.List(ctx, q)
	if err != nil {
		return nil, err
	}
	relation.Siblings(ctx, l.Objects)
	c := &Of[*T]{Nodes: l.Objects, TotalCount: l.Total, PageInfo: model.PageInfo{HasNextPage: l.More}}
	if n := len(l.Cursors); n > 0 {
		c.PageInfo.EndCursor = &l.Cursors[n-1]
	}
	return c, nil
}

// Listed reads the page of a list field: those of a tenant's objects that where says, in an order.
func Listed[T any](
	ctx context.Context,
	sizes page.Sizes,
	from Lister[T],
	t store.Tenant,
	first *int,
	after *string,
	by Order,
	where func() ([]store.Cond, error),
) (*Of[*T], error) {
	q, err := Query(ctx, sizes, t, first, after)
	if err != nil {
		return nil, err
	}
	if q.Where, err = where(); err != nil {
		return nil, err
	}
	q.Sort, q.Desc = by.Field, by.Desc
	return List(ctx, from, q)
}

// Cut is a page of a list that is at hand as a whole; see page.Cut.
func Cut[T any](sizes page.Sizes, of string, all []T, key func(T) string, first *int, after *string) (*Of[T], error) {
	nodes, info, err := page.Cut(sizes, of, all, key, first, after)
	if err != nil {
		return nil, err
	}
	return &Of[T]{Nodes: nodes, TotalCount: len(all), PageInfo: model.PageInfo(info)}, nil
}

// Mapped is a connection of what show makes of each node.
func Mapped[T, U any](c *Of[T], err error, show func(T) U) (*Of[U], error) {
	if err != nil {
		return nil, err
	}
	out := &Of[U]{Nodes: make([]U, len(c.Nodes)), TotalCount: c.TotalCount, PageInfo: c.PageInfo}
	for i, node := range c.Nodes {
		out.Nodes[i] = show(node)
	}
	return out, nil
}

// Order is how a list is sorted: a field of the store, and whether backwards.
type Order struct {
	Field string
	Desc  bool
}

// Sorted reads the sort of a list, in the words of its enum: what its fields are in the store, with _DESC for
// backwards. otherwise is the one that holds without any.
func Sorted[T ~string](sort *T, fields map[string]string, otherwise T) Order {
	name, desc := strings.CutSuffix(string(*cmp.Or(sort, &otherwise)), "_DESC")
	return Order{cmp.Or(fields[name], strings.ToLower(name)), desc}
}
