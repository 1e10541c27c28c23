package store

import (
	"context"
	"iter"
)

// pageOfAll is how many objects All reads at once, where the query does not say.
const pageOfAll = 500

// Pages reads what matches a query page by page, each with the cursor of its last object, until there is no more, or
// the loop ends. A page that cannot be read is nil, with the error, and the last. What changes meanwhile may be among
// them or not.
func (r *Repository[T]) Pages(ctx context.Context, q Query) iter.Seq2[*List[T], error] {
	return pages(ctx, q, r.List)
}

// All reads the objects that match a query, as Pages does.
func (r *Repository[T]) All(ctx context.Context, q Query) iter.Seq2[*T, error] {
	return All(ctx, q, r.List)
}

// All reads all that a list has, one page after the other. An error comes with no object, and is the last.
func All[T any](
	ctx context.Context,
	q Query,
	list func(context.Context, Query) (*List[T], error),
) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		for page, err := range pages(ctx, q, list) {
			if err != nil {
				yield(nil, err)
				return
			}
			for _, object := range page.Objects {
				if !yield(object, nil) {
					return
				}
			}
		}
	}
}

func pages[T any](
	ctx context.Context,
	q Query,
	list func(context.Context, Query) (*List[T], error),
) iter.Seq2[*List[T], error] {
	if q.Limit == 0 {
		q.Limit = pageOfAll
	}
	if q.Sort == "" {
		q.Sort = "id"
	}
	return func(yield func(*List[T], error) bool) {
		for {
			page, err := list(ctx, q)
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(page, nil) || !page.More {
				return
			}
			q.After = page.Cursors[len(page.Cursors)-1]
		}
	}
}
