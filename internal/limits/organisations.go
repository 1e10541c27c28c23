package limits

import (
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"gatehouse/internal/core"
)

const (
	// maxRates is how many organisations are remembered by how often they call. One that is forgotten has its whole share
	// again.
	maxRates = 1 << 14
	// fullAfter is when an organisation that has all that it may have shall try again: somebody has to delete something,
	// or to give it more.
	fullAfter = time.Hour
	// socketAfter is when one shall try again that has all its sockets open.
	socketAfter = 10 * time.Second
	// lanes is how many organisations can write at the same time that have limits.
	lanes = 64
)

// OrganisationsOptions are what Organisations are made of.
type OrganisationsOptions struct {
	// Defaults are the limits, by the names of core.LimitNames, of organisations that have none of their own; 0 is no
	// limit.
	Defaults map[string]int64
	// Find finds an organisation; nil when there is none.
	Find func(ctx context.Context, id string) (*core.Organisation, error)
	Now  func() time.Time
}

// Organisations holds each organisation to what it may have. Whoever belongs to none, super users and the admin secret,
// is not held. It is safe for concurrent use. A nil *Organisations limits nothing.
type Organisations struct {
	defaults map[string]int64
	find     func(ctx context.Context, id string) (*core.Organisation, error)
	now      func() time.Time
	lanes    [lanes]chan struct{}

	mu      sync.Mutex
	rates   *simplelru.LRU[string, *bucket]
	sockets map[string]int64
}

// bucket holds the requests that an organisation may make at once.
type bucket struct {
	tokens float64
	at     time.Time
}

// NewOrganisations makes Organisations.
func NewOrganisations(o OrganisationsOptions) *Organisations {
	out := &Organisations{
		defaults: o.Defaults,
		find:     o.Find,
		now:      o.Now,
		rates:    remember[string, *bucket](maxRates),
		sockets:  map[string]int64{},
	}
	if out.now == nil {
		out.now = time.Now
	}
	for i := range out.lanes {
		out.lanes[i] = make(chan struct{}, 1)
	}
	return out
}

// limit returns the limit of a name, 0 for none.
func (o *Organisations) limit(ctx context.Context, org, name string) (int64, error) {
	if o == nil || org == "" {
		return 0, nil
	}
	found, err := o.find(ctx, org)
	if err != nil {
		return 0, err
	}
	if found != nil {
		if own, ok := found.Limit(name); ok {
			return own, nil
		}
	}
	return o.defaults[name], nil
}

// Request counts one request of an organisation, or returns core.CodeTooMany. As many as a second has may come at once.
func (o *Organisations) Request(ctx context.Context, org string) error {
	limit, err := o.limit(ctx, org, core.LimitRequests)
	if err != nil || limit == 0 {
		return err
	}
	rate, now := float64(limit), o.now()
	o.mu.Lock()
	defer o.mu.Unlock()
	b, ok := o.rates.Get(org)
	if !ok {
		b = &bucket{tokens: rate, at: now}
		o.rates.Add(org, b)
	}
	b.tokens = min(b.tokens+rate*max(now.Sub(b.at).Seconds(), 0), rate)
	b.at = now
	if b.tokens < 1 {
		wait := time.Duration(math.Ceil((1 - b.tokens) / rate * float64(time.Second)))
		return &core.Error{Code: core.CodeTooMany, RetryAfter: wait,
			Message: "the organisation makes too many requests: wait as long as Retry-After says, " +
				"and make fewer; its administrators may ask for a higher limit (requests_per_second)"}
	}
	b.tokens--
	return nil
}

// Socket counts a socket, or a stream of events, of an organisation until release is called, or returns
// core.CodeTooMany. release may be called more than once.
func (o *Organisations) Socket(ctx context.Context, org string) (release func(), err error) {
	limit, err := o.limit(ctx, org, core.LimitSockets)
	if err != nil {
		return nil, err
	}
	if o == nil || org == "" {
		return func() {}, nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if limit > 0 && o.sockets[org] >= limit {
		return nil, &core.Error{Code: core.CodeTooMany, RetryAfter: socketAfter,
			Message: "the organisation has too many sockets open: close some, or ask for a higher limit (sockets)"}
	}
	o.sockets[org]++ // without a limit, too: one may be set while they are open
	return sync.OnceFunc(func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.sockets[org]--; o.sockets[org] <= 0 {
			delete(o.sockets, org)
		}
	}), nil
}

// Need is what a write adds to what an organisation has.
type Need struct {
	// Org is the organisation, Name the name of the limit, What what is limited, in the plural.
	Org, Name, What string
	// More is how much the write adds.
	More int64
	// Have returns how much there is. It is called only where there is a limit.
	Have func(ctx context.Context) (int64, error)
}

// Within makes a write when the organisations may have what it adds, and returns core.CodeTooMany when not. Writes of
// an organisation with such limits are made one after the other on this server, so that two cannot both be the last
// one; write must not call Within again. Servers do not wait for each other: one may be over by what others write at
// the same moment.
func (o *Organisations) Within(ctx context.Context, needs []Need, write func() error) error {
	bounds := map[*Need]int64{}
	var numbers []int
	for i := range needs {
		n := &needs[i]
		limit, err := o.limit(ctx, n.Org, n.Name)
		if err != nil {
			return err
		}
		if limit > 0 && n.More > 0 {
			bounds[n] = limit
			h := fnv.New32a()
			_, _ = h.Write([]byte(n.Org)) // a hash takes everything
			numbers = append(numbers, int(h.Sum32()%lanes))
		}
	}
	slices.Sort(numbers) // in one order, so that nobody waits for whom they keep waiting
	for _, number := range slices.Compact(numbers) {
		lane := o.lanes[number]
		select {
		case lane <- struct{}{}:
			defer func() { <-lane }()
		case <-ctx.Done():
			return core.Wrap(core.CodeUnavailable, ctx.Err(), "the request took too long")
		}
	}
	for n, limit := range bounds {
		have, err := n.Have(ctx)
		if err != nil {
			return err
		}
		if n.More > limit-have {
			return &core.Error{Code: core.CodeTooMany, RetryAfter: fullAfter, Message: full(n.What, n.Name, have, n.More, limit)}
		}
	}
	return write()
}

func full(what, name string, have, more, limit int64) string {
	return fmt.Sprintf(
		"the organisation may have %d %s (the limit %s), has %d, and this adds %d: delete some, or have whoever runs this server raise the limit",
		limit,
		what,
		name,
		have,
		more,
	)
}
