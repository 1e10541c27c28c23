package keyspace

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"gatehouse/internal/core"
	"gatehouse/store"
)

// queue holds the keys that this process created and that are not in the index yet.
type queue struct {
	mu   sync.Mutex
	keys []*core.Key
	// marks are those of keys.
	marks []mark
	// put and tried count the keys that came, and those that an attempt was made to index.
	put, tried uint64
	// attempt is closed at the end of each attempt, and replaced.
	attempt chan struct{}
	// waiting is how many wait for an attempt; wake has a token when somebody does, or when there is something to do.
	waiting int
	wake    chan struct{}
}

// The bounds of the queue. A full one makes creators wait for the store; a batch that is not full waits a moment for
// more.
const (
	queued  = 10_000
	gathers = 50 * time.Millisecond
)

func newQueue() *queue { return &queue{attempt: make(chan struct{}), wake: make(chan struct{}, 1)} }

// add queues a key. It waits for room while ctx lasts; a key that finds none is left to its mark, and not queued.
func (q *queue) add(ctx context.Context, k *core.Key, m mark) {
	for {
		q.mu.Lock()
		if len(q.keys) < queued {
			break
		}
		attempt := q.attempt
		q.mu.Unlock()
		select {
		case <-attempt:
		case <-ctx.Done():
			return
		}
	}
	q.keys, q.marks = append(q.keys, k), append(q.marks, m)
	q.put++
	n := len(q.keys)
	q.mu.Unlock()
	if n == 1 || n == batch {
		q.nudge()
	}
}

func (q *queue) nudge() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// take removes a batch.
func (q *queue) take() ([]*core.Key, []mark) {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(batch, len(q.keys))
	keys, marks := q.keys[:n:n], q.marks[:n:n]
	q.keys, q.marks = q.keys[n:], q.marks[n:]
	if len(q.keys) == 0 {
		q.keys, q.marks = nil, nil
	}
	return keys, marks
}

// settle says that a batch was indexed, or puts it back.
func (q *queue) settle(keys []*core.Key, marks []mark, failed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.tried += uint64(len(keys))
	if failed {
		q.keys, q.marks = append(keys, q.keys...), append(marks, q.marks...)
		q.put += uint64(len(keys))
	}
	close(q.attempt)
	q.attempt = make(chan struct{})
}

func (q *queue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return int(q.put - q.tried)
}

// flushed waits until the index was given what this process created before the call, or ctx ends. When the store fails,
// it does not wait on: the reader will find out.
func (s *Space) flushed(ctx context.Context) {
	q := s.queue
	q.mu.Lock()
	q.waiting++
	defer func() { q.waiting--; q.mu.Unlock() }()
	for until := q.put; q.tried < until; {
		attempt := q.attempt
		q.mu.Unlock()
		q.nudge()
		select {
		case <-attempt:
		case <-ctx.Done():
			q.mu.Lock()
			return
		}
		q.mu.Lock()
	}
}

// flush indexes what is created, in batches, until ctx ends and nothing is left.
func (s *Space) flush(ctx context.Context) {
	for {
		select {
		case <-s.queue.wake:
		case <-ctx.Done():
		}
		for s.queue.len() > 0 {
			s.gather(ctx)
			keys, marks := s.queue.take()
			// What was acknowledged is indexed even while the program ends; the marks are for what ends worse.
			err := s.confirm(context.WithoutCancel(ctx), keys, marks)
			if err == nil {
				err = s.index(context.WithoutCancel(ctx), keys)
			}
			if err == nil {
				s.unmark(ctx, marks...)
			}
			s.queue.settle(keys, marks, err != nil)
			if err != nil {
				s.o.Log.WarnContext(ctx, "new keys wait to be indexed", "keys", len(keys), "error", err)
				select {
				case <-time.After(time.Second):
				case <-ctx.Done():
					return
				}
			}
		}
		if ctx.Err() != nil {
			return
		}
	}
}

// gather waits a moment for a batch to fill, unless somebody waits for it.
func (s *Space) gather(ctx context.Context) {
	s.queue.mu.Lock()
	full := len(s.queue.keys) >= batch || s.queue.waiting > 0
	s.queue.mu.Unlock()
	if full {
		return
	}
	select {
	case <-s.queue.wake:
	case <-time.After(gathers):
	case <-ctx.Done():
	}
}

// confirm writes sessions once more that a Redis may have forgotten before they were indexed: who restored it then,
// here or on another server, did not know of them. While Redis cannot be asked, they are indexed, and restored with the
// others.
func (s *Space) confirm(ctx context.Context, keys []*core.Key, marks []mark) error {
	known, _ := s.anchor.get()
	age := s.anchor.age()
	v, err := s.look(ctx)
	if err != nil {
		return nil //nolint:nilerr // as above
	}
	c, _ := v.since(known)
	settled := c == whole || c == moved
	var old []*core.Key
	for i, k := range keys {
		if !settled || marks[i].generation != age {
			old = append(old, k)
		}
	}
	_, err = s.pushPage(ctx, old, false)
	return err
}

// index makes the rows of keys that are known to be new. Where there is a row already, the session says what is right.
func (s *Space) index(ctx context.Context, keys []*core.Key) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		notes, err := s.notes(ctx, idsOf(keys))
		if err != nil {
			return err
		}
		if gone := s.outlived(keys, notes); len(gone) > 0 {
			keys = slices.DeleteFunc(slices.Clone(keys), func(k *core.Key) bool { return slices.Contains(gone, k) })
			for _, k := range gone {
				delete(notes, k.ID)
			}
			// Their sessions may have come back meanwhile.
			if _, _, err := s.reconcile(ctx, idsOf(gone), foreign); err != nil {
				return err
			}
		}
		if len(keys) == 0 {
			return nil
		}
		writes := s.forgetting(notes)
		for _, k := range keys {
			writes = append(writes, s.o.Store.Keys.Creating(k))
		}
		err = s.o.Store.Apply(ctx, writes...)
		if errors.Is(err, store.ErrStale) { // another server forgot the same
			continue
		}
		if !errors.Is(err, store.ErrConflict) {
			return err
		}
		rows, err := s.rows(ctx, idsOf(keys))
		if err != nil {
			return err
		}
		var there []string
		keys = slices.DeleteFunc(slices.Clone(keys), func(k *core.Key) bool {
			if rows[k.ID] != nil {
				there = append(there, k.ID)
			}
			return rows[k.ID] != nil
		})
		if len(there) > 0 {
			if _, _, err := s.reconcile(ctx, there, own); err != nil {
				return err
			}
		}
	}
}

func idsOf(keys []*core.Key) []string {
	ids := make([]string, len(keys))
	for i, k := range keys {
		ids[i] = k.ID
	}
	return ids
}
