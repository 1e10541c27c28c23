package resolvers

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"slices"
	"time"

	"gatehouse/graph/model"
	"gatehouse/internal/authz"
	"gatehouse/internal/core"
	"gatehouse/internal/gateway/key"
	"gatehouse/internal/reference"
	"gatehouse/internal/turn"
	"gatehouse/store"
)

var errUpdateByHash = core.Errorf(
	core.CodeForbidden,
	"the configuration forbids to update keys by hash (enable_update_key_by_hash)",
)

// findKey finds a key of the caller's by what is given for it.
func (r *Resolver) findKey(ctx context.Context, id string, by *model.KeyIdentifier) (*core.Key, error) {
	how := map[model.KeyIdentifier]key.By{model.KeyIdentifierHash: key.ByHash, model.KeyIdentifierUsername: key.ByUserName,
		model.KeyIdentifierToken: key.ByToken}
	return r.made.Find(ctx, tenant(ctx), id, how[deref(by)])
}

// keyDocument is the session that an input means, started from the stored one where there is one.
func keyDocument(in model.KeyInput, stored core.Document) (core.Document, error) {
	doc, err := base(in.Session, stored, blankKey)
	if err != nil {
		return nil, err
	}
	f := fields{doc}
	f.text("alias", in.Alias)
	f.texts("tags", in.Tags)
	f.texts("apply_policies", in.PolicyIds)
	if in.Expires != nil && in.Expires.Unix() < 1 {
		// Gateways count from 1970, and take 0 and less for never: an end in the past would be none.
		return nil, core.InField(
			"expires",
			"must be after 1970-01-01T00:00:00Z, not %s; leave it out for a key that does not end",
			in.Expires.Format(time.RFC3339),
		)
	}
	f.unix("expires", in.Expires)
	f.truth("is_inactive", in.Inactive)
	f.number("rate", in.Rate)
	f.number("per", in.Per)
	f.integer("quota_max", in.QuotaMax)
	f.integer("quota_renewal_rate", in.QuotaRenewalRate)
	if in.Rate != nil && stored == nil {
		f.number("allowance", in.Rate)
	}
	if err := f.object("meta_data", in.MetaData); err != nil {
		return nil, err
	}
	return reference.WithAccess(f.doc, in.APIIds)
}

// saveKey creates a key, or replaces the one with the same id where replacing is what was asked for.
func (r *Resolver) saveKey(ctx context.Context, k *core.Key, tok string, replace bool) (*model.CreatedKey, error) {
	k.Session = r.renewed(k.Session)
	if err := r.claims.ReserveForKey(ctx, k.OrgID, k.Session, nil); err != nil {
		return nil, r.writeError(ctx, core.KeyKind, err)
	}
	for try := 1; ; try++ {
		err := r.adding(ctx, core.KeyKind, k.OrgID, k, func() error { return r.keys.Create(ctx, k) })
		if err == nil {
			r.logOpensAll(ctx, nil, k)
			r.changed(ctx, core.ChangeCreated, core.KeyKind, &k.Meta)
			return &model.CreatedKey{Token: tok, Key: *k}, nil
		}
		if !replace && errors.Is(err, store.ErrConflict) && r.made.MadeFrom(k, k.Session.Text("certificate")) {
			return nil, key.ErrCertificateTaken
		}
		err = r.writeError(ctx, core.KeyKind, err)
		if !replace || core.CodeOf(err) != core.CodeConflict {
			return nil, err
		}
		next, err := edit(ctx, r, core.KeyKind, r.keys.Update, nil, func() (*core.Key, error) {
			return one(ctx, core.KeyKind, r.keys.FindMany, store.Org(k.OrgID), [2]string{"id", k.ID})
		}, func(old *core.Key) (*core.Key, error) {
			r.logOpensAll(ctx, old, k)
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
		return &model.CreatedKey{Token: tok, Key: *next}, nil
	}
}

// idsOfPolicy are both ids of a policy, under which keys may name it; the one that is given where there is none.
func (r *Resolver) idsOfPolicy(ctx context.Context, t store.Tenant, id string) []string {
	if p, err := r.lookUpPolicy(ctx, t, id); err == nil {
		return slices.Compact([]string{p.PolicyID, p.ID})
	}
	return []string{id}
}

// logOpensAll notes that a key became a master key. old is what it replaces, nil for a new one.
func (r *Resolver) logOpensAll(ctx context.Context, old, k *core.Key) {
	if k.OpensAll() && (old == nil || !old.OpensAll()) {
		r.log.WarnContext(
			ctx,
			"a master key is made: it opens every API of every organisation",
			slog.String("org_id", k.OrgID),
			slog.String("key_hash", key.HashOf(k)),
			slog.String("actor_id", authz.From(ctx).ID()),
		)
	}
}

// keyConditions reads a filter.
func (r *Resolver) keyConditions(ctx context.Context, t store.Tenant, f *model.KeyFilter) ([]store.Cond, error) {
	if f == nil {
		return nil, nil
	}
	where, err := r.dangling(nil, f.DanglingOnly, func() (store.Cond, error) { return r.names.DanglingKeys(ctx, t, r.keys) })
	if err != nil {
		return nil, err
	}
	if f.Q != nil && *f.Q != "" {
		where = append(where, store.AnyOf(store.Contains("id", *f.Q), store.Contains("alias", *f.Q)))
	}
	if f.ID != nil && *f.ID != "" {
		where = append(where, store.Contains("id", *f.ID))
	}
	if f.Alias != nil && *f.Alias != "" {
		where = append(where, store.Contains("alias", *f.Alias))
	}
	if f.Tag != nil {
		where = append(where, store.HasLabel("tag", *f.Tag))
	}
	if f.PolicyID != nil {
		where = append(where, store.HasLabel("policy", r.idsOfPolicy(ctx, t, *f.PolicyID)...))
	}
	if f.APIID != nil {
		id, own, err := r.openable(ctx, t, *f.APIID)
		if err != nil {
			return nil, err
		}
		cond, err := r.names.Opens(ctx, own, r.keys, id)
		if err != nil {
			return nil, err
		}
		where = append(where, cond)
	}
	// A key without an end is kept with 0.
	if at := f.ExpiresBefore; at != nil {
		where = append(where, store.Between("expires", 1, at.Add(-1).Unix()))
	}
	if at := f.ExpiresAfter; at != nil {
		where = append(where, store.Between("expires", max(1, at.Unix()+1), math.MaxInt64))
	}
	where = changedSince(where, f.UpdatedSince)
	return truth(truth(where, "inactive", f.Inactive), "basic_auth", f.BasicAuth), nil
}

// openable is the public id of an API by either id, and whose keys may open it. One that is gone has keys as long as
// anything names it by its public id.
func (r *Resolver) openable(ctx context.Context, t store.Tenant, id string) (string, store.Tenant, error) {
	a, missing := r.lookUpApi(ctx, t, id)
	if missing == nil {
		return a.ApiID, store.Org(a.OrgID), nil
	}
	if core.CodeOf(missing) != core.CodeNotFound {
		return "", t, missing
	}
	for _, naming := range []reference.Counter{r.keys, r.store.Policies} {
		if named, err := naming.CountByLabel(ctx, t, "api", id); err != nil || named[id] > 0 {
			return id, t, err
		}
	}
	return "", t, missing
}

// editKey changes the session of a key. reset starts its quota and rate anew.
func (r *Resolver) editKey(
	ctx context.Context,
	id string,
	by *model.KeyIdentifier,
	revision *int,
	reset bool,
	change func(old *core.Key) (core.Document, error),
) (*core.Key, error) {
	var before *core.Key
	find := func() (*core.Key, error) { return r.findKey(ctx, id, by) }
	write := func(ctx context.Context, next *core.Key) error {
		err := r.made.Replace(ctx, next, before)
		if err == nil && next.ID != before.ID {
			r.forgotten(before, before.ID)
			r.changed(ctx, core.ChangeDeleted, core.KeyKind, &before.Meta)
		}
		return err
	}
	k, err := edit(ctx, r, core.KeyKind, write, revision, find,
		func(old *core.Key) (*core.Key, error) {
			before = old
			if key.IsHash(old, id) && !r.settings.UpdateByHash {
				return nil, errUpdateByHash
			}
			doc, err := change(old)
			if err != nil {
				return nil, err
			}
			next, err := r.made.Make(ctx, old.OrgID, "", doc, old)
			if err != nil || next.Session.Equal(old.Session) {
				return nil, err
			}
			if err := r.claims.ReserveForKey(ctx, old.OrgID, next.Session, old.Session); err != nil {
				return nil, r.writeError(ctx, core.KeyKind, err)
			}
			if reset {
				next.Session = r.renewed(next.Session)
			} else {
				next.Session = r.continued(next.Session, old.Session)
			}
			r.logOpensAll(ctx, old, next)
			return next, nil
		})
	if err != nil || r.space == nil {
		return k, err
	}
	if reset {
		if err := r.space.ResetQuota(ctx, k); err != nil {
			return nil, err
		}
	}
	r.forgotten(k, id)
	return k, nil
}

func (r *Resolver) listKeys(
	ctx context.Context,
	t store.Tenant,
	first *int,
	after *string,
	filter *model.KeyFilter,
	sort *model.KeySort,
) (*model.KeyConnection, error) {
	q, err := r.query(ctx, t, first, after)
	if err != nil {
		return nil, err
	}
	if q.Where, err = r.keyConditions(ctx, t, filter); err != nil {
		return nil, err
	}
	by := sorted(sort, nil, model.KeySortCreatedAtDesc)
	q.Sort, q.Desc = by.field, by.desc
	c, err := list(ctx, r.keys, q)
	return (*model.KeyConnection)(c), err
}
