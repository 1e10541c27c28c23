package keyspace

import (
	"context"
	"sync"
	"time"

	"gatehouse/internal/core"
)

// A gateway that serves a request of a key with a quota writes its session back at the end of the request, also when the key was
// deleted in the meantime: the key would work again, for ever. So deleted keys are remembered for longer than a request takes,
// and a session that comes back is deleted once more. It is told from a new one of the same name by its date of creation.

// graves are the keys that this process deleted lately.
type graves struct {
	mu  sync.Mutex
	all map[string]grave
}

type grave struct {
	created time.Time
	until   time.Time
}

// mourned is how long a deleted key is remembered; maxGraves is how many are.
const (
	mourned   = 5 * time.Minute
	maxGraves = 20 * batch
)

// bury remembers deleted keys.
func (g *graves) bury(keys ...*core.Key) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	if g.all == nil || len(g.all)+len(keys) > maxGraves {
		kept := make(map[string]grave)
		for id, old := range g.all {
			if old.until.After(now) && len(kept) < maxGraves/2 {
				kept[id] = old
			}
		}
		g.all = kept
	}
	for _, k := range keys {
		if len(g.all) < maxGraves {
			g.all[k.ID] = grave{dateCreated(k.Session), now.Add(mourned)}
		}
	}
}

// open forgets a key that is made again.
func (g *graves) open(id string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.all, id)
}

// of returns those of ids that are remembered.
func (g *graves) of(ids []string) []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	var out []string
	for _, id := range ids {
		if old, ok := g.all[id]; ok && old.until.After(time.Now()) {
			out = append(out, id)
		}
	}
	return out
}

// is tells whether a session is the one that was deleted.
func (g *graves) is(id string, session core.Document) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	old, ok := g.all[id]
	return ok && old.created.Equal(dateCreated(session))
}

// dateCreated is when a session says that it was created; gateways write the zero time where it does not.
func dateCreated(session core.Document) time.Time {
	at, _ := time.Parse(time.RFC3339, session.Text("date_created"))
	return at
}

// rebury deletes those of ids again that this process deleted and that came back.
func (s *Space) rebury(ctx context.Context, ids []string) error {
	if ids = s.graves.of(ids); len(ids) == 0 {
		return nil
	}
	raws, err := s.sessions(ctx, ids)
	if err != nil {
		return err
	}
	for i, id := range ids {
		if raws[i] == "" || !s.graves.is(id, core.Document(raws[i])) {
			continue
		}
		m := s.newMark(id)
		done, err := s.swap(ctx, id, raws[i], "", m)
		if err != nil {
			return err
		}
		if done {
			s.o.Notifier.FlushKeys(id)
			s.o.Log.InfoContext(ctx, "a gateway wrote back the session of a deleted key, which is deleted again")
		}
	}
	return nil
}
