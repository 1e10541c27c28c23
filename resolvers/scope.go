package resolvers

import (
	"context"
	"errors"

	"gatehouse/internal/authz"
	"gatehouse/internal/core"
	"gatehouse/internal/gateway/definition"
	"gatehouse/store"
)

// tenant is what the caller sees: one organisation, or all of them for super users and for the admin secret alone.
func tenant(ctx context.Context) store.Tenant {
	a := authz.From(ctx)
	if a.CrossesOrganisations() {
		return store.AllTenants()
	}
	if a.User == nil {
		return store.Tenant{}
	}
	t := store.Org(a.User.OrgID)
	if a.Owning != nil {
		t = t.SeenBy(a.Owning)
	}
	return t
}

// narrowed is the caller's tenant, narrowed to one organisation where the request names one. Naming a foreign one is
// refused.
func narrowed(ctx context.Context, orgID *string) (store.Tenant, error) {
	t := tenant(ctx)
	if orgID == nil {
		return t, nil
	}
	if !t.Includes(*orgID) {
		return t, core.Errorf(core.CodeForbidden, "orgId names another organisation than yours").In("orgId").In("orgId")
	}
	return t.Narrow(*orgID), nil
}

// ownerOf returns the organisation that a new object belongs to: the caller's own, or the one that the request or the
// document names when the caller acts in all of them. A document of an ordinary caller may name any; it is moved.
func (r *Resolver) ownerOf(ctx context.Context, requested *string, documented string) (string, error) {
	t := tenant(ctx)
	if !t.IsAll() {
		if requested != nil && *requested != t.OrgID() {
			return "", core.Errorf(core.CodeForbidden, "orgId names another organisation than yours").In("orgId")
		}
		return t.OrgID(), nil
	}
	org := documented
	if requested != nil {
		org = *requested
	}
	if org == "" {
		return "", core.InField("org_id", "is required: you act in every organisation, so say in which one")
	}
	return org, r.organisationExists(ctx, org)
}

func (r *Resolver) organisationExists(ctx context.Context, id string) error {
	_, err := r.store.Organisations.Find(ctx, store.AllTenants(), id)
	if errors.Is(err, store.ErrNotFound) {
		return core.Errorf(core.CodeInvalid, "there is no organisation %q: create or import it first", id)
	}
	return err
}

// mayRead tells whether the caller has the permission to read the objects of a type.
func (r *Resolver) mayRead(ctx context.Context, object string) bool {
	kind := core.KindNamed(object)
	return kind != nil && kind.Permission != "" &&
		r.guard.CheckPermission(ctx, authz.From(ctx), kind.Permission, authz.Read, object) == nil
}

// did is the answer of a mutation that has nothing to show: true, or the error alone.
func did(err error) (*bool, error) {
	if err != nil {
		return nil, err
	}
	return new(true), nil
}

// deref is what an optional argument holds, "" when it is absent.
func deref[T ~string](s *T) T {
	if s == nil {
		return ""
	}
	return *s
}

// mayMake refuses what a caller who sees less than there is may not make of an object: it names nothing that they do not
// see, and of an API that is owned they stay among the owners. What nobody owns yet, they may make theirs.
func (r *Resolver) mayMake(ctx context.Context, next, old core.Object) error {
	t := tenant(ctx)
	if !t.IsRestricted() {
		return nil
	}
	if err := r.names.CheckSeen(ctx, t, next, old); err != nil {
		return err
	}
	a, ok := next.(*core.Api)
	if !ok {
		return nil
	}
	was, _ := old.(*core.Api)
	if err := r.maySend(ctx, t, a, was); err != nil {
		return err
	}
	return authz.From(ctx).StaysOwner(a, was)
}

// maySend refuses an API that newly sends requests to others, by a loop or as a subgraph, which the caller does not see.
func (r *Resolver) maySend(ctx context.Context, t store.Tenant, next, old *core.Api) error {
	var had []string
	if old != nil {
		had = sentTo(old)
	}
	for _, id := range core.Added(sentTo(next), had) {
		_, err := r.names.Api(ctx, t, id)
		if core.CodeOf(err) == core.CodeNotFound {
			var named int
			if named, err = r.store.Apis.Count(ctx, t, store.HasLabel("loop", core.LoopName(id))); err == nil && named == 0 {
				return core.Errorf(core.CodeInvalid,
					"the definition sends requests to APIs that do not exist in the organisation: %s", core.Clip(id))
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// sentTo are the ids and names of the APIs that one sends requests to.
func sentTo(a *core.Api) []string {
	out := definition.LoopHosts(a.Definition)
	for _, v := range a.Definition.Get("api_definition.graphql.supergraph.subgraphs.#.api_id").Array() {
		if v.Str != "" {
			out = append(out, v.Str)
		}
	}
	return out
}
