package resolvers

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"gatehouse/internal/authz"
	"gatehouse/internal/core"
	"gatehouse/internal/limits"
	"gatehouse/internal/turn"
	"gatehouse/store"
)

// object is a pointer to one of the stored types.
type object[T any] interface {
	*T
	core.Object
}

// edit changes one object. find reads it, past the read cache; change returns what it shall be, or nil when nothing
// changes, and update writes that where the revision is still the one that was read. With a revision, a stale one gets CodeStale; without, the last write wins. What is returned is stored and
// announced.
func edit[T any, P object[T]](ctx context.Context, r *Resolver, kind *core.Kind,
	update func(ctx context.Context, next *T) error, revision *int, find func() (*T, error), change func(old *T) (*T, error)) (*T, error) {
	racer := r.turns.Racer()
	defer racer.End()
	for try := 1; ; try++ {
		old, err := find()
		if err != nil {
			return nil, err
		}
		if err := fresh(P(old).Base(), revision); err != nil {
			return nil, err
		}
		next, err := change(old)
		if err != nil {
			return nil, err
		}
		if next == nil {
			return old, nil
		}
		longer := []limits.Addition{{Org: P(next).Base().OrgID, Bytes: P(next).Size() - P(old).Size()}}
		switch err := r.within(ctx, longer, func() error { return update(ctx, next) }); {
		case err == nil:
			r.changed(ctx, core.ChangeUpdated, kind, P(next).Base())
			return next, nil
		case errors.Is(err, store.ErrStale) && revision == nil && try < turn.Tries:
			if err := racer.Again(ctx, try, P(old).Base().ID); err != nil {
				return nil, err
			}
		default:
			return nil, r.writeError(ctx, kind, err)
		}
	}
}

// remove deletes one object; the rest is as in edit.
func remove[T any, P object[T]](
	ctx context.Context,
	r *Resolver,
	kind *core.Kind,
	del func(ctx context.Context, old *T) error,
	revision *int,
	find func() (*T, error),
) (*T, error) {
	racer := r.turns.Racer()
	defer racer.End()
	for try := 1; ; try++ {
		old, err := find()
		if err != nil {
			return nil, err
		}
		if err := fresh(P(old).Base(), revision); err != nil {
			return nil, err
		}
		switch err := del(ctx, old); {
		case err == nil:
			r.quota.Note(P(old).Base().OrgID, -P(old).Size())
			r.changed(ctx, core.ChangeDeleted, kind, P(old).Base())
			return old, nil
		case errors.Is(err, store.ErrStale) && revision == nil && try < turn.Tries:
			if err := racer.Again(ctx, try, P(old).Base().ID); err != nil {
				return nil, err
			}
		default:
			return nil, r.writeError(ctx, kind, err)
		}
	}
}

// judged has a document that a call leads to judged by the rules in force, which may change it: between what makes it
// of what a caller gave, and what checks it. Every change of a document goes through here; store.MayWrite holds that.
func judged(ctx context.Context) func(doc core.Document, err error) (core.Document, error) {
	return func(doc core.Document, err error) (core.Document, error) {
		if err != nil {
			return nil, err
		}
		return authz.Judged(ctx, doc)
	}
}

// adding makes a write that adds one object of a type, where its organisation may have it.
func (r *Resolver) adding(ctx context.Context, kind *core.Kind, org string, object core.Object, write func() error) error {
	return r.within(ctx, []limits.Addition{{Org: org, Kind: kind, Objects: 1, Bytes: object.Size()}}, write)
}

// within makes a write where the organisations are there, and may have what it adds.
func (r *Resolver) within(ctx context.Context, additions []limits.Addition, write func() error) error {
	if err := store.MayWrite(ctx); err != nil {
		return err
	}
	return r.quota.Within(ctx, additions, func() error {
		return r.organisations.AddTo(ctx, limits.Gaining(additions), write)
	})
}

func fresh(m *core.Meta, revision *int) error {
	if revision == nil || int64(*revision) == m.Revision {
		return nil
	}
	return core.Errorf(
		core.CodeStale,
		"the object is at revision %d, not %d: read it again, and make the change to what you find",
		m.Revision,
		*revision,
	)
}

// one makes a finder of an object past the read cache.
func one[T any](
	ctx context.Context,
	kind *core.Kind,
	find func(ctx context.Context, t store.Tenant, unique string, ids []string) ([]*T, error),
	t store.Tenant,
	lookups ...[2]string,
) (*T, error) {
	for _, l := range lookups {
		if l[1] == "" {
			continue
		}
		found, err := find(ctx, t, l[0], []string{l[1]})
		if err != nil {
			return nil, err
		}
		if len(found) > 0 {
			return found[0], nil
		}
	}
	return nil, core.NotFound(kind)
}

// hidden turns the store's not-found into "no object": GraphQL fields that look one object up are null then.
func hidden[T any](object *T, err error) (*T, error) {
	if core.CodeOf(err) == core.CodeNotFound || errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return object, err
}

// writeError says what stood in the way of a write.
func (r *Resolver) writeError(ctx context.Context, kind *core.Kind, err error) error {
	var taken *store.ConflictError
	switch {
	case errors.Is(err, store.ErrStale):
		return core.Wrap(core.CodeStale, err, "the %s changed, or went, while it was being written: read it again", kind.Word)
	case !errors.As(err, &taken):
		return err
	}
	conflict, ok := core.KindIn(taken.Collection).Conflicts[taken.Unique]
	switch {
	case !ok:
		return core.Wrap(core.CodeConflict, err, "another %s has the same ID", kind.Word).In("id")
	case strings.Contains(conflict.Message, "%s"):
		return core.Wrap(core.CodeConflict, err, conflict.Message, r.apiName(ctx, taken.OtherID)).In(conflict.Field)
	}
	return core.Wrap(core.CodeConflict, err, "%s", conflict.Message).In(conflict.Field)
}

// apiName names the API that holds what the caller wanted; only one of the caller's own organisation.
func (r *Resolver) apiName(ctx context.Context, id string) string {
	a, err := r.store.Apis.Find(ctx, tenant(ctx), id)
	if err != nil {
		return "that was there first"
	}
	return a.NameAndID()
}

// order is how a list is sorted: a field of the store, and whether backwards.
type order struct {
	field string
	desc  bool
}

// sorted reads the sort of a list, in the words of its enum: what its fields are in the store, with _DESC for
// backwards. otherwise is the one that holds without any.
func sorted[T ~string](sort *T, fields map[string]string, otherwise T) order {
	name, desc := strings.CutSuffix(string(*cmp.Or(sort, &otherwise)), "_DESC")
	return order{cmp.Or(fields[name], strings.ToLower(name)), desc}
}

// did is the answer of a mutation that has nothing to show: true, or the error alone.
func did(err error) (*bool, error) {
	if err != nil {
		return nil, err
	}
	return new(true), nil
}

// deref is what an optional argument holds, "" when it is absent.
func deref[T ~string](s *T) T {
	if s == nil {
		return ""
	}
	return *s
}
