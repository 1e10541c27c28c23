package keyspace

import (
	"context"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/tidwall/gjson"

	"gatehouse/internal/core"
	"gatehouse/store"
)

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

// Limit is one of those that gateways count the requests of a key against.
type Limit struct{ scoped }

// Scope is "" for the limit of the key as a whole; otherwise it names the API or the policy that the limit is of.
func (l Limit) Scope() string { return l.scope }

// Limits are those of a key that applies these policies: that of the key as a whole first, then that of each API or
// policy with a limit of its own, by scope. There is at least the first.
func Limits(k *core.Key, policies []*core.Policy) []Limit {
	all := limits(k.Session, policies)
	out := make([]Limit, len(all))
	for i, l := range all {
		out[i] = Limit{l}
	}
	return out
}

// Usage reads what gateways have counted for a key against some of its limits. The rate is told by gateways that keep
// it in Redis as a log. It fails with CodeUnavailable when Redis does not answer.
func (s *Space) Usage(ctx context.Context, k *core.Key, all []Limit) ([]Counter, error) {
	if len(all) == 0 {
		return nil, nil
	}
	type reads struct {
		used *redis.StringCmd
		left *redis.DurationCmd
		rate *redis.IntCmd
	}
	ctx, cancel := context.WithTimeout(ctx, answers)
	defer cancel()
	got := make([]reads, len(all))
	now := time.Now()
	// A failure of one command, of a limiter that keeps something else there, is no failure of the others.
	_, err := s.o.Redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, l := range all {
			after := now.Add(-time.Duration(min(l.per, longestWindow) * float64(time.Second))).UnixNano()
			got[i] = reads{p.Get(ctx, quotaName(l.scope, k.ID)), p.PTTL(ctx, quotaName(l.scope, k.ID)),
				p.ZCount(ctx, rateName(l.scope, k.ID), "("+strconv.FormatInt(after, 10), "+inf")}
		}
		return nil
	})
	if err != nil && got[0].left.Err() != nil {
		return nil, unavailable(got[0].left.Err())
	}
	out := make([]Counter, len(all))
	for i, l := range all {
		c := Counter{Scope: l.scope, QuotaMax: -1, QuotaRemaining: -1, RateUsed: -1, Rate: l.rate, Per: l.per}
		if l.quotaMax > 0 {
			used, _ := got[i].used.Int64() // absent is none
			c.QuotaMax, c.QuotaRemaining = l.quotaMax, max(l.quotaMax-used, 0)
			if left := got[i].left.Val(); left > 0 {
				c.QuotaRenews = now.Add(left).UTC().Truncate(time.Second)
			}
		}
		// Without a log, this limiter keeps none in Redis, or counted nothing lately: nobody knows.
		if n, err := got[i].rate.Result(); err == nil && n > 0 {
			c.RateUsed = n
		}
		out[i] = c
	}
	return out, nil
}

// longestWindow bounds the seconds of a rate window, of which a session may name more than a time can hold: ten years.
const longestWindow = 10 * 365 * 24 * 3600

// ResetQuota starts the quota of a key anew, for all of its limits, and lets it in again where a rate limiter shut it
// out.
func (s *Space) ResetQuota(ctx context.Context, k *core.Key) error {
	if err := store.Ahead(ctx); err != nil {
		return err
	}
	policies, err := s.policiesOf(ctx, k)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, answers)
	defer cancel()
	_, err = s.o.Redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, name := range counters(k, limits(k.Session, policies)...) {
			p.Del(ctx, name)
		}
		return nil
	})
	if err != nil {
		return unavailable(err)
	}
	s.o.Notifier.FlushKeys(k.ID)
	return nil
}

// counters are the names of what gateways count for a key: under the given limits, and under the scopes that gateways
// wrote into its session.
func counters(k *core.Key, of ...scoped) []string {
	scopes := map[string]bool{"": true}
	for _, l := range of {
		scopes[l.scope] = true
	}
	k.Session.Get("access_rights").ForEach(func(_, r gjson.Result) bool {
		scopes[r.Get("allowance_scope").Str] = true
		return true
	})
	var names []string
	for scope := range scopes {
		names = append(names, quotaName(scope, k.ID), rateName(scope, k.ID)+blockedSuffix)
	}
	return names
}
