package keyspace

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"gatehouse/internal/core"
	"gatehouse/store"
)

// FindMany is as key.Space says. It reads Redis, and the index beside it: what only Redis has is found, and a revision
// belongs to the session that comes with it. While Redis does not answer, or is being restored, the index answers
// alone; when it has none of ids then, it fails with CodeUnavailable, since another server may have made one that the
// index lacks yet.
func (s *Space) FindMany(ctx context.Context, t store.Tenant, unique string, ids []string) ([]*core.Key, error) {
	if unique != "id" {
		s.flushed(ctx)
		return s.o.Store.Keys.FindMany(ctx, t, unique, ids)
	}
	found, err := s.find(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := make([]*core.Key, 0, len(found))
	for _, k := range found {
		if t.Includes(k.OrgID) {
			out = append(out, k)
		}
	}
	if t.IsRestricted() && len(out) > 0 {
		s.flushed(ctx)
		seen, err := s.o.Store.Keys.Seen(ctx, t, slices.Collect(maps.Keys(found)))
		if err != nil {
			return nil, err
		}
		out = slices.DeleteFunc(out, func(k *core.Key) bool { return !seen[k.ID] })
	}
	return out, nil
}

// find reads the keys of ids, whatever the organisation.
func (s *Space) find(ctx context.Context, ids []string) (map[string]*core.Key, error) {
	if time.Now().UnixNano() < s.silentUntil.Load() {
		return s.indexed(ctx, ids, errSilent)
	}
	raws, err := s.sessions(ctx, ids)
	if err != nil {
		s.silentUntil.Store(time.Now().Add(silence).UnixNano())
		return s.indexed(ctx, ids, err)
	}
	rows, err := s.rows(ctx, ids)
	if err != nil {
		return nil, err
	}
	found := make(map[string]*core.Key, len(rows))
	var differ []string
	for i, id := range ids {
		row := rows[id]
		switch {
		case row == nil && raws[i] == "":
		case row != nil && string(row.Session) == raws[i]:
			found[id] = row
		case row != nil && raws[i] != "" && same(row.Session, raws[i]):
			found[id] = core.NewKey(row.Meta, core.Document(raws[i]))
		default:
			differ = append(differ, id)
		}
	}
	if len(differ) == 0 {
		return found, nil
	}
	s.flushed(ctx)
	more, _, err := s.reconcile(ctx, differ, foreign)
	if core.CodeOf(err) == core.CodeUnavailable && ctx.Err() == nil {
		more, err = s.indexed(ctx, differ, err)
	}
	for id, k := range more {
		found[id] = k
	}
	return found, err
}

// errSilent stands for a Redis that did not answer a moment ago.
var errSilent = unavailable(errors.New("keyspace: Redis did not answer a moment ago"))

// indexed reads keys while Redis does not answer, for the reason why. None found does not mean that there is none.
func (s *Space) indexed(ctx context.Context, ids []string, why error) (map[string]*core.Key, error) {
	s.flushed(ctx)
	rows, err := s.rows(ctx, ids)
	if err == nil && len(rows) == 0 && len(ids) > 0 {
		err = why
	}
	return rows, err
}

// List is as key.Space says. It reads the index, which holds what this process wrote before; the counters in its
// sessions are those of when it was made.
func (s *Space) List(ctx context.Context, q store.Query) (*store.List[core.Key], error) {
	s.flushed(ctx)
	return s.o.Store.Keys.List(ctx, q)
}

// Count is as key.Space says, on the terms of List.
func (s *Space) Count(ctx context.Context, t store.Tenant, where ...store.Cond) (int, error) {
	s.flushed(ctx)
	return s.o.Store.Keys.Count(ctx, t, where...)
}

// TopByLabel is as key.Space says, on the terms of List.
func (s *Space) TopByLabel(
	ctx context.Context,
	t store.Tenant,
	label string,
	values []string,
	limit int,
) (map[string][]*core.Key, error) {
	s.flushed(ctx)
	return s.o.Store.Keys.TopByLabel(ctx, t, label, values, limit)
}

// CountByLabel is as key.Space says, on the terms of List.
func (s *Space) CountByLabel(
	ctx context.Context,
	t store.Tenant,
	label string,
	values ...string,
) (map[string]int, error) {
	s.flushed(ctx)
	return s.o.Store.Keys.CountByLabel(ctx, t, label, values...)
}

// Create is as key.Space says: when it returns nil, the key works at the gateways. Its row in the index follows within
// a moment, whatever becomes of this process.
func (s *Space) Create(ctx context.Context, k *core.Key) error {
	if !indexable(k.ID) {
		return core.Errorf(core.CodeInvalid, "the key's name is too long: it must have at most %d bytes", maxID)
	}
	if err := store.Ahead(ctx); err != nil {
		return err
	}
	m := s.newMakingMark(k.ID)
	created, err := s.put(ctx, k, m)
	if err != nil {
		return err
	}
	if !created {
		s.unmark(ctx, m)
		return &store.ConflictError{Collection: "keys", Unique: "id", ID: k.ID, OtherID: k.ID}
	}
	now := s.o.Store.Now().Truncate(time.Microsecond)
	k.Revision, k.CreatedAt, k.UpdatedAt = 1, now, now
	row := *k
	s.queue.add(ctx, &row, m)
	return nil
}

// Update is as key.Space says: the session is replaced if it still is the one of the revision, but for what gateways
// note in it. Gateways forget the one that they cached.
func (s *Space) Update(ctx context.Context, k *core.Key) error {
	found, err := s.replace(ctx, k, string(k.Session))
	if err != nil {
		return err
	}
	if next := found[k.ID]; next != nil {
		k.Meta = next.Meta
	}
	return nil
}

// Delete is as key.Space says, on the terms of Update. The key's counters go with it.
func (s *Space) Delete(ctx context.Context, k *core.Key) error {
	if _, err := s.replace(ctx, k, ""); err != nil {
		return err
	}
	if err := s.ResetQuota(ctx, k); err != nil {
		s.o.Log.WarnContext(ctx, "the counters of a deleted key stay", "error", err)
	}
	return nil
}

// replace writes next, or nothing, over the session that k's revision stands for, and has the index follow.
func (s *Space) replace(ctx context.Context, k *core.Key, next string) (map[string]*core.Key, error) {
	if err := store.Ahead(ctx); err != nil {
		return nil, err
	}
	m := s.newMark(k.ID)
	ids := []string{k.ID}
	for try := 1; ; try++ {
		raws, err := s.sessions(ctx, ids)
		if err != nil {
			return nil, err
		}
		rows, err := s.rows(ctx, ids)
		if err != nil {
			return nil, err
		}
		row := rows[k.ID]
		if row == nil || raws[0] == "" || row.Revision != k.Revision || row.OrgID != k.OrgID || !same(row.Session, raws[0]) {
			if _, _, err := s.reconcile(ctx, ids, foreign); err != nil {
				return nil, err
			}
			return nil, store.ErrStale
		}
		done, err := s.swap(ctx, k.ID, raws[0], next, m)
		if err != nil {
			return nil, err
		}
		if done {
			s.o.Notifier.FlushKeys(k.ID)
			found, _, err := s.reconcile(context.WithoutCancel(ctx), ids, own)
			if err != nil {
				return nil, err
			}
			// A Redis that had just started was being restored, perhaps, and the row as it was went over what was written.
			now := found[k.ID]
			if undone := now != nil && now.Revision == k.Revision && string(now.Session) != next; !undone {
				s.unmark(ctx, m)
				return found, nil
			}
		}
		// Otherwise, a gateway wrote in between: perhaps only where its counters stand.
		if try == tries {
			s.unmark(ctx, m)
			return nil, store.ErrStale
		}
	}
}

// Purge removes the sessions of keys, whatever became of them since they were read, with their counters. Their rows are
// the caller's to remove, and should go first.
func (s *Space) Purge(ctx context.Context, keys []*core.Key) error {
	for len(keys) > 0 {
		part := keys[:min(batch, len(keys))]
		keys = keys[len(part):]
		_, err := s.o.Redis.Pipelined(ctx, func(p redis.Pipeliner) error {
			for _, k := range part {
				p.Del(ctx, sessionName(k.ID))
				for _, name := range counters(k) {
					p.Del(ctx, name)
				}
			}
			return nil
		})
		if err != nil {
			return unavailable(err)
		}
		s.o.Notifier.FlushKeys(idsOf(part)...)
	}
	return nil
}
