package resolvers

import (
	"context"
	"slices"

	"gatehouse/internal/core"
	"gatehouse/internal/gateway/claim"
	"gatehouse/store"
)

// loaders batches what relation fields ask for, so that a nested query makes a number of store calls that does not grow
// with its rows. They live as long as one operation.
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
	// By store.CertificateUse.
	apisByCertificateUse *byLabel[core.Api]
	keysByCertificate    *byLabel[core.Key]

	sharing *claim.Warnings
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
		organisations: newByID(
			s.Organisations.FindMany,
			"id",
			func(o *core.Organisation) within { return within{value: o.ID} },
		),
		apis: newByID(s.Apis.FindMany, "api_id", func(a *core.Api) within { return within{a.OrgID, a.ApiID} }),
		policies: newByID(
			s.Policies.FindMany,
			"policy_id",
			func(p *core.Policy) within { return within{p.OrgID, p.PolicyID} },
		),
		policiesByDBID: newByID(s.Policies.FindMany, "id", func(p *core.Policy) within { return within{p.OrgID, p.ID} }),
		webhooks:       newByID(s.Webhooks.FindMany, "id", func(w *core.Webhook) within { return within{w.OrgID, w.ID} }),
		users:          newByID(s.Users.FindMany, "id", func(u *core.User) within { return within{u.OrgID, u.ID} }),
		policiesByApi:  newByLabel("policies of API", s.Policies, "api"),
		keysByApi:      newByLabel("keys of API", r.keys, "api"),
		keysByPolicy:   newByLabel("keys of policy", r.keys, "policy"),
		apisByWebhook:  newByLabel("APIs of webhook", s.Apis, "webhook"),

		sharing: r.claims.Warnings(),

		apisByCertificate:    newByLabel("APIs of certificate", s.Apis, "certificate"),
		apisByCertificateUse: newByLabel("APIs of certificate", s.Apis, "certificate_use"),
		keysByCertificate:    newByLabel("keys of certificate", r.keys, "certificate"),
	}
}

// siblings tells the loaders of the operation, where there are any, that these objects are answered together: what the
// relation fields of one of them load is loaded for all.
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
			l.keysByCertificate.expect(o.OrgID, o.ID)
		}
	}
	return objects
}

// organisation returns the organisation of an object, nil for objects without one.
func (l *loaders) organisation(ctx context.Context, id string) (*core.Organisation, error) {
	if id == "" {
		return nil, nil
	}
	o, _, err := l.organisations.start(ctx, 0, 1, within{value: id})[0].wait(ctx)
	return o, err
}

// byID loads objects by an id of theirs.
type byID[T any] struct{ batch[*T] }

func newByID[T any](
	find func(ctx context.Context, t store.Tenant, unique string, ids []string) ([]*T, error),
	unique string,
	key func(*T) within,
) *byID[T] {
	return &byID[T]{batch[*T]{fetch: func(ctx context.Context, _ int, keys []within) (map[within]*T, error) {
		found, err := find(ctx, store.AllTenants(), unique, valuesOf(keys))
		out := make(map[within]*T, len(found))
		for _, o := range siblings(ctx, found) {
			out[key(o)] = o
		}
		return out, err
	}}}
}

// all loads those of ids that exist in the organisation, in their order; siblings is how many of the ids that each
// sibling names are loaded along.
func (b *byID[T]) all(ctx context.Context, org string, ids []string, siblings int) ([]*T, error) {
	found, err := b.each(ctx, org, ids, siblings)
	return slices.DeleteFunc(found, func(o *T) bool { return o == nil }), err
}

// each is all, with nil in the place of what does not exist.
func (b *byID[T]) each(ctx context.Context, org string, ids []string, siblings int) ([]*T, error) {
	keys := make([]within, len(ids))
	for i, id := range ids {
		keys[i] = within{org, id}
	}
	out := make([]*T, len(ids))
	for i, l := range b.start(ctx, 0, siblings, keys...) {
		o, found, err := l.wait(ctx)
		if err != nil {
			return nil, err
		}
		if found {
			out[i] = o
		}
	}
	return out, nil
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
	// of names the lists in their cursors, from are where the objects come from.
	of, label string
	from      labelled[T]
	lists     batch[[]*T]
	counts    batch[int]
}

// labelled is the part of a repository, or of the key space, that finds objects by a label.
type labelled[T any] interface {
	List(ctx context.Context, q store.Query) (*store.List[T], error)
	TopByLabel(ctx context.Context, t store.Tenant, label string, values []string, limit int) (map[string][]*T, error)
	CountByLabel(ctx context.Context, t store.Tenant, label string, values ...string) (map[string]int, error)
}

func newByLabel[T any](of string, from labelled[T], label string) *byLabel[T] {
	return &byLabel[T]{
		of: of, label: label, from: from,
		lists: batch[[]*T]{fetch: func(ctx context.Context, limit int, keys []within) (map[within][]*T, error) {
			return perOrganisation(keys, func(org string, values []string) (map[string][]*T, error) {
				found, err := from.TopByLabel(ctx, store.Org(org), label, values, limit)
				for _, objects := range found {
					siblings(ctx, objects)
				}
				return found, err
			})
		}},
		counts: batch[int]{fetch: func(ctx context.Context, _ int, keys []within) (map[within]int, error) {
			return perOrganisation(keys, func(org string, values []string) (map[string]int, error) {
				return from.CountByLabel(ctx, store.Org(org), label, values...)
			})
		}},
	}
}

func (l *byLabel[T]) expect(org, value string) {
	l.lists.expect(org, value)
	l.counts.expect(org, value)
}

// perOrganisation fetches the values of each organisation: in one call, for everybody who belongs to one organisation.
func perOrganisation[V any](
	keys []within,
	fetch func(org string, values []string) (map[string]V, error),
) (map[within]V, error) {
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

// policiesOf loads the policies that a key applies, by either id, in the order of ids.
func (l *loaders) policiesOf(ctx context.Context, org string, ids []string, siblings int) ([]*core.Policy, error) {
	found, err := l.policies.each(ctx, org, ids, siblings)
	if err != nil {
		return nil, err
	}
	if slices.Contains(found, nil) {
		byDBID, err := l.policiesByDBID.each(ctx, org, ids, siblings)
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
