package limits

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"gatehouse/internal/core"
	"gatehouse/store"
)

const (
	// maxMeasured is how many organisations are remembered by how much they hold.
	maxMeasured = 1 << 12
	// measuredFor is how long a measurement holds at least; one that took long holds a hundred times as long as it took.
	measuredFor = 5 * time.Second
)

// FindIn finds organisations of a store for their limits.
func FindIn(s *store.Store) func(ctx context.Context, id string) (*core.Organisation, error) {
	return func(ctx context.Context, id string) (*core.Organisation, error) {
		o, err := s.Organisations.Find(ctx, store.AllTenants(), id)
		if errors.Is(err, store.ErrNotFound) {
			return nil, nil
		}
		return o, err
	}
}

// Addition is what a write makes more of in one organisation; less is below zero.
type Addition struct {
	Org string
	// Kind and Objects are how many objects of a type; nil and 0 for a write that only changes some.
	Kind    *core.Kind
	Objects int64
	Bytes   int64
}

// Gaining are the organisations to which objects are added, each once.
func Gaining(additions []Addition) (orgs []string) {
	for _, a := range additions {
		if a.Objects > 0 && a.Org != "" && a.Kind != core.OrganisationKind && !slices.Contains(orgs, a.Org) {
			orgs = append(orgs, a.Org)
		}
	}
	return orgs
}

// CountKeys counts the keys of an organisation where they live.
type CountKeys func(ctx context.Context, t store.Tenant, where ...store.Cond) (int, error)

// Quota holds what organisations keep in the store to what they may have. It is safe for concurrent use.
type Quota struct {
	organisations *Organisations
	store         *store.Store
	countKeys     CountKeys

	mu    sync.Mutex
	known *simplelru.LRU[string, measurement]
}

// measurement is how much an organisation holds, as far as that is known.
type measurement struct {
	total int64
	until time.Time
}

// NewQuota makes a Quota by the limits of organisations. countKeys is asked for keys, of which the store may have an
// index that lags.
func NewQuota(organisations *Organisations, s *store.Store, countKeys CountKeys) *Quota {
	return &Quota{
		organisations: organisations,
		store:         s,
		countKeys:     countKeys,
		known:         remember[string, measurement](maxMeasured),
	}
}

// Within makes a write where the organisations may have what it adds; otherwise it is core.CodeTooMany.
func (q *Quota) Within(ctx context.Context, additions []Addition, write func() error) error {
	var needs []Need
	for _, a := range together(additions) {
		if a.Kind != nil && a.Kind.Owned && a.Objects > 0 {
			needs = append(needs, Need{Org: a.Org, Name: a.Kind.Collection, What: a.Kind.Plural, More: a.Objects,
				Have: func(ctx context.Context) (int64, error) { return q.countOf(ctx, a.Kind, store.Org(a.Org)) }})
		}
		if a.Bytes > 0 {
			needs = append(needs, Need{Org: a.Org, Name: core.LimitBytes, What: "bytes", More: a.Bytes,
				Have: func(ctx context.Context) (int64, error) { return q.bytesOf(ctx, a.Org) }})
		}
	}
	err := q.organisations.Within(ctx, needs, write)
	if err == nil {
		for _, a := range additions {
			q.Note(a.Org, a.Bytes)
		}
	}
	return err
}

// together adds up what is of one organisation and type.
func together(additions []Addition) []Addition {
	if len(additions) < 2 {
		return additions
	}
	type owned struct {
		org  string
		kind *core.Kind
	}
	objects, bytes := map[owned]int64{}, map[string]int64{}
	for _, a := range additions {
		objects[owned{a.Org, a.Kind}] += a.Objects
		bytes[a.Org] += a.Bytes
	}
	var out []Addition
	for of, n := range objects {
		out = append(out, Addition{Org: of.org, Kind: of.kind, Objects: n})
	}
	for org, n := range bytes {
		out = append(out, Addition{Org: org, Bytes: n})
	}
	return out
}

func (q *Quota) countOf(ctx context.Context, kind *core.Kind, t store.Tenant) (int64, error) {
	count := q.store.Of(kind).Count
	if kind == core.KeyKind {
		count = q.countKeys
	}
	n, err := count(ctx, t)
	return int64(n), err
}

// bytesOf is how long all documents of an organisation are, as measured a while ago, with what was written here since.
func (q *Quota) bytesOf(ctx context.Context, org string) (int64, error) {
	now := q.store.Now()
	q.mu.Lock()
	got, ok := q.known.Get(org)
	q.mu.Unlock()
	if ok && now.Before(got.until) {
		return got.total, nil
	}
	start, total := time.Now(), int64(0)
	for _, kind := range core.Kinds() {
		if !kind.Owned {
			continue
		}
		n, err := q.store.Of(kind).Bytes(ctx, store.Org(org))
		if err != nil {
			return 0, err
		}
		total += n
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.known.Add(org, measurement{total, now.Add(max(measuredFor, 100*time.Since(start)))})
	return total, nil
}

// Note counts bytes that an organisation has more, or less, since it was measured.
func (q *Quota) Note(org string, more int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if got, ok := q.known.Peek(org); ok && more != 0 {
		got.total += more
		q.known.Add(org, got)
	}
}
