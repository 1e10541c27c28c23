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
	org     string
	kind    *core.Kind
	objects int64
	bytes   int64
}

// adding makes a write that adds one object of a type, where its organisation may have it.
func (r *Resolver) adding(
	ctx context.Context,
	kind *core.Kind,
	org string,
	object core.Object,
	write func() error,
) error {
	return r.within(ctx, []addition{{org, kind, 1, object.Size()}}, write)
}

// growing makes a write that changes an object, where its organisation may have what it is longer by.
func (r *Resolver) growing(ctx context.Context, org string, old, next core.Object, write func() error) error {
	return r.within(ctx, []addition{{org: org, bytes: next.Size() - old.Size()}}, write)
}

// within makes a write where the organisations are there, and may have what it adds.
func (r *Resolver) within(ctx context.Context, additions []addition, write func() error) error {
	var needs []limits.Need
	for _, a := range together(additions) {
		if a.kind != nil && a.kind.Owned && a.objects > 0 {
			needs = append(needs, limits.Need{Org: a.org, Name: a.kind.Collection, What: a.kind.Plural, More: a.objects,
				Have: func(ctx context.Context) (int64, error) { return r.countOf(ctx, a.kind, store.Org(a.org)) }})
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
	type owned struct {
		org  string
		kind *core.Kind
	}
	objects, bytes := map[owned]int64{}, map[string]int64{}
	for _, a := range additions {
		objects[owned{a.org, a.kind}] += a.objects
		bytes[a.org] += a.bytes
	}
	var out []addition
	for of, n := range objects {
		out = append(out, addition{org: of.org, kind: of.kind, objects: n})
	}
	for org, n := range bytes {
		out = append(out, addition{org: org, bytes: n})
	}
	return out
}

func (r *Resolver) countOf(ctx context.Context, kind *core.Kind, t store.Tenant) (int64, error) {
	count := r.store.Of(kind).Count
	if kind == core.KeyKind {
		count = r.keys.Count // the index may lag
	}
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
	for _, kind := range core.Kinds() {
		if !kind.Owned {
			continue
		}
		n, err := r.store.Of(kind).Bytes(ctx, store.Org(org))
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
