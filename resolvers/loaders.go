package resolvers

import (
	"context"

	"gatehouse/graph/model"
	"gatehouse/internal/core"
	"gatehouse/store"
)

// loaders batches what relation fields ask for, so that a nested query makes a number of store calls that does not grow with
// its rows. They live as long as one operation.
type loaders struct {
	organisations  *byID[core.Organisation]
	apis           *byID[core.Api]
	policies       *byID[core.Policy]
	policiesByDBID *byID[core.Policy]
	webhooks       *byID[core.Webhook]
	users          *byID[core.User]
	policiesByApi  *byLabel[core.Policy]
	keysByApi      *byLabel[core.Key]
	keysByPolicy   *byLabel[core.Key]
	apisByWebhook  *byLabel[core.Api]

	apisByCertificate *byLabel[core.Api]
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
	return &loaders{
		organisations:  newByID(s.Organisations.FindMany, "id", func(o *core.Organisation) within { return within{value: o.ID} }),
		apis:           newByID(s.Apis.FindMany, "api_id", func(a *core.Api) within { return within{a.OrgID, a.ApiID} }),
		policies:       newByID(s.Policies.FindMany, "policy_id", func(p *core.Policy) within { return within{p.OrgID, p.PolicyID} }),
		policiesByDBID: newByID(s.Policies.FindMany, "id", func(p *core.Policy) within { return within{p.OrgID, p.ID} }),
		webhooks:       newByID(s.Webhooks.FindMany, "id", func(w *core.Webhook) within { return within{w.OrgID, w.ID} }),
		users:          newByID(s.Users.FindMany, "id", func(u *core.User) within { return within{u.OrgID, u.ID} }),
		policiesByApi:  newByLabel(s.Policies.TopByLabel, s.Policies.CountByLabel, "api"),
		keysByApi:      newByLabel(r.keys.TopByLabel, r.keys.CountByLabel, "api"),
		keysByPolicy:   newByLabel(r.keys.TopByLabel, r.keys.CountByLabel, "policy"),
		apisByWebhook:  newByLabel(s.Apis.TopByLabel, s.Apis.CountByLabel, "webhook"),

		apisByCertificate: newByLabel(s.Apis.TopByLabel, s.Apis.CountByLabel, "certificate"),
	}
}

// siblings tells the loaders of the operation, where there are any, that these objects are answered together: what the relation
// fields of one of them load is loaded for all.
func siblings[T any](ctx context.Context, objects []*T) []*T {
	l, ok := ctx.Value(loadersKey{}).(*loaders)
	if !ok {
		return objects
	}
	for _, o := range objects {
		switch o := any(o).(type) {
		case *core.Api:
			l.organisations.expect("", o.OrgID)
			l.users.expect(o.OrgID, o.UserOwners...)
			l.webhooks.expect(o.OrgID, hookIDs(o)...)
			l.policiesByApi.expect(o.OrgID, o.ApiID)
			l.keysByApi.expect(o.OrgID, o.ApiID)
		case *core.Policy:
			l.organisations.expect("", o.OrgID)
			l.apis.expect(o.OrgID, o.ApiIDs...)
			l.keysByPolicy.expect(o.OrgID, o.PolicyID)
		case *core.Key:
			l.organisations.expect("", o.OrgID)
			l.apis.expect(o.OrgID, o.ApiIDs...)
			l.policies.expect(o.OrgID, o.PolicyIDs...)
			l.policiesByDBID.expect(o.OrgID, o.PolicyIDs...)
		case *core.Webhook:
			l.organisations.expect("", o.OrgID)
			l.apisByWebhook.expect(o.OrgID, o.ID)
		case *core.OauthClient:
			l.organisations.expect("", o.OrgID)
			l.apis.expect(o.OrgID, o.ApiID)
			l.policies.expect(o.OrgID, o.PolicyID)
			l.policiesByDBID.expect(o.OrgID, o.PolicyID)
		case *core.User:
			l.organisations.expect("", o.OrgID)
		case *core.Certificate:
			l.organisations.expect("", o.OrgID)
			l.apisByCertificate.expect(o.OrgID, o.ID)
		}
	}
	return objects
}

// organisation returns the organisation of an object, nil for objects without one.
func (l *loaders) organisation(ctx context.Context, id string) (*core.Organisation, error) {
	if id == "" {
		return nil, nil
	}
	o, _, err := l.organisations.start(ctx, 0, within{value: id})[0].wait(ctx)
	return o, err
}

// byID loads objects by an id of theirs.
type byID[T any] struct{ batch[*T] }

func newByID[T any](find func(ctx context.Context, t store.Tenant, unique string, ids []string) ([]*T, error), unique string, key func(*T) within) *byID[T] {
	return &byID[T]{batch[*T]{fetch: func(ctx context.Context, _ int, keys []within) (map[within]*T, error) {
		found, err := find(ctx, store.AllTenants(), unique, valuesOf(keys))
		out := make(map[within]*T, len(found))
		for _, o := range siblings(ctx, found) {
			out[key(o)] = o
		}
		return out, err
	}}}
}

func (b *byID[T]) expect(org string, ids ...string) { b.batch.expect(keysOf(org, ids)...) }

// all loads those of ids that exist in the organisation, in their order.
func (b *byID[T]) all(ctx context.Context, org string, ids []string) ([]*T, error) {
	out := make([]*T, 0, len(ids))
	for _, l := range b.start(ctx, 0, keysOf(org, ids)...) {
		o, found, err := l.wait(ctx)
		if err != nil {
			return nil, err
		}
		if found {
			out = append(out, o)
		}
	}
	return out, nil
}

func keysOf(org string, values []string) []within {
	out := make([]within, 0, len(values))
	for _, v := range values {
		if v != "" {
			out = append(out, within{org, v})
		}
	}
	return out
}

func valuesOf(keys []within) []string {
	out := make([]string, len(keys))
	for i, k := range keys {
		out[i] = k.value
	}
	return out
}

// byLabel loads the newest objects that carry a label, and how many there are.
type byLabel[T any] struct {
	lists  batch[[]*T]
	counts batch[int]
}

func newByLabel[T any](
	list func(ctx context.Context, t store.Tenant, label string, values []string, limit int) (map[string][]*T, error),
	count func(ctx context.Context, t store.Tenant, label string, values ...string) (map[string]int, error), label string) *byLabel[T] {
	return &byLabel[T]{
		lists: batch[[]*T]{fetch: func(ctx context.Context, limit int, keys []within) (map[within][]*T, error) {
			return perOrganisation(keys, func(org string, values []string) (map[string][]*T, error) {
				found, err := list(ctx, store.Org(org), label, values, limit)
				for _, objects := range found {
					siblings(ctx, objects)
				}
				return found, err
			})
		}},
		counts: batch[int]{fetch: func(ctx context.Context, _ int, keys []within) (map[within]int, error) {
			return perOrganisation(keys, func(org string, values []string) (map[string]int, error) {
				return count(ctx, store.Org(org), label, values...)
			})
		}},
	}
}

func (l *byLabel[T]) expect(org, value string) {
	l.lists.expect(within{org, value})
	l.counts.expect(within{org, value})
}

// perOrganisation fetches the values of each organisation: in one call, for everybody who belongs to one organisation.
func perOrganisation[V any](keys []within, fetch func(org string, values []string) (map[string]V, error)) (map[within]V, error) {
	groups := map[string][]string{}
	for _, k := range keys {
		groups[k.org] = append(groups[k.org], k.value)
	}
	out := make(map[within]V, len(keys))
	for org, values := range groups {
		found, err := fetch(org, values)
		if err != nil {
			return nil, err
		}
		for _, v := range values {
			out[within{org, v}] = found[v]
		}
	}
	return out, nil
}

// relation loads a relation field: the newest objects with a label, and their number when it was asked for. There is no cursor
// in its page info: the list field with a filter pages through the rest.
func relation[T any](ctx context.Context, r *Resolver, l *byLabel[T], org, value string, first *int) (nodes []*T, total int, info model.PageInfo, err error) {
	limit, err := r.relationSize(first)
	if err != nil {
		return nil, 0, info, err
	}
	// One more than asked for tells whether there are more.
	if nodes, _, err = l.lists.start(ctx, limit+1, within{org, value})[0].wait(ctx); err != nil {
		return nil, 0, info, err
	}
	if wantsTotal(ctx) {
		if total, _, err = l.counts.start(ctx, 0, within{org, value})[0].wait(ctx); err != nil {
			return nil, 0, info, err
		}
	}
	if len(nodes) > limit {
		nodes, info.HasNextPage = nodes[:limit], true
	}
	return nodes, total, info, nil
}

func (r *Resolver) keyRelation(ctx context.Context, l *byLabel[core.Key], org, value string, first *int) (*model.KeyConnection, error) {
	nodes, total, info, err := relation(ctx, r, l, org, value, first)
	if err != nil {
		return nil, err
	}
	return &model.KeyConnection{Nodes: nodes, TotalCount: total, PageInfo: info}, nil
}

// policiesOf loads the policies that a key applies, by either id.
func (l *loaders) policiesOf(ctx context.Context, org string, ids []string) ([]*core.Policy, error) {
	found, err := l.policies.all(ctx, org, ids)
	if err != nil || len(found) == len(ids) {
		return found, err
	}
	more, err := l.policiesByDBID.all(ctx, org, ids)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, p := range found {
		seen[p.ID] = true
	}
	for _, p := range more {
		if !seen[p.ID] {
			found = append(found, p)
		}
	}
	return found, nil
}
