package keyspace

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"gatehouse/store"
)

// Status is how far the index is.
type Status struct {
	Scanning bool `json:"scanning"`
	// Progress is the share of the scan that is done, from 0 to 1.
	Progress float64 `json:"progress"`
	// Scanned is how many sessions it has looked at, Corrected how many of them were taken over.
	Scanned   int `json:"scanned"`
	Corrected int `json:"corrected"`
	// Pending is how many changes wait to be indexed.
	Pending int `json:"-"`
	// CompletedAt is when the last whole scan ended; zero for never.
	CompletedAt time.Time `json:"completed_at"`
}

// Status tells how far the index is, whichever server scans. It fails with CodeUnavailable when Redis does not answer.
func (s *Space) Status(ctx context.Context) (Status, error) {
	ctx, cancel := context.WithTimeout(ctx, answers)
	defer cancel()
	var raw *redis.StringCmd
	var leases, pending *redis.IntCmd
	_, err := s.o.Redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		raw, leases, pending = p.Get(ctx, statusName), p.Exists(ctx, lockName), p.ZCard(ctx, marksName)
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return Status{}, unavailable(err)
	}
	var out Status
	if raw.Val() != "" {
		if err := json.Unmarshal([]byte(raw.Val()), &out); err != nil {
			s.o.Log.WarnContext(ctx, "the status of the key index in Redis is not ours", "error", err)
		}
	}
	// One that died no longer scans.
	out.Scanning = out.Scanning && leases.Val() > 0
	out.Pending = int(pending.Val())
	return out, nil
}

// Rebuild starts a scan in the background, unless one is under way.
func (s *Space) Rebuild() {
	select {
	case s.wanted <- struct{}{}:
	default:
	}
}

// again is the time after which a scan that failed is tried again.
const again = time.Minute

// scans scans at each interval and when it is asked to, until ctx ends.
func (s *Space) scans(ctx context.Context) {
	timer := time.NewTimer(s.o.Interval)
	defer timer.Stop()
	for asked := false; ; {
		select {
		case <-s.wanted:
			asked = true
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		var err error
		if asked || !s.scannedLately(ctx) {
			err = s.scan(ctx)
		}
		asked = false
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			timer.Reset(s.o.Interval)
		case errors.Is(err, errRestoring):
			asked = true
			timer.Reset(beats / 2)
		default:
			s.o.Log.WarnContext(ctx, "the scan of the keys in Redis stopped", "error", err)
			timer.Reset(min(again, s.o.Interval))
		}
	}
}

// scannedLately tells whether another server has just done it.
func (s *Space) scannedLately(ctx context.Context) bool {
	status, err := s.Status(ctx)
	return err == nil && time.Since(status.CompletedAt) < s.o.Interval/2
}

// scan is one walk over all of Redis, and then over all of the index.
type scan struct {
	space *Space
	lease *lease
	// mu holds off the other masters of a cluster while one page is seen to.
	mu sync.Mutex
	Status
	// size is how many names Redis holds, visited how many of them were passed.
	size, visited int64
	told          time.Time
}

// walked is the part of a scan's work that lies in Redis; the rest is the index's.
const walked = 0.8

// scan makes the whole index equal to Redis. It does nothing when another server scans.
func (s *Space) scan(ctx context.Context) error {
	lease, err := s.lease(ctx)
	if err != nil {
		return err
	}
	if lease != nil {
		defer lease.end(ctx)
	}
	before, err := s.Status(ctx)
	switch {
	case err != nil:
		return err
	case lease == nil && before.Scanning:
		return nil
	case lease == nil:
		return errRestoring
	}
	if _, err := s.whole(ctx, false); err != nil {
		return err
	}
	w := &scan{space: s, lease: lease, Status: Status{Scanning: true, CompletedAt: before.CompletedAt}}
	if w.size, err = s.o.Redis.DBSize(ctx).Result(); err != nil {
		return unavailable(err)
	}
	began := time.Now()
	if err = w.walk(ctx); err == nil {
		err = w.rest(ctx)
	}
	if err == nil {
		err = s.weed(ctx)
	}
	w.Scanning = false
	if err == nil {
		w.Progress, w.CompletedAt = 1, time.Now().UTC()
	}
	w.told = time.Time{}
	w.tell(context.WithoutCancel(ctx))
	if err == nil {
		s.o.Log.InfoContext(
			ctx,
			"the keys in Redis were scanned",
			"keys",
			w.Scanned,
			"corrected",
			w.Corrected,
			"took",
			time.Since(began),
		)
	}
	return err
}

// scanCount is how many names Redis passes in one step.
const scanCount = 1000

// walk goes over the sessions in Redis.
func (w *scan) walk(ctx context.Context) error {
	if c, sharded := w.space.o.Redis.(*redis.ClusterClient); sharded {
		return c.ForEachMaster(ctx, func(ctx context.Context, m *redis.Client) error { return w.walkOne(ctx, m) })
	}
	return w.walkOne(ctx, w.space.o.Redis)
}

func (w *scan) walkOne(ctx context.Context, c redis.Cmdable) error {
	for cursor := uint64(0); ; {
		names, next, err := c.Scan(ctx, cursor, sessionPrefix+"*", scanCount).Result()
		if err != nil {
			return unavailable(err)
		}
		ids := make([]string, 0, len(names))
		for _, name := range names {
			ids = append(ids, strings.TrimPrefix(name, sessionPrefix))
		}
		if err := w.page(ctx, ids, scanCount); err != nil || next == 0 {
			return err
		}
		cursor = next
	}
}

// page sees to some ids, and then rests for as long as that took, so that it never hogs Redis, the store or a core.
func (w *scan) page(ctx context.Context, ids []string, visited int64) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	began := time.Now()
	_, corrected, err := w.space.reconcile(ctx, ids, scanned)
	w.Corrected += corrected
	if err != nil {
		return err
	}
	w.Scanned += len(ids)
	w.visited += visited
	w.Progress = walked * min(1, float64(w.visited)/float64(max(w.size, 1)))
	return w.breathe(ctx, time.Since(began))
}

// rest goes over the rows of the index that have no session.
func (w *scan) rest(ctx context.Context) error {
	s := w.space
	s.flushed(ctx)
	total, err := s.o.Store.Keys.Count(ctx, store.AllTenants())
	if err != nil {
		return err
	}
	q := store.Query{Tenant: store.AllTenants(), Sort: "id", Limit: scanCount, IDsOnly: true}
	for passed := 0; ; {
		began := time.Now()
		page, err := s.o.Store.Keys.List(ctx, q)
		if err != nil {
			return err
		}
		ids := idsOf(page.Objects)
		missing, err := s.missing(ctx, ids)
		if err != nil {
			return err
		}
		_, corrected, err := s.reconcile(ctx, missing, scanned)
		w.Corrected += corrected
		if err != nil || !page.More {
			return err
		}
		passed += len(ids)
		w.Progress = walked + (1-walked)*min(1, float64(passed)/float64(max(total, 1)))
		q.After = page.Cursors[len(page.Cursors)-1]
		if err := w.breathe(ctx, time.Since(began)); err != nil {
			return err
		}
	}
}

// missing returns those of ids that have no session.
func (s *Space) missing(ctx context.Context, ids []string) ([]string, error) {
	there := make([]*redis.IntCmd, len(ids))
	_, err := s.o.Redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, id := range ids {
			there[i] = p.Exists(ctx, sessionName(id))
		}
		return nil
	})
	if err != nil {
		return nil, unavailable(err)
	}
	var out []string
	for i, id := range ids {
		if there[i].Val() == 0 {
			out = append(out, id)
		}
	}
	return out, nil
}

// breathe tells how far the scan is, keeps the lease, and rests.
func (w *scan) breathe(ctx context.Context, took time.Duration) error {
	if err := w.lease.renew(ctx); err != nil {
		return err
	}
	w.tell(ctx)
	select {
	case <-time.After(min(took, 100*time.Millisecond)):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// tell writes down how far the scan is, twice a second at most.
func (w *scan) tell(ctx context.Context) {
	if time.Since(w.told) < time.Second/2 {
		return
	}
	w.told = time.Now()
	raw, err := json.Marshal(w.Status)
	if err == nil {
		err = w.space.o.Redis.Set(ctx, statusName, raw, 0).Err()
	}
	if err != nil {
		w.space.o.Log.DebugContext(ctx, "the progress of the scan is not shown", "error", err)
	}
}
