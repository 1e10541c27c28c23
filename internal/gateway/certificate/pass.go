package certificate

import (
	"context"
	"errors"
	"time"

	"gatehouse/internal/core"
	"gatehouse/store"
)

// pass brings Redis in step with the store once. It reads the ids of the certificates, and asks Redis whether it has
// them; a full pass compares their content, too, and walks through all keys of Redis for certificates that no list
// names.
//
// What it reads may be out of date when it acts on it: somebody uploads, deletes, or deletes an organisation, here or
// through another server. So nothing is believed that was read: a row is made only while the store says that the
// certificate was not deleted and that its organisation is there, and what is written to Redis is taken out again when
// its row went meanwhile.
func (s *Shelf) pass(ctx context.Context, full bool) error {
	stored, err := ids(ctx, s.o.Store.Certificates)
	if err != nil {
		return err
	}
	orgs, err := ids(ctx, s.o.Store.Organisations)
	if err != nil {
		return err
	}
	if err := s.disown(ctx, stored, orgs); err != nil {
		return err
	}
	removed, err := s.removed(ctx)
	if err != nil {
		return err
	}
	listed, err := s.listed(ctx, keys(orgs))
	if err != nil {
		return err
	}
	if err := s.removeAll(ctx, removed, listed); err != nil {
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
		if _, told := s.told.Load(id); !stored[id] && removed[id] == nil && orgs[owner(id)] && (full || !told) {
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

// compare writes the stored certificates again that Redis holds with other content, or with a private key that our
// secret does not open, as after a change of the secret.
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

// adopt takes certificates that were uploaded at a gateway into the store. What cannot be read is left alone, and told
// once.
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
		switch made, err := s.take(ctx, c); {
		case err != nil:
			return err
		case !made:
			return nil
		}
		s.o.Log.InfoContext(
			ctx,
			"a certificate that was uploaded at a gateway is listed now",
			"certificate",
			id,
			"subject",
			c.SubjectCn,
		)
		if s.o.Broker != nil {
			s.o.Broker.Publish(
				&core.Change{
					Kind:     core.ChangeCreated,
					Object:   "Certificate",
					ID:       id,
					OrgID:    org,
					Revision: c.Revision,
					At:       s.o.Store.Now().Truncate(time.Microsecond),
				},
			)
		}
		return nil
	})
}

// take makes the row of a certificate that was found in Redis, and tells whether it did. It does not where the
// certificate was uploaded here or deleted meanwhile, or its organisation was. The organisation is written as it is, so
// that who deletes it at the same time finds it changed, and looks again for what it owns.
func (s *Shelf) take(ctx context.Context, c *core.Certificate) (bool, error) {
	orgs, err := s.o.Store.Organisations.FindMany(ctx, store.AllTenants(), "id", []string{c.OrgID})
	if err != nil || len(orgs) == 0 {
		return false, err
	}
	writes := append([]store.Change{s.o.Store.Certificates.Creating(c)}, s.notRemoved(c.ID)...)
	err = s.o.Store.Apply(ctx, append(writes, s.o.Store.Organisations.Updating(orgs[0]))...)
	if errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrStale) {
		return false, nil // the next pass sees what became of it
	}
	return err == nil, err
}

// ids returns the ids of all objects of a repository.
func ids[T any, P interface {
	*T
	Base() *core.Meta
}](ctx context.Context, repo *store.Repository[T]) (map[string]bool, error) {
	out := map[string]bool{}
	for o, err := range repo.All(ctx, store.Query{Tenant: store.AllTenants(), IDsOnly: true}) {
		if err != nil {
			return nil, err
		}
		out[P(o).Base().ID] = true
	}
	return out, nil
}

func keys[V any](set map[string]V) []string {
	out := make([]string, 0, len(set))
	for k := range set {
		out = append(out, k)
	}
	return out
}
