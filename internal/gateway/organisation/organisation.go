// Package organisation deletes organisations with all that they own, here and at the gateways: objects, certificates,
// OAuth clients, sessions, and the ids that were theirs.
//
// It guarantees that nothing is left of one that is deleted, though others add to it at the same time. Deleting lists
// what it owns, and then removes all that in one Apply; what is committed between the two is not in it. So both sides
// look once more after their commit: who deletes removes what has come, and who adds (AddTo) removes what was added to
// an organisation that has gone. Whichever commit came first, the one that came second sees it.
package organisation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"gatehouse/internal/core"
	"gatehouse/internal/gateway"
	"gatehouse/internal/gateway/certificate"
	"gatehouse/internal/gateway/definition"
	"gatehouse/internal/gateway/keyspace"
	"gatehouse/internal/gateway/oauth"
	"gatehouse/internal/portal"
	"gatehouse/internal/turn"
	"gatehouse/store"
)

// leftOverTime is how long it may take to remove what was made in an organisation that has gone.
const leftOverTime = 5 * time.Second

// Options are what Organisations stand on.
type Options struct {
	Store        *store.Store
	Certificates *certificate.Shelf
	Oauth        *oauth.Clients
	// Keys is where keys live; nil when that is the store.
	Keys *keyspace.Space
	// Gateway is told of the sessions of organisations; Rules say what gateways can read of them.
	Gateway *gateway.Client
	Rules   definition.Rules
	Log     *slog.Logger
}

// Organisations come and go with all that is theirs. They are safe for concurrent use.
type Organisations struct{ o Options }

// New makes Organisations.
func New(o Options) *Organisations { return &Organisations{o} }

// Deleted is an organisation that has gone.
type Deleted struct {
	*core.Organisation
	// sessions are keys that may still lie in Redis.
	sessions []*core.Key
}

// DeleteEmpty deletes an organisation that owns nothing; core.CodeConflict says what one owns.
func (s *Organisations) DeleteEmpty(ctx context.Context, id string) (*Deleted, error) {
	return s.delete(ctx, id, func(own property) error {
		if own.summary == "" {
			return nil
		}
		return core.Errorf(
			core.CodeConflict,
			"the organisation still owns objects (%s): delete them first, or delete the organisation with cascade=true",
			own.summary,
		)
	})
}

// DeleteWithAll deletes an organisation with all that it owns.
func (s *Organisations) DeleteWithAll(ctx context.Context, id string) (*Deleted, error) {
	return s.delete(ctx, id, func(property) error { return nil })
}

// delete deletes an organisation where what it owns allows that. Sessions in Redis are left to Purge.
func (s *Organisations) delete(ctx context.Context, id string, allows func(property) error) (*Deleted, error) {
	for try := 1; ; try++ {
		d, own, writes, err := s.deletion(ctx, id)
		if err != nil {
			return nil, err
		}
		if err := allows(own); err != nil {
			return nil, err
		}
		err = s.o.Store.Apply(ctx, writes...)
		if again(err) && try < turn.Tries {
			if err := turn.Pause(ctx, try); err != nil {
				return nil, err
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		s.o.Certificates.Wake()
		s.o.Oauth.Forget(ctx, own.clients)
		if err := s.sweep(context.WithoutCancel(ctx), d.ID); err != nil {
			s.o.Log.ErrorContext(
				ctx,
				"what was made in an organisation while it was deleted is left over",
				"organisation",
				d.ID,
				"error",
				err,
			)
		}
		return d, nil
	}
}

// again tells whether a write failed only since another came between.
func again(err error) bool { return errors.Is(err, store.ErrStale) || certificate.Clash(err) }

// deletion is all that has to be written so that an organisation is gone.
func (s *Organisations) deletion(
	ctx context.Context,
	id string,
) (d *Deleted, own property, writes []store.Change, err error) {
	found, err := s.o.Store.Organisations.FindMany(ctx, store.AllTenants(), "id", []string{id})
	if err == nil && len(found) == 0 {
		err = core.NotFound(core.OrganisationKind)
	}
	if err != nil {
		return nil, own, nil, err
	}
	d = &Deleted{Organisation: found[0]}
	if d.sessions, err = s.sessions(ctx, d.ID); err != nil {
		return nil, own, nil, err
	}
	if own, err = s.owned(ctx, d.ID); err != nil {
		return nil, own, nil, err
	}
	released, err := s.o.Store.ReleasingIDs(ctx, d.ID)
	if err != nil {
		return nil, own, nil, err
	}
	writes = slices.Concat(own.writes, released)
	if s.o.Keys != nil {
		ending, err := s.o.Keys.Ending(ctx, d.ID)
		if err != nil {
			return nil, own, nil, err
		}
		writes = append(writes, ending)
	}
	return d, own, append(writes, s.o.Store.Organisations.Deleting(d.Organisation)), nil
}

// AddTo makes a write that adds objects to organisations, none of which is deleted meanwhile: to one that is not there
// nothing is added, core.CodeNotFound, and what was added to one that went in the meantime is removed,
// core.CodeConflict.
func (s *Organisations) AddTo(ctx context.Context, orgs []string, write func() error) error {
	for _, org := range orgs {
		if _, err := s.o.Store.Organisations.Find(ctx, store.AllTenants(), org); err != nil {
			if errors.Is(err, store.ErrNotFound) {
				return core.NotFound(core.OrganisationKind)
			}
			return err
		}
	}
	if err := write(); err != nil || len(orgs) == 0 {
		return err
	}
	// The caller may give up now; what was written is to go all the same.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leftOverTime)
	defer cancel()
	found, err := s.o.Store.Organisations.FindMany(ctx, store.AllTenants(), "id", orgs)
	if err != nil || len(found) == len(orgs) {
		return err
	}
	for _, org := range orgs {
		if slices.ContainsFunc(found, func(o *core.Organisation) bool { return o.ID == org }) {
			continue
		}
		if err := s.sweep(ctx, org); err != nil {
			return err
		}
	}
	return core.Errorf(core.CodeConflict, "the organisation was deleted in the meantime, with all that is in it")
}

// sweep deletes what is left of an organisation that was deleted. It does nothing where there is one of this id again.
func (s *Organisations) sweep(ctx context.Context, org string) error {
	for try := 1; ; try++ {
		own, err := s.owned(ctx, org)
		if err != nil || len(own.writes) == 0 {
			return err
		}
		released, err := s.o.Store.ReleasingIDs(ctx, org)
		if err != nil {
			return err
		}
		// That the id is free is a part of the Apply: somebody may have imported the organisation again.
		place := core.NewOrganisation(core.Meta{ID: org}, core.Document(`{}`))
		writes := append(
			append(own.writes, released...),
			s.o.Store.Organisations.Creating(place),
			s.o.Store.Organisations.Deleting(place),
		)
		err = s.o.Store.Apply(ctx, writes...)
		var taken *store.ConflictError
		switch {
		case err == nil:
			s.o.Log.WarnContext(
				ctx,
				"what was made in an organisation while it was deleted is deleted with it",
				"organisation",
				org,
				"objects",
				own.summary,
			)
			s.o.Certificates.Wake()
			s.o.Oauth.Forget(ctx, own.clients)
			return nil
		case errors.As(err, &taken) && taken.Collection == "organisations":
			return nil
		case again(err) && try < turn.Tries:
			if err := turn.Pause(ctx, try); err != nil {
				return err
			}
		default:
			return err
		}
	}
}

// property is everything that an organisation owns.
type property struct {
	// writes delete it.
	writes []store.Change
	// summary says how much of what it is, "" when it is nothing, or nothing that anybody said.
	summary string
	// clients are the OAuth clients, which the gateway is to forget.
	clients []*core.OauthClient
}

// owned reads what an organisation owns.
func (s *Organisations) owned(ctx context.Context, org string) (own property, err error) {
	var parts []string
	for _, kind := range core.Kinds() {
		if !kind.Owned {
			continue
		}
		writes, ids, err := s.o.Store.Of(kind).DeletingAll(ctx, store.Org(org))
		if err != nil {
			return property{}, err
		}
		if len(ids) == 0 {
			continue
		}
		own.writes = append(own.writes, writes...)
		blank := 0
		if kind == core.PortalKind {
			if blank, err = s.blank(ctx, org); err != nil {
				return property{}, err
			}
		}
		if len(ids) > blank {
			parts = append(parts, fmt.Sprintf("%s: %d", kind.Plural, len(ids)-blank))
		}
		switch kind {
		case core.CertificateKind:
			notes, err := s.o.Certificates.Removing(ctx, ids...)
			if err != nil {
				return property{}, err
			}
			own.writes = append(notes, own.writes...)
		case core.OauthClientKind:
			if own.clients, err = s.o.Oauth.Of(ctx, org); err != nil {
				return property{}, err
			}
		}
	}
	own.summary = strings.Join(parts, ", ")
	return own, nil
}

// blank counts the documents of an organisation's portal that hold nothing that anybody said.
func (s *Organisations) blank(ctx context.Context, org string) (n int, err error) {
	only, err := s.o.Store.PortalDocuments.FindMany(ctx, store.Org(org), "portal_key",
		[]string{portal.OnlyKey(portal.Catalogue), portal.OnlyKey(portal.Configuration)})
	for _, d := range only {
		if portal.IsBlank(d) {
			n++
		}
	}
	return n, err
}

// sessions lists the keys of an organisation that live in Redis, by their ids alone.
func (s *Organisations) sessions(ctx context.Context, org string) (keys []*core.Key, err error) {
	if s.o.Keys == nil {
		return nil, nil
	}
	for k, err := range store.All(ctx, store.Query{Tenant: store.Org(org), IDsOnly: true}, s.o.Keys.List) {
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	return keys, nil
}

// Purge removes the sessions of an organisation that is deleted, those of its keys and its own. Those that stay, for
// want of an answer, open nothing, since its APIs are gone; the next scan deletes those of keys.
func (s *Organisations) Purge(ctx context.Context, d *Deleted) {
	if s.o.Keys == nil {
		return
	}
	if err := s.o.Keys.DeleteOrgSession(context.WithoutCancel(ctx), d.ID); err != nil {
		s.o.Log.ErrorContext(ctx, "the session of a deleted organisation stays in Redis", "organisation", d.ID, "error", err)
	}
	if len(d.sessions) == 0 {
		return
	}
	if err := s.o.Keys.Purge(context.WithoutCancel(ctx), d.sessions); err != nil {
		s.o.Log.ErrorContext(
			ctx,
			"sessions of a deleted organisation stay in Redis",
			"keys",
			len(d.sessions),
			"error",
			err,
		)
	}
}
