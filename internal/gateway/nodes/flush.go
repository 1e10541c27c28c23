package nodes

import (
	"context"
	"errors"

	"gatehouse/internal/core"
	"gatehouse/store"
)

// flushAtOnce is how many rows one write takes.
const flushAtOnce = 1000

// flush writes what changed since the last time, in as few writes as it takes. Where another server wrote a row in
// between, the accounts are merged and written again.
func (r *Registry) flush(ctx context.Context) error {
	var err error
	for range 3 {
		var stale []string
		if stale, err = r.flushOnce(ctx); len(stale) == 0 {
			return err
		}
		if err = r.refresh(ctx, stale); err != nil {
			return err
		}
	}
	return err // what is left is written the next time
}

// flushOnce tries to write what changed, and returns the ids of the nodes of which another server wrote some.
func (r *Registry) flushOnce(ctx context.Context) (stale []string, err error) {
	for _, batch := range r.takeDirty() {
		writes := make([]store.Change, len(batch))
		for i, n := range batch {
			writes[i] = r.o.Store.Nodes.Updating(n)
		}
		failed := r.o.Store.Apply(ctx, writes...)
		r.mu.Lock()
		for _, n := range batch {
			known := r.nodes[n.ID]
			switch {
			case known == nil:
			case failed == nil:
				known.Revision = max(known.Revision, n.Revision)
			default:
				known.dirty = true
			}
		}
		r.mu.Unlock()
		switch {
		case failed == nil:
		case errors.Is(failed, store.ErrStale):
			for _, n := range batch {
				stale = append(stale, n.ID)
			}
		default:
			return nil, failed
		}
	}
	return stale, nil
}

// takeDirty returns copies of the nodes that the store does not have as they are, and counts them as written.
func (r *Registry) takeDirty() [][]*core.Node {
	r.mu.Lock()
	defer r.mu.Unlock()
	var batches [][]*core.Node
	var batch []*core.Node
	for _, n := range r.nodes {
		if !n.dirty {
			continue
		}
		n.dirty = false
		copied := n.Node
		if batch = append(batch, &copied); len(batch) == flushAtOnce {
			batches, batch = append(batches, batch), nil
		}
	}
	if len(batch) > 0 {
		batches = append(batches, batch)
	}
	return batches
}

// refresh merges the rows of nodes into memory. Those that have none any more left, through another server.
func (r *Registry) refresh(ctx context.Context, ids []string) error {
	rows, err := r.o.Store.Nodes.FindMany(ctx, store.Org(""), "id", ids)
	if err != nil {
		return err
	}
	there := make(map[string]bool, len(rows))
	for _, row := range rows {
		there[row.ID] = true
		r.remember(row)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range ids {
		if !there[id] {
			delete(r.nodes, id)
		}
	}
	return nil
}

// forget deletes the nodes that were silent for long, and lets go of those that speak to other servers now.
func (r *Registry) forget(ctx context.Context) error {
	if err := r.flush(ctx); err != nil { // so that the rows tell all that we know
		return err
	}
	limit := r.now().Add(-forgetAfter)
	old, err := r.o.Store.Nodes.List(ctx, store.Query{Tenant: store.Org(""), Sort: "id", Limit: flushAtOnce,
		Where: []store.Cond{store.Between("last_seen", 0, limit.UnixMicro())}})
	if err != nil {
		return err
	}
	for _, n := range old.Objects {
		err := r.o.Store.Nodes.Delete(ctx, n)
		if err != nil && !errors.Is(err, store.ErrStale) { // it came back, or another server forgot it
			return err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, n := range r.nodes {
		if stateAt(n.LastSeen, r.now()) == Away && !n.dirty {
			delete(r.nodes, id)
		}
	}
	return nil
}
