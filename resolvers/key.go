package resolvers

import (
	"context"

	"gatehouse/graph/model"
	"gatehouse/internal/core"
	"gatehouse/internal/edit"
	"gatehouse/internal/gateway/key"
	"gatehouse/internal/turn"
	"gatehouse/resolvers/connection"
	"gatehouse/store"
)

// findKey finds a key by what its caller gives for it.
func (r *Resolver) findKey(ctx context.Context, id string, by *model.KeyIdentifier) (*core.Key, error) {
	return r.sessions.Find(ctx, tenant(ctx), id, (*key.Identifier)(by))
}

// addKey creates a key with a token.
func (r *Resolver) addKey(ctx context.Context, org, tok string, doc core.Document) (*model.CreatedKey, error) {
	k, err := r.sessions.Make(ctx, org, tok, doc)
	if err != nil {
		return nil, err
	}
	if err := r.sessions.Reserve(ctx, k); err != nil {
		return nil, r.editor.Failed(ctx, core.KeyKind, err)
	}
	return r.createKey(ctx, k, tok)
}

// putKey creates a key with a token, or replaces the one that has it.
func (r *Resolver) putKey(ctx context.Context, org, tok string, doc core.Document) (*model.CreatedKey, error) {
	k, err := r.sessions.MakeOver(ctx, org, tok, doc)
	if err != nil {
		return nil, err
	}
	if err := r.sessions.Reserve(ctx, k); err != nil {
		return nil, r.editor.Failed(ctx, core.KeyKind, err)
	}
	for try := 1; ; try++ {
		created, err := r.createKey(ctx, k, tok)
		if core.CodeOf(err) != core.CodeConflict {
			return created, err
		}
		next, err := edit.Change(ctx, r.editor, core.KeyKind, r.keys.Update, nil, func() (*core.Key, error) {
			return edit.One(ctx, core.KeyKind, r.keys.FindMany, tenant(ctx).Narrow(k.OrgID), [2]string{"id", k.ID})
		}, func(old *core.Key) (*core.Key, error) {
			r.sessions.NoteMaster(ctx, k, old)
			next := *k
			next.Meta = old.Meta
			return &next, nil
		})
		if core.CodeOf(err) == core.CodeNotFound && try < turn.Tries {
			continue // deleted in between: create it after all
		}
		if err != nil {
			return nil, err
		}
		// Its limits begin anew, as those of any new key, and gateways may have the one before in their caches.
		if err := r.sessions.Changed(ctx, next, tok, r.sessions.Anew()); err != nil {
			return nil, err
		}
		return &model.CreatedKey{Token: tok, Key: *next}, nil
	}
}

// createKey writes a new key, whose ids are its organisation's.
func (r *Resolver) createKey(ctx context.Context, k *core.Key, tok string) (*model.CreatedKey, error) {
	err := r.editor.Adding(ctx, core.KeyKind, k.OrgID, k, func() error { return r.keys.Create(ctx, k) })
	if err != nil {
		return nil, r.editor.Failed(ctx, core.KeyKind, key.Taken(k, err))
	}
	r.sessions.NoteMaster(ctx, k, nil)
	r.editor.Changed(ctx, core.ChangeCreated, core.KeyKind, &k.Meta)
	return &model.CreatedKey{Token: tok, Key: *k}, nil
}

// editKey changes the session of a key, and puts its limits where limits says.
func (r *Resolver) editKey(
	ctx context.Context,
	id string,
	by *model.KeyIdentifier,
	revision *int,
	limits key.Limits,
	change func(old *core.Key) (core.Document, error),
) (*core.Key, error) {
	var before *core.Key
	find := func() (*core.Key, error) { return r.findKey(ctx, id, by) }
	write := func(ctx context.Context, next *core.Key) error {
		err := r.sessions.Replace(ctx, next, before)
		if err == nil && next.ID != before.ID {
			r.editor.Changed(ctx, core.ChangeDeleted, core.KeyKind, &before.Meta)
		}
		return err
	}
	k, err := edit.Change(ctx, r.editor, core.KeyKind, write, revision, find, func(old *core.Key) (*core.Key, error) {
		before = old
		if err := r.sessions.MayUpdate(old, id); err != nil {
			return nil, err
		}
		doc, err := edit.Judged(ctx)(change(old))
		if err != nil {
			return nil, err
		}
		next, err := r.sessions.Change(ctx, doc, old, limits)
		return next, r.editor.Failed(ctx, core.KeyKind, err)
	})
	if err != nil {
		return nil, err
	}
	return k, r.sessions.Changed(ctx, k, id, limits)
}

func (r *Resolver) listKeys(
	ctx context.Context,
	t store.Tenant,
	first *int,
	after *string,
	filter *model.KeyFilter,
	sort *model.KeySort,
) (*model.KeyConnection, error) {
	by := connection.Sorted(sort, nil, model.KeySortCreatedAtDesc)
	c, err := connection.Listed(ctx, r.settings.Pages, r.keys, t, first, after, by, func() ([]store.Cond, error) {
		return r.sessions.Conditions(ctx, t, (*key.Filter)(filter))
	})
	return (*model.KeyConnection)(c), err
}
