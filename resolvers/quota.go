package resolvers

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"gatehouse/internal/core"
	"gatehouse/internal/limits"
	"gatehouse/store"
)

const (
	// maxMeasured is how many organisations are remembered by how much they hold.
	maxMeasured = 1 << 12
	// measuredFor is how long a measurement holds at least; one that took long holds a hundred times as long as it took.
	measuredFor = 5 * time.Second
)

// kinds are the limits of how many objects of a type an organisation may have.
var kinds = map[string]struct{ limit, plural string }{
	apiName: {"apis", "APIs"}, policyName: {"policies", "policies"}, keyName: {"keys", "keys"}, userName: {"users", "users"},
	webhookName: {"webhooks", "webhooks"}, certificateName: {"certificates", "certificates"}, oauthClientName: {"oauth_clients", "OAuth clients"},
}

// Organisations holds organisations to what they may have. It is for the edges, which count requests and sockets.
func (r *Resolver) Organisations() *limits.Organisations { return r.organisations }

// findLimited finds an organisation for its limits; nil when there is none.
func (r *Resolver) findLimited(ctx context.Context, id string) (*core.Organisation, error) {
	o, err := r.store.Organisations.Find(ctx, store.AllTenants(), id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return o, err
}

// addition is what a write makes more of in one organisation.
type addition struct {
	org, name string
	objects   int64
	bytes     int64
}

// adding makes a write that adds one object of a type, where its organisation may have it.
func (r *Resolver) adding(ctx context.Context, name, org string, object any, write func() error) error {
	return r.within(ctx, []addition{{org, name, 1, size(object)}}, write)
}

// growing makes a write that changes an object, where its organisation may have what it is longer by.
func (r *Resolver) growing(ctx context.Context, org string, old, next any, write func() error) error {
	return r.within(ctx, []addition{{org: org, bytes: size(next) - size(old)}}, write)
}

// within makes a write where the organisations are there, and may have what it adds.
func (r *Resolver) within(ctx context.Context, additions []addition, write func() error) error {
	var needs []limits.Need
	for _, a := range together(additions) {
		if kind, ok := kinds[a.name]; ok && a.objects > 0 {
			needs = append(needs, limits.Need{Org: a.org, Name: kind.limit, What: kind.plural, More: a.objects,
				Have: func(ctx context.Context) (int64, error) { return r.countOf(ctx, a.name, store.Org(a.org)) }})
		}
		if a.bytes > 0 {
			needs = append(needs, limits.Need{Org: a.org, Name: core.LimitBytes, What: "bytes", More: a.bytes,
				Have: func(ctx context.Context) (int64, error) { return r.bytesOf(ctx, a.org) }})
		}
	}
	err := r.organisations.Within(ctx, needs, func() error { return r.amid(ctx, additions, write) })
	if err == nil {
		for _, a := range additions {
			r.measured.add(a.org, a.bytes)
		}
	}
	return err
}

// together adds up what is of one organisation and type.
func together(additions []addition) []addition {
	if len(additions) < 2 {
		return additions
	}
	objects, bytes := map[[2]string]int64{}, map[string]int64{}
	for _, a := range additions {
		objects[[2]string{a.org, a.name}] += a.objects
		bytes[a.org] += a.bytes
	}
	var out []addition
	for of, n := range objects {
		out = append(out, addition{org: of[0], name: of[1], objects: n})
	}
	for org, n := range bytes {
		out = append(out, addition{org: org, bytes: n})
	}
	return out
}

func (r *Resolver) countOf(ctx context.Context, name string, t store.Tenant) (int64, error) {
	count := map[string]func(context.Context, store.Tenant, ...store.Cond) (int, error){
		apiName: r.store.Apis.Count, policyName: r.store.Policies.Count, keyName: r.keys.Count, userName: r.store.Users.Count,
		webhookName: r.store.Webhooks.Count, certificateName: r.store.Certificates.Count, oauthClientName: r.store.OauthClients.Count,
	}[name]
	n, err := count(ctx, t)
	return int64(n), err
}

// bytesOf is how long all documents of an organisation are, as measured a while ago, with what was written here since.
func (r *Resolver) bytesOf(ctx context.Context, org string) (int64, error) {
	now := r.store.Now()
	if total, ok := r.measured.get(org, now); ok {
		return total, nil
	}
	start, total := time.Now(), int64(0)
	for _, measure := range []func(context.Context, store.Tenant) (int64, error){r.store.Apis.Bytes, r.store.Policies.Bytes, r.store.Keys.Bytes,
		r.store.Users.Bytes, r.store.Webhooks.Bytes, r.store.Certificates.Bytes, r.store.OauthClients.Bytes} {
		n, err := measure(ctx, store.Org(org))
		if err != nil {
			return 0, err
		}
		total += n
	}
	r.measured.put(org, total, now.Add(max(measuredFor, 100*time.Since(start))))
	return total, nil
}

// measurements remember how much organisations hold.
type measurements struct {
	mu    sync.Mutex
	known *simplelru.LRU[string, measurement]
}

type measurement struct {
	total int64
	until time.Time
}

func newMeasurements() *measurements {
	known, err := simplelru.NewLRU[string, measurement](maxMeasured, nil)
	if err != nil {
		panic("resolvers: " + err.Error()) // the size is one of ours
	}
	return &measurements{known: known}
}

func (m *measurements) get(org string, now time.Time) (int64, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	got, ok := m.known.Get(org)
	return got.total, ok && now.Before(got.until)
}

func (m *measurements) put(org string, total int64, until time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.known.Add(org, measurement{total, until})
}

// add notes what was written since. What became less counts at once, too.
func (m *measurements) add(org string, more int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if got, ok := m.known.Peek(org); ok && more != 0 {
		got.total += more
		m.known.Add(org, got)
	}
}

// size is how long the document of an object is.
func size(object any) int64 {
	switch o := object.(type) {
	case *core.Api:
		return int64(len(o.Definition))
	case *core.Policy:
		return int64(len(o.Document))
	case *core.Key:
		return int64(len(o.Session))
	case *core.User:
		return int64(len(o.Document))
	case *core.Webhook:
		return int64(len(o.Document))
	case *core.OauthClient:
		return int64(len(o.Document))
	case *core.Certificate:
		return int64(len(o.Document()))
	}
	return 0
}
