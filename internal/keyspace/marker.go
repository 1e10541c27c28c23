package keyspace

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"gatehouse/internal/core"
	"gatehouse/store"
)

// A Redis may lose what it acknowledged: all of it when it keeps nothing on disk, the last minutes when it keeps snapshots, the
// last moment when a replica takes over. So it holds a marker: "<epoch> <time>", where the epoch is random and says which Redis
// it is, and the time, in milliseconds, is moved on each second. The store remembers the epoch, and the run id that Redis gives
// itself at each start. Together they tell what became of it:
//
//   - the same epoch and run id: it is whole, and what it lacks was deleted, or expired;
//   - another run id: it started anew, or another took its place. What was written after the marker's time may be gone;
//   - no marker: all is gone;
//   - another epoch: this is another Redis than the one that was indexed. It is the truth now.

// anchor is what the store remembers of the Redis that is indexed.
type anchor struct {
	Epoch string `json:"epoch"`
	RunID string `json:"run_id"`
}

// anchored is the anchor as this process knows it.
type anchored struct {
	mu sync.Mutex
	anchor
	// changed is closed when the anchor is another, and replaced; hurry has a token when somebody waits for that.
	changed chan struct{}
	hurry   chan struct{}
}

func (a *anchored) get() (now anchor, changed <-chan struct{}) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.anchor, a.changed
}

func (a *anchored) set(to anchor) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.anchor = to
	close(a.changed)
	a.changed = make(chan struct{})
}

// view is what Redis says of itself.
type view struct {
	anchor
	// marker is the raw marker, "" when there is none; at is the time in it.
	marker string
	at     time.Time
}

// condition is what became of Redis.
type condition int

const (
	whole     condition = iota
	first               // it was never indexed
	emptied             // everything is gone
	restarted           // what was written after the marker's time may be gone
	replaced            // it is another
)

func (v view) since(known anchor) condition {
	switch {
	case known.Epoch == "":
		return first
	case v.marker == "":
		return emptied
	case v.Epoch != known.Epoch:
		return replaced
	case v.RunID != known.RunID:
		return restarted
	}
	return whole
}

// look asks Redis for its marker and run id.
func (s *Space) look(ctx context.Context) (view, error) {
	ctx, cancel := context.WithTimeout(ctx, answers)
	defer cancel()
	var v view
	marker := s.o.Redis.Get(ctx, markerName)
	if err := marker.Err(); err != nil && !errors.Is(err, redis.Nil) {
		return v, unavailable(err)
	}
	v.marker = marker.Val()
	epoch, at, _ := strings.Cut(v.marker, " ")
	ms, _ := strconv.ParseInt(at, 10, 64)
	v.Epoch, v.at = epoch, time.UnixMilli(ms)
	var err error
	v.RunID, err = s.runID(ctx)
	return v, err
}

// runID is the run id of the server, or those of the masters of a cluster; "" where it does not tell.
func (s *Space) runID(ctx context.Context) (string, error) {
	var mu sync.Mutex
	var ids []string
	ask := func(ctx context.Context, c redis.Cmdable) error {
		text, err := c.Info(ctx, "server").Result()
		var refused redis.Error
		if err != nil && !errors.As(err, &refused) {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		for line := range strings.Lines(text) {
			if id, ok := strings.CutPrefix(strings.TrimSpace(line), "run_id:"); ok {
				ids = append(ids, id)
			}
		}
		return nil
	}
	var err error
	if c, sharded := s.o.Redis.(*redis.ClusterClient); sharded {
		err = c.ForEachMaster(ctx, func(ctx context.Context, m *redis.Client) error { return ask(ctx, m) })
	} else {
		err = ask(ctx, s.o.Redis)
	}
	if err != nil {
		return "", unavailable(err)
	}
	slices.Sort(ids)
	return strings.Join(ids, " "), nil
}

// errRestoring is the cause of errors that pass when keys are restored.
var errRestoring = errors.New("keyspace: keys are being restored")

// whole fails with CodeUnavailable unless Redis has all that it had. It may wait a while for the end of a restoration, and tells
// whether it did: what was read before is out of date then.
func (s *Space) whole(ctx context.Context, wait bool) (waited bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, answers)
	defer cancel()
	for ; ; waited = true {
		known, changed := s.anchor.get()
		v, err := s.look(ctx)
		if err != nil || v.since(known) == whole {
			return waited, err
		}
		select {
		case s.anchor.hurry <- struct{}{}:
		default:
		}
		if wait {
			select {
			case <-changed:
				continue
			case <-ctx.Done():
			}
		}
		return waited, core.Wrap(core.CodeUnavailable, errRestoring, "the gateways' Redis lost keys, which are being restored: try again in a while")
	}
}

// settingID is the name under which the store keeps the anchor.
const settingID = "keyspace"

// remembered is the anchor in the store, with the setting that holds it: nil where there is none.
func (s *Space) remembered(ctx context.Context) (anchor, *core.Setting, error) {
	var a anchor
	found, err := s.o.Store.Settings.FindMany(ctx, store.AllTenants(), "id", []string{settingID})
	if err != nil || len(found) == 0 {
		return a, nil, err
	}
	return a, found[0], json.Unmarshal(found[0].Value, &a)
}

// remember keeps an anchor in the store, and takes it for this process's own.
func (s *Space) remember(ctx context.Context, to anchor) error {
	_, old, err := s.remembered(ctx)
	if err != nil {
		return err
	}
	value, err := json.Marshal(to)
	if err != nil {
		return err
	}
	next := &core.Setting{Meta: core.Meta{ID: settingID}, Value: value}
	if old == nil {
		err = s.o.Store.Settings.Create(ctx, next)
	} else {
		next.Meta = old.Meta
		err = s.o.Store.Settings.Update(ctx, next)
	}
	if err == nil {
		s.anchor.set(to)
	}
	return err
}

// beat moves the time of the marker on. A marker that is another by now stays: it may tell of a loss.
func (s *Space) beat(ctx context.Context, v view) error {
	next := v.Epoch + " " + strconv.FormatInt(s.o.Store.Now().UnixMilli(), 10)
	if err := swapScript.Run(ctx, s.o.Redis, []string{markerName}, v.marker, next, 0).Err(); err != nil {
		return unavailable(err)
	}
	return nil
}
