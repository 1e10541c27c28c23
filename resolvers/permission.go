package resolvers

import (
	"context"

	"gatehouse/internal/authz"
	"gatehouse/internal/core"
	"gatehouse/internal/permission"
	"gatehouse/store"
)

// additional are the permissions that the caller's organisation makes up, or else the configuration.
func (r *Resolver) additional(ctx context.Context) (permission.Additional, error) {
	a := authz.From(ctx)
	if a.User == nil || a.User.IsSuper() {
		return r.settings.AdditionalPermissions, nil
	}
	o, err := r.store.Organisations.Find(ctx, store.AllTenants(), a.User.OrgID)
	if err != nil {
		return nil, err
	}
	if o.AdditionalPermissions == nil {
		return r.settings.AdditionalPermissions, nil
	}
	return o.AdditionalPermissions, nil
}

// setAdditional makes these the ones of the caller's organisation.
func (r *Resolver) setAdditional(ctx context.Context, given permission.Additional) (permission.Additional, error) {
	o, err := r.ownOrganisation(ctx, "additional_permissions")
	if err != nil {
		return nil, err
	}
	next, err := r.editOrganisation(ctx, o.ID, nil, func(stored core.Document) (core.Document, error) {
		return stored.Set("additional_permissions", given), nil
	})
	if err != nil {
		return nil, err
	}
	return next.AdditionalPermissions, nil
}
