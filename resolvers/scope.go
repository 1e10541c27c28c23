package resolvers

import (
	"context"
	"errors"

	"gatehouse/internal/authz"
	"gatehouse/internal/core"
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

// mayMake refuses what the caller may not make of an object.
func (r *Resolver) mayMake(ctx context.Context, next, old core.Object) error {
	return r.sight.May(ctx, tenant(ctx), next, old)
}
