package key

import (
	"context"
	"errors"
	"log/slog"
	"slices"

	"gatehouse/internal/core"
	"gatehouse/internal/gateway/token"
	"gatehouse/store"
)

// By says what a caller gives for a key.
type By int

const (
	// ByAny is whatever finds one.
	ByAny By = iota
	// ByHash is the hash of its token.
	ByHash
	// ByUserName is the name of a basic-auth user.
	ByUserName
	// ByToken is the token, or the part of it that people choose.
	ByToken
)

// Find finds a key by what its caller gives for it: the names under which the session may be kept, the likeliest
// first.
func (ks *Keys) Find(ctx context.Context, t store.Tenant, id string, how By) (*core.Key, error) {
	if id == "" || len(id) > 1024 {
		return nil, core.NotFound(core.KeyKind)
	}
	org := t.OrgID()
	if parsed, err := token.Parse(id); err == nil && t.IsAll() {
		org = parsed.Org
	}
	var names []string
	if how != ByHash {
		if how == ByUserName && ks.NoUserNames {
			return nil, core.Errorf(
				core.CodeForbidden,
				"the configuration forbids to find keys by user name (disable_key_actions_by_username)",
			)
		}
		for _, tok := range token.Tokens(org, id) {
			names = append(names, token.Hash(tok))
			if !ks.Hashed {
				names = append(names, tok)
			}
		}
	}
	if how == ByHash || how == ByAny {
		names = append(names, id)
	}
	found, err := ks.Space.FindMany(ctx, t, "id", names)
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
	if how == ByHash || how == ByAny {
		// Keys that were made while hashing was off are kept by their token, and found by its hash through the index.
		l, err := ks.Space.List(ctx, store.Query{Tenant: t, Where: []store.Cond{store.HasLabel("hash", id)}, Limit: 1})
		if err != nil {
			return nil, err
		}
		if len(l.Objects) > 0 {
			return l.Objects[0], nil
		}
	}
	return nil, core.NotFound(core.KeyKind)
}

// IsHash tells whether an id is the hash of the key that it found, rather than its token.
func IsHash(k *core.Key, id string) bool { return id == HashOf(k) }

// HashOf is the hash of a key's token: its id, except for keys that are kept by their token.
func HashOf(k *core.Key) string {
	if token.LooksHashed(k.ID) {
		return k.ID
	}
	return token.Hash(k.ID)
}

// meta is the name of a key. One that was made from a certificate, under which gateways find it by what a client
// shows them, follows the certificate.
func (ks *Keys) meta(org, tok string, doc core.Document, old *core.Key) core.Meta {
	if old != nil {
		was, is := old.Session.Text("certificate"), doc.Text("certificate")
		if was == is || is == "" || !ks.MadeFrom(old, was) {
			return old.Meta
		}
		tok = token.Custom(org, is, ks.Function)
	}
	meta := core.Meta{OrgID: org, ID: tok}
	if ks.Hashed {
		meta.ID = token.Hash(tok)
	}
	return meta
}

// MadeFrom tells whether the name of a key was made from a certificate.
func (ks *Keys) MadeFrom(k *core.Key, certificate string) bool {
	return certificate != "" && slices.ContainsFunc(token.Tokens(k.OrgID, certificate), func(tok string) bool {
		return k.ID == tok || k.ID == token.Hash(tok)
	})
}

// ErrCertificateTaken is the answer to a second key for one certificate.
var ErrCertificateTaken = core.Errorf(
	core.CodeConflict,
	"another key is for this certificate, and gateways find one key by it: change or delete that one, or give another certificate",
).In(
	"certificate",
)

// Replace writes a key over old, where need be under the name that follows from it now: then old is gone.
func (ks *Keys) Replace(ctx context.Context, next, old *core.Key) error {
	if next.ID == old.ID {
		return ks.Space.Update(ctx, next)
	}
	if err := core.CheckCustomKey("certificate", next.Session.Text("certificate")); err != nil {
		return err
	}
	// The new one comes first: whoever has a certificate for a key is never without one that says so.
	err := ks.Space.Create(ctx, next)
	if errors.Is(err, store.ErrConflict) {
		return ErrCertificateTaken
	}
	if err != nil {
		return err
	}
	if err := ks.Space.Delete(ctx, old); err != nil {
		if undo := ks.Space.Delete(ctx, next); undo != nil {
			ks.Log.WarnContext(ctx, "a key was left under two names", slog.String("key", old.ID), slog.Any("error", undo))
		}
		return err
	}
	return nil
}
