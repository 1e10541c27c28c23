package key

import (
	"context"
	"errors"
	"log/slog"
	"slices"

	"gatehouse/internal/authz"
	"gatehouse/internal/core"
	"gatehouse/internal/gateway/token"
	"gatehouse/store"
)

// Token is the token of a new key: of the name that its caller chose, of its certificate, or a random one.
func (s *Sessions) Token(org string, custom *string, doc core.Document) (string, error) {
	certificate := doc.Text("certificate")
	if certificate != "" {
		if err := core.CheckCustomKey("certificate", certificate); err != nil {
			return "", err
		}
	}
	switch {
	case custom != nil:
		if err := core.CheckCustomKey("the custom key", *custom); err != nil {
			return "", err
		}
		return token.Custom(org, *custom, s.o.Rules.HashFunction), nil
	case certificate != "":
		// Gateways find the key of a client certificate under this name.
		return token.Custom(org, certificate, s.o.Rules.HashFunction), nil
	}
	return s.AnyToken(org), nil
}

// AnyToken is a random token.
func (s *Sessions) AnyToken(org string) string { return token.Generate(org, s.o.Rules.HashFunction) }

// UserToken is the token of a user of basic authentication.
func (s *Sessions) UserToken(org, username string) string {
	return token.Custom(org, username, s.o.Rules.HashFunction)
}

// meta is the name of a key with a token.
func (s *Sessions) meta(org, tok string) core.Meta {
	if s.o.Rules.Hashed {
		tok = token.Hash(tok)
	}
	return core.Meta{OrgID: org, ID: tok}
}

// metaOver is the name of a key that replaces another. One that was made from a certificate, under which gateways find
// it by what a client shows them, follows the certificate: renamed is its token then, and "" where it keeps its name.
func (s *Sessions) metaOver(doc core.Document, old *core.Key) (meta core.Meta, renamed string) {
	was, is := old.Session.Text("certificate"), doc.Text("certificate")
	if was == is || is == "" || !madeFrom(old, was) {
		return old.Meta, ""
	}
	renamed = token.Custom(old.OrgID, is, s.o.Rules.HashFunction)
	return s.meta(old.OrgID, renamed), renamed
}

// madeFrom tells whether the name of a key was made from a certificate.
func madeFrom(k *core.Key, certificate string) bool {
	return certificate != "" && slices.ContainsFunc(token.Tokens(k.OrgID, certificate), func(tok string) bool {
		return k.ID == tok || k.ID == token.Hash(tok)
	})
}

// Reserve makes the ids that a new key names those of its organisation, and begins its limits.
func (s *Sessions) Reserve(ctx context.Context, k *core.Key) error {
	k.Session = s.renewed(k.Session, nil)
	return s.o.Claims.ReserveForKey(ctx, k.OrgID, k.Session, nil)
}

// Taken says what it means that a new key could not be written: another one may be for its certificate.
func Taken(k *core.Key, err error) error {
	if errors.Is(err, store.ErrConflict) && madeFrom(k, k.Session.Text("certificate")) {
		return certificateTaken()
	}
	return err
}

func certificateTaken() error {
	return core.Errorf(
		core.CodeConflict,
		"another key is for this certificate, and gateways find one key by it: change or delete that one, "+
			"or give another certificate",
	).In(
		"certificate",
	)
}

// Replace writes a key over old, where need be under the name that follows from it now.
func (s *Sessions) Replace(ctx context.Context, next, old *core.Key) error {
	if next.ID == old.ID {
		return s.space.Update(ctx, next)
	}
	if err := core.CheckCustomKey("certificate", next.Session.Text("certificate")); err != nil {
		return err
	}
	// The new one comes first: whoever has a certificate for a key is never without one that says so.
	err := s.space.Create(ctx, next)
	if errors.Is(err, store.ErrConflict) {
		return certificateTaken()
	}
	if err != nil {
		return err
	}
	if err := s.space.Delete(ctx, old); err != nil {
		if undo := s.space.Delete(ctx, next); undo != nil {
			s.o.Log.WarnContext(ctx, "a key was left under two names", slog.String("key", old.ID), slog.Any("error", undo))
		}
		return err
	}
	s.Forget(old, old.ID)
	return nil
}

// NoteMaster notes in the log that a key became a master key. old is what it replaces, nil for a new one.
func (s *Sessions) NoteMaster(ctx context.Context, k, old *core.Key) {
	if k.OpensAll() && (old == nil || !old.OpensAll()) {
		s.o.Log.WarnContext(
			ctx,
			"a master key is made: it opens every API of every organisation",
			slog.String("org_id", k.OrgID),
			slog.String("key_hash", Hash(k)),
			slog.String("actor_id", authz.From(ctx).ID()),
		)
	}
}
