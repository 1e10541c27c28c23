package connection

import (
	"context"

	"gatehouse/graph/model"
	"gatehouse/internal/batch"
	"gatehouse/internal/edit"
	"gatehouse/internal/page"
)

// Named resolves a relation whose ids stand in the object: the page of ids is cut before anything is loaded, so that
// what it costs depends on the page and not on the list. Ids of what does not exist have no node, and count. of names
// the list for its cursors; load finds the objects of ids, and siblings is how many ids of each sibling will be asked
// for along with them.
func Named[T any](ctx context.Context, sizes page.Sizes, of string, ids []string, first *int, after *string,
	load func(ids []string, siblings int) ([]*T, error)) (*Of[*T], error) {
	c, err := Cut(sizes, of, ids, page.Itself, first, after)
	if err != nil {
		return nil, err
	}
	out := &Of[*T]{Nodes: []*T{}, TotalCount: len(ids), PageInfo: c.PageInfo}
	if !AskedOf(ctx).Page {
		return out, nil
	}
	siblings := 0
	if after == nil || *after == "" {
		siblings, _ = sizes.Of(first) // which cut has checked
	}
	out.Nodes, err = load(c.Nodes, siblings)
	return out, err
}

// Related resolves a relation that objects tell by a label: those that carry the value, the newest first, and their
// number when it was asked for.
func Related[T any, P edit.Object[T]](
	ctx context.Context,
	sizes page.Sizes,
	l *batch.ByLabel[T, P],
	org, value string,
	first *int,
	after *string,
) (*Of[*T], error) {
	limit, err := sizes.Of(first)
	if err != nil {
		return nil, err
	}
	asks, out := AskedOf(ctx), &Of[*T]{Nodes: []*T{}}
	if asks.Page {
		nodes, info, err := l.Page(ctx, org, value, limit, after)
		if err != nil {
			return nil, err
		}
		out.Nodes, out.PageInfo = nodes, model.PageInfo(info)
	}
	if asks.Total {
		out.TotalCount, err = l.Count(ctx, org, value)
	}
	return out, err
}
