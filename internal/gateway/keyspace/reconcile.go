package keyspace

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"time"

	"gatehouse/internal/core"
	"gatehouse/internal/gateway/token"
	"gatehouse/store"
)

// origin says whose change reconcile takes over.
type origin int

const (
	// own changes are announced by whoever made them.
	own origin = iota
	// foreign changes were made at a gateway, or by expiry: reconcile announces them.
	foreign
	// scanned changes are foreign ones that a scan found. It does not wait for a restoration, which waits for the scan's
	// lease.
	scanned
)

// tries is how often an index write is tried again because another server wrote the same rows first.
const tries = 20

// reconcile makes the index equal to what Redis holds of ids. It returns the keys that exist, by id, with the sessions
// of Redis and the revisions of the index, and how many rows it wrote. It never takes what is not there for deleted in
// a Redis that lost its memory: it fails with CodeUnavailable while that is being restored.
func (s *Space) reconcile(ctx context.Context, ids []string, from origin) (map[string]*core.Key, int, error) {
	if from != own {
		ctx = store.Alone(ctx) // what others changed is nothing that a call did
	}
	out, written := make(map[string]*core.Key, len(ids)), 0
	for len(ids) > 0 {
		part := ids[:min(batch, len(ids))]
		ids = ids[len(part):]
		for try := 1; ; try++ {
			p, err := s.compare(ctx, part, from)
			if err == nil {
				err = s.follow(ctx, p, from)
			}
			if (errors.Is(err, store.ErrStale) || errors.Is(err, store.ErrConflict)) && try < tries {
				if err := pause(ctx, try); err != nil {
					return nil, written, err
				}
				continue
			}
			if err != nil {
				return nil, written, err
			}
			for _, k := range p.keys {
				out[k.ID] = k
			}
			written += len(p.news)
			if from != own {
				s.announce(p.news)
			}
			break
		}
	}
	return out, written, nil
}

// plan is what the index lacks.
type plan struct {
	keys   []*core.Key
	writes []store.Change
	news   []news
	// made are the keys that are written; they want describing.
	made []*core.Key
	// loses tells whether something that the index has is given up.
	loses bool
}

// news is a change that others are told of. Its meta is that of the object as it is written.
type news struct {
	kind core.ChangeKind
	meta *core.Meta
}

// compare finds how the index differs from Redis. What gateways note in a session counts only in a change of our own.
//
// The rows are read first: a session is then at least as new as its row, and a row that another server brings up to
// date meanwhile is not taken back to what it was.
func (s *Space) compare(ctx context.Context, ids []string, from origin) (*plan, error) {
	rows, err := s.rows(ctx, ids)
	if err != nil {
		return nil, err
	}
	raws, err := s.sessions(ctx, ids)
	if err != nil {
		return nil, err
	}
	var wanted []string // ids of which it matters whether they were deleted
	for i, id := range ids {
		if (raws[i] != "") == (rows[id] == nil) {
			wanted = append(wanted, id)
		}
	}
	notes, err := s.notes(ctx, wanted)
	if err != nil {
		return nil, err
	}
	keys := make([]*core.Key, len(ids))
	for i, id := range ids {
		keys[i] = s.parse(ctx, id, raws[i])
	}
	if from != own { // what we write ourselves was looked at
		confined, err := s.confineThere(ctx, ids, raws, keys)
		if err != nil {
			return nil, err
		}
		if confined {
			return nil, store.ErrStale
		}
	}
	ended, err := s.ended(ctx, keys)
	if err != nil {
		return nil, err
	}
	gone := map[string]bool{}
	if from != own {
		if gone, err = s.returned(ctx, keys, rows, notes); err != nil {
			return nil, err
		}
	}
	p := &plan{}
	for i, id := range ids {
		if !indexable(id) || slices.Contains(ids[:i], id) {
			continue
		}
		row, key := rows[id], keys[i]
		switch {
		case key != nil && ended[key.OrgID]:
			if err := s.rebury(ctx, id, raws[i]); err != nil {
				return nil, err
			}
			if row != nil {
				p.drop(s, row)
			}
			continue
		case key == nil && row == nil:
			continue
		case key == nil:
			p.drop(s, row)
			// Another server may come first to the row of a key that one of us deleted. What says when it was made is told from
			// a new one of its name, whoever deleted it.
			if from == own || !dateCreated(row.Session).IsZero() {
				p.writes = append(p.writes, s.noting(row, notes[id]))
			}
			continue
		case gone[id]:
			if err := s.rebury(ctx, id, raws[i]); err != nil {
				return nil, err
			}
			continue
		case row != nil && row.OrgID == key.OrgID &&
			(string(row.Session) == raws[i] || from != own && same(row.Session, raws[i])):
			key.Meta = row.Meta
		case row != nil && row.OrgID == key.OrgID:
			key.Meta = row.Meta
			p.loses = true
			p.write(s.o.Store.Keys.Updating(key), core.ChangeUpdated, key)
		default:
			if row != nil {
				p.drop(s, row)
			}
			key.CreatedAt = s.created(key)
			p.write(s.o.Store.Keys.Creating(key), core.ChangeCreated, key)
			if note := notes[id]; note != nil {
				p.writes = append(p.writes, s.o.Store.Settings.Deleting(note))
			}
		}
		p.keys = append(p.keys, key)
	}
	return p, nil
}

func (p *plan) drop(s *Space, row *core.Key) {
	p.loses = true
	p.writes = append(p.writes, s.o.Store.Keys.Deleting(row))
	p.news = append(p.news, news{core.ChangeDeleted, &row.Meta})
}

func (p *plan) write(c store.Change, kind core.ChangeKind, k *core.Key) {
	p.writes = append(p.writes, c)
	p.news = append(p.news, news{kind, &k.Meta})
	p.made = append(p.made, k)
}

// follow writes what the index lacks.
func (s *Space) follow(ctx context.Context, p *plan, from origin) error {
	if len(p.writes) == 0 {
		return nil
	}
	if p.loses {
		// Asked after the sessions were read: what a Redis says that is whole now was not forgotten when it said it.
		waited, err := s.whole(ctx, from != scanned)
		if err != nil {
			return err
		}
		if waited {
			return store.ErrStale
		}
	}
	if len(p.made) > 0 {
		if err := s.o.Describe(ctx, p.made); err != nil {
			return err
		}
	}
	return s.o.Store.Apply(ctx, p.writes...)
}

// rows reads the index, whatever the organisation, by id.
func (s *Space) rows(ctx context.Context, ids []string) (map[string]*core.Key, error) {
	found, err := s.o.Store.Keys.FindMany(ctx, store.AllTenants(), "id", ids)
	if err != nil {
		return nil, err
	}
	rows := make(map[string]*core.Key, len(found))
	for _, k := range found {
		rows[k.ID] = k
	}
	return rows, nil
}

// parse reads a session; nil when there is none, or none that can be indexed, which is logged once.
func (s *Space) parse(ctx context.Context, id, raw string) *core.Key {
	if raw == "" {
		return nil
	}
	doc, err := core.ParseDocument([]byte(raw))
	org := doc.Text("org_id")
	if err == nil && (len(org) > maxOrg || !indexable("-"+org)) {
		err = core.Errorf(core.CodeInvalid, "its org_id cannot be kept")
	}
	if err != nil {
		// An id may be a token, which no log must hold; and what is left out of the log some day does no harm.
		if hash := token.HashWith(token.Murmur64, id); s.unread.Load() < maxLogged {
			if _, known := s.logged.LoadOrStore(hash, true); !known {
				s.unread.Add(1)
				s.o.Log.WarnContext(ctx, "a session in Redis cannot be read and is not indexed", "murmur64", hash, "error", err)
			}
		}
		return nil
	}
	k := core.NewKey(core.Meta{ID: id, OrgID: org}, doc)
	if !token.LooksHashed(id) {
		k.Hash = token.Hash(id)
	}
	return k
}

const (
	// maxOrg is the longest organisation id that every engine can keep.
	maxOrg = 64
	// maxLogged is how many sessions are complained of.
	maxLogged = 1000
)

// created is when a session that others made was created, by its own words.
func (s *Space) created(k *core.Key) time.Time {
	now := s.o.Store.Now()
	at, err := time.Parse(time.RFC3339, k.Session.Text("date_created"))
	if err != nil || at.Year() < 2000 || at.After(now) {
		at = now
	}
	return at.UTC().Truncate(time.Microsecond)
}

// announce tells the listeners of this process what others changed.
func (s *Space) announce(all []news) {
	now := s.o.Store.Now().Truncate(time.Microsecond)
	for _, n := range all {
		s.o.Broker.Publish(
			&core.Change{Kind: n.kind, Object: "Key", ID: n.meta.ID, OrgID: n.meta.OrgID, Revision: n.meta.Revision, At: now},
		)
	}
}

// same tells whether a session in Redis is the one of the index, but for what gateways note in it while the key is
// used: where its counters stand, and the order of its tags. That is no change that anybody made, and moves no
// revision.
func same(row core.Document, raw string) bool {
	if string(row) == raw {
		return true
	}
	a, errA := plain([]byte(row))
	b, errB := plain([]byte(raw))
	return errA == nil && errB == nil && reflect.DeepEqual(a, b)
}

// noted are the fields that gateways set while a key is used.
var noted = []string{
	"last_check",
	"last_updated",
	"allowance",
	"quota_renews",
	"quota_remaining",
	"id_extractor_deadline",
}

// plain decodes a session without what gateways note in it.
func plain(raw []byte) (map[string]any, error) {
	var session map[string]any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&session); err != nil {
		return nil, err
	}
	for _, name := range noted {
		delete(session, name)
	}
	if tags, ok := session["tags"].([]any); ok {
		slices.SortFunc(tags, func(a, b any) int {
			x, _ := a.(string)
			y, _ := b.(string)
			return strings.Compare(x, y)
		})
	}
	rights, _ := session["access_rights"].(map[string]any)
	for _, r := range rights {
		if r, ok := r.(map[string]any); ok {
			if limit, ok := r["limit"].(map[string]any); ok {
				delete(limit, "quota_renews")
				delete(limit, "quota_remaining")
			}
		}
	}
	return session, nil
}

// pause waits a little, longer and at random with each try, so that servers part.
func pause(ctx context.Context, try int) error {
	select {
	//nolint:gosec // racers part; nothing is secret
	case <-time.After(time.Duration(rand.IntN(try*2000)+100) * time.Microsecond):
		return nil
	case <-ctx.Done():
		return core.Wrap(core.CodeUnavailable, ctx.Err(), "the request took too long")
	}
}
