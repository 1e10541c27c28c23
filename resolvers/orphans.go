package resolvers

import (
	"context"
	"errors"
	"slices"
	"time"

	"gatehouse/internal/core"
	"gatehouse/internal/gateway/certificate"
	"gatehouse/internal/turn"
	"gatehouse/store"
)

// leftOverTime is how long it may take to remove what was made in an organisation that has gone.
const leftOverTime = 5 * time.Second

// amid makes a write that adds objects to organisations, none of which is deleted meanwhile.
//
// Deleting an organisation lists what it owns, and then removes all that in one Apply. What is committed between the
// two is not in it. So both sides look once more after their commit: who deletes removes what has come (sweep), and who
// adds removes what was added to an organisation that has gone. Whichever commit came first, the one that came second
// sees it.
func (r *Resolver) amid(ctx context.Context, additions []addition, write func() error) error {
	var orgs []string
	for _, a := range additions {
		if a.objects > 0 && a.org != "" && a.kind != core.OrganisationKind && !slices.Contains(orgs, a.org) {
			orgs = append(orgs, a.org)
		}
	}
	for _, org := range orgs {
		if _, err := r.store.Organisations.Find(ctx, store.AllTenants(), org); err != nil {
			if errors.Is(err, store.ErrNotFound) {
				return notFound(core.OrganisationKind)
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
	found, err := r.store.Organisations.FindMany(ctx, store.AllTenants(), "id", orgs)
	if err != nil || len(found) == len(orgs) {
		return err
	}
	for _, o := range found {
		orgs = slices.DeleteFunc(orgs, func(id string) bool { return id == o.ID })
	}
	for _, org := range orgs {
		if err := r.sweep(ctx, org); err != nil {
			return err
		}
	}
	return core.Errorf(core.CodeConflict, "the organisation was deleted in the meantime, with all that is in it")
}

// sweep deletes what is left of an organisation that was deleted. It does nothing where there is one of this id again.
func (r *Resolver) sweep(ctx context.Context, org string) error {
	for try := 1; ; try++ {
		own, err := r.owned(ctx, org)
		if err != nil || len(own.writes) == 0 {
			return err
		}
		released, err := r.store.ReleasingIDs(ctx, org)
		if err != nil {
			return err
		}
		// That the id is free is a part of the Apply: somebody may have imported the organisation again.
		place := core.NewOrganisation(core.Meta{ID: org}, core.Document(`{}`))
		writes := append(
			append(own.writes, released...),
			r.store.Organisations.Creating(place),
			r.store.Organisations.Deleting(place),
		)
		err = r.store.Apply(ctx, writes...)
		var taken *store.ConflictError
		switch {
		case err == nil:
			r.log.WarnContext(
				ctx,
				"what was made in an organisation while it was deleted is deleted with it",
				"organisation",
				org,
				"objects",
				own.summary,
			)
			r.certificates.Wake()
			r.oauth.Forget(ctx, own.clients)
			return nil
		case errors.As(err, &taken) && taken.Collection == "organisations":
			return nil
		case (errors.Is(err, store.ErrStale) || certificate.Clash(err)) && try < turn.Tries:
			if err := turn.Pause(ctx, try); err != nil {
				return err
			}
		default:
			return err
		}
	}
}
