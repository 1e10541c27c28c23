// Package nodes is the protocol by which gateways register, stay in touch and load what they serve. It exists because
// stock gateways speak it and nothing else: they hold a shared secret, a node id and a nonce, ask for everything at
// once, and register again when they are told 403.
package nodes

import (
	"context"
	"crypto/sha256"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"gatehouse/internal/changes"
	"gatehouse/internal/core"
	"gatehouse/internal/gateway/definition"
	"gatehouse/internal/gateway/notify"
	"gatehouse/internal/limits"
	"gatehouse/internal/outage"
	"gatehouse/store"
)

const (
	// maxNodes is how many gateways are known at once.
	maxNodes = 10_000
	// flushEvery is how often what changed about nodes is written. Calls themselves touch memory only.
	flushEvery = 5 * time.Second
	// forgetAfter is how long a gateway may be silent before it is forgotten, and forgetEvery how often that is looked at.
	forgetAfter = 24 * time.Hour
	forgetEvery = time.Minute
	// verdicts is how many judgements on documents are remembered: one for each API and policy of a large installation.
	verdicts = 1 << 16
)

// Options configure a Registry.
type Options struct {
	Store *store.Store
	// Secret is the shared node secret. Without one, gateways are refused.
	Secret   string
	Broker   *changes.Broker
	Notifier *notify.Notifier
	// Rules say what gateways may be given.
	Rules definition.Rules
	// Shared says when organisations count as sharing their gateways: see store.SharesGateways.
	Shared string
	// Attempts slows down who guesses the secret; nil slows down nobody.
	Attempts *limits.Attempts
	Log      *slog.Logger
	// Outages hears of gateways that could not be answered since something is down; nil writes them to Log.
	Outages *outage.Log
}

// Registry knows the gateways. Its handler serves /register and /system. It is safe for concurrent use.
//
// What a gateway says changes memory, and Run writes it to the store every few seconds, where the other servers of the
// installation see it. A gateway may speak to another server with each call.
type Registry struct {
	o      Options
	secret [sha256.Size]byte
	nonces signer
	mux    *http.ServeMux

	refusals refusals
	refused  *lru.Cache[version, bool]     // whether gateways would refuse the document
	bounded  *lru.Cache[version, struct{}] // of whose certificates the log has told

	mu    sync.Mutex
	nodes map[string]*node // those that spoke to this server, by id; guarded by mu
	// apis and policies are when they changed; guarded by mu.
	apis, policies history

	active memo
}

// node is what this server knows of a gateway. It is guarded by Registry.mu.
type node struct {
	core.Node
	// dirty tells that the store does not have it all.
	dirty bool
	// fed is the counter that the last feed ended with, and fedUntil how far the highest may be for it to be good; see
	// accept.
	fed, fedUntil uint64
}

// New makes a Registry.
func New(o Options) *Registry {
	if o.Outages == nil {
		o.Outages = outage.NewLog(o.Log)
	}
	refused, err := lru.New[version, bool](verdicts)
	if err != nil {
		panic(err) // only for a size below one
	}
	bounded, err := lru.New[version, struct{}](verdicts)
	if err != nil {
		panic(err) // as above
	}
	r := &Registry{
		o:        o,
		secret:   sha256.Sum256([]byte(o.Secret)),
		nonces:   newSigner(o.Secret),
		refused:  refused,
		bounded:  bounded,
		refusals: refusals{log: o.Log},
		nodes:    map[string]*node{},
	}
	r.mux = r.routes()
	return r
}

// Run keeps what is known of the gateways in the store, forgets those that are gone, and has those reload that missed a
// change, until ctx ends.
func (r *Registry) Run(ctx context.Context) {
	var background sync.WaitGroup
	background.Go(func() { r.listen(ctx) })
	flush, forget := time.NewTicker(flushEvery), time.NewTicker(forgetEvery)
	defer flush.Stop()
	defer forget.Stop()
	var nudged time.Time
	var failing bool
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-flush.C:
			failing = r.report(ctx, failing, r.flush(ctx))
			nudged = r.nudge(ctx, nudged)
		case <-forget.C:
			failing = r.report(ctx, failing, r.forget(ctx))
		}
	}
	background.Wait()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	r.report(last, false, r.flush(last))
}

// report logs a failure of the store once, when it begins.
func (r *Registry) report(ctx context.Context, failing bool, err error) bool {
	if err != nil && !failing && ctx.Err() == nil {
		r.o.Log.WarnContext(
			ctx,
			"what is known of the gateways cannot be written; they are served nevertheless",
			slog.Any("error", err),
		)
	}
	return err != nil
}

// List returns the gateways, those heard of last first: the rows of the store, with what this server knows since.
func (r *Registry) List(ctx context.Context) ([]*core.Node, error) {
	out, err := r.all(ctx)
	if err != nil {
		return nil, err
	}
	Sort(out, "last_seen", true)
	return out, nil
}

// all reads every row, and merges what memory knows into each.
func (r *Registry) all(ctx context.Context) ([]*core.Node, error) {
	var out []*core.Node
	for n, err := range r.o.Store.Nodes.All(ctx, store.Query{Tenant: store.Org("")}) {
		if err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range out {
		if known := r.nodes[n.ID]; known != nil {
			merge(&n.NodeState, known.NodeState)
		}
	}
	return out, nil
}

// lookup finds a node in memory, and in the store what another server registered. It returns nil for a node that nobody
// knows.
func (r *Registry) lookup(ctx context.Context, id string) (*node, error) {
	r.mu.Lock()
	n := r.nodes[id]
	r.mu.Unlock()
	if n != nil || !core.IsID(id) {
		return n, nil
	}
	row, err := r.o.Store.Nodes.Find(ctx, store.Org(""), id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return r.remember(row), nil
}

// remember takes a row into memory, or merges it into what is there.
func (r *Registry) remember(row *core.Node) *node {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.nodes[row.ID]
	if n == nil {
		n = &node{Node: *row}
		r.nodes[row.ID] = n
		return n
	}
	n.Revision = max(n.Revision, row.Revision)
	merge(&n.NodeState, row.NodeState)
	return n
}
