// Package explained shows why somebody may or may not make a call, as the schema has it.
package explained

import (
	"context"
	"strings"

	"gatehouse/graph/model"
	"gatehouse/internal/authz"
	"gatehouse/internal/core"
	"gatehouse/internal/rulebook"
	"gatehouse/internal/user"
)

// Calls explains calls of users.
type Calls struct {
	Rules  *rulebook.Book
	Groups user.Groups
	// Ownership keeps from users what is owned by others (enable_ownership).
	Ownership bool
}

// Access says what the guard makes of a call of a user: of an operation by its name, with the arguments of input.
func (c Calls) Access(
	ctx context.Context, u *core.User, operation string, input core.Document,
) (*model.AccessExplanation, error) {
	groups, err := c.Groups.Joined(ctx, u)
	if err != nil {
		return nil, err
	}
	actor, err := c.actor(ctx, u)
	if err != nil {
		return nil, err
	}
	e, err := c.Rules.Explain(ctx, rulebook.Asked{User: actor, Groups: groups, Operation: operation, Input: input})
	if err != nil {
		return nil, err
	}
	return shown(e), nil
}

func shown(e *rulebook.Explanation) *model.AccessExplanation {
	out := &model.AccessExplanation{
		Allowed: e.Refusal == nil, DecidedBy: model.AccessLayer(e.Layer), Method: e.Call.Method, Path: e.Call.Path,
		Permission: e.Call.Operation.Permission, Access: model.AccessKind(strings.ToUpper(string(e.Call.Operation.Access()))),
		Level: e.Level, Needed: e.Needed, Grants: []*model.AccessGrant{}, Rules: []*model.FiredRule{},
	}
	if e.Refusal != nil {
		out.Message = core.AsError(e.Refusal).Message
	}
	for _, g := range e.Grants {
		grant := &model.AccessGrant{Level: g.Level, Own: g.Group == nil}
		if g.Group != nil {
			grant.GroupID, grant.GroupName = g.Group.ID, g.Group.Name
		}
		out.Grants = append(out.Grants, grant)
	}
	for _, f := range e.Fired {
		out.Rules = append(out.Rules, &model.FiredRule{Name: f.Name, Line: f.Line})
	}
	return out
}

// actor is who a user would be who calls.
func (c Calls) actor(ctx context.Context, u *core.User) (a authz.Actor, err error) {
	a.User = u
	if a.Granted, err = c.Groups.Granted(ctx, u); err != nil {
		return a, err
	}
	if c.Ownership && !u.IsAdmin() {
		a.Owning, err = c.Groups.Owning(ctx, u)
	}
	return a, err
}
