package store

import (
	"context"
	"iter"
	"log/slog"

	"gatehouse/internal/core"
)

// Objects is a Repository of whichever kind: for what is done with all of them.
type Objects interface {
	// Kind is what is kept.
	Kind() *core.Kind
	// Count returns how many of the tenant match.
	Count(ctx context.Context, t Tenant, where ...Cond) (int, error)
	// Bytes returns how long the documents of the tenant are together.
	Bytes(ctx context.Context, t Tenant) (int64, error)
	// DeletingAll returns the writes that delete all of the tenant's, and their ids. What is created later is not among them.
	DeletingAll(ctx context.Context, t Tenant) (writes []Change, ids []string, err error)

	forgetAll()
	reindex(ctx context.Context, log *slog.Logger) error
}

// Of is the repository of a kind, one of core.Kinds.
func (s *Store) Of(k *core.Kind) Objects { return s.repositories[k] }

// all are the repositories, in the order of core.Kinds.
func (s *Store) all() []Objects {
	var out []Objects
	for _, k := range core.Kinds() {
		out = append(out, s.repositories[k])
	}
	return out
}

// Kind is what the repository keeps.
func (r *Repository[T]) Kind() *core.Kind { return r.kind.of }

// pageOfAll is how many objects All reads at once, where the query does not say.
const pageOfAll = 500

// Pages reads what matches a query page by page, each with the cursor of its last object, until there is no more, or the loop ends. A
// page that cannot be read is nil, with the error, and the last. What changes meanwhile may be among them or not.
func (r *Repository[T]) Pages(ctx context.Context, q Query) iter.Seq2[*List[T], error] {
	return pages(ctx, q, r.List)
}

// All reads the objects that match a query, as Pages does.
func (r *Repository[T]) All(ctx context.Context, q Query) iter.Seq2[*T, error] {
	return All(ctx, q, r.List)
}

// All reads all that a list has, one page after the other. An error comes with no object, and is the last.
func All[T any](ctx context.Context, q Query, list func(context.Context, Query) (*List[T], error)) iter.Seq2[*T, error] {
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

func pages[T any](ctx context.Context, q Query, list func(context.Context, Query) (*List[T], error)) iter.Seq2[*List[T], error] {
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

// DeletingAll is as Objects says.
func (r *Repository[T]) DeletingAll(ctx context.Context, t Tenant) (writes []Change, ids []string, err error) {
	for object, err := range r.All(ctx, Query{Tenant: t, IDsOnly: true}) {
		if err != nil {
			return nil, nil, err
		}
		writes, ids = append(writes, r.Deleting(object)), append(ids, r.kind.meta(object).ID)
	}
	return writes, ids, nil
}

func (r *Repository[T]) forgetAll() { r.cache.forget() }

func (r *Repository[T]) reindex(ctx context.Context, log *slog.Logger) error {
	return reindex(ctx, r.store, r, log)
}
