// Package keyspace keeps the sessions of keys where the gateways read them: in their Redis, in their own format. Redis
// is the truth. The store holds the index that finds keys, with a copy of each session, which brings them back when
// Redis loses them.
//
// All that happens to the index goes through reconcile, which compares the two for some ids and makes the index follow:
// after writes of our own (space.go, queue.go), on news of the gateways (foreign.go), and in the course of a scan
// (scan.go).
package keyspace

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"gatehouse/internal/changes"
	"gatehouse/internal/core"
	"gatehouse/internal/gateway/notify"
	"gatehouse/store"
)

// Options configure a Space.
type Options struct {
	Redis    redis.UniversalClient
	Store    *store.Store
	Notifier *notify.Notifier
	Broker   *changes.Broker
	Log      *slog.Logger
	// Describe fills in what a session does not say itself: the explicit ids of policies that it names by their database
	// ids.
	Describe func(ctx context.Context, keys []*core.Key) error
	// Interval is the time between two scans of Redis; 0 is ten minutes.
	Interval time.Duration
}

// Space is the key space in Redis with its index in the store. It implements key.Space.
type Space struct {
	o     Options
	queue *queue
	// server is the name of this process among others that share the Redis.
	server string
	writes atomic.Uint64

	anchor anchored
	tags   sync.Map // of markers, by slot
	// silentUntil is the time, in Unix nanoseconds, before which Redis is not asked by readers: it did not answer.
	silentUntil atomic.Int64
	// wanted asks for a scan.
	wanted chan struct{}
	logged sync.Map // ids of which was logged that they cannot be indexed
	unread atomic.Int64
}

// New makes a Space. Nothing is asked of Redis before Run.
func New(o Options) *Space {
	o.Interval = cmp.Or(o.Interval, 10*time.Minute)
	if o.Describe == nil {
		o.Describe = func(context.Context, []*core.Key) error { return nil }
	}
	return &Space{o: o, queue: newQueue(), server: core.NewHex(), wanted: make(chan struct{}, 1),
		anchor: anchored{changed: make(chan struct{}), hurry: make(chan struct{}, 1)}}
}

// Run keeps the index in step with Redis, until ctx ends. It ends when what this process wrote is in the index.
func (s *Space) Run(ctx context.Context) {
	var running sync.WaitGroup
	for _, loop := range []func(context.Context){s.flush, s.watch, s.listen, s.scans} {
		running.Go(func() { loop(ctx) })
	}
	running.Wait()
}

// The times of the loops.
const (
	// answers is how long Redis may take to answer one call.
	answers = 5 * time.Second
	// silence is how long readers leave a Redis alone that did not answer.
	silence = time.Second
	// beats is the time between two looks at the marker.
	beats = time.Second
	// settles is how old a mark has to be for others than its writer to see to it.
	settles = 10 * time.Second
)
