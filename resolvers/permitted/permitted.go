// Package permitted shows which permissions there are, as the schema has it.
package permitted

import (
	"gatehouse/graph/model"
	"gatehouse/internal/core"
	"gatehouse/internal/permission"
)

// Of are the additional permissions of an input. One that is named twice is refused.
func Of(in []*model.AdditionalPermissionInput) (permission.Additional, error) {
	out := make(permission.Additional, len(in))
	for _, p := range in {
		if _, twice := out[p.Name]; twice {
			return nil, core.InField("additional_permissions", "names %q twice", p.Name)
		}
		out[p.Name] = p.Label
	}
	return out, nil
}

// Additional shows those that an organisation, or the configuration, makes up.
func Additional(a permission.Additional) []*model.AdditionalPermission {
	out := []*model.AdditionalPermission{}
	for _, p := range a.Permissions() {
		out = append(out, &model.AdditionalPermission{Name: p.Name, Label: p.Label})
	}
	return out
}

// All are all that people can be given, the known ones first.
func All(a permission.Additional) []*model.Permission {
	var out []*model.Permission
	for _, p := range permission.Known() {
		out = append(out, &model.Permission{Name: p.Name, Label: p.Label, Levels: p.Levels})
	}
	for _, p := range a.Permissions() {
		out = append(out, &model.Permission{Name: p.Name, Label: p.Label, Levels: p.Levels, Additional: true})
	}
	return out
}
