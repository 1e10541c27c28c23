// Package relation loads what objects lead to: for all that one operation asks for at once, so that a nested query
// makes a number of store calls that does not grow with its rows.
package relation

import (
	"context"
	"slices"

	"gatehouse/internal/batch"
	"gatehouse/internal/core"
	"gatehouse/internal/reference"
	"gatehouse/internal/usergroup"
	"gatehouse/store"
)

// Loaders batch what relation fields ask for. They live as long as one operation.
type Loaders struct {
	Organisations  *batch.ByID[core.Organisation]
	Apis           *batch.ByID[core.Api]
	Policies       *batch.ByID[core.Policy]
	PoliciesByDBID *batch.ByID[core.Policy]
	Webhooks       *batch.ByID[core.Webhook]
	Users          *batch.ByID[core.User]
	Groups         *batch.ByID[usergroup.Group]
	UsersByGroup   *batch.ByLabel[core.User, *core.User]
	PoliciesByApi  *batch.ByLabel[core.Policy, *core.Policy]
	KeysByApi      *batch.ByLabel[core.Key, *core.Key]
	KeysByPolicy   *batch.ByLabel[core.Key, *core.Key]
	ApisByWebhook  *batch.ByLabel[core.Api, *core.Api]

	ApisByCertificate *batch.ByLabel[core.Api, *core.Api]
	// By store.CertificateUse.
	ApisByCertificateUse *batch.ByLabel[core.Api, *core.Api]
	KeysByCertificate    *batch.ByLabel[core.Key, *core.Key]

	Uses    *reference.Uses
	Missing *reference.Missing
}

type contextKey struct{}

// With gives an operation its loaders.
func With(ctx context.Context, l *Loaders) context.Context {
	return context.WithValue(ctx, contextKey{}, l)
}

// From are the loaders of the operation; nil without, when each look-up stands alone.
func From(ctx context.Context) *Loaders {
	l, _ := ctx.Value(contextKey{}).(*Loaders)
	return l
}

// Keys is what is asked of where keys are kept.
type Keys interface {
	batch.Labelled[core.Key]
	reference.Keys
}

// New makes the loaders of one operation. may tells of which types the caller may read objects.
func New(s *store.Store, keys Keys, may reference.May) *Loaders {
	key := func(org, value string) batch.Key { return batch.Key{Org: org, Value: value} }
	return &Loaders{
		Organisations: batch.NewByID(s.Organisations.FindMany, "id",
			func(o *core.Organisation) batch.Key { return key("", o.ID) }, Siblings),
		Apis: batch.NewByID(s.Apis.FindMany, "api_id",
			func(a *core.Api) batch.Key { return key(a.OrgID, a.ApiID) }, Siblings),
		Policies: batch.NewByID(s.Policies.FindMany, "policy_id",
			func(p *core.Policy) batch.Key { return key(p.OrgID, p.PolicyID) }, Siblings),
		PoliciesByDBID: batch.NewByID(s.Policies.FindMany, "id",
			func(p *core.Policy) batch.Key { return key(p.OrgID, p.ID) }, Siblings),
		Webhooks: batch.NewByID(s.Webhooks.FindMany, "id",
			func(w *core.Webhook) batch.Key { return key(w.OrgID, w.ID) }, Siblings),
		Users: batch.NewByID(s.Users.FindMany, "id",
			func(u *core.User) batch.Key { return key(u.OrgID, u.ID) }, Siblings),
		Groups: batch.NewByID(s.UserGroups.FindMany, "id",
			func(g *usergroup.Group) batch.Key { return key(g.OrgID, g.ID) }, Siblings),
		UsersByGroup:  batch.NewByLabel[core.User]("users of user group", s.Users, "group", Siblings),
		PoliciesByApi: batch.NewByLabel[core.Policy]("policies of API", s.Policies, "api", Siblings),
		KeysByApi:     batch.NewByLabel[core.Key]("keys of API", keys, "api", Siblings),
		KeysByPolicy:  batch.NewByLabel[core.Key]("keys of policy", keys, "policy", Siblings),
		ApisByWebhook: batch.NewByLabel[core.Api]("APIs of webhook", s.Apis, "webhook", Siblings),

		Uses:    reference.NewUses(s, keys, may),
		Missing: reference.NewMissing(s, may),

		ApisByCertificate:    batch.NewByLabel[core.Api]("APIs of certificate", s.Apis, "certificate", Siblings),
		ApisByCertificateUse: batch.NewByLabel[core.Api]("APIs of certificate", s.Apis, "certificate_use", Siblings),
		KeysByCertificate:    batch.NewByLabel[core.Key]("keys of certificate", keys, "certificate", Siblings),
	}
}

// Siblings tells the loaders of the operation, where there are any, that these objects are answered together: what the
// relation fields of one of them load is loaded for all.
func Siblings[T any](ctx context.Context, objects []*T) {
	l := From(ctx)
	if l == nil {
		return
	}
	for _, o := range objects {
		if o, ok := any(o).(core.Object); ok {
			l.Uses.Expect(o)
			l.Missing.Expect(o)
		}
		switch o := any(o).(type) {
		case *core.Api:
			l.Organisations.Expect("", o.OrgID)
			l.Users.Expect(o.OrgID, o.UserOwners...)
			l.Webhooks.Expect(o.OrgID, core.HookIDs(o.Definition)...)
			l.PoliciesByApi.Expect(o.OrgID, o.ApiID)
			l.KeysByApi.Expect(o.OrgID, o.ApiID)
		case *core.Policy:
			l.Organisations.Expect("", o.OrgID)
			l.Apis.Expect(o.OrgID, o.ApiIDs...)
			l.KeysByPolicy.Expect(o.OrgID, o.PolicyID)
		case *core.Key:
			l.Organisations.Expect("", o.OrgID)
			l.Apis.Expect(o.OrgID, o.ApiIDs...)
			l.Policies.Expect(o.OrgID, o.PolicyIDs...)
			l.PoliciesByDBID.Expect(o.OrgID, o.PolicyIDs...)
		case *core.Webhook:
			l.Organisations.Expect("", o.OrgID)
			l.ApisByWebhook.Expect(o.OrgID, o.ID)
		case *core.OauthClient:
			l.Organisations.Expect("", o.OrgID)
			l.Apis.Expect(o.OrgID, o.ApiID)
			l.Policies.Expect(o.OrgID, o.PolicyID)
			l.PoliciesByDBID.Expect(o.OrgID, o.PolicyID)
		case *core.User:
			l.Organisations.Expect("", o.OrgID)
			l.Groups.Expect(o.OrgID, o.GroupIDs...)
		case *usergroup.Group:
			l.Organisations.Expect("", o.OrgID)
			l.UsersByGroup.Expect(o.OrgID, o.ID)
		case *core.Certificate:
			l.Organisations.Expect("", o.OrgID)
			l.ApisByCertificate.Expect(o.OrgID, o.ID)
			l.KeysByCertificate.Expect(o.OrgID, o.ID)
		}
	}
}

// Organisation returns the organisation of an object, nil for objects without one.
func (l *Loaders) Organisation(ctx context.Context, id string) (*core.Organisation, error) {
	if id == "" {
		return nil, nil
	}
	return l.Organisations.One(ctx, "", id)
}

// PoliciesOf loads the policies that a key applies, by either id, in the order of ids.
func (l *Loaders) PoliciesOf(ctx context.Context, org string, ids []string, siblings int) ([]*core.Policy, error) {
	found, err := l.Policies.Each(ctx, org, ids, siblings)
	if err != nil {
		return nil, err
	}
	if slices.Contains(found, nil) {
		byDBID, err := l.PoliciesByDBID.Each(ctx, org, ids, siblings)
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
