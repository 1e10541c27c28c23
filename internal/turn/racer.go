package turn

import (
	"context"
	"math/rand/v2"
	"time"

	"gatehouse/internal/core"
)

// Tries is how often a write that names no revision is tried when others come between. Each try means that somebody
// else's write went through, so a caller runs out of tries only behind as many others.
const Tries = 50

// Racer is a caller whose writes may come behind those of others.
type Racer struct {
	turns *Turns
	// end ends the turn that it has of what it changes; nil while it has none.
	end func()
}

// Racer starts a caller, who has no turn before the first write that came too late. The caller must call End.
func (t *Turns) Racer() *Racer { return &Racer{turns: t} }

// Again waits before another try: first for those of this process that want the same and came before, then, with the
// turn, for other servers. It fails, with CodeUnavailable, when ctx ends.
func (r *Racer) Again(ctx context.Context, try int, name string) error {
	if r.end != nil {
		return Pause(ctx, try)
	}
	end, err := r.turns.Take(ctx, name)
	if err != nil {
		return tooLong(err)
	}
	r.end = end
	return nil
}

// End ends the turn, if there is one.
func (r *Racer) End() {
	if r.end != nil {
		r.end()
	}
}

// Pause waits a little, longer and at random with each try, so that racers part. It fails, with CodeUnavailable, when
// ctx ends.
func Pause(ctx context.Context, try int) error {
	select {
	//nolint:gosec // racers part; nothing is secret
	case <-time.After(time.Duration(rand.IntN(try*2000)+100) * time.Microsecond):
		return nil
	case <-ctx.Done():
		return tooLong(ctx.Err())
	}
}

func tooLong(err error) error {
	return core.Wrap(core.CodeUnavailable, err, "the request took too long")
}
