package certificate

import (
	"context"
	"errors"
	"time"

	"gatehouse/internal/core"
	"gatehouse/store"
)

// A certificate that was deleted may still be in Redis: Redis was away, or a server that had read the row before writes
// it once more, or Redis comes back with what it held some time ago. It must not be taken for one that was uploaded at
// a gateway. So a deletion leaves a note in the store, in the transaction that removes the row; a row is made only in a
// transaction that finds no note, or removes it because somebody uploads the certificate again; and what is noted is
// taken out of Redis whenever it is seen there.

// removedPrefix starts the ids of the settings that are notes. The rest is the id of the certificate; in notes of
// earlier versions it is random.
const removedPrefix = "certificate-removed/"

// remembered is how long a deletion is remembered: longer than any server's pass takes, and than the age of a copy from
// which Redis is likely to come back.
const remembered = 7 * 24 * time.Hour

func note(id string) *core.Setting {
	return &core.Setting{Meta: core.Meta{ID: removedPrefix + id}, Value: core.Document(`{}`).Set("certificate", id)}
}

// Removing are the writes that have certificates taken out of Redis, whenever that is possible, and kept from coming
// back. They are made together with the deletions from the store, before them. Where Apply finds another server at the
// same, Clash is true of its error, and all has to be read again.
func (s *Shelf) Removing(ctx context.Context, ids ...string) ([]store.Change, error) {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = removedPrefix + id
	}
	found, err := s.o.Store.Settings.FindMany(ctx, store.AllTenants(), "id", names)
	if err != nil {
		return nil, err
	}
	old := make(map[string]*core.Setting, len(found))
	for _, n := range found {
		old[n.ID] = n
	}
	writes := make([]store.Change, len(ids))
	for i, id := range ids {
		next := note(id)
		if was := old[next.ID]; was != nil {
			next.Meta = was.Meta
			writes[i] = s.o.Store.Settings.Updating(next)
			continue
		}
		writes[i] = s.o.Store.Settings.Creating(next)
	}
	return writes, nil
}

// Clash tells whether a write failed because somebody else wrote one of its notes at the same time.
func Clash(err error) bool {
	var taken *store.ConflictError
	return errors.As(err, &taken) && taken.Collection == "settings"
}

// notRemoved are writes that leave nothing behind, and can be made only while there is no note of the certificate.
func (s *Shelf) notRemoved(id string) []store.Change {
	n := note(id)
	return []store.Change{s.o.Store.Settings.Creating(n), s.o.Store.Settings.Deleting(n)}
}

// tries is how often a write is made again because of a Clash.
const tries = 20

// Create makes the row of a certificate that somebody uploads, whether it was deleted before or not. It fails as
// Repository.Create.
func (s *Shelf) Create(ctx context.Context, c *core.Certificate) error {
	for try := 1; ; try++ {
		found, err := s.o.Store.Settings.FindMany(ctx, store.AllTenants(), "id", []string{removedPrefix + c.ID})
		if err != nil {
			return err
		}
		writes := s.notRemoved(c.ID)
		if len(found) > 0 {
			writes = []store.Change{s.o.Store.Settings.Deleting(found[0])}
		}
		err = s.o.Store.Apply(ctx, append([]store.Change{s.o.Store.Certificates.Creating(c)}, writes...)...)
		if again := Clash(err) || errors.Is(err, store.ErrStale); !again || try == tries {
			return err
		}
	}
}

// Delete removes the row of a certificate, which stays deleted. It fails as Repository.Delete.
func (s *Shelf) Delete(ctx context.Context, c *core.Certificate) error {
	writes, err := s.Removing(ctx, c.ID)
	if err != nil {
		return err
	}
	err = s.o.Store.Apply(ctx, append(writes, s.o.Store.Certificates.Deleting(c))...)
	if Clash(err) {
		return store.ErrStale
	}
	return err
}

// removed returns the notes, by the ids of their certificates, without those that are old enough to be forgotten, which
// it deletes.
func (s *Shelf) removed(ctx context.Context) (map[string]*core.Setting, error) {
	out := map[string]*core.Setting{}
	q := store.Query{
		Tenant: store.AllTenants(),
		Sort:   "id",
		Limit:  batchSize,
		Where:  []store.Cond{store.Contains("id", removedPrefix)},
	}
	for {
		page, err := s.o.Store.Settings.List(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, n := range page.Objects {
			id := n.Value.Text("certificate")
			switch {
			case s.o.Store.Now().Sub(n.UpdatedAt) >= remembered:
				err = s.o.Store.Settings.Delete(ctx, n)
			case n.ID != removedPrefix+id: // of an earlier version
				next := note(id)
				err = s.o.Store.Apply(ctx, s.o.Store.Settings.Deleting(n), s.o.Store.Settings.Creating(next))
				out[id] = next
			default:
				out[id] = n
			}
			if err != nil && !errors.Is(err, store.ErrStale) && !errors.Is(err, store.ErrConflict) { // another server was faster
				return nil, err
			}
		}
		if !page.More {
			return out, nil
		}
		q.After = page.Cursors[len(page.Cursors)-1]
	}
}

// removeAll takes out of Redis what was deleted from the store. One that has a row nevertheless was uploaded again by
// an earlier version, or on a database without transactions: its note goes.
func (s *Shelf) removeAll(ctx context.Context, removed map[string]*core.Setting, listed map[string]bool) error {
	if err := s.each(ctx, keys(removed), func(rows []*core.Certificate) error {
		for _, c := range rows {
			if err := s.o.Store.Settings.Delete(ctx, removed[c.ID]); err != nil && !errors.Is(err, store.ErrStale) {
				return err
			}
			delete(removed, c.ID)
		}
		return nil
	}); err != nil {
		return err
	}
	missing, err := s.missing(ctx, keys(removed))
	if err != nil {
		return err
	}
	absent := make(map[string]bool, len(missing))
	for _, id := range missing {
		absent[id] = true
	}
	for id := range removed {
		if absent[id] && !listed[id] {
			continue
		}
		if err := s.drop(ctx, id); err != nil {
			return err
		}
		s.o.Log.InfoContext(ctx, "a deleted certificate is taken out of Redis", "certificate", id)
		// Somebody may have uploaded it again since, and handed it over before we took it out.
		if err := s.each(ctx, []string{id}, func(rows []*core.Certificate) error { return s.write(ctx, rows) }); err != nil {
			return err
		}
	}
	return nil
}

// disown deletes the certificates whose organisation is gone. Who uploads one while its organisation is deleted leaves
// it behind. The ids of the certificates were read before those of the organisations.
func (s *Shelf) disown(ctx context.Context, stored, orgs map[string]bool) error {
	var orphans []string
	for id := range stored {
		if org := owner(id); org != "" && !orgs[org] {
			orphans = append(orphans, id)
		}
	}
	return s.each(ctx, orphans, func(rows []*core.Certificate) error {
		for _, c := range rows {
			if err := s.Delete(ctx, c); err != nil && !errors.Is(err, store.ErrStale) {
				return err
			}
			delete(stored, c.ID)
			s.o.Log.WarnContext(ctx, "a certificate of an organisation that is gone is deleted", "certificate", c.ID)
		}
		return nil
	})
}
