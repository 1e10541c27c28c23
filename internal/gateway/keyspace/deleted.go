package keyspace

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"gatehouse/internal/core"
	"gatehouse/store"
)

// A deleted key may come back: a gateway that serves a request of a key with a quota writes its session back at the end
// of the request, and a Redis that is killed may forget its last moments, the deletion among them. The key would work
// again, for ever. So a deletion leaves a note in the store, in the transaction that removes the row; and a session
// without a row that is the one of a note is deleted once more, and not taken for a key that a gateway made. It is told
// from a new one of the same name by its date of creation. Where that is the same, since a key is put back as it was,
// the mark of who made it after the deletion tells.

// mourned is how long a deletion is remembered: longer than requests take, and than what a Redis that keeps a file
// forgets.
const mourned = time.Hour

// notePrefix starts the ids of the settings that are notes. The rest is a hash: the id of a key may be its token.
const notePrefix = "deleted-key/"

func noteID(id string) string {
	sum := sha256.Sum256([]byte(id))
	return notePrefix + hex.EncodeToString(sum[:])
}

// notes finds the notes of those of ids that have one, by the ids of the keys.
func (s *Space) notes(ctx context.Context, ids []string) (map[string]*core.Setting, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	keys := make(map[string]string, len(ids))
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = noteID(id)
		keys[names[i]] = id
	}
	found, err := s.o.Store.Settings.FindMany(ctx, store.AllTenants(), "id", names)
	if err != nil {
		return nil, err
	}
	out := make(map[string]*core.Setting, len(found))
	for _, note := range found {
		out[keys[note.ID]] = note
	}
	return out, nil
}

// noting is the write that remembers the deletion of a key; old is the note of an earlier one, or nil.
func (s *Space) noting(k *core.Key, old *core.Setting) store.Change {
	note := &core.Setting{
		Meta: core.Meta{ID: noteID(k.ID)},
		Value: core.Document(`{}`).Set("created", dateCreated(k.Session).Format(time.RFC3339Nano)).
			Set("deleted", time.Now().UnixMilli()), // by the clock of marks
	}
	if old == nil {
		return s.o.Store.Settings.Creating(note)
	}
	note.Meta = old.Meta
	return s.o.Store.Settings.Updating(note)
}

// forgetting are the writes that forget the deletions of keys that are made again.
func (s *Space) forgetting(notes map[string]*core.Setting) []store.Change {
	var out []store.Change
	for _, note := range notes {
		out = append(out, s.o.Store.Settings.Deleting(note))
	}
	return out
}

// buried tells whether a session is the one of a note.
func (s *Space) buried(note *core.Setting, session core.Document) bool {
	return note != nil && s.o.Store.Now().Sub(note.UpdatedAt) < mourned &&
		note.Value.Text("created") == dateCreated(session).Format(time.RFC3339Nano)
}

// deletedAt is when the key of a note was deleted, by the clock of marks.
func deletedAt(note *core.Setting) float64 { return note.Value.Get("deleted").Float() }

// madeAnew tells which of the keys of notes a server made after their deletion, and has not indexed yet: the marks of
// their making are still there.
func (s *Space) madeAnew(ctx context.Context, notes map[string]*core.Setting) (map[string]bool, error) {
	if len(notes) == 0 {
		return nil, nil
	}
	first := math.Inf(1)
	for _, note := range notes {
		first = min(first, deletedAt(note))
	}
	ctx, cancel := context.WithTimeout(ctx, answers)
	defer cancel()
	since := redis.ZRangeBy{Min: "(" + strconv.FormatFloat(first, 'f', -1, 64), Max: "+inf"}
	marks, err := s.o.Redis.ZRangeByScoreWithScores(ctx, marksName, &since).Result()
	if err != nil {
		return nil, unavailable(err)
	}
	out := map[string]bool{}
	for _, m := range marks {
		member, _ := m.Member.(string)
		if note := notes[idOf(member)]; note != nil && makes(member) && m.Score > deletedAt(note) {
			out[idOf(member)] = true
		}
	}
	return out, nil
}

// returned tells which keys are deleted ones whose sessions came back. Nil stands for a key without a session.
func (s *Space) returned(
	ctx context.Context,
	keys []*core.Key,
	rows map[string]*core.Key,
	notes map[string]*core.Setting,
) (map[string]bool, error) {
	suspects := map[string]*core.Setting{}
	for _, k := range keys {
		if k != nil && rows[k.ID] == nil && s.buried(notes[k.ID], k.Session) {
			suspects[k.ID] = notes[k.ID]
		}
	}
	anew, err := s.madeAnew(ctx, suspects)
	if err != nil {
		return nil, err
	}
	out := map[string]bool{}
	for id := range suspects {
		out[id] = !anew[id]
	}
	return out, nil
}

// outlived returns those of keys that were deleted after they were made here, as their notes say. Another server
// deletes a key that this one made a moment ago, and has not indexed: the key is not to be written again, neither to
// Redis nor to the index.
func (s *Space) outlived(keys []*core.Key, notes map[string]*core.Setting) []*core.Key {
	var out []*core.Key
	for _, k := range keys {
		if note := notes[k.ID]; s.buried(note, k.Session) && !note.UpdatedAt.Before(k.CreatedAt) {
			out = append(out, k)
		}
	}
	return out
}

// dateCreated is when a session says that it was created; gateways write the zero time where it does not.
func dateCreated(session core.Document) time.Time {
	at, _ := time.Parse(time.RFC3339, session.Text("date_created"))
	return at.UTC()
}

// rebury deletes the session of a deleted key that came back. One that was written in between is for the next look.
func (s *Space) rebury(ctx context.Context, id, raw string) error {
	m := s.newMark(id)
	done, err := s.swap(ctx, id, raw, "", m)
	if err != nil {
		return err
	}
	if !done {
		return store.ErrStale
	}
	s.unmark(ctx, m)
	s.o.Notifier.FlushKeys(id)
	s.o.Log.InfoContext(ctx, "the session of a deleted key came back, and is deleted again")
	return nil
}

// weed forgets the deletions that are remembered for long enough.
func (s *Space) weed(ctx context.Context) error {
	q := store.Query{
		Tenant: store.AllTenants(),
		Sort:   "id",
		Limit:  scanCount,
		Where:  []store.Cond{store.Contains("id", notePrefix)},
	}
	for {
		page, err := s.o.Store.Settings.List(ctx, q)
		if err != nil {
			return err
		}
		old := slices.DeleteFunc(
			page.Objects,
			func(note *core.Setting) bool { return s.o.Store.Now().Sub(note.UpdatedAt) < mourned },
		)
		writes := make([]store.Change, len(old))
		for i, note := range old {
			writes[i] = s.o.Store.Settings.Deleting(note)
		}
		// A note that changed meanwhile is one to keep; the next scan sees to the others.
		if err := s.o.Store.Apply(ctx, writes...); len(writes) > 0 && err != nil && !errors.Is(err, store.ErrStale) {
			return err
		}
		if !page.More {
			return nil
		}
		q.After = page.Cursors[len(page.Cursors)-1]
	}
}
