package rulebook

import (
	"context"
	"fmt"

	"gatehouse/internal/authz"
	"gatehouse/internal/core"
	"gatehouse/internal/permission"
	"gatehouse/internal/rules"
	"gatehouse/internal/usergroup"
)

// Layer is what decides whether a call may be made.
type Layer string

// The layers, each above the next.
const (
	LayerFloor   Layer = "FLOOR"
	LayerBuiltIn Layer = "BUILT_IN"
	LayerRules   Layer = "RULES"
)

// Asked is a call that somebody wants explained.
type Asked struct {
	// User makes it, and belongs to Groups.
	User   authz.Actor
	Groups []*usergroup.Group
	// Operation is the name of a root field.
	Operation string
	// Input holds the arguments that its path names, and as body the document that the call would leave behind.
	Input core.Document
}

// Explanation is what the guard says of a call, and why.
type Explanation struct {
	// Refusal is why the call may not be made; nil where it may.
	Refusal error
	Layer   Layer
	Call    authz.Call
	// Level is what the user has of the permission; "" for nothing.
	Level  string
	Grants []Grant
	// Fired are the rules in Rego that held.
	Fired []rules.Fired
	// Needed is what the built-in rules ask for, in words.
	Needed string
}

// Grant is a level of a permission that somebody has: by a group, or, where Group is nil, of their own.
type Grant struct {
	Level string
	Group *usergroup.Group
}

// Explain judges a call as Check does, with the document that it would leave behind, and says why. Nothing is done, and
// whatever rules read, they read as the user.
func (b *Book) Explain(ctx context.Context, q Asked) (*Explanation, error) {
	op, ok := b.o.Operations[q.Operation]
	if !ok {
		return nil, core.InField("operation", "names no root field: docs/permissions.md lists them")
	}
	call, body, err := called(op, q.Input)
	if err != nil {
		return nil, err
	}
	out := &Explanation{Call: call, Needed: needed(op)}
	out.Level, out.Grants = grants(q, op.Permission)
	// Rules read as the user, and what the caller has left to be judged is not theirs to carry out.
	ctx = authz.WithCall(authz.With(ctx, q.User))
	decided, err := authz.Floor(q.User, call)
	if decided {
		out.Layer = LayerFloor
		return out.refused(err)
	}
	text, err := b.inForce(ctx, q.User)
	if err != nil {
		return nil, err
	}
	if text == "" {
		out.Layer = LayerBuiltIn
		return out.refused(b.o.Default.Check(ctx, q.User, call))
	}
	out.Layer = LayerRules
	question, err := b.question(ctx, q.User, call)
	if err != nil {
		return nil, err
	}
	if shape, carries := carried(op.Name); carries && body != nil {
		question.Body = shape.body(body)
	}
	v, fired, err := b.o.Engine.Explain(ctx, text, question)
	out.Fired = fired
	if err == nil {
		err = denied(v)
	}
	return out.refused(err)
}

// refused takes a refusal into an explanation; what is none is an error.
func (e *Explanation) refused(err error) (*Explanation, error) {
	switch core.CodeOf(err) {
	case "", core.CodeForbidden, core.CodeUnauthenticated:
		e.Refusal = err
		return e, nil
	}
	return nil, err
}

// called makes a call of an operation of its arguments.
func called(op authz.Operation, input core.Document) (call authz.Call, body core.Document, err error) {
	var missing string
	call = op.Call(func(name string) string {
		value := input.Get(name)
		if value.String() == "" || value.IsObject() || value.IsArray() {
			missing = name
		}
		return value.String()
	})
	if missing != "" {
		return call, nil, core.InField("input", "must hold %s, a text: it is part of the path %s", missing, op.Path)
	}
	given := input.Get("body")
	if !given.Exists() {
		return call, nil, nil
	}
	if !given.IsObject() {
		return call, nil, core.InField("input", "must hold an object as body: the document that the call would leave behind")
	}
	body, err = core.ParseDocument([]byte(given.Raw))
	return call, body, err
}

// grants are where somebody has a permission from, and the level that they have in all.
func grants(q Asked, name string) (level string, from []Grant) {
	u := q.User.User
	if own := u.Permissions.Level(name); own != "" {
		from = append(from, Grant{Level: own})
	}
	level = q.User.Permissions().Level(name)
	if u.IsAdmin() || u.IsSuper() || name == permission.ResetPassword {
		return level, from // groups change nothing of it
	}
	for _, g := range q.Groups {
		if given := g.Permissions.Level(name); g.Active && given != "" {
			from = append(from, Grant{given, g})
		}
	}
	return level, from
}

// needed says what the floor and the built-in rules ask for.
func needed(op authz.Operation) string {
	var out string
	switch op.Permission {
	case authz.PermissionOpen:
		return "nothing"
	case authz.PermissionNone:
		return "an active user"
	case authz.PermissionAdmin:
		return "the admin secret"
	case authz.PermissionIsAdmin:
		return "an administrator of the organisation"
	case authz.PermissionResetPassword:
		out = "an administrator with ResetPassword, or with security.allow_admin_reset_password"
	default:
		out = fmt.Sprintf("%s on %s", op.Access(), op.Permission)
	}
	if op.Self != "" {
		out += ", or to be that user"
	}
	return out
}
