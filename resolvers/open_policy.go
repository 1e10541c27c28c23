package resolvers

import (
	"cmp"
	"context"
	"time"

	"gatehouse/graph/model"
	"gatehouse/internal/authz"
	"gatehouse/internal/core"
	"gatehouse/internal/rehearsal"
	"gatehouse/internal/rules"
)

// ruledOrganisation is the one of the caller, where the configuration opens its rules.
func (r *Resolver) ruledOrganisation(ctx context.Context) (*core.Organisation, error) {
	if !r.settings.RulesOpen {
		return nil, core.Errorf(core.CodeForbidden,
			"access denied: the configuration does not open the rules (OPA) of organisations (security.open_policy.enable_api)")
	}
	return r.ownOrganisation(ctx, "open_policy")
}

// ownOrganisation is the one of the caller, of which a field is to be seen or changed.
func (r *Resolver) ownOrganisation(ctx context.Context, field string) (*core.Organisation, error) {
	a := authz.From(ctx)
	if a.User == nil || a.User.IsSuper() {
		return nil, core.Errorf(core.CodeForbidden,
			"access denied: you belong to no organisation: change the document of the one that is meant (%s)", field)
	}
	return r.findOrganisation(ctx, a.User.OrgID)
}

// openPolicy shows what an organisation says of rules.
func (r *Resolver) openPolicy(o *core.Organisation) *model.OpenPolicy {
	text := r.rules.Text(o)
	return &model.OpenPolicy{
		Enabled: r.rules.Enabled(o), InForce: r.rules.Decides(o), Rules: text, Own: o.OpenPolicy.Rules != "",
		Warnings: rules.Warnings(text),
	}
}

// setOpenPolicy changes what the caller's organisation says of rules.
func (r *Resolver) setOpenPolicy(ctx context.Context, in model.OpenPolicyInput) (*model.OpenPolicy, error) {
	o, err := r.ruledOrganisation(ctx)
	if err != nil {
		return nil, err
	}
	next, err := r.editOrganisation(ctx, o.ID, nil, func(stored core.Document) (core.Document, error) {
		doc := stored
		if in.Enabled != nil {
			doc = doc.Set("open_policy.enabled", *in.Enabled)
		}
		if in.Rules != nil {
			doc = doc.Set("open_policy.rules", *in.Rules)
		}
		return doc, r.rules.LocksOut(ctx, authz.From(ctx), core.NewOrganisation(o.Meta, doc))
	})
	if err != nil {
		return nil, err
	}
	return r.openPolicy(next), nil
}

// maxRehearsed is how many decisions one rehearsal shows.
const maxRehearsed = 500

// rehearse judges what was done by a draft of rules.
func (r *Resolver) rehearse(ctx context.Context, o *core.Organisation, draft string, since time.Time, first *int) (*rehearsal.Result, error) {
	if err := r.rules.CheckText(draft); err != nil {
		return nil, err
	}
	most := *cmp.Or(first, new(50))
	if most < 1 || most > maxRehearsed {
		return nil, core.InField("first", "must be from 1 to %d", maxRehearsed)
	}
	stage := rehearsal.Stage{Store: r.store, Book: r.rules, Granted: r.groups.Granted}
	return stage.Rehearse(ctx, o, draft, since, most)
}
