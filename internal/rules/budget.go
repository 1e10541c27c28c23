package rules

import (
	"context"
	"sync/atomic"
	"time"
)

// The bounds of an evaluation beside its deadline.
const (
	// starved is how many steps an evaluation may make whatever time they take: on a machine that is busy with other
	// things, time says little. Rules that look at a request make some hundreds.
	starved = 10_000
	// utmost is what an evaluation may take in any case, and grace how much later one is left behind that does not stop:
	// the end of its time is looked at between two steps, and nothing stops one step.
	utmost, grace = time.Second, time.Second
)

// budget is what one evaluation may use. It is the topdown.Cancel that the evaluation asks before each step.
type budget struct {
	ctx      context.Context
	began    time.Time
	deadline time.Duration
	steps    atomic.Int64
	over     atomic.Bool
}

// Cancel ends the evaluation.
func (b *budget) Cancel() { b.over.Store(true) }

// Cancelled tells whether the evaluation is to end.
func (b *budget) Cancelled() bool {
	steps := b.steps.Add(1)
	if b.over.Load() {
		return true
	}
	if steps%256 != 0 {
		return false
	}
	took := time.Since(b.began)
	if b.ctx.Err() != nil || took > utmost || took > b.deadline && steps > starved {
		b.over.Store(true)
		return true
	}
	return false
}
