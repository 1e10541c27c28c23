package key

import (
	"context"

	"gatehouse/internal/core"
	"gatehouse/internal/gateway/keyspace"
)

// Limits are what becomes of the limits of a session when it is replaced: Anew or GoingOn.
type Limits struct {
	// in puts them into the session, and counted makes what was counted fit.
	in      func(next, old core.Document) core.Document
	counted func(ctx context.Context, k *core.Key) error
}

// Anew begins rate and quota anew. Without Redis nobody counts, and the session stays as it is.
func (s *Sessions) Anew() Limits { return Limits{in: s.renewed, counted: s.ResetQuota} }

// GoingOn lets the limits go on where those of the session that is replaced are.
func (s *Sessions) GoingOn() Limits {
	return Limits{in: s.continued, counted: func(context.Context, *core.Key) error { return nil }}
}

func (s *Sessions) renewed(next, _ core.Document) core.Document {
	if s.o.Redis == nil {
		return next
	}
	return keyspace.Renewed(next, s.o.Store.Now())
}

func (s *Sessions) continued(next, old core.Document) core.Document {
	if s.o.Redis == nil {
		return next
	}
	return keyspace.Continued(next, old)
}

// Changed has gateways take a key as it was changed: what they counted follows its limits, and what they cached under
// the name by which its caller gave it goes.
func (s *Sessions) Changed(ctx context.Context, k *core.Key, given string, limits Limits) error {
	if err := limits.counted(ctx, k); err != nil {
		return err
	}
	s.Forget(k, given)
	return nil
}

// ResetQuota begins the quota of a key anew, where keys live in Redis.
func (s *Sessions) ResetQuota(ctx context.Context, k *core.Key) error {
	if s.o.Redis == nil {
		return nil
	}
	return s.o.Redis.ResetQuota(ctx, k)
}

// Forget has gateways forget what they cached of a key under the name by which its caller gave it.
func (s *Sessions) Forget(k *core.Key, given string) {
	if s.o.Redis != nil {
		s.o.Notifier.FlushKeys(keyspace.CacheNames(k.ID, given)...)
	}
}
