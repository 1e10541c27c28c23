package keyspace

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"gatehouse/internal/core"
	"gatehouse/store"
)

// watch looks after Redis each second until ctx ends: whether it is whole, and restores it where it is not; and whether
// something that was written waits to be indexed.
func (s *Space) watch(ctx context.Context) {
	var swept time.Time
	failing := false
	for ctx.Err() == nil {
		err := s.tend(ctx)
		if err == nil && time.Since(swept) >= settles/2 {
			if err = s.sweep(ctx); err == nil {
				swept = time.Now()
			}
		}
		if err != nil && !failing && ctx.Err() == nil {
			s.o.Log.WarnContext(ctx, "the key index waits for Redis", "error", err)
		}
		if err == nil && failing {
			s.o.Log.InfoContext(ctx, "the key index is in step with Redis again")
		}
		failing = err != nil
		select {
		case <-s.anchor.hurry:
			// Somebody waits, who asks for it again each time.
			select {
			case <-time.After(beats / 10):
			case <-ctx.Done():
			}
		case <-time.After(beats):
		case <-ctx.Done():
		}
	}
}

// tend finds out what became of Redis, and sees to it.
func (s *Space) tend(ctx context.Context) error {
	known, _ := s.anchor.get()
	v, err := s.look(ctx)
	if err != nil {
		return err
	}
	if c, _ := v.since(known); c == whole {
		return s.beat(ctx, v, known.Epoch)
	}
	// Perhaps this process is new, or another server has seen to it.
	if known, _, err = s.remembered(ctx); err != nil {
		return err
	}
	if c, _ := v.since(known); c == whole {
		s.anchor.set(known)
		s.Rebuild()
		return s.beat(ctx, v, known.Epoch)
	}
	lease, err := s.lease(ctx)
	if err != nil || lease == nil {
		return err
	}
	defer lease.end(ctx)
	// Once more, behind the lease: nobody else restores now.
	if known, _, err = s.remembered(ctx); err != nil {
		return err
	}
	if v, err = s.look(ctx); err != nil {
		return err
	}
	switch c, losses := v.since(known); c {
	case whole:
		s.anchor.set(known)
		s.Rebuild()
		return nil
	case moved:
		if err := s.beat(ctx, v, known.Epoch); err != nil {
			return err
		}
		return s.remember(ctx, v.anchor(known.Epoch))
	default:
		return s.restore(ctx, lease, v, c, losses, known)
	}
}

// margin is how much before the marker's time a write counts as written after it: the clocks of servers differ.
const margin = 5 * time.Second

// restore brings back to Redis what it lost, and anchors the index to it.
func (s *Space) restore(ctx context.Context, l *lease, v view, c condition, losses []loss, known anchor) error {
	epoch := known.Epoch
	if c == first || c == replaced {
		epoch = cmp.Or(v.epoch, core.NewHex())
	}
	if c == first || c == emptied {
		losses = []loss{{}}
	}
	n := 0
	for _, lost := range losses {
		written, err := s.push(ctx, l, lost)
		n += written
		if err != nil {
			return err
		}
	}
	for i, m := range v.masters {
		if m.marker != "" && m.epoch != epoch { // of another Redis that this master was a part of
			if err := s.o.Redis.Del(ctx, m.name).Err(); err != nil {
				return unavailable(err)
			}
			v.masters[i].marker = ""
		}
	}
	// The times of the others stay as they are until all is remembered: they tell what is lost if this is not.
	for _, m := range v.masters {
		if m.marker == "" {
			if err := s.beat(ctx, view{masters: []master{m}}, epoch); err != nil {
				return err
			}
		}
	}
	if err := s.remember(ctx, v.anchor(epoch)); err != nil {
		return err
	}
	switch {
	case c == replaced:
		s.o.Log.WarnContext(ctx, "this is another Redis than the one that was indexed: its keys are the keys from now on")
	case c != first || n > 0:
		s.o.Log.WarnContext(ctx, "keys were restored to Redis", "keys", n, "restarted", c == partly, "masters", len(losses))
	}
	s.Rebuild()
	return nil
}

// push writes the sessions of the index to Redis that it lacks, of the rows in the slots that were written after a
// time. Where that is all of them, what is in Redis is newer and stays. It returns how many it wrote.
func (s *Space) push(ctx context.Context, l *lease, lost loss) (int, error) {
	s.flushed(ctx)
	n := 0
	q := store.Query{Tenant: store.AllTenants(), Sort: "id", Limit: batch}
	if !lost.after.IsZero() {
		q.Where = []store.Cond{store.Between("updated_at", lost.after.UnixMicro(), math.MaxInt64)}
	}
	for {
		page, err := s.o.Store.Keys.List(ctx, q)
		if err != nil {
			return n, err
		}
		rows := slices.DeleteFunc(page.Objects, func(k *core.Key) bool { return !lost.slots.has(k.ID) })
		written, err := s.pushPage(ctx, rows, !lost.after.IsZero())
		n += written
		if err != nil {
			return n, err
		}
		if !page.More {
			return n, nil
		}
		q.After = page.Cursors[len(page.Cursors)-1]
		if err := l.renew(ctx); err != nil {
			return n, err
		}
	}
}

func (s *Space) pushPage(ctx context.Context, rows []*core.Key, over bool) (int, error) {
	notes, err := s.notes(ctx, idsOf(rows))
	if err != nil {
		return 0, err
	}
	if gone := s.outlived(rows, notes); len(gone) > 0 {
		rows = slices.DeleteFunc(slices.Clone(rows), func(k *core.Key) bool { return slices.Contains(gone, k) })
	}
	if len(rows) == 0 {
		return 0, nil
	}
	sessions, err := s.confine(ctx, rows)
	if err != nil {
		return 0, err
	}
	set := make([]*redis.BoolCmd, len(rows))
	now := s.o.Store.Now()
	_, err = s.o.Redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, k := range rows {
			set[i] = p.SetNX(ctx, sessionName(k.ID), []byte(sessions[i]), lifetime(k.Session, now))
		}
		return nil
	})
	if err != nil {
		return 0, unavailable(err)
	}
	n := 0
	var there []*core.Key
	for i, k := range rows {
		if set[i].Val() {
			n++
		} else if over {
			row := *k
			row.Session = sessions[i]
			there = append(there, &row)
		}
	}
	raws, err := s.sessions(ctx, idsOf(there))
	if err != nil {
		return n, err
	}
	for i, k := range there {
		if raws[i] == "" || same(k.Session, raws[i]) {
			continue
		}
		// An older session came back. The newer one was acknowledged.
		m := s.newMark(k.ID)
		done, err := s.swap(ctx, k.ID, raws[i], string(k.Session), m)
		if err != nil {
			return n, err
		}
		if done {
			n++
			s.o.Notifier.FlushKeys(k.ID)
		}
		s.unmark(ctx, m)
	}
	return n, nil
}

// sweep indexes what was written and marked a while ago, by a server that did not come to it.
func (s *Space) sweep(ctx context.Context) error {
	until := strconv.FormatInt(time.Now().Add(-settles).UnixMilli(), 10)
	for {
		members, err := s.o.Redis.ZRangeByScore(
			ctx,
			marksName,
			&redis.ZRangeBy{Min: "-inf", Max: until, Count: batch},
		).Result()
		if err != nil {
			return unavailable(err)
		}
		if len(members) == 0 {
			return nil
		}
		ids, marks := make([]string, len(members)), make([]mark, len(members))
		for i, m := range members {
			ids[i], marks[i] = idOf(m), mark{member: m}
		}
		if _, _, err := s.reconcile(ctx, ids, foreign); err != nil {
			return err
		}
		s.unmark(ctx, marks...)
		if len(members) < batch {
			return nil
		}
	}
}
