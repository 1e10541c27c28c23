// Package authz decides what a caller may do. It holds the caller (Actor) that the edge puts into the context, the
// description of an operation that both faces share, and the guard that judges one by the other.
//
// The rules are those of the legacy dashboard's default policy: a permission named for each part of the API, read for
// reading and write for the rest, and administrators who may do all that nothing denies them.
package authz

import (
	"context"
	"net/http"
	"net/url"
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
	// Owning are the ids as which the user owns objects, their own and those of their groups, where ownership is in force
	// for them; nil where they see what is owned by others, too.
	Owning []string
	// Session is the one by which the user is known; nil where an access key is.
	Session *core.Session
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
	// PermissionOpen asks for nothing: it is for those who are about to say who they are.
	PermissionOpen = "open"
	// PermissionNone asks for a known caller only.
	PermissionNone = "none"
	// PermissionAdmin asks for the admin secret.
	PermissionAdmin = "admin"
	// PermissionIsAdmin asks for an administrator of an organisation.
	PermissionIsAdmin = permission.IsAdmin
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
func (o Operation) Access() Access { return accessOf(o.Method) }

func accessOf(method string) Access {
	if method == http.MethodGet || method == http.MethodHead {
		return Read
	}
	return Write
}

// Call puts the arguments of one call into the operation, for the guard. What an argument holds stays as it is, braces
// too.
func (o Operation) Call(arg func(name string) string) Call {
	c := Call{Operation: o, Path: expand(o.Path, arg), Method: o.Method}
	c.Route = Route(o.Path, arg)
	if o.Self != "" {
		c.Self = arg(o.Self)
	}
	return c
}

// Route is a path with the arguments in the place of their names, each as one part of the path, whatever it holds: what
// rules judge a call by.
func Route(path string, arg func(name string) string) string {
	return expand(path, func(name string) string {
		part := url.PathEscape(arg(name))
		if strings.Trim(part, ".") == "" {
			part = strings.ReplaceAll(part, ".", "%2E")
		}
		return part
	})
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
	// Path is that of the REST operation, with the arguments in it, for messages.
	Path string
	// Method and Route are those of the REST request that the call is, or equals: Route is Path with each argument
	// escaped.
	Method, Route string
	// Header is what came with the request; nil where nothing is known of it.
	Header http.Header
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
	if decided, err := Floor(a, c); decided {
		return err
	}
	if c.Operation.Permission == PermissionResetPassword {
		return r.checkResetPassword(a.User)
	}
	return r.CheckPermission(ctx, a, c.Operation.Permission, c.Operation.Access(), c.Path)
}

// Floor decides what no rules open or close: what nobody may, and strangers; what the admin secret, and administrators
// alone may; and what everybody may do for themselves. decided is false where the caller is an active user whom rules
// may let make the call, or not.
func Floor(a Actor, c Call) (decided bool, err error) {
	op := c.Operation
	switch {
	case op.Permission == PermissionOpen:
		return true, nil
	case !a.Known():
		return true, Unauthenticated()
	case a.Admin && op.AdminPath != "":
		return true, nil
	case op.Permission == PermissionAdmin:
		return true, core.Errorf(core.CodeForbidden, "this needs the admin secret, in the header admin-auth")
	case a.User == nil && op.Permission == PermissionNone:
		return true, nil
	case a.User == nil:
		return true, core.Errorf(
			core.CodeUnauthenticated,
			"Not authorised: this needs the access key of a user, in the header Authorization",
		)
	case !a.User.Active:
		return true, core.Errorf(core.CodeForbidden, "access denied: User is not active")
	case op.Permission == PermissionNone, c.Self != "" && c.Self == a.User.ID:
		return true, nil
	case op.Permission == PermissionIsAdmin && a.User.IsAdmin():
		return true, nil
	case op.Permission == PermissionIsAdmin:
		return true, core.Errorf(core.CodeForbidden, "access denied: this is for administrators of the organisation")
	}
	return false, nil
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
