package nodes

import (
	"context"
	"log/slog"
	"time"

	"gatehouse/internal/core"
	"gatehouse/internal/gateway/notify"
	"gatehouse/store"
)

const (
	// nudgeAfter is how long a change may wait for a gateway that is there before the gateways are told again: Redis
	// forgets what it told those who did not listen just then. nudgeEvery is how often at most.
	nudgeAfter = 10 * time.Second
	nudgeEvery = 30 * time.Second
)

// Lag is how long the oldest change that the gateway has not loaded has waited; 0 when it has them all.
func (r *Registry) Lag(n *core.Node) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	return max(
		r.apis.waiting(n, n.ApisLoadedAt, n.PoliciesLoadedAt, now),
		r.policies.waiting(n, n.PoliciesLoadedAt, n.ApisLoadedAt, now),
	)
}

// waiting is how long the oldest change waits for a node that loaded this kind at loaded, and the other at other. One
// that loads only the other kind here has this from elsewhere, and waits for nothing.
func (h *history) waiting(n *core.Node, loaded, other *time.Time, now time.Time) time.Duration {
	switch {
	case loaded != nil:
		if at, ok := h.after(*loaded); ok {
			return max(0, now.Sub(at))
		}
	case other == nil && len(h.spans) > 0:
		return max(0, now.Sub(n.RegisteredAt()))
	}
	return 0
}

// nudge asks for a reload where a gateway that is there lags, and returns when it last did so.
func (r *Registry) nudge(ctx context.Context, last time.Time) time.Time {
	now := r.now()
	if now.Sub(last) < nudgeEvery {
		return last
	}
	n, err := r.lagging(ctx)
	if err != nil || n == nil {
		return last // the next tick asks again
	}
	r.o.Log.WarnContext(
		ctx,
		"a gateway has not loaded a change: the gateways are told again",
		slog.String("node_id", n.ID),
		slog.String("hostname", n.Hostname),
		slog.Duration("lag", r.Lag(n)),
	)
	r.o.Notifier.Reload(notify.GroupReload)
	return now
}

// lagging returns an active node that lags, nil when there is none. The store is asked only where memory says that
// there may be one: another server may know that it has loaded.
func (r *Registry) lagging(ctx context.Context) (*core.Node, error) {
	if !r.mayLag() {
		return nil, nil
	}
	nodes, err := r.all(ctx)
	if err != nil {
		return nil, err
	}
	for _, n := range nodes {
		if r.State(n) == Active && r.Lag(n) > nudgeAfter {
			return n, nil
		}
	}
	return nil, nil
}

func (r *Registry) mayLag() bool {
	r.mu.Lock()
	known := make([]core.Node, 0, len(r.nodes))
	for _, n := range r.nodes {
		known = append(known, n.Node)
	}
	r.mu.Unlock()
	for i := range known {
		if r.State(&known[i]) == Active && r.Lag(&known[i]) > nudgeAfter {
			return true
		}
	}
	return false
}

// listen keeps track of when APIs and policies change, until ctx ends.
func (r *Registry) listen(ctx context.Context) {
	webhooks := make(chan *core.Change, 64)
	defer r.o.Broker.Watch(func(c *core.Change) { r.heed(c, webhooks) })()
	for ctx.Err() == nil {
		// This subscription hears nothing; it ends when changes of other servers may have been missed.
		missed, stop := r.o.Broker.Subscribe(func(*core.Change) bool { return false })
		r.catchUp(ctx)
		for open := true; open; {
			select {
			case <-ctx.Done():
				stop()
				return
			case _, open = <-missed:
			case c := <-webhooks:
				if r.inUse(ctx, c) {
					r.note(&r.apis, c.At)
				}
			}
		}
		select { // a broker that is closed ends every subscription
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

// heed notes a change, and passes one that matters only where an API uses the object on to whoever can look that up. It
// does not wait.
func (r *Registry) heed(c *core.Change, webhooks chan<- *core.Change) {
	told := core.KindNamed(c.Object).Feeds(c.Kind)
	if told.Apis && told.IfUsed {
		select {
		case webhooks <- c:
			return
		default: // so many at once that it makes no difference
		}
	}
	if told.Apis {
		r.note(&r.apis, c.At)
	}
	if told.Policies {
		r.note(&r.policies, c.At)
	}
}

// inUse tells whether an API refers to a webhook, and so changes with it.
func (r *Registry) inUse(ctx context.Context, c *core.Change) bool {
	n, err := r.o.Store.Apis.CountByLabel(ctx, store.Org(c.OrgID), "webhook", c.ID)
	return err != nil || n[c.ID] > 0
}

// catchUp notes when APIs, with the webhooks in them, and policies changed last, by the store. Deletions leave no trace
// there; but when Redis is back, the gateways are told to reload in any case.
func (r *Registry) catchUp(ctx context.Context) {
	last := store.Query{Tenant: store.AllTenants(), Sort: "updated_at", Desc: true, Limit: 1, IDsOnly: true}
	apis, err := r.o.Store.Apis.List(ctx, last)
	if err == nil {
		for _, a := range apis.Objects {
			r.note(&r.apis, a.UpdatedAt)
		}
		var policies *store.List[core.Policy]
		if policies, err = r.o.Store.Policies.List(ctx, last); err == nil {
			for _, p := range policies.Objects {
				r.note(&r.policies, p.UpdatedAt)
			}
		}
	}
	if err == nil {
		err = r.catchUpWebhooks(ctx)
	}
	if err != nil && ctx.Err() == nil {
		r.o.Log.WarnContext(
			ctx,
			"it is not known when APIs and policies changed last, so the lag of gateways is too small until they change",
			slog.Any("error", err),
		)
	}
}

// webhooksAtOnce is how many webhooks are looked at for the last one that an API uses.
const webhooksAtOnce = 20

// catchUpWebhooks notes the last change of a webhook that an API uses.
func (r *Registry) catchUpWebhooks(ctx context.Context) error {
	hooks, err := r.o.Store.Webhooks.List(ctx,
		store.Query{Tenant: store.AllTenants(), Sort: "updated_at", Desc: true, Limit: webhooksAtOnce, IDsOnly: true})
	if err != nil {
		return err
	}
	for _, w := range hooks.Objects {
		if r.inUse(ctx, &core.Change{OrgID: w.OrgID, ID: w.ID}) {
			r.note(&r.apis, w.UpdatedAt)
			return nil
		}
	}
	return nil
}

// note adds a change to a history. The clocks of other servers may be ahead of ours.
func (r *Registry) note(h *history, at time.Time) {
	if now := r.now(); at.After(now) {
		at = now
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	h.add(at)
}
