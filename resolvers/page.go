package resolvers

import (
	"context"

	"github.com/99designs/gqlgen/graphql"

	"gatehouse/graph/model"
	"gatehouse/internal/core"
	"gatehouse/store"
)

// query starts the Query of a list field: page size, cursor, and whether anybody asked for the total.
func (r *Resolver) query(ctx context.Context, t store.Tenant, first *int, after *string) (store.Query, error) {
	q := store.Query{Tenant: t, Total: askedOf(ctx).total}
	var err error
	if q.Limit, err = r.pageSize(first); err != nil {
		return q, err
	}
	if after != nil {
		if _, ok := store.ParseCursor(*after); !ok {
			return q, errNoCursor
		}
		q.After = *after
	}
	return q, nil
}

var (
	errNoCursor      = core.InField("after", "is not a cursor: pass the endCursor of the page before, or leave it out")
	errForeignCursor = core.InField(
		"after",
		"is a cursor of another list, or of another order: pass the endCursor of the page before, or leave it out",
	)
	errLostCursor = core.InField(
		"after",
		"names a place that is gone, since the list changed: read it from the beginning",
	)
)

// pageSize is how many objects a page has at most: first, or page_size of the configuration.
func (r *Resolver) pageSize(first *int) (int, error) {
	n := r.settings.PageSize
	if first != nil {
		n = *first
	}
	if n < 1 {
		return 0, core.InField("first", "must be at least 1")
	}
	if n > r.settings.MaxPageSize {
		return 0, core.Errorf(
			core.CodeLimit,
			"first must be at most %d: use after to get the next page",
			r.settings.MaxPageSize,
		).In(
			"first",
		)
	}
	return n, nil
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

// list reads the page of a list field. Where nobody asks for objects none is read: counting takes no documents.
func list[T any](ctx context.Context, from lister[T], q store.Query) (*store.List[T], error) {
	if a := askedOf(ctx); !a.page {
		l := &store.List[T]{}
		var err error
		if a.total {
			l.Total, err = from.Count(ctx, q.Tenant, q.Where...)
		}
		return l, err
	}
	l, err := from.List(ctx, q)
	if err != nil {
		return nil, err
	}
	siblings(ctx, l.Objects)
	return l, nil
}

// pageInfo describes a page of a list.
func pageInfo[T any](l *store.List[T]) model.PageInfo {
	info := model.PageInfo{HasNextPage: l.More}
	if n := len(l.Cursors); n > 0 {
		info.EndCursor = &l.Cursors[n-1]
	}
	return info
}

// cut takes a page out of a list that is at hand as a whole. of names the list for its cursors, and key an element:
// where the list changed between two pages, the next one goes on behind the same element.
func cut[T any](
	r *Resolver,
	of string,
	all []T,
	key func(T) string,
	first *int,
	after *string,
) (page []T, info model.PageInfo, err error) {
	limit, err := r.pageSize(first)
	if err != nil {
		return nil, info, err
	}
	start := 0
	if after != nil && *after != "" {
		if start, err = placeOf(of, all, key, *after); err != nil {
			return nil, info, err
		}
	}
	page = all[start:]
	if len(page) > limit {
		page, info.HasNextPage = page[:limit], true
	}
	if n := len(page); n > 0 {
		end := core.Cursor{Of: of, Offset: start + n, ID: key(page[n-1])}.Encode()
		info.EndCursor = &end
	}
	return page, info, nil
}

// placeOf is how many elements of a list lie before the page that follows a cursor.
func placeOf[T any](of string, all []T, key func(T) string, after string) (int, error) {
	c, ok := core.ParseCursor(after)
	switch {
	case !ok:
		return 0, errNoCursor
	case c.Of != of:
		return 0, errForeignCursor
	case c.Offset > 0 && c.Offset <= len(all) && key(all[c.Offset-1]) == c.ID:
		return c.Offset, nil
	}
	for i, element := range all {
		if key(element) == c.ID {
			return i + 1, nil
		}
	}
	return 0, errLostCursor
}

// itself is the key of texts in cut.
func itself(s string) string { return s }

// maxChoices is how many values a filter takes of which any will do.
const maxChoices = 1000

// choices refuses a filter with more values than that.
func choices(field string, values []string) error {
	if len(values) <= maxChoices {
		return nil
	}
	return core.Wrap(
		core.CodeLimit,
		nil,
		"%s takes at most %d values, not %d: ask in several queries",
		field,
		maxChoices,
		len(values),
	).In(
		field,
	)
}

// truth is the condition that a yes-or-no field has a value; nil is no condition.
func truth(where []store.Cond, field string, want *bool) []store.Cond {
	if want == nil {
		return where
	}
	n := int64(0)
	if *want {
		n = 1
	}
	return append(where, store.Between(field, n, n))
}
