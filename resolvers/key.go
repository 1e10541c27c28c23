package resolvers

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"gatehouse/graph/model"
	"gatehouse/internal/authz"
	"gatehouse/internal/core"
	"gatehouse/internal/gateway/token"
	"gatehouse/internal/reference"
	"gatehouse/internal/secret"
	"gatehouse/internal/turn"
	"gatehouse/store"
)

var errUpdateByHash = core.Errorf(
	core.CodeForbidden,
	"the configuration forbids to update keys by hash (enable_update_key_by_hash)",
)

// findKey finds a key by what its caller gives for it: the names under which the session may be kept, the likeliest
// first.
func (r *Resolver) findKey(ctx context.Context, id string, by *model.KeyIdentifier) (*core.Key, error) {
	if id == "" || len(id) > 1024 {
		return nil, core.NotFound(core.KeyKind)
	}
	t := tenant(ctx)
	org := t.OrgID()
	if parsed, err := token.Parse(id); err == nil && t.IsAll() {
		org = parsed.Org
	}
	how := model.KeyIdentifierAuto
	if by != nil {
		how = *by
	}
	var names []string
	if how != model.KeyIdentifierHash {
		if how == model.KeyIdentifierUsername && r.settings.NoKeyByUsername {
			return nil, core.Errorf(
				core.CodeForbidden,
				"the configuration forbids to find keys by user name (disable_key_actions_by_username)",
			)
		}
		for _, tok := range token.Tokens(org, id) {
			names = append(names, token.Hash(tok))
			if !r.settings.HashKeys {
				names = append(names, tok)
			}
		}
	}
	if how == model.KeyIdentifierHash || how == model.KeyIdentifierAuto {
		names = append(names, id)
	}
	found, err := r.keys.FindMany(ctx, t, "id", names)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		for _, k := range found {
			if k.ID == name {
				return k, nil
			}
		}
	}
	if how == model.KeyIdentifierHash || how == model.KeyIdentifierAuto {
		// Keys that were made while hashing was off are kept by their token, and found by its hash through the index.
		l, err := r.keys.List(ctx, store.Query{Tenant: t, Where: []store.Cond{store.HasLabel("hash", id)}, Limit: 1})
		if err != nil {
			return nil, err
		}
		if len(l.Objects) > 0 {
			return l.Objects[0], nil
		}
	}
	return nil, core.NotFound(core.KeyKind)
}

// byHash tells whether an id is the hash of the key that it found, rather than its token.
func byHash(k *core.Key, id string) bool { return id == hashOf(k) }

// hashOf is the hash of a key's token: its id, except for keys that are kept by their token.
func hashOf(k *core.Key) string {
	if token.LooksHashed(k.ID) {
		return k.ID
	}
	return token.Hash(k.ID)
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

// newKey makes a key of a session that came from outside: what it newly names must exist in the organisation, a password
// becomes a hash. tok is its token, "" for a key that is only changed. old is what it replaces, nil for a new one.
func (r *Resolver) newKey(ctx context.Context, org, tok string, doc core.Document, old *core.Key) (*core.Key, error) {
	draft, err := core.ParseSession(doc)
	if err != nil {
		return nil, err
	}
	doc, policies, err := r.keyNames(ctx, org, doc, draft, old)
	if err != nil {
		return nil, err
	}
	if len(draft.ApiIDs)+len(draft.PolicyIDs) == 0 {
		if err := r.sharing.MasterKey(ctx, old); err != nil {
			return nil, err
		}
	}
	if doc, err = doc.Owned("", "org_id", org); err != nil {
		return nil, err
	}
	if doc, err = r.withPassword(r.dated(doc, policies, old), old); err != nil {
		return nil, err
	}
	if _, err := r.settings.Rules.CheckSession(doc); err != nil {
		return nil, err
	}
	k := core.NewKey(r.keyMeta(org, tok, doc, old), doc)
	var before []core.CertificateRef
	if old != nil {
		before = old.CertificateRefs()
	}
	if err := r.sharing.Certificates(ctx, org, k.CertificateRefs(), before); err != nil {
		return nil, err
	}
	if hash := hashOf(k); hash != k.ID {
		k.Hash = hash
	}
	return k, nil
}

// keyNames looks up what a session names, and returns it with the names of its APIs, and with the ids of policies under
// which gateways know them. It refuses names of nothing that old, what the session replaces, does not have.
func (r *Resolver) keyNames(
	ctx context.Context,
	org string,
	doc core.Document,
	draft, old *core.Key,
) (core.Document, []*core.Policy, error) {
	had := &core.Key{}
	if old != nil {
		had = old
	}
	doc, missing, err := r.names.Described(ctx, org, doc, draft.ApiIDs)
	if err != nil {
		return nil, nil, err
	}
	if err := core.MissingApis(core.Added(missing, had.ApiIDs)); err != nil {
		return nil, nil, err
	}
	if err := r.names.MetaPolicies(ctx, org, doc, had.Session, draft.ApiIDs); err != nil {
		return nil, nil, err
	}
	policies, err := r.names.Policies(ctx, org, draft.PolicyIDs)
	if err != nil {
		return nil, nil, err
	}
	if err := core.MissingPolicies(core.Added(policies.Missing, had.PolicyIDs)); err != nil {
		return nil, nil, err
	}
	return doc.WithPolicyIDs(policies.Known), policies.Found, nil
}

// dated is a session with when it was made and, of a new one, when it ends by its policies.
func (r *Resolver) dated(doc core.Document, policies []*core.Policy, old *core.Key) core.Document {
	f := fields{doc}
	if old == nil {
		f.doc = r.withExpiry(doc, policies)
		f.absent("date_created", strconv.Quote(r.store.Now().Format(time.RFC3339)))
	} else if created := old.Session.Get("date_created"); created.Exists() {
		f.absent("date_created", created.Raw)
	}
	return f.doc
}

// keyMeta is the name of a key. One that was made from a certificate, under which gateways find it by what a client
// shows them, follows the certificate.
func (r *Resolver) keyMeta(org, tok string, doc core.Document, old *core.Key) core.Meta {
	if old != nil {
		was, is := old.Session.Text("certificate"), doc.Text("certificate")
		if was == is || is == "" || !r.madeFrom(old, was) {
			return old.Meta
		}
		tok = token.Custom(org, is, r.settings.HashFunction)
	}
	meta := core.Meta{OrgID: org, ID: tok}
	if r.settings.HashKeys {
		meta.ID = token.Hash(tok)
	}
	return meta
}

// madeFrom tells whether the name of a key was made from a certificate.
func (r *Resolver) madeFrom(k *core.Key, certificate string) bool {
	return certificate != "" && slices.ContainsFunc(token.Tokens(k.OrgID, certificate), func(tok string) bool {
		return k.ID == tok || k.ID == token.Hash(tok)
	})
}

var errCertificateTaken = core.Errorf(
	core.CodeConflict,
	"another key is for this certificate, and gateways find one key by it: change or delete that one, or give another certificate",
).In(
	"certificate",
)

// replaceKey writes a key over old, where need be under the name that follows from it now.
func (r *Resolver) replaceKey(ctx context.Context, next, old *core.Key) error {
	if next.ID == old.ID {
		return r.keys.Update(ctx, next)
	}
	if err := core.CheckCustomKey("certificate", next.Session.Text("certificate")); err != nil {
		return err
	}
	// The new one comes first: whoever has a certificate for a key is never without one that says so.
	err := r.keys.Create(ctx, next)
	if errors.Is(err, store.ErrConflict) {
		return errCertificateTaken
	}
	if err != nil {
		return err
	}
	if err := r.keys.Delete(ctx, old); err != nil {
		if undo := r.keys.Delete(ctx, next); undo != nil {
			r.log.WarnContext(ctx, "a key was left under two names", slog.String("key", old.ID), slog.Any("error", undo))
		}
		return err
	}
	r.forgotten(old, old.ID)
	r.changed(ctx, core.ChangeDeleted, core.KeyKind, &old.Meta)
	return nil
}

// withExpiry ends a new key that says nothing about its end after the shortest life that its policies give.
func (r *Resolver) withExpiry(doc core.Document, policies []*core.Policy) core.Document {
	if doc.Get("expires").Int() != 0 {
		return doc
	}
	var life int64
	for _, p := range policies {
		if p.KeyExpiresIn > 0 && (life == 0 || p.KeyExpiresIn < life) {
			life = p.KeyExpiresIn
		}
	}
	if life == 0 {
		return doc
	}
	return doc.Set("expires", core.After(r.store.Now().Unix(), life))
}

// withPassword hashes the password of a basic-auth user. An empty one, which is what answers show, keeps the stored
// one.
func (r *Resolver) withPassword(doc core.Document, old *core.Key) (core.Document, error) {
	const path = "basic_auth_data.password"
	given := doc.Get(path)
	if given.Type != gjson.String {
		if old != nil && old.BasicAuth && !doc.Get("basic_auth_data").Exists() {
			return doc.SetRaw("basic_auth_data", []byte(old.Session.Get("basic_auth_data").Raw)), nil
		}
		return doc, nil
	}
	if given.Str == "" {
		if old == nil || !old.BasicAuth {
			return doc, nil
		}
		return doc.Set(path, old.Session.Text(path)).Set("basic_auth_data.hash_type", "bcrypt"), nil
	}
	if old != nil && given.Str == old.Session.Text(path) {
		return doc, nil
	}
	if len(given.Str) > core.MaxPasswordLength {
		return nil, core.InField("basic_auth_data.password", "must have at most %d bytes", core.MaxPasswordLength)
	}
	hash, err := secret.HashPassword(given.Str, r.settings.PasswordCost)
	if err != nil {
		return nil, err
	}
	return doc.Set(path, hash).Set("basic_auth_data.hash_type", "bcrypt"), nil
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
		if !replace && errors.Is(err, store.ErrConflict) && r.madeFrom(k, k.Session.Text("certificate")) {
			return nil, errCertificateTaken
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
			slog.String("key_hash", hashOf(k)),
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
		cond, err := r.opens(ctx, own, id)
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

const (
	// policiesAtOnce is how many policies are read at a time for their ids: some have a megabyte.
	policiesAtOnce = 100
	// maxOpening is how many policies a search for the keys that they open an API to takes: what every engine finds in one
	// statement.
	maxOpening = 8000
)

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

// opens is the condition that a key gives access to an API: its own rights name it, or those of a policy that it
// applies.
func (r *Resolver) opens(ctx context.Context, own store.Tenant, apiID string) (store.Cond, error) {
	cond := store.HasLabel("api", apiID)
	var ids []string
	for p, err := range r.store.Policies.All(ctx, store.Query{Tenant: own, Where: []store.Cond{cond}, Limit: policiesAtOnce}) {
		if err != nil {
			return cond, err
		}
		ids = append(ids, strings.Clone(p.PolicyID))
		if p.ID != p.PolicyID {
			ids = append(ids, p.ID)
		}
	}
	if len(ids) == 0 {
		return cond, nil
	}
	// Only those that any key applies say anything, and of most APIs they are few.
	applied, err := r.keys.CountByLabel(ctx, own, "policy", ids...)
	if err != nil {
		return cond, err
	}
	ids = slices.DeleteFunc(ids, func(id string) bool { return applied[id] == 0 })
	switch {
	case len(ids) == 0:
		return cond, nil
	case len(ids) > maxOpening:
		return cond, core.Errorf(
			core.CodeLimit,
			"%d policies that keys apply give access to the API, more than one search takes: search by policy",
			len(ids),
		)
	}
	return store.AnyOf(cond, store.HasLabel("policy", ids...)), nil
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
	write := func(ctx context.Context, next *core.Key) error { return r.replaceKey(ctx, next, before) }
	k, err := edit(ctx, r, core.KeyKind, write, revision, find,
		func(old *core.Key) (*core.Key, error) {
			before = old
			if byHash(old, id) && !r.settings.UpdateByHash {
				return nil, errUpdateByHash
			}
			doc, err := change(old)
			if err != nil {
				return nil, err
			}
			next, err := r.newKey(ctx, old.OrgID, "", doc, old)
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
