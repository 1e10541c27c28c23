// Package key makes the keys of callers and finds them: what a session that came from outside may say, the names under
// which gateways look for it, and by what people name it. What is done with one, and who may, is up to the use cases.
package key

import (
	"context"
	"log/slog"
	"strconv"
	"time"

	"github.com/tidwall/gjson"

	"gatehouse/internal/core"
	"gatehouse/internal/gateway/definition"
	"gatehouse/internal/gateway/sharing"
	"gatehouse/internal/reference"
	"gatehouse/internal/secret"
	"gatehouse/store"
)

// Space is where the sessions live, with the index that finds them.
type Space interface {
	FindMany(ctx context.Context, t store.Tenant, unique string, ids []string) ([]*core.Key, error)
	List(ctx context.Context, q store.Query) (*store.List[core.Key], error)
	Create(ctx context.Context, k *core.Key) error
	Update(ctx context.Context, k *core.Key) error
	Delete(ctx context.Context, k *core.Key) error
}

// Options are what keys are made by.
type Options struct {
	Space   Space
	Names   *reference.Names
	Sharing *sharing.Judge
	Rules   definition.Rules
	Now     func() time.Time
	Log     *slog.Logger
	// Hashed keeps the hash of a token in the place of the token; Function is the one for new tokens.
	Hashed   bool
	Function string
	// PasswordCost is the bcrypt cost of new passwords.
	PasswordCost int
	// NoUserNames refuses to find basic-auth users by their name.
	NoUserNames bool
}

// Keys makes keys and finds them. It is safe for concurrent use.
type Keys struct{ Options }

// New makes one.
func New(o Options) *Keys { return &Keys{o} }

// Make makes a key of a session that came from outside: what it newly names must exist in the organisation, a password
// becomes a hash. tok is its token, "" for a key that is only changed. old is what it replaces, nil for a new one.
func (ks *Keys) Make(ctx context.Context, org, tok string, doc core.Document, old *core.Key) (*core.Key, error) {
	return ks.make(ctx, org, tok, doc, old, old)
}

// MakeOver makes a new key, as Make does, which takes the place of the one that has its token, if there is one: what
// that names without it being there, the new one may name, too.
func (ks *Keys) MakeOver(ctx context.Context, org, tok string, doc core.Document) (*core.Key, error) {
	over, err := ks.Find(ctx, store.Org(org), tok, ByToken)
	if err != nil && core.CodeOf(err) != core.CodeNotFound {
		return nil, err
	}
	return ks.make(ctx, org, tok, doc, nil, over)
}

func (ks *Keys) make(
	ctx context.Context,
	org, tok string,
	doc core.Document,
	old, over *core.Key,
) (*core.Key, error) {
	draft, err := core.ParseSession(doc)
	if err != nil {
		return nil, err
	}
	doc, policies, err := ks.names(ctx, org, doc, draft, over)
	if err != nil {
		return nil, err
	}
	if len(draft.ApiIDs)+len(draft.PolicyIDs) == 0 {
		if err := ks.Sharing.MasterKey(ctx, old); err != nil {
			return nil, err
		}
	}
	if doc, err = doc.Owned("", "org_id", org); err != nil {
		return nil, err
	}
	if doc, err = ks.withPassword(ks.dated(doc, policies, old), old); err != nil {
		return nil, err
	}
	if _, err := ks.Rules.CheckSession(doc); err != nil {
		return nil, err
	}
	k := core.NewKey(ks.meta(org, tok, doc, old), doc)
	var before []core.CertificateRef
	if old != nil {
		before = old.CertificateRefs()
	}
	if err := ks.Sharing.Certificates(ctx, org, k.CertificateRefs(), before); err != nil {
		return nil, err
	}
	if hash := HashOf(k); hash != k.ID {
		k.Hash = hash
	}
	return k, nil
}

// names looks up what a session names, and returns it with the names of its APIs, and with the ids of policies under
// which gateways know them. It refuses names of nothing that old, what the session replaces, does not have.
func (ks *Keys) names(
	ctx context.Context,
	org string,
	doc core.Document,
	draft, old *core.Key,
) (core.Document, []*core.Policy, error) {
	had := &core.Key{}
	if old != nil {
		had = old
	}
	doc, missing, err := ks.Names.Described(ctx, org, doc, draft.ApiIDs)
	if err != nil {
		return nil, nil, err
	}
	if err := core.MissingApis(core.Added(missing, had.ApiIDs)); err != nil {
		return nil, nil, err
	}
	if err := ks.Names.MetaPolicies(ctx, org, doc, had.Session, draft.ApiIDs); err != nil {
		return nil, nil, err
	}
	policies, err := ks.Names.Policies(ctx, org, draft.PolicyIDs)
	if err != nil {
		return nil, nil, err
	}
	if err := core.MissingPolicies(core.Added(policies.Missing, had.PolicyIDs)); err != nil {
		return nil, nil, err
	}
	return doc.WithPolicyIDs(policies.Known), policies.Found, nil
}

// dated is a session with when it was made and, of a new one, when it ends by its policies.
func (ks *Keys) dated(doc core.Document, policies []*core.Policy, old *core.Key) core.Document {
	made := strconv.Quote(ks.Now().Format(time.RFC3339))
	if old == nil {
		doc = ks.withExpiry(doc, policies)
	} else {
		made = old.Session.Get("date_created").Raw
	}
	if made == "" || doc.Get("date_created").Exists() {
		return doc
	}
	return doc.SetRaw("date_created", []byte(made))
}

// withExpiry ends a new key that says nothing about its end after the shortest life that its policies give.
func (ks *Keys) withExpiry(doc core.Document, policies []*core.Policy) core.Document {
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
	return doc.Set("expires", core.After(ks.Now().Unix(), life))
}

// withPassword hashes the password of a basic-auth user. An empty one, which is what answers show, keeps the stored
// one.
func (ks *Keys) withPassword(doc core.Document, old *core.Key) (core.Document, error) {
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
	hash, err := secret.HashPassword(given.Str, ks.PasswordCost)
	if err != nil {
		return nil, err
	}
	return doc.Set(path, hash).Set("basic_auth_data.hash_type", "bcrypt"), nil
}
