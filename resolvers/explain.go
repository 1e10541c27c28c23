package resolvers

import (
	"context"
	"strings"

	"gatehouse/graph/model"
	"gatehouse/internal/authz"
	"gatehouse/internal/core"
	"gatehouse/internal/rulebook"
)

// explainAccess says what the guard makes of a call of a user.
func (r *Resolver) explainAccess(
	ctx context.Context, userID, operation string, input core.Document,
) (*model.AccessExplanation, error) {
	u, err := r.findUser(ctx, userID)
	if err != nil {
		return nil, err
	}
	groups, err := r.groupsOf(ctx, u, u.GroupIDs, len(u.GroupIDs))
	if err != nil {
		return nil, err
	}
	actor, err := r.actor(ctx, u)
	if err != nil {
		return nil, err
	}
	e, err := r.rules.Explain(ctx, rulebook.Asked{User: actor, Groups: groups, Operation: operation, Input: input})
	if err != nil {
		return nil, err
	}
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
	return out, nil
}

// actor is who a user would be who calls.
func (r *Resolver) actor(ctx context.Context, u *core.User) (a authz.Actor, err error) {
	a.User = u
	if a.Granted, err = r.groups.Granted(ctx, u); err != nil {
		return a, err
	}
	if r.settings.Ownership && !u.IsAdmin() {
		a.Owning, err = r.groups.Owning(ctx, u)
	}
	return a, err
}
