package resolvers

import (
	"context"

	"gatehouse/graph/model"
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

// additionalOf are the additional permissions of an input. One that is named twice is refused.
func additionalOf(in []*model.AdditionalPermissionInput) (permission.Additional, error) {
	out := make(permission.Additional, len(in))
	for _, p := range in {
		if _, twice := out[p.Name]; twice {
			return nil, core.InField("additional_permissions", "names %q twice", p.Name)
		}
		out[p.Name] = p.Label
	}
	return out, nil
}

func showAdditional(a permission.Additional) []*model.AdditionalPermission {
	out := []*model.AdditionalPermission{}
	for _, p := range a.Permissions() {
		out = append(out, &model.AdditionalPermission{Name: p.Name, Label: p.Label})
	}
	return out
}

// showPermissions are all that people can be given, the known ones first.
func showPermissions(a permission.Additional) []*model.Permission {
	var out []*model.Permission
	for _, p := range permission.Known() {
		out = append(out, &model.Permission{Name: p.Name, Label: p.Label, Levels: p.Levels})
	}
	for _, p := range a.Permissions() {
		out = append(out, &model.Permission{Name: p.Name, Label: p.Label, Levels: p.Levels, Additional: true})
	}
	return out
}
