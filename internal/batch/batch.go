// Package batch loads what the objects of one list lead to, for all of them at once: a nested query makes a number of
// calls of the store that does not grow with its rows.
//
// Siblings have the same fields: when the first asks, the others will, so what they were announced to ask for is loaded
// along. That needs no waiting for them, as loaders do that collect for some milliseconds, and the number of fetches
// depends on the query only, never on the scheduler. Loaders live as long as one operation, and remember what they
// loaded for it.
package batch

import (
	"context"
	"errors"
	"sync"
)

// Key is an id, or a label's value, in an organisation: a relation never leaves the organisation of its object.
type Key struct{ Org, Value string }

// batch loads what one relation field asks for.
type batch[V any] struct {
	// fetch loads all keys in one go; what does not exist is left out. limit is that of a list, 0 for what is no list.
	fetch func(ctx context.Context, limit int, keys []Key) (map[Key]V, error)

	mu       sync.Mutex
	expected []expectation
	loads    map[batchKey]*load[V]
}

// expectation is what one sibling will ask for, if any does: the first of values, as many as the page has that is asked
// for. Values that take work to find are found by later, when somebody asks.
type expectation struct {
	org    string
	values []string
	later  func() []string
}

// named are the values.
func (e expectation) named() []string {
	if e.later != nil {
		return e.later()
	}
	return e.values
}

type batchKey struct {
	Key
	limit int
}

// load is a value on its way. The fields are set when done closes.
type load[V any] struct {
	done  chan struct{}
	value V
	found bool
	err   error
}

// expect announces what a sibling will ask for, if the first of them asks at all. values is kept, not copied: a list of
// thousands may be announced of which nobody asks for more than a page.
func (b *batch[V]) expect(org string, values ...string) {
	if len(values) == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.expected = append(b.expected, expectation{org: org, values: values})
}

// expectLater is expect of what later finds, which is called only if a sibling asks, and may be called again.
func (b *batch[V]) expectLater(org string, later func() []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.expected = append(b.expected, expectation{org: org, later: later})
}

// start returns the loads of keys. Those that nobody has asked for are fetched before it returns, and with them the
// first siblings values of each expectation.
func (b *batch[V]) start(ctx context.Context, limit, siblings int, keys ...Key) []*load[V] {
	loads, claimed := b.claim(limit, siblings, keys)
	if len(claimed) == 0 {
		return loads
	}
	var values map[Key]V
	err := errors.New("the fetch of a relation broke off")
	defer func() {
		for key, l := range claimed {
			l.value, l.found = values[key]
			l.err = err
			close(l.done)
		}
	}()
	wanted := make([]Key, 0, len(claimed))
	for key := range claimed {
		wanted = append(wanted, key)
	}
	values, err = b.fetch(ctx, limit, wanted)
	return loads
}

// claim finds the loads of keys, and makes those that are missing; the caller is to fetch what was claimed.
func (b *batch[V]) claim(limit, siblings int, keys []Key) (loads []*load[V], claimed map[Key]*load[V]) {
	b.mu.Lock()
	defer b.mu.Unlock()
	claimed = map[Key]*load[V]{}
	find := func(key Key) *load[V] {
		l := b.loads[batchKey{key, limit}]
		if l == nil {
			l = &load[V]{done: make(chan struct{})}
			if b.loads == nil {
				b.loads = map[batchKey]*load[V]{}
			}
			b.loads[batchKey{key, limit}], claimed[key] = l, l
		}
		return l
	}
	for _, key := range keys {
		loads = append(loads, find(key))
	}
	if len(claimed) > 0 {
		for _, e := range b.expected {
			values := e.named()
			for _, value := range values[:min(siblings, len(values))] {
				if value != "" {
					find(Key{e.org, value})
				}
			}
		}
	}
	return loads, claimed
}

// wait returns the value; found tells whether there is one.
func (l *load[V]) wait(ctx context.Context) (value V, found bool, err error) {
	select {
	case <-l.done:
		return l.value, l.found, l.err
	case <-ctx.Done():
		return value, false, ctx.Err()
	}
}
