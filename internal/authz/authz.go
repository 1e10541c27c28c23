// Package authz decides what a caller may do. It holds the caller (Actor) that the edge puts into the context, the
// description of an operation that both faces share, and the guard that judges one by the other.
//
// The rules are those of the legacy dashboard's default policy: a permission named for each part of the API, read for
// reading and write for the rest, and administrators who may do all that nothing denies them.
package authz

import (
	"context"
	"net/http"
	"strings"

	"gatehouse/internal/core"
)

// Actor is who makes a request.
type Actor struct {
	// User is nil when only the admin secret came.
	User *core.User
	// Admin tells whether the request carried the admin secret.
	Admin bool
}

// ID is the id of the user; "" for the admin secret alone.
func (a Actor) ID() string {
	if a.User == nil {
		return ""
	}
	return a.User.ID
}

// Known tells whether the request carried any credentials that hold.
func (a Actor) Known() bool { return a.User != nil || a.Admin }

// CrossesOrganisations tells whether the actor is bound to no organisation: the admin secret alone, or a super user.
func (a Actor) CrossesOrganisations() bool {
	if a.User != nil {
		return a.User.IsSuper()
	}
	return a.Admin
}

type contextKey struct{}

// With returns a context that carries the actor.
func With(ctx context.Context, a Actor) context.Context {
	return context.WithValue(ctx, contextKey{}, a)
}

// From returns the actor of the context; the zero Actor, who may do nothing, when there is none.
func From(ctx context.Context) Actor {
	a, _ := ctx.Value(contextKey{}).(Actor)
	return a
}

// The permissions with a meaning of their own; all others are names such as apis, keys and policies.
const (
	// PermissionNone asks for a known caller only.
	PermissionNone = "none"
	// PermissionAdmin asks for the admin secret.
	PermissionAdmin = "admin"
	// PermissionResetPassword guards the password of a user: one's own, or those of others.
	PermissionResetPassword = "ResetPassword"
)

// Operation is a use case as the schema describes it in @operation.
type Operation struct {
	// Name is the name of the root field.
	Name string
	// Method and Path are those of the REST operation that the field equals; names in braces are arguments.
	Method, Path string
	Permission   string
	// AdminPath is where the admin secret opens the operation for every organisation; "" nowhere.
	AdminPath string
}

// Expand returns the path with the arguments in the place of their names. What an argument holds stays as it is, braces
// too.
func (o Operation) Expand(path string, arg func(name string) string) string {
	var out strings.Builder
	for {
		before, rest, opened := strings.Cut(path, "{")
		name, after, closed := strings.Cut(rest, "}")
		if !opened || !closed {
			out.WriteString(path)
			return out.String()
		}
		out.WriteString(before)
		out.WriteString(arg(name))
		path = after
	}
}

// Guard judges operations.
type Guard struct {
	// AllowAdminResetPassword lets administrators set the passwords of others (security.allow_admin_reset_password).
	AllowAdminResetPassword bool
}

// Check returns nil when the actor may do the operation on the path (expanded), CodeUnauthenticated when nobody is
// known, and CodeForbidden otherwise.
func (g Guard) Check(a Actor, op Operation, path string) error {
	if !a.Known() {
		return unauthenticated()
	}
	if a.Admin && op.AdminPath != "" {
		return nil
	}
	switch {
	case op.Permission == PermissionAdmin:
		return core.Errorf(core.CodeForbidden, "this needs the admin secret, in the header admin-auth")
	case a.User == nil && op.Permission == PermissionNone:
		return nil
	case a.User == nil:
		return core.Errorf(
			core.CodeUnauthenticated,
			"Not authorised: this needs the access key of a user, in the header Authorization",
		)
	case !a.User.Active:
		return core.Errorf(core.CodeForbidden, "access denied: User is not active")
	case op.Permission == PermissionNone, isSelf(a.User, op.Method, path):
		return nil
	case op.Permission == PermissionResetPassword:
		return g.checkResetPassword(a.User, path)
	}
	return g.CheckPermission(a, op.Permission, op.Method, path)
}

// CheckPermission judges one permission: read for GET and HEAD, write for the rest. path is for the message.
func (g Guard) CheckPermission(a Actor, permission, method, path string) error {
	if a.Admin {
		return nil
	}
	if a.User == nil {
		return unauthenticated()
	}
	level := a.User.Permissions[permission]
	switch {
	case level == "deny":
	case a.User.IsAdmin(), level == "write", level == "admin":
		return nil
	case level == "read" && (method == http.MethodGet || method == http.MethodHead):
		return nil
	}
	return core.Errorf(core.CodeForbidden, "access denied: You do not have permission to access %s", path)
}

func (g Guard) checkResetPassword(u *core.User, path string) error {
	if userOf(path) == u.ID {
		return nil
	}
	_, granted := u.Permissions[PermissionResetPassword]
	if u.IsAdmin() && u.Permissions[PermissionResetPassword] != "deny" && (g.AllowAdminResetPassword || granted) {
		return nil
	}
	return core.Errorf(
		core.CodeForbidden,
		"access denied: You do not have permission to reset the password for other users.",
	)
}

// isSelf holds for what everybody may do to themselves: read their own user, renew their own access key.
func isSelf(u *core.User, method, path string) bool {
	if userOf(path) != u.ID {
		return false
	}
	rest := strings.Split(strings.Trim(path, "/"), "/")[3:]
	switch strings.Join(rest, "/") {
	case "":
		return method == http.MethodGet
	case "actions/key/reset":
		return method == http.MethodPut
	}
	return false
}

// userOf returns the id in /api/users/{id}/..., "" in other paths.
func userOf(path string) string {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	if len(parts) >= 3 && parts[1] == "users" {
		return parts[2]
	}
	return ""
}

func unauthenticated() error {
	return core.Errorf(core.CodeUnauthenticated, "Not authorised")
}
