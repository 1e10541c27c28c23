// Package changes spreads the news that objects were created, updated or deleted to whoever listens: in this process,
// and through a Bridge on the other servers of the installation.
package changes

import (
	"sync"

	"gatehouse/internal/core"
)

// queue is how many changes a listener may be behind before it is cut off. A listener that is cut off reconnects and
// reads anew, which beats one that misses changes without knowing.
const queue = 256

// Broker spreads changes. The zero Broker is not ready; use NewBroker.
type Broker struct {
	mu        sync.Mutex
	closed    bool
	listeners map[*listener]struct{}
	watchers  map[*watcher]struct{}
}

type watcher struct{ heed func(*core.Change) }

type listener struct {
	wants func(*core.Change) bool
	out   chan *core.Change
}

// NewBroker makes a Broker without listeners.
func NewBroker() *Broker {
	return &Broker{listeners: map[*listener]struct{}{}, watchers: map[*watcher]struct{}{}}
}

// Publish tells every listener that wants it. It never waits: a listener whose queue is full is cut off.
func (b *Broker) Publish(c *core.Change) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for w := range b.watchers {
		w.heed(c)
	}
	for l := range b.listeners {
		if !l.wants(c) {
			continue
		}
		select {
		case l.out <- c:
		default:
			b.drop(l)
		}
	}
}

// Subscribe returns a channel of the changes that wants holds for, in the order of their publication. The channel
// closes when stop is called, when its reader falls too far behind, and when the broker closes.
func (b *Broker) Subscribe(wants func(*core.Change) bool) (changes <-chan *core.Change, stop func()) {
	l := &listener{wants: wants, out: make(chan *core.Change, queue)}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		close(l.out)
		return l.out, func() {}
	}
	b.listeners[l] = struct{}{}
	return l.out, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.drop(l)
	}
}

// Watch has heed called with every change, in the order of their publication, until stop is called. It is for parts of
// the program that may miss none: it is never cut off, and in return heed must neither wait nor call the broker.
func (b *Broker) Watch(heed func(*core.Change)) (stop func()) {
	w := &watcher{heed}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.watchers[w] = struct{}{}
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.watchers, w)
	}
}

// CutOff ends every subscription, and takes new ones: listeners may have missed a change, and shall read anew.
func (b *Broker) CutOff() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for l := range b.listeners {
		b.drop(l)
	}
}

// Close ends every subscription, for a shutdown that does not wait for listeners.
func (b *Broker) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	for l := range b.listeners {
		b.drop(l)
	}
}

func (b *Broker) drop(l *listener) {
	if _, ok := b.listeners[l]; ok {
		delete(b.listeners, l)
		close(l.out)
	}
}
