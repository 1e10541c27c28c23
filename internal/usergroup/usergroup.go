// Package usergroup holds user groups: permissions that several users have together, beside their own.
package usergroup

import (
	"strings"
	"unicode"

	"gatehouse/internal/core"
	"gatehouse/internal/permission"
)

// Group is a user group. Its members name it; one that is not active gives them nothing, and neither does one that is
// gone.
type Group struct {
	core.Meta
	Name        string
	Description string
	Active      bool
	// PasswordMaxDays is how old the passwords of members may be, in days; 0 is as the configuration says.
	PasswordMaxDays int
	// Permissions are what members get. They make nobody an administrator.
	Permissions permission.Set
	// Document is what REST shows.
	Document core.Document
}

// New reads a Group from its document, which has been through Parse once.
func New(meta core.Meta, doc core.Document) *Group {
	return &Group{
		Meta:            meta,
		Name:            doc.Text("name"),
		Description:     doc.Text("description"),
		Active:          doc.Get("active").Bool(),
		PasswordMaxDays: int(min(max(doc.Get("password_max_days").Int(), 0), core.MaxPasswordDays)),
		Permissions:     core.Permissions(doc),
		Document:        doc,
	}
}

// Parse checks a document that came from outside, and reads it. A group has a name, and at least one permission; what
// makes administrators, and lets set passwords, is given to people one by one.
func Parse(meta core.Meta, doc core.Document) (*Group, error) {
	if err := doc.CheckFields(map[string]string{
		"string": "id org_id name description", "bool": "active", "object": "user_permissions",
		"number": "password_max_days",
	}); err != nil {
		return nil, err
	}
	g := New(meta, doc)
	switch {
	case strings.TrimSpace(g.Name) == "":
		return nil, core.InField("name", "is required")
	case len(g.Name) > 255 || strings.ContainsFunc(g.Name, unicode.IsControl):
		return nil, core.InField("name", "must be at most 255 bytes without control characters")
	case len(g.Description) > 4096 || strings.ContainsRune(g.Description, 0):
		return nil, core.InField("description", "must be at most 4096 bytes")
	}
	if days := doc.Get("password_max_days"); days.Exists() && (days.Num < 0 || days.Num > core.MaxPasswordDays) {
		return nil, core.InField("password_max_days", "must be a number of days from 0 to %d", core.MaxPasswordDays)
	}
	if err := core.CheckPermissions(doc); err != nil {
		return nil, err
	}
	for _, name := range []string{permission.IsAdmin, permission.ResetPassword} {
		if _, given := g.Permissions[name]; given {
			return nil, core.InField("user_permissions."+name, "is given to users, not to groups: leave it out")
		}
	}
	if len(g.Permissions) == 0 {
		return nil, core.InField("user_permissions", "must hold at least one permission")
	}
	return g, nil
}

// Size is the length of the document.
func (g *Group) Size() int64 { return int64(len(g.Document)) }

// DocumentText is the text of Document.
func (g *Group) DocumentText() string { return string(g.Document) }

// PermissionsDocument is the permissions as JSON.
func (g *Group) PermissionsDocument() core.Document {
	return g.Permissions.Document()
}

// PermissionsText is the text of PermissionsDocument.
func (g *Group) PermissionsText() string { return string(g.PermissionsDocument()) }
