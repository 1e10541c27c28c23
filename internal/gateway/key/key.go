// Package key makes the sessions of keys of what callers give, finds them by it, and writes those whose name changes.
//
// It guarantees that a session names only what there is in its organisation, or what it named before; that no password
// is kept as it came; and that a key is kept under the name by which gateways look for it.
package key

import (
	"context"
	"log/slog"

	"gatehouse/internal/core"
	"gatehouse/internal/gateway/claim"
	"gatehouse/internal/gateway/definition"
	"gatehouse/internal/gateway/keyspace"
	"gatehouse/internal/gateway/notify"
	"gatehouse/internal/gateway/sharing"
	"gatehouse/internal/reference"
	"gatehouse/store"
)

// Space is where the sessions of keys live, with the index that finds them. A session belongs to one organisation;
// its id is the hash of its token, or the token. See store.Repository for what each method guarantees.
type Space interface {
	FindMany(ctx context.Context, t store.Tenant, unique string, ids []string) ([]*core.Key, error)
	List(ctx context.Context, q store.Query) (*store.List[core.Key], error)
	Count(ctx context.Context, t store.Tenant, where ...store.Cond) (int, error)
	TopByLabel(
		ctx context.Context,
		t store.Tenant,
		label string,
		values []string,
		limit int,
	) (map[string][]*core.Key, error)
	CountByLabel(ctx context.Context, t store.Tenant, label string, values ...string) (map[string]int, error)
	Create(ctx context.Context, k *core.Key) error
	Update(ctx context.Context, k *core.Key) error
	Delete(ctx context.Context, k *core.Key) error
}

var (
	_ Space = (*store.Repository[core.Key])(nil)
	_ Space = (*keyspace.Space)(nil)
)

// Rules are the parts of the configuration that change what may be done with keys.
type Rules struct {
	// Hashed keeps the hash of a token in the place of the token; HashFunction is the one for new tokens.
	Hashed       bool
	HashFunction string
	// ListHashed, UpdateByHash and DeleteByHash allow what they say where keys are hashed.
	ListHashed, UpdateByHash, DeleteByHash bool
	// NotByUsername refuses to find basic-auth users by their name (disable_key_actions_by_username).
	NotByUsername bool
}

// Options are what sessions are made with.
type Options struct {
	Store *store.Store
	// Redis is the key space in Redis; nil keeps keys in the store.
	Redis *keyspace.Space
	// Notifier tells gateways which keys to forget; nil without Redis.
	Notifier *notify.Notifier
	Names    *reference.Names
	Claims   *claim.Claims
	Sharing  *sharing.Judge
	// Definitions say what gateways may be given.
	Definitions definition.Rules
	Rules       Rules
	// PasswordCost is the bcrypt cost of new passwords.
	PasswordCost int
	Log          *slog.Logger
}

// Sessions makes, finds and replaces the sessions of keys. It is safe for concurrent use.
type Sessions struct {
	o     Options
	space Space
}

// New makes Sessions.
func New(o Options) *Sessions {
	s := &Sessions{o: o, space: o.Store.Keys}
	if o.Redis != nil {
		s.space = o.Redis
	}
	return s
}

// Space is where the sessions are kept.
func (s *Sessions) Space() Space { return s.space }

// MayList refuses lists of keys where only their hashes are known, and those are not shown.
func (s *Sessions) MayList() error {
	if s.o.Rules.Hashed && !s.o.Rules.ListHashed {
		return core.Errorf(
			core.CodeForbidden,
			"keys are hashed, and the configuration forbids to list hashes (enable_hashed_keys_listing)",
		)
	}
	return nil
}

// MayUpdate refuses to change a key that was found by its hash, where that is forbidden.
func (s *Sessions) MayUpdate(k *core.Key, given string) error {
	if given == Hash(k) && !s.o.Rules.UpdateByHash {
		return core.Errorf(
			core.CodeForbidden,
			"the configuration forbids to update keys by hash (enable_update_key_by_hash)",
		)
	}
	return nil
}

// MayDelete refuses to delete a key that was found by its hash, where that is forbidden.
func (s *Sessions) MayDelete(k *core.Key, given string) error {
	if given == Hash(k) && !s.o.Rules.DeleteByHash {
		return core.Errorf(
			core.CodeForbidden,
			"the configuration forbids to delete keys by hash (enable_delete_key_by_hash)",
		)
	}
	return nil
}
