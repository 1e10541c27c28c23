package key

import (
	"context"

	"gatehouse/internal/core"
	"gatehouse/internal/gateway/token"
	"gatehouse/store"
)

// Identifier says what somebody gives for a key.
type Identifier string

// What may be given for a key. Auto is any of the others.
const (
	ByToken    Identifier = "TOKEN"
	ByHash     Identifier = "HASH"
	ByUsername Identifier = "USERNAME"
	Auto       Identifier = "AUTO"
)

// maxGiven is the length of the longest text that is looked up.
const maxGiven = 1024

// Find finds a key by what its caller gives for it: the names under which the session may be kept, the likeliest
// first. by is Auto where it is nil.
func (s *Sessions) Find(ctx context.Context, t store.Tenant, given string, by *Identifier) (*core.Key, error) {
	if given == "" || len(given) > maxGiven {
		return nil, core.NotFound(core.KeyKind)
	}
	how := Auto
	if by != nil {
		how = *by
	}
	names, err := s.namesOf(t, given, how)
	if err != nil {
		return nil, err
	}
	found, err := s.space.FindMany(ctx, t, "id", names)
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
	if how == ByHash || how == Auto {
		// Keys that were made while hashing was off are kept by their token, and found by its hash through the index.
		l, err := s.space.List(ctx, store.Query{Tenant: t, Where: []store.Cond{store.HasLabel("hash", given)}, Limit: 1})
		if err != nil {
			return nil, err
		}
		if len(l.Objects) > 0 {
			return l.Objects[0], nil
		}
	}
	return nil, core.NotFound(core.KeyKind)
}

// namesOf are the names under which what is given may be kept, the likeliest first.
func (s *Sessions) namesOf(t store.Tenant, given string, how Identifier) ([]string, error) {
	if how == ByHash {
		return []string{given}, nil
	}
	if how == ByUsername && s.o.Rules.NotByUsername {
		return nil, core.Errorf(
			core.CodeForbidden,
			"the configuration forbids to find keys by user name (disable_key_actions_by_username)",
		)
	}
	org := t.OrgID()
	if parsed, err := token.Parse(given); err == nil && t.IsAll() {
		org = parsed.Org
	}
	var names []string
	for _, tok := range token.Tokens(org, given) {
		names = append(names, token.Hash(tok))
		if !s.o.Rules.Hashed {
			names = append(names, tok)
		}
	}
	if how == Auto {
		names = append(names, given)
	}
	return names, nil
}

// Hash is the hash of a key's token: its id, except for keys that are kept by their token.
func Hash(k *core.Key) string {
	if token.LooksHashed(k.ID) {
		return k.ID
	}
	return token.Hash(k.ID)
}
