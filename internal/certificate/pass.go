package certificate

import (
	"context"
	"errors"
	"time"

	"gatehouse/internal/core"
	"gatehouse/store"
)

// removedPrefix starts the ids of the settings that remember, for as long as Redis may hold them, which certificates were deleted.
const removedPrefix = "certificate-removed/"

// Removing is the write that has a certificate taken out of Redis, whenever that is possible. It is made together with the
// deletion from the store.
func (s *Shelf) Removing(id string) store.Change {
	return s.o.Store.Settings.Creating(&core.Setting{Meta: core.Meta{ID: removedPrefix + core.NewID(s.o.Store.Now())}, Value: core.Document(`{}`).Set("certificate", id)})
}

// pass brings Redis in step with the store once. It reads the ids of the certificates, and asks Redis whether it has them; a full
// pass compares their content, too, and walks through all keys of Redis for certificates that no list names.
//
// The order matters: the store first, then what was deleted, then Redis. A certificate that is found in Redis, and in
// neither of the others, then has never been ours, or nobody takes it out any more.
func (s *Shelf) pass(ctx context.Context, full bool) error {
	stored, err := ids(ctx, s.o.Store.Certificates)
	if err != nil {
		return err
	}
	if err := s.removeAll(ctx); err != nil {
		return err
	}
	orgs, err := ids(ctx, s.o.Store.Organisations)
	if err != nil {
		return err
	}
	listed, err := s.listed(ctx, keys(orgs))
	if err != nil {
		return err
	}
	present := listed
	if full {
		if present, err = s.scanned(ctx); err != nil {
			return err
		}
	}
	var foreign []string
	for id := range present {
		if _, told := s.told.Load(id); !stored[id] && orgs[owner(id)] && (full || !told) {
			foreign = append(foreign, id)
		}
	}
	if err := s.adopt(ctx, foreign); err != nil {
		return err
	}
	if err := s.restore(ctx, stored, listed); err != nil || !full {
		return err
	}
	return s.compare(ctx, stored)
}

// restore writes what Redis, or the lists in it, lack of the stored certificates.
func (s *Shelf) restore(ctx context.Context, stored, listed map[string]bool) error {
	wanted, err := s.missing(ctx, keys(stored))
	if err != nil {
		return err
	}
	for id := range stored {
		if !listed[id] {
			wanted = append(wanted, id)
		}
	}
	return s.each(ctx, wanted, func(certificates []*core.Certificate) error { return s.write(ctx, certificates) })
}

// compare writes the stored certificates again that Redis holds with other content, or with a private key that our secret does not
// open, as after a change of the secret.
func (s *Shelf) compare(ctx context.Context, stored map[string]bool) error {
	return s.each(ctx, keys(stored), func(certificates []*core.Certificate) error {
		byID, ids := map[string]*core.Certificate{}, []string{}
		for _, c := range certificates {
			byID[c.ID], ids = c, append(ids, c.ID)
		}
		var wanted []*core.Certificate
		if err := s.values(ctx, ids, func(id, value string) error {
			want, err := s.bundle(byID[id])
			if err != nil {
				s.tell(ctx, "a certificate cannot be handed to the gateways", id, err)
				return nil
			}
			if got, err := read([]byte(value), s.o.Secret); err != nil || got.PEM() != want.forGateways().PEM() {
				wanted = append(wanted, byID[id])
			}
			return nil
		}); err != nil {
			return err
		}
		return s.write(ctx, wanted)
	})
}

// each calls do with those of ids that are stored, a batch at a time.
func (s *Shelf) each(ctx context.Context, ids []string, do func([]*core.Certificate) error) error {
	for len(ids) > 0 {
		batch := ids[:min(batchSize, len(ids))]
		ids = ids[len(batch):]
		certificates, err := s.o.Store.Certificates.FindMany(ctx, store.AllTenants(), "id", batch)
		if err != nil {
			return err
		}
		if err := do(certificates); err != nil {
			return err
		}
	}
	return nil
}

// removeAll takes out of Redis what was deleted from the store, and forgets that it was.
func (s *Shelf) removeAll(ctx context.Context) error {
	for {
		l, err := s.o.Store.Settings.List(ctx, store.Query{Tenant: store.AllTenants(), Sort: "id", Limit: batchSize, Where: []store.Cond{store.Contains("id", removedPrefix)}})
		if err != nil || len(l.Objects) == 0 {
			return err
		}
		for _, removed := range l.Objects {
			id := removed.Value.Text("certificate")
			again, err := s.o.Store.Certificates.FindMany(ctx, store.AllTenants(), "id", []string{id})
			if err != nil {
				return err
			}
			if len(again) == 0 { // else it was uploaded again since
				if err := s.drop(ctx, id); err != nil {
					return err
				}
			}
			if err := s.o.Store.Settings.Delete(ctx, removed); err != nil && !errors.Is(err, store.ErrStale) { // another server was faster
				return err
			}
		}
	}
}

// adopt takes certificates that were uploaded at a gateway into the store. What cannot be read is left alone, and told once.
func (s *Shelf) adopt(ctx context.Context, foreign []string) error {
	return s.values(ctx, foreign, func(id, value string) error {
		if value == "" { // gone meanwhile
			return nil
		}
		b, err := read([]byte(value), s.o.Secret)
		org := owner(id)
		switch {
		case err != nil:
		case b.ID(org) != id:
			err = errors.New("its content has another fingerprint than its id")
		case b.checkKey() != nil:
			err = errSecret // with luck, a wrong secret gives something
		}
		if err != nil {
			s.tell(ctx, "a certificate that was uploaded at a gateway cannot be listed", id, err)
			return nil
		}
		c, err := s.New(org, b)
		if err != nil {
			return err
		}
		switch err := s.o.Store.Certificates.Create(ctx, c); {
		case errors.Is(err, store.ErrConflict): // it was uploaded here meanwhile
			return nil
		case err != nil:
			return err
		}
		s.o.Log.InfoContext(ctx, "a certificate that was uploaded at a gateway is listed now", "certificate", id, "subject", c.SubjectCn)
		if s.o.Broker != nil {
			s.o.Broker.Publish(&core.Change{Kind: core.ChangeCreated, Object: "Certificate", ID: id, OrgID: org, Revision: c.Revision, At: s.o.Store.Now().Truncate(time.Microsecond)})
		}
		return nil
	})
}

// ids returns the ids of all objects of a repository.
func ids[T any, P interface {
	*T
	Base() *core.Meta
}](ctx context.Context, repo *store.Repository[T]) (map[string]bool, error) {
	out := map[string]bool{}
	for after := ""; ; {
		l, err := repo.List(ctx, store.Query{Tenant: store.AllTenants(), Sort: "id", After: after, Limit: 1000, IDsOnly: true})
		if err != nil {
			return nil, err
		}
		for _, o := range l.Objects {
			out[P(o).Base().ID] = true
		}
		if !l.More {
			return out, nil
		}
		after = l.Cursors[len(l.Cursors)-1]
	}
}

func keys(set map[string]bool) []string {
	out := make([]string, 0, len(set))
	for k := range set {
		out = append(out, k)
	}
	return out
}
