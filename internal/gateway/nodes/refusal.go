package nodes

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

const (
	// Refusals are logged once per address and minute, and from at most maxRefusals addresses a minute: a flood fills no
	// log.
	refusalsEvery = time.Minute
	maxRefusals   = 100
)

// refusals logs who was refused.
type refusals struct {
	log  *slog.Logger
	mu   sync.Mutex
	from time.Time
	seen map[string]bool
}

func (f *refusals) note(ctx context.Context, now time.Time, address, reason string) {
	f.mu.Lock()
	if f.seen == nil || now.Sub(f.from) >= refusalsEvery || now.Before(f.from) {
		f.from, f.seen = now, map[string]bool{}
	}
	quiet := f.seen[address] || len(f.seen) >= maxRefusals
	if !quiet {
		f.seen[address] = true
	}
	f.mu.Unlock()
	if !quiet {
		f.log.WarnContext(ctx, "a gateway was refused", slog.String("address", address), slog.String("reason", reason))
	}
}
