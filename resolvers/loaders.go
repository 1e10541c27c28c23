package resolvers

import (
	"context"
	"slices"

	"gatehouse/internal/batch"
	"gatehouse/internal/core"
	"gatehouse/internal/gateway/claim"
	"gatehouse/internal/reference"
	"gatehouse/internal/usergroup"
)

// loaders batches what relation fields ask for, so that a nested query makes a number of store calls that does not grow
// with its rows. They live as long as one operation.
type loaders struct {
	organisations  *batch.ByID[core.Organisation]
	apis           *batch.ByID[core.Api]
	policies       *batch.ByID[core.Policy]
	policiesByDBID *batch.ByID[core.Policy]
	webhooks       *batch.ByID[core.Webhook]
	users          *batch.ByID[core.User]
	groups         *batch.ByID[usergroup.Group]
	usersByGroup   *batch.ByLabel[core.User, *core.User]
	policiesByApi  *batch.ByLabel[core.Policy, *core.Policy]
	keysByApi      *batch.ByLabel[core.Key, *core.Key]
	keysByPolicy   *batch.ByLabel[core.Key, *core.Key]
	apisByWebhook  *batch.ByLabel[core.Api, *core.Api]

	apisByCertificate *batch.ByLabel[core.Api, *core.Api]
	// By store.CertificateUse.
	apisByCertificateUse *batch.ByLabel[core.Api, *core.Api]
	keysByCertificate    *batch.ByLabel[core.Key, *core.Key]

	sharing *claim.Warnings
	uses    *reference.Uses
	missing *reference.Missing
}

type loadersKey struct{}

// WithLoaders gives an operation its loaders. GraphQL operations have them; without, each look-up stands alone.
func (r *Resolver) WithLoaders(ctx context.Context) context.Context {
	return context.WithValue(ctx, loadersKey{}, r.newLoaders())
}

func (r *Resolver) loaders(ctx context.Context) *loaders {
	if l, ok := ctx.Value(loadersKey{}).(*loaders); ok {
		return l
	}
	return r.newLoaders()
}

func (r *Resolver) newLoaders() *loaders {
	s := r.store
	key := func(org, value string) batch.Key { return batch.Key{Org: org, Value: value} }
	return &loaders{
		organisations: batch.NewByID(s.Organisations.FindMany, "id",
			func(o *core.Organisation) batch.Key { return key("", o.ID) }, siblings),
		apis: batch.NewByID(s.Apis.FindMany, "api_id",
			func(a *core.Api) batch.Key { return key(a.OrgID, a.ApiID) }, siblings),
		policies: batch.NewByID(s.Policies.FindMany, "policy_id",
			func(p *core.Policy) batch.Key { return key(p.OrgID, p.PolicyID) }, siblings),
		policiesByDBID: batch.NewByID(s.Policies.FindMany, "id",
			func(p *core.Policy) batch.Key { return key(p.OrgID, p.ID) }, siblings),
		webhooks: batch.NewByID(s.Webhooks.FindMany, "id",
			func(w *core.Webhook) batch.Key { return key(w.OrgID, w.ID) }, siblings),
		users: batch.NewByID(s.Users.FindMany, "id",
			func(u *core.User) batch.Key { return key(u.OrgID, u.ID) }, siblings),
		groups: batch.NewByID(s.UserGroups.FindMany, "id",
			func(g *usergroup.Group) batch.Key { return key(g.OrgID, g.ID) }, siblings),
		usersByGroup:  batch.NewByLabel[core.User]("users of user group", s.Users, "group", siblings),
		policiesByApi: batch.NewByLabel[core.Policy]("policies of API", s.Policies, "api", siblings),
		keysByApi:     batch.NewByLabel[core.Key]("keys of API", r.keys, "api", siblings),
		keysByPolicy:  batch.NewByLabel[core.Key]("keys of policy", r.keys, "policy", siblings),
		apisByWebhook: batch.NewByLabel[core.Api]("APIs of webhook", s.Apis, "webhook", siblings),

		sharing: r.claims.Warnings(),
		uses:    reference.NewUses(s, r.keys, r.mayRead),
		missing: reference.NewMissing(s, r.mayRead),

		apisByCertificate:    batch.NewByLabel[core.Api]("APIs of certificate", s.Apis, "certificate", siblings),
		apisByCertificateUse: batch.NewByLabel[core.Api]("APIs of certificate", s.Apis, "certificate_use", siblings),
		keysByCertificate:    batch.NewByLabel[core.Key]("keys of certificate", r.keys, "certificate", siblings),
	}
}

// siblings tells the loaders of the operation, where there are any, that these objects are answered together: what the
// relation fields of one of them load is loaded for all.
func siblings[T any](ctx context.Context, objects []*T) {
	l, ok := ctx.Value(loadersKey{}).(*loaders)
	if !ok {
		return
	}
	for _, o := range objects {
		if o, ok := any(o).(core.Object); ok {
			l.uses.Expect(o)
			l.missing.Expect(o)
		}
		switch o := any(o).(type) {
		case *core.Api:
			l.organisations.Expect("", o.OrgID)
			l.users.Expect(o.OrgID, o.UserOwners...)
			l.webhooks.Expect(o.OrgID, core.HookIDs(o.Definition)...)
			l.policiesByApi.Expect(o.OrgID, o.ApiID)
			l.keysByApi.Expect(o.OrgID, o.ApiID)
		case *core.Policy:
			l.organisations.Expect("", o.OrgID)
			l.apis.Expect(o.OrgID, o.ApiIDs...)
			l.keysByPolicy.Expect(o.OrgID, o.PolicyID)
		case *core.Key:
			l.organisations.Expect("", o.OrgID)
			l.apis.Expect(o.OrgID, o.ApiIDs...)
			l.policies.Expect(o.OrgID, o.PolicyIDs...)
			l.policiesByDBID.Expect(o.OrgID, o.PolicyIDs...)
		case *core.Webhook:
			l.organisations.Expect("", o.OrgID)
			l.apisByWebhook.Expect(o.OrgID, o.ID)
		case *core.OauthClient:
			l.organisations.Expect("", o.OrgID)
			l.apis.Expect(o.OrgID, o.ApiID)
			l.policies.Expect(o.OrgID, o.PolicyID)
			l.policiesByDBID.Expect(o.OrgID, o.PolicyID)
		case *core.User:
			l.organisations.Expect("", o.OrgID)
			l.groups.Expect(o.OrgID, o.GroupIDs...)
		case *usergroup.Group:
			l.organisations.Expect("", o.OrgID)
			l.usersByGroup.Expect(o.OrgID, o.ID)
		case *core.Certificate:
			l.organisations.Expect("", o.OrgID)
			l.apisByCertificate.Expect(o.OrgID, o.ID)
			l.keysByCertificate.Expect(o.OrgID, o.ID)
		}
	}
}

// organisation returns the organisation of an object, nil for objects without one.
func (l *loaders) organisation(ctx context.Context, id string) (*core.Organisation, error) {
	if id == "" {
		return nil, nil
	}
	return l.organisations.One(ctx, "", id)
}

// policiesOf loads the policies that a key applies, by either id, in the order of ids.
func (l *loaders) policiesOf(ctx context.Context, org string, ids []string, siblings int) ([]*core.Policy, error) {
	found, err := l.policies.Each(ctx, org, ids, siblings)
	if err != nil {
		return nil, err
	}
	if slices.Contains(found, nil) {
		byDBID, err := l.policiesByDBID.Each(ctx, org, ids, siblings)
		if err != nil {
			return nil, err
		}
		for i, p := range found {
			if p == nil {
				found[i] = byDBID[i]
			}
		}
	}
	seen := make(map[string]bool, len(found)) // a key may name a policy by both of its ids
	return slices.DeleteFunc(found, func(p *core.Policy) bool {
		if p == nil || seen[p.ID] {
			return true
		}
		seen[p.ID] = true
		return false
	}), nil
}
