package keyspace

import (
	"context"

	"gatehouse/internal/core"
	"gatehouse/store"
)

// An organisation that is deleted takes its keys with it. Their sessions may stay, since Redis is away, or come back,
// as those of deleted keys do; and a key may be made while the organisation is deleted. They would be taken for keys
// that a gateway made. So the deletion leaves a note in the store, and a session of an organisation that has one, and
// is not there, is deleted.

// endedPrefix starts the ids of the settings that are notes of deleted organisations; the rest is the organisation's
// id.
const endedPrefix = "deleted-organisation/"

// Ending is the write that remembers that an organisation is deleted, for the transaction that deletes it. A conflict
// about it means that another server was at the same.
func (s *Space) Ending(ctx context.Context, org string) (store.Change, error) {
	note := &core.Setting{Meta: core.Meta{ID: endedPrefix + org}, Value: core.Document(`{}`)}
	old, err := s.o.Store.Settings.FindMany(ctx, store.AllTenants(), "id", []string{note.ID})
	if err != nil || len(old) == 0 {
		return s.o.Store.Settings.Creating(note), err
	}
	note.Meta = old[0].Meta // it was imported again since
	return s.o.Store.Settings.Updating(note), nil
}

// ended tells which organisations of keys were deleted.
func (s *Space) ended(ctx context.Context, keys []*core.Key) (map[string]bool, error) {
	var names []string
	seen := map[string]bool{}
	for _, k := range keys {
		if k != nil && !seen[k.OrgID] {
			seen[k.OrgID] = true
			names = append(names, endedPrefix+k.OrgID)
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	notes, err := s.o.Store.Settings.FindMany(ctx, store.AllTenants(), "id", names)
	if err != nil || len(notes) == 0 {
		return nil, err
	}
	out, orgs := map[string]bool{}, make([]string, len(notes))
	for i, note := range notes {
		orgs[i] = note.ID[len(endedPrefix):]
		out[orgs[i]] = true
	}
	found, err := s.o.Store.Organisations.FindMany(ctx, store.AllTenants(), "id", orgs)
	for _, o := range found { // made again since
		delete(out, o.ID)
	}
	return out, err
}
