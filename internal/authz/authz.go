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
	"gatehouse/internal/permission"
)

// Actor is who makes a request.
type Actor struct {
	// User is nil when only the admin secret came.
	User *core.User
	// Granted are the permissions of the user with those of their groups; nil where they are the user's own.
	Granted permission.Set
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

// Permissions are those of the user, with those of their groups.
func (a Actor) Permissions() permission.Set {
	switch {
	case a.Granted != nil:
		return a.Granted
	case a.User != nil:
		return a.User.Permissions
	}
	return nil
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
	PermissionResetPassword = permission.ResetPassword
)

// Access is what an operation does to what its permission names.
type Access string

// The kinds of access. Whoever may write may read.
const (
	Read  Access = "read"
	Write Access = "write"
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
	// Self is the argument that holds the id of a user who may do this without the permission: to themselves. "" is
	// none.
	Self string
}

// Access is what the operation needs of its permission: to read for GET and HEAD, to write for the rest.
func (o Operation) Access() Access {
	if o.Method == http.MethodGet || o.Method == http.MethodHead {
		return Read
	}
	return Write
}

// Call puts the arguments of one call into the operation, for the guard. What an argument holds stays as it is, braces
// too.
func (o Operation) Call(arg func(name string) string) Call {
	c := Call{Operation: o, Path: expand(o.Path, arg)}
	if o.Self != "" {
		c.Self = arg(o.Self)
	}
	return c
}

// expand returns the path with the arguments in the place of their names.
func expand(path string, arg func(name string) string) string {
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

// Call is one call of an operation. Both faces describe theirs in these words, so that a rule holds on both.
type Call struct {
	Operation Operation
	// Path is that of the REST operation, with the arguments in it.
	Path string
	// Self is the id of the user whom the call is about, where the operation says which argument that is; "" elsewhere.
	Self string
}

// Guard judges what a caller wants. Everything that asks a guard does so before it does anything else, and does nothing
// when the answer is an error.
type Guard interface {
	// Check returns nil when the actor may make the call, CodeUnauthenticated when nobody is known, and CodeForbidden
	// otherwise.
	Check(ctx context.Context, a Actor, c Call) error
	// CheckPermission judges one permission apart from an operation, as relations between objects need it; what is for
	// the message.
	CheckPermission(ctx context.Context, a Actor, permission string, access Access, what string) error
}

// Rules are the rules of the legacy dashboard's default policy.
type Rules struct {
	// AllowAdminResetPassword lets administrators set the passwords of others (security.allow_admin_reset_password).
	AllowAdminResetPassword bool
}

var _ Guard = Rules{}

// Check implements Guard.
func (r Rules) Check(ctx context.Context, a Actor, c Call) error {
	if !a.Known() {
		return Unauthenticated()
	}
	op := c.Operation
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
	case op.Permission == PermissionNone, c.Self != "" && c.Self == a.User.ID:
		return nil
	case op.Permission == PermissionResetPassword:
		return r.checkResetPassword(a.User)
	}
	return r.CheckPermission(ctx, a, op.Permission, op.Access(), c.Path)
}

// CheckPermission implements Guard.
func (r Rules) CheckPermission(_ context.Context, a Actor, name string, access Access, what string) error {
	if a.Admin {
		return nil
	}
	if a.User == nil {
		return Unauthenticated()
	}
	if a.Permissions().Allows(name, access == Write) {
		return nil
	}
	return core.Errorf(core.CodeForbidden, "access denied: You do not have permission to access %s", what)
}

func (r Rules) checkResetPassword(u *core.User) error {
	_, granted := u.Permissions[PermissionResetPassword]
	if u.IsAdmin() && !u.Permissions.Denies(PermissionResetPassword) && (r.AllowAdminResetPassword || granted) {
		return nil
	}
	return core.Errorf(
		core.CodeForbidden,
		"access denied: You do not have permission to reset the password for other users.",
	)
}

// Unauthenticated is the answer to nobody.
func Unauthenticated() error {
	return core.Errorf(core.CodeUnauthenticated, "Not authorised")
}
