// Package turn lets those who want to change the same thing do so one after the other, within one process. It is no
// lock: what makes a change right is the revision that its write compares. Turns only spare racers their losing, which
// costs each of them its work again, and all of them the square of their number.
package turn

import (
	"context"
	"sync"
)

// Turns are taken by name. The zero value is ready.
type Turns struct {
	mu   sync.Mutex
	held map[string]*queue
}

type queue struct {
	// token is in the channel while nobody has the turn.
	token chan struct{}
	// users have the turn, or wait for it.
	users int
}

// Take waits until the caller has the turn of a name, or ctx ends, whose error it returns then. The turn lasts until
// end is called, once.
func (t *Turns) Take(ctx context.Context, name string) (end func(), err error) {
	t.mu.Lock()
	if t.held == nil {
		t.held = map[string]*queue{}
	}
	q := t.held[name]
	if q == nil {
		q = &queue{token: make(chan struct{}, 1)}
		q.token <- struct{}{}
		t.held[name] = q
	}
	q.users++
	t.mu.Unlock()

	select {
	case <-q.token:
		return func() { q.token <- struct{}{}; t.leave(name, q) }, nil
	case <-ctx.Done():
		t.leave(name, q)
		return nil, ctx.Err()
	}
}

// leave forgets a name that nobody uses.
func (t *Turns) leave(name string, q *queue) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if q.users--; q.users == 0 {
		delete(t.held, name)
	}
}
