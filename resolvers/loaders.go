package resolvers

import (
	"context"
	"errors"
	"time"

	"github.com/vikstrous/dataloadgen"

	"gatehouse/graph/model"
	"gatehouse/internal/core"
	"gatehouse/store"
)

// loaders batches what relation fields ask for, so that a nested query makes a number of store calls that does not grow with
// its rows. They live as long as one request.
type loaders struct {
	organisations  *dataloadgen.Loader[string, *core.Organisation]
	apis           *byID[core.Api]
	policies       *byID[core.Policy]
	policiesByDBID *byID[core.Policy]
	webhooks       *byID[core.Webhook]
	users          *byID[core.User]
	policiesByApi  *byLabel[core.Policy]
	keysByApi      *byLabel[core.Key]
	keysByPolicy   *byLabel[core.Key]
	apisByWebhook  *byLabel[core.Api]
}

// loaderWait is how long a batch waits for more: the time in which the resolvers of one list start.
const loaderWait = 2 * time.Millisecond

type loadersKey struct{}

// WithLoaders gives a request its loaders. GraphQL requests have them; without, each look-up stands alone.
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
		organisations: dataloadgen.NewMappedLoader(func(ctx context.Context, ids []string) (map[string]*core.Organisation, error) {
			found, err := s.Organisations.FindMany(ctx, store.AllTenants(), "id", ids)
			return mapped(found, func(o *core.Organisation) string { return o.ID }), err
		}, dataloadgen.WithWait(loaderWait)),
		apis:           newByID(s.Apis.FindMany, "api_id", func(a *core.Api) string { return a.ApiID }),
		policies:       newByID(s.Policies.FindMany, "policy_id", func(p *core.Policy) string { return p.PolicyID }),
		policiesByDBID: newByID(s.Policies.FindMany, "id", func(p *core.Policy) string { return p.ID }),
		webhooks:       newByID(s.Webhooks.FindMany, "id", func(w *core.Webhook) string { return w.ID }),
		users:          newByID(s.Users.FindMany, "id", func(u *core.User) string { return u.ID }),
		policiesByApi:  newByLabel(s.Policies.TopByLabel, s.Policies.CountByLabel, "api"),
		keysByApi:      newByLabel(r.keys.TopByLabel, r.keys.CountByLabel, "api"),
		keysByPolicy:   newByLabel(r.keys.TopByLabel, r.keys.CountByLabel, "policy"),
		apisByWebhook:  newByLabel(s.Apis.TopByLabel, s.Apis.CountByLabel, "webhook"),
	}
}

// organisation returns the organisation of an object, nil for objects without one.
func (l *loaders) organisation(ctx context.Context, id string) (*core.Organisation, error) {
	if id == "" {
		return nil, nil
	}
	o, err := l.organisations.Load(ctx, id)
	return ignoreMissing(o, err)
}

func ignoreMissing[T any](v *T, err error) (*T, error) {
	if errors.Is(err, dataloadgen.ErrNotFound) {
		return nil, nil
	}
	return v, err
}

func mapped[T any](objects []*T, key func(*T) string) map[string]*T {
	out := make(map[string]*T, len(objects))
	for _, o := range objects {
		out[key(o)] = o
	}
	return out
}

// within is an id, or a label's value, in an organisation: a relation never leaves the organisation of its object.
type within struct{ org, value string }

// byID loads objects by an id of theirs.
type byID[T any] struct {
	loader *dataloadgen.Loader[within, *T]
}

func newByID[T any, P object[T]](find func(ctx context.Context, t store.Tenant, unique string, ids []string) ([]*T, error), unique string, id func(*T) string) *byID[T] {
	return &byID[T]{dataloadgen.NewMappedLoader(func(ctx context.Context, keys []within) (map[within]*T, error) {
		ids := make([]string, len(keys))
		for i, k := range keys {
			ids[i] = k.value
		}
		found, err := find(ctx, store.AllTenants(), unique, ids)
		out := make(map[within]*T, len(found))
		for _, o := range found {
			out[within{P(o).Base().OrgID, id(o)}] = o
		}
		return out, err
	}, dataloadgen.WithWait(loaderWait))}
}

// all loads those of ids that exist in the organisation, in their order.
func (b *byID[T]) all(ctx context.Context, org string, ids []string) ([]*T, error) {
	keys := make([]within, len(ids))
	for i, id := range ids {
		keys[i] = within{org, id}
	}
	thunks := make([]func() (*T, error), len(keys))
	for i, k := range keys {
		thunks[i] = b.loader.LoadThunk(ctx, k)
	}
	out := make([]*T, 0, len(ids))
	for _, thunk := range thunks {
		o, err := ignoreMissing(thunk())
		if err != nil {
			return nil, err
		}
		if o != nil {
			out = append(out, o)
		}
	}
	return out, nil
}

// top is what a list of objects with a label asks for.
type top struct {
	within
	limit int
}

// byLabel loads the newest objects that carry a label, and how many there are.
type byLabel[T any] struct {
	lists  *dataloadgen.Loader[top, []*T]
	counts *dataloadgen.Loader[within, int]
}

func newByLabel[T any, P object[T]](
	list func(ctx context.Context, t store.Tenant, label string, values []string, limit int) (map[string][]*T, error),
	count func(ctx context.Context, t store.Tenant, label string, values ...string) (map[string]int, error), label string) *byLabel[T] {
	return &byLabel[T]{
		lists: dataloadgen.NewMappedLoader(func(ctx context.Context, keys []top) (map[top][]*T, error) {
			out := make(map[top][]*T, len(keys))
			err := perGroup(keys, func(k top) (string, int) { return k.org, k.limit }, func(org string, limit int, group []top) error {
				values := make([]string, len(group))
				for i, k := range group {
					values[i] = k.value
				}
				found, err := list(ctx, store.Org(org), label, values, limit)
				for _, k := range group {
					out[k] = found[k.value]
				}
				return err
			})
			return out, err
		}, dataloadgen.WithWait(loaderWait)),
		counts: dataloadgen.NewMappedLoader(func(ctx context.Context, keys []within) (map[within]int, error) {
			out := make(map[within]int, len(keys))
			err := perGroup(keys, func(k within) (string, int) { return k.org, 0 }, func(org string, _ int, group []within) error {
				values := make([]string, len(group))
				for i, k := range group {
					values[i] = k.value
				}
				found, err := count(ctx, store.Org(org), label, values...)
				for _, k := range group {
					out[k] = found[store.Exact(k.value)]
				}
				return err
			})
			return out, err
		}, dataloadgen.WithWait(loaderWait)),
	}
}

// perGroup calls do for the keys of each organisation and limit: one group, for everybody who belongs to one organisation.
func perGroup[K any](keys []K, group func(K) (string, int), do func(org string, limit int, keys []K) error) error {
	type id struct {
		org   string
		limit int
	}
	groups := map[id][]K{}
	for _, k := range keys {
		org, limit := group(k)
		groups[id{org, limit}] = append(groups[id{org, limit}], k)
	}
	for g, members := range groups {
		if err := do(g.org, g.limit, members); err != nil {
			return err
		}
	}
	return nil
}

// relation loads a relation field: the newest objects with a label, and their number when it was asked for. There is no cursor
// in its page info: the list field with a filter pages through the rest.
func relation[T any](ctx context.Context, r *Resolver, l *byLabel[T], org, value string, first *int) (nodes []*T, total int, info model.PageInfo, err error) {
	limit, err := r.relationSize(first)
	if err != nil {
		return nil, 0, info, err
	}
	// One more than asked for tells whether there are more.
	list := l.lists.LoadThunk(ctx, top{within{org, value}, limit + 1})
	if wantsTotal(ctx) {
		if total, err = l.counts.Load(ctx, within{org, value}); err != nil {
			return nil, 0, info, err
		}
	}
	if nodes, err = list(); err != nil {
		return nil, 0, info, err
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
