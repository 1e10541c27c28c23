// Package counted shows what gateways and scans have counted, as the schema has it.
package counted

import (
	"gatehouse/graph/model"
	"gatehouse/internal/core"
	"gatehouse/internal/gateway/keyspace"
)

// Keys is what gateways counted for a key.
func Keys(all []keyspace.Counter) []*model.KeyCounter {
	out := []*model.KeyCounter{}
	for _, c := range all {
		n := &model.KeyCounter{
			Scope:          c.Scope,
			QuotaMax:       c.QuotaMax,
			QuotaRemaining: c.QuotaRemaining,
			Rate:           c.Rate,
			Per:            c.Per,
			QuotaRenews:    core.Known(c.QuotaRenews),
		}
		if c.RateUsed >= 0 {
			n.RateUsed = new(c.RateUsed)
		}
		out = append(out, n)
	}
	return out
}

// Index is how far the index of keys is that are in Redis.
func Index(s keyspace.Status) *model.KeyIndex {
	return &model.KeyIndex{
		InRedis:     true,
		Scanning:    s.Scanning,
		Progress:    s.Progress,
		Scanned:     s.Scanned,
		Corrected:   s.Corrected,
		Pending:     s.Pending,
		CompletedAt: core.Known(s.CompletedAt),
	}
}
