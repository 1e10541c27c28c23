package key

import (
	"context"
	"strconv"
	"time"

	"github.com/tidwall/gjson"

	"gatehouse/internal/core"
	"gatehouse/internal/input"
	"gatehouse/internal/secret"
	"gatehouse/store"
)

// passwordPath is where a session has the password of a user of basic authentication.
const passwordPath = "basic_auth_data.password" //nolint:gosec // where it is, not what

// Make makes a new key of a session that came from outside: what it names must exist in the organisation, a password
// becomes a hash. tok is its token, "" for one that is not kept.
func (s *Sessions) Make(ctx context.Context, org, tok string, doc core.Document) (*core.Key, error) {
	return s.make(ctx, org, tok, doc, nil)
}

// MakeOver makes a new key, as Make does, which takes the place of the one that has its token, if there is one: what
// that names without it being there, the new one may name, too.
func (s *Sessions) MakeOver(ctx context.Context, org, tok string, doc core.Document) (*core.Key, error) {
	over, err := s.Find(ctx, store.Org(org), tok, new(ByToken))
	if err != nil && core.CodeOf(err) != core.CodeNotFound {
		return nil, err
	}
	return s.make(ctx, org, tok, doc, over)
}

func (s *Sessions) make(ctx context.Context, org, tok string, doc core.Document, over *core.Key) (*core.Key, error) {
	doc, policies, err := s.described(ctx, org, doc, over, nil)
	if err != nil {
		return nil, err
	}
	f := input.Fields{Doc: s.withExpiry(doc, policies)}
	f.Absent("date_created", strconv.Quote(s.o.Store.Now().Format(time.RFC3339)))
	return s.checked(ctx, s.meta(org, tok), f.Doc, nil)
}

// Change makes the key that replaces an earlier one. What that one names already may be gone. When the session stays
// the same, it is nil. Its limits go on where those of the earlier one are, or as limits says.
func (s *Sessions) Change(ctx context.Context, doc core.Document, old *core.Key, limits Limits) (*core.Key, error) {
	doc, _, err := s.described(ctx, old.OrgID, doc, old, old)
	if err != nil {
		return nil, err
	}
	f := input.Fields{Doc: doc}
	if created := old.Session.Get("date_created"); created.Exists() {
		f.Absent("date_created", created.Raw)
	}
	meta, renamed := s.metaOver(f.Doc, old)
	next, err := s.checked(ctx, meta, f.Doc, old)
	if err != nil || next.Session.Equal(old.Session) {
		return nil, err
	}
	if err := s.o.Claims.ReserveForKey(ctx, old.OrgID, next.Session, old.Session); err != nil {
		return nil, err
	}
	next.Session, next.NewToken = limits.in(next.Session, old.Session), renamed
	s.NoteMaster(ctx, next, old)
	return next, nil
}

// described looks up what a session names, and returns it with the names of its APIs, and with the ids of policies
// under which gateways know them. It refuses names of nothing that over, whose place it takes, does not have. old is
// over where that key is changed, nil where it is made anew.
func (s *Sessions) described(
	ctx context.Context,
	org string,
	doc core.Document,
	over, old *core.Key,
) (core.Document, []*core.Policy, error) {
	draft, err := core.ParseSession(doc)
	if err != nil {
		return nil, nil, err
	}
	had := &core.Key{}
	if over != nil {
		had = over
	}
	doc, missing, err := s.o.Names.Described(ctx, org, doc, draft.ApiIDs)
	if err != nil {
		return nil, nil, err
	}
	if err := core.MissingApis(core.Added(missing, had.ApiIDs)); err != nil {
		return nil, nil, err
	}
	if err := s.o.Names.MetaPolicies(ctx, org, doc, had.Session, draft.ApiIDs); err != nil {
		return nil, nil, err
	}
	policies, err := s.o.Names.Policies(ctx, org, draft.PolicyIDs)
	if err != nil {
		return nil, nil, err
	}
	if err := core.MissingPolicies(core.Added(policies.Missing, had.PolicyIDs)); err != nil {
		return nil, nil, err
	}
	if len(draft.ApiIDs)+len(draft.PolicyIDs) == 0 {
		if err := s.o.Sharing.MasterKey(ctx, old); err != nil {
			return nil, nil, err
		}
	}
	doc, err = doc.WithPolicyIDs(policies.Known).Owned("", "org_id", org)
	return doc, policies.Found, err
}

// checked makes a key of a session whose names are known: its password is hashed, gateways can read it, and it may use
// the certificates that it names.
func (s *Sessions) checked(ctx context.Context, meta core.Meta, doc core.Document, old *core.Key) (*core.Key, error) {
	doc, err := s.withPassword(doc, old)
	if err != nil {
		return nil, err
	}
	if _, err := s.o.Definitions.CheckSession(doc); err != nil {
		return nil, err
	}
	k := core.NewKey(meta, doc)
	var before []core.CertificateRef
	if old != nil {
		before = old.CertificateRefs()
	}
	if err := s.o.Sharing.Certificates(ctx, k.OrgID, k.CertificateRefs(), before); err != nil {
		return nil, err
	}
	if hash := Hash(k); hash != k.ID {
		k.Hash = hash
	}
	return k, nil
}

// withExpiry ends a new key that says nothing about its end after the shortest life that its policies give.
func (s *Sessions) withExpiry(doc core.Document, policies []*core.Policy) core.Document {
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
	return doc.Set("expires", core.After(s.o.Store.Now().Unix(), life))
}

// withPassword hashes the password of a basic-auth user. An empty one, which is what answers show, keeps the stored
// one.
func (s *Sessions) withPassword(doc core.Document, old *core.Key) (core.Document, error) {
	given := doc.Get(passwordPath)
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
		return doc.Set(passwordPath, old.Session.Text(passwordPath)).Set("basic_auth_data.hash_type", "bcrypt"), nil
	}
	if old != nil && given.Str == old.Session.Text(passwordPath) {
		return doc, nil
	}
	if len(given.Str) > core.MaxPasswordLength {
		return nil, core.InField(passwordPath, "must have at most %d bytes", core.MaxPasswordLength)
	}
	hash, err := secret.HashPassword(given.Str, s.o.PasswordCost)
	if err != nil {
		return nil, err
	}
	return doc.Set(passwordPath, hash).Set("basic_auth_data.hash_type", "bcrypt"), nil
}
