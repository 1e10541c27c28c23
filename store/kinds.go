package store

import (
	"context"
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
	// DeletingAll returns the writes that delete all of the tenant's, and their ids. What is created later is not among
	// them.
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
