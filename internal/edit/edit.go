// Package edit makes changes of objects: the loop that all of them go through, whatever the object, and what the
// callers and the listeners are told of them.
package edit

import (
	"context"
	"errors"
	"strings"
	"time"

	"gatehouse/internal/authz"
	"gatehouse/internal/changes"
	"gatehouse/internal/core"
	"gatehouse/internal/limits"
	"gatehouse/internal/trail"
	"gatehouse/internal/turn"
	"gatehouse/store"
)

// Organisations says which organisations there are to add to.
type Organisations interface {
	// AddTo makes a write where the organisations are there, and stay while it is made.
	AddTo(ctx context.Context, orgs []string, write func() error) error
}

// Options are what an Editor stands on.
type Options struct {
	Store *store.Store
	// Quota holds organisations to what they may keep.
	Quota         *limits.Quota
	Organisations Organisations
	// Broker hears of every change.
	Broker *changes.Broker
	// Tenant is what a caller sees.
	Tenant func(ctx context.Context) store.Tenant
	// May refuses what a caller may not make of an object; old is nil for a new one.
	May func(ctx context.Context, next, old core.Object) error
}

// Editor makes changes. It is safe for use by several goroutines.
type Editor struct {
	options Options
	// turns are those of objects that several change at once.
	turns turn.Turns
}

// New makes an Editor.
func New(o Options) *Editor { return &Editor{options: o} }

// Racer is one of several who change the same objects at once.
func (e *Editor) Racer() *turn.Racer { return e.turns.Racer() }

// Object is a pointer to one of the stored types.
type Object[T any] interface {
	*T
	core.Object
}

// Change changes one object. find reads it, past the read cache; change returns what it shall be, or nil when nothing
// changes, and update writes that where the revision is still the one that was read. With a revision, a stale one gets
// CodeStale; without, the last write wins. What is returned is stored and announced.
func Change[T any, P Object[T]](
	ctx context.Context,
	e *Editor,
	kind *core.Kind,
	update func(ctx context.Context, next *T) error,
	revision *int,
	find func() (*T, error),
	change func(old *T) (*T, error),
) (*T, error) {
	racer := e.turns.Racer()
	defer racer.End()
	for try := 1; ; try++ {
		old, err := find()
		if err != nil {
			return nil, err
		}
		if err := Fresh(P(old).Base(), revision); err != nil {
			return nil, err
		}
		next, err := change(old)
		if err != nil {
			return nil, err
		}
		if next == nil {
			return old, nil
		}
		if err := e.options.May(ctx, P(next), P(old)); err != nil {
			return nil, err
		}
		trail.Touch(ctx, kind, P(old), P(next))
		longer := []limits.Addition{{Org: P(next).Base().OrgID, Bytes: P(next).Size() - P(old).Size()}}
		switch err := e.Within(ctx, longer, func() error { return update(ctx, next) }); {
		case err == nil:
			e.Changed(ctx, core.ChangeUpdated, kind, P(next).Base())
			return next, nil
		case errors.Is(err, store.ErrStale) && revision == nil && try < turn.Tries:
			if err := racer.Again(ctx, try, P(old).Base().ID); err != nil {
				return nil, err
			}
		default:
			return nil, e.Failed(ctx, kind, err)
		}
	}
}

// Remove deletes one object; the rest is as in Change.
func Remove[T any, P Object[T]](
	ctx context.Context,
	e *Editor,
	kind *core.Kind,
	del func(ctx context.Context, old *T) error,
	revision *int,
	find func() (*T, error),
) (*T, error) {
	racer := e.turns.Racer()
	defer racer.End()
	for try := 1; ; try++ {
		old, err := find()
		if err != nil {
			return nil, err
		}
		if err := Fresh(P(old).Base(), revision); err != nil {
			return nil, err
		}
		trail.Touch(ctx, kind, P(old), nil)
		switch err := del(ctx, old); {
		case err == nil:
			e.options.Quota.Note(P(old).Base().OrgID, -P(old).Size())
			e.Changed(ctx, core.ChangeDeleted, kind, P(old).Base())
			return old, nil
		case errors.Is(err, store.ErrStale) && revision == nil && try < turn.Tries:
			if err := racer.Again(ctx, try, P(old).Base().ID); err != nil {
				return nil, err
			}
		default:
			return nil, e.Failed(ctx, kind, err)
		}
	}
}

// Judged has a document that a call leads to judged by the rules in force, which may change it: between what makes it
// of what a caller gave, and what checks it. Every change of a document goes through here; store.MayWrite holds that.
func Judged(ctx context.Context) func(doc core.Document, err error) (core.Document, error) {
	return func(doc core.Document, err error) (core.Document, error) {
		if err != nil {
			return nil, err
		}
		return authz.Judged(ctx, doc)
	}
}

// Adding makes a write that adds one object of a type, where its organisation may have it.
func (e *Editor) Adding(
	ctx context.Context, kind *core.Kind, org string, object core.Object, write func() error,
) error {
	if err := e.options.May(ctx, object, nil); err != nil {
		return err
	}
	trail.Touch(ctx, kind, nil, object)
	return e.Within(ctx, []limits.Addition{{Org: org, Kind: kind, Objects: 1, Bytes: object.Size()}}, write)
}

// Within makes a write where the organisations are there, and may have what it adds.
func (e *Editor) Within(ctx context.Context, additions []limits.Addition, write func() error) error {
	if err := store.MayWrite(ctx); err != nil {
		return err
	}
	return e.options.Quota.Within(ctx, additions, func() error {
		return e.options.Organisations.AddTo(ctx, limits.Gaining(additions), write)
	})
}

// Fresh refuses, with CodeStale, what is no longer at the revision that a caller named.
func Fresh(m *core.Meta, revision *int) error {
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

// One finds the object that the first of lookups finds, a unique value and what it holds, past the read cache.
func One[T any](
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

// Hidden turns the store's not-found into "no object": GraphQL fields that look one object up are null then.
func Hidden[T any](object *T, err error) (*T, error) {
	if core.CodeOf(err) == core.CodeNotFound || errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return object, err
}

// Failed says what stood in the way of a write.
func (e *Editor) Failed(ctx context.Context, kind *core.Kind, err error) error {
	var taken *store.ConflictError
	switch {
	case errors.Is(err, store.ErrStale):
		return core.Wrap(
			core.CodeStale, err, "the %s changed, or went, while it was being written: read it again", kind.Word,
		)
	case !errors.As(err, &taken):
		return err
	}
	conflict, ok := core.KindIn(taken.Collection).Conflicts[taken.Unique]
	switch {
	case !ok:
		return core.Wrap(core.CodeConflict, err, "another %s has the same ID", kind.Word).In("id")
	case strings.Contains(conflict.Message, "%s"):
		return core.Wrap(core.CodeConflict, err, conflict.Message, e.apiName(ctx, taken.OtherID)).In(conflict.Field)
	}
	return core.Wrap(core.CodeConflict, err, "%s", conflict.Message).In(conflict.Field)
}

// apiName names the API that holds what the caller wanted; only one of the caller's own organisation.
func (e *Editor) apiName(ctx context.Context, id string) string {
	a, err := e.options.Store.Apis.Find(ctx, e.options.Tenant(ctx), id)
	if err != nil {
		return "that was there first"
	}
	return a.NameAndID()
}

// Changed tells the listeners what a finished write did.
func (e *Editor) Changed(ctx context.Context, what core.ChangeKind, kind *core.Kind, m *core.Meta) {
	e.options.Broker.Publish(&core.Change{Kind: what, Object: kind.Name, ID: m.ID, OrgID: m.OrgID, Revision: m.Revision,
		At: e.options.Store.Now().Truncate(time.Microsecond), ActorID: authz.From(ctx).ID()})
}
