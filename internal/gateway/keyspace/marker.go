package keyspace

import (
	"cmp"
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

// A Redis may lose what it acknowledged: all of it when it keeps nothing on disk, the last minutes when it keeps
// snapshots, the last moment, or more, when a replica takes over. So it holds a marker: "<epoch> <time>", where the
// epoch is random and says which Redis it is, and the time, in milliseconds, is moved on each second. Each master of a
// cluster holds one of its own, in its lowest slot: masters lose independently of each other. The store remembers the
// epoch, and of each master the run id that it gave itself at its start, and the id of the history that its replicas
// copy. Together they tell what became of it:
//
//   - the same epoch and ids: it is whole, and what it lacks was deleted, or expired;
//   - other ids: it started anew, or another took its place. What was written after the marker's time may be gone;
//   - no marker: all is gone;
//   - another epoch: this is another Redis than the one that was indexed. It is the truth now.

// anchor is what the store remembers of the Redis that is indexed.
type anchor struct {
	Epoch string `json:"epoch"`
	// RunID is the run id, or those of the masters of a cluster, as earlier versions know a Redis.
	RunID string `json:"run_id"`
	// Masters are the masters by their run ids; earlier versions wrote none.
	Masters map[string]placed `json:"masters,omitempty"`
}

// placed is what is remembered of a master: the id of its history, and the slot of its marker, -1 without a cluster.
type placed struct {
	History string `json:"history"`
	Slot    int    `json:"slot"`
}

// anchored is the anchor as this process knows it.
type anchored struct {
	mu sync.Mutex
	anchor
	// generation counts the anchors.
	generation uint64
	// changed is closed when the anchor is another, and replaced; hurry has a token when somebody waits for that.
	changed chan struct{}
	hurry   chan struct{}
}

func (a *anchored) get() (now anchor, changed <-chan struct{}) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.anchor, a.changed
}

func (a *anchored) age() uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.generation
}

func (a *anchored) set(to anchor) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.anchor = to
	a.generation++
	close(a.changed)
	a.changed = make(chan struct{})
}

// master is what one master says of itself, with its marker.
type master struct {
	runID, history string
	slots          slots
	// name is where its marker is, marker what it says, "" for none; epoch and at are the parts of that.
	name, marker, epoch string
	at                  time.Time
}

// view is what Redis says of itself: of its one master, or of those of a cluster.
type view struct {
	masters []master
	// epoch is that of the markers: the known one where they differ.
	epoch string
}

// condition is what became of Redis.
type condition int

const (
	whole    condition = iota
	moved              // nothing is lost, but the anchor is to be written anew
	first              // it was never indexed
	emptied            // everything is gone
	partly             // some masters may lack something
	replaced           // it is another
)

// loss is what may be gone of a master.
type loss struct {
	slots slots
	// after is the time after which what was written may be gone; the zero time is all.
	after time.Time
}

// since tells what became of a Redis since it was known.
func (v view) since(known anchor) (condition, []loss) {
	switch {
	case known.Epoch == "":
		return first, nil
	case v.epoch == "":
		return emptied, nil
	case v.epoch != known.Epoch:
		return replaced, nil
	}
	out := whole
	var losses []loss
	for _, m := range v.masters {
		was, there := known.master(m)
		switch {
		case !there && m.epoch == known.Epoch:
			losses = append(losses, loss{m.slots, m.at.Add(-margin)})
		case !there, m.epoch != known.Epoch && was.Slot == m.slots.lowest():
			losses = append(losses, loss{slots: m.slots})
		case was != m.placed() || m.epoch != known.Epoch:
			out = moved // slots go from one master to another, or an earlier version wrote the anchor
		}
	}
	if len(losses) > 0 {
		return partly, losses
	}
	if out == whole && len(known.Masters) != len(v.masters) {
		out = moved // one serves nothing any more
	}
	return out, nil
}

// unplaced is the slot of a marker of which an earlier version did not say where it is.
const unplaced = -2

// master finds what is remembered of a master, whose history goes on.
func (a anchor) master(m master) (placed, bool) {
	if len(a.Masters) == 0 && (m.runID == "" || slices.Contains(strings.Fields(a.RunID), m.runID)) {
		if m.slots == nil && m.marker == "" { // without a cluster there is one place for the marker, and it is empty
			return placed{Slot: -1}, true
		}
		return placed{Slot: unplaced}, true
	}
	was, there := a.Masters[m.id()]
	if there && was.History != "" && m.history != "" && was.History != m.history {
		return placed{}, false
	}
	return was, there
}

// id is the run id, or, where the server does not tell it, where its marker is.
func (m master) id() string { return cmp.Or(m.runID, m.name) }

func (m master) placed() placed { return placed{m.history, m.slots.lowest()} }

// anchor is what is to be remembered of a view.
func (v view) anchor(epoch string) anchor {
	a := anchor{Epoch: epoch, Masters: map[string]placed{}}
	var ids []string
	for _, m := range v.masters {
		a.Masters[m.id()] = m.placed()
		if m.runID != "" {
			ids = append(ids, m.runID)
		}
	}
	slices.Sort(ids)
	a.RunID = strings.Join(ids, " ")
	return a
}

// look asks Redis for its markers and ids. It fails when a master does not answer, or when the masters do not agree on
// who serves what: nothing can be told of such a Redis.
func (s *Space) look(ctx context.Context) (view, error) {
	ctx, cancel := context.WithTimeout(ctx, answers)
	defer cancel()
	var v view
	cluster, sharded := s.o.Redis.(*redis.ClusterClient)
	if !sharded {
		m := master{name: markerName}
		if err := m.ask(ctx, s.o.Redis); err != nil {
			return v, unavailable(err)
		}
		return view{[]master{m}, m.epoch}, nil
	}
	var mu sync.Mutex
	var sets []slots
	err := cluster.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error {
		nodes, err := node.ClusterNodes(ctx).Result()
		if err != nil {
			return err
		}
		m := master{slots: ownSlots(nodes)}
		if m.slots == nil {
			return errors.New("keyspace: a node was replaced as a master")
		}
		if len(m.slots) == 0 {
			return nil
		}
		m.name = markerName + "-{" + s.tag(m.slots.lowest()) + "}"
		if err := m.ask(ctx, node); err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		v.masters, sets = append(v.masters, m), append(sets, m.slots)
		return nil
	})
	if err == nil && !partition(sets...) {
		err = errors.New("keyspace: the masters of the cluster do not serve each slot once")
	}
	if err != nil {
		return v, unavailable(err)
	}
	known, _ := s.anchor.get()
	for _, m := range v.masters {
		if v.epoch == "" || m.epoch == known.Epoch && m.epoch != "" {
			v.epoch = m.epoch
		}
	}
	if v.epoch == "" { // earlier versions have one marker for the whole cluster
		m := master{name: markerName}
		marker, err := s.o.Redis.Get(ctx, markerName).Result()
		if err != nil && !errors.Is(err, redis.Nil) {
			return v, unavailable(err)
		}
		m.read(marker)
		v.epoch = m.epoch
	}
	return v, nil
}

// tag is slotTag, which takes a while, remembered.
func (s *Space) tag(slot int) string {
	if tag, known := s.tags.Load(slot); known {
		return tag.(string) //nolint:forcetypeassert // nothing else is put there
	}
	tag := slotTag(slot)
	s.tags.Store(slot, tag)
	return tag
}

// ask reads marker and ids of a master, by one connection: so they are those of one and the same server.
func (m *master) ask(ctx context.Context, c redis.Cmdable) error {
	var marker, server, replication *redis.StringCmd
	_, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
		marker, server, replication = p.Get(ctx, m.name), p.Info(ctx, "server"), p.Info(ctx, "replication")
		return nil
	})
	var refused redis.Error
	if err != nil && !errors.As(err, &refused) {
		return err
	}
	if err := marker.Err(); err != nil && !errors.Is(err, redis.Nil) {
		return err
	}
	m.read(marker.Val())
	m.runID, m.history = info(server.Val(), "run_id"), info(replication.Val(), "master_replid")
	return nil
}

func (m *master) read(marker string) {
	m.marker = marker
	epoch, at, _ := strings.Cut(marker, " ")
	ms, _ := strconv.ParseInt(at, 10, 64)
	m.epoch, m.at = epoch, time.UnixMilli(ms)
}

// info finds a value in what INFO answers.
func info(text, name string) string {
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), name+":"); ok {
			return value
		}
	}
	return ""
}

// errRestoring is the cause of errors that pass when keys are restored.
var errRestoring = errors.New("keyspace: keys are being restored")

// whole fails with CodeUnavailable unless Redis has all that it had. It may wait a while for the end of a restoration,
// and tells whether it did: what was read before is out of date then.
func (s *Space) whole(ctx context.Context, wait bool) (waited bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, answers)
	defer cancel()
	for ; ; waited = true {
		known, changed := s.anchor.get()
		v, err := s.look(ctx)
		if err != nil {
			return waited, err
		}
		if c, _ := v.since(known); c == whole || c == moved {
			return waited, nil
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
		return waited, core.Wrap(
			core.CodeUnavailable,
			errRestoring,
			"the gateways' Redis lost keys, which are being restored: try again in a while",
		)
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

// beat moves the times of the markers on, and makes those that are missing. A marker that is another by now stays: it
// may tell of a loss.
func (s *Space) beat(ctx context.Context, v view, epoch string) error {
	next := epoch + " " + strconv.FormatInt(s.o.Store.Now().UnixMilli(), 10)
	for _, m := range v.masters {
		var err error
		if m.marker == "" {
			err = s.o.Redis.SetNX(ctx, m.name, next, 0).Err()
		} else {
			err = swapScript.Run(ctx, s.o.Redis, []string{m.name}, m.marker, next, 0).Err()
		}
		if err != nil {
			return unavailable(err)
		}
	}
	return nil
}
