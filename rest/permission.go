package rest

import (
	"encoding/json"

	"gatehouse/graph/model"
	"gatehouse/internal/core"
)

var permissionRoutes = []route{
	{"GET", "/api/permissions", "permissions", (*call).listPermissions, nil},
	{"GET", "/api/org/permissions", "additionalPermissions", (*call).getAdditionalPermissions, nil},
	{"PUT", "/api/org/permissions", "setAdditionalPermissions", (*call).setAdditionalPermissions, legacyErrors{
		core.CodeMalformed: malformed400,
	}},
}

// permissionShown is what REST shows of a permission.
type permissionShown struct {
	Name       string   `json:"name"`
	Label      string   `json:"label"`
	Levels     []string `json:"levels"`
	Additional bool     `json:"additional"`
}

func (c *call) listPermissions() (reply, error) {
	all, err := c.Query.Permissions(c.ctx)
	if err != nil {
		return nil, err
	}
	out := struct {
		Permissions []permissionShown `json:"permissions"`
	}{}
	for _, p := range all {
		out.Permissions = append(out.Permissions, permissionShown{p.Name, p.Label, p.Levels, p.Additional})
	}
	return shown(out), nil
}

func (c *call) getAdditionalPermissions() (reply, error) {
	all, err := c.Query.AdditionalPermissions(c.ctx)
	if err != nil {
		return nil, err
	}
	labels := map[string]string{}
	for _, p := range all {
		labels[p.Name] = p.Label
	}
	return shown(map[string]map[string]string{"additional_permissions": labels}), nil
}

func (c *call) setAdditionalPermissions() (reply, error) {
	doc, err := c.document()
	if err != nil {
		return nil, err
	}
	var labels map[string]string
	if held := doc.Get("additional_permissions"); !held.IsObject() || json.Unmarshal([]byte(held.Raw), &labels) != nil {
		return nil, core.InField(
			"additional_permissions", `is required: an object that holds a label by each name, {"api_editor": "API Editor"}`,
		)
	}
	in := make([]*model.AdditionalPermissionInput, 0, len(labels))
	for name, label := range labels {
		in = append(in, &model.AdditionalPermissionInput{Name: name, Label: label})
	}
	if _, err := c.Mutation.SetAdditionalPermissions(c.ctx, in); err != nil {
		return nil, err
	}
	return done("Additional Permissions updated in org level", nil), nil
}
