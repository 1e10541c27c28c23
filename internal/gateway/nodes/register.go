package nodes

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"gatehouse/internal/core"
	"gatehouse/store"
)

// register gives a gateway its node id. A process that registers again, by the session id that it made up at its start,
// gets the node id that it has.
func (r *Registry) register(w http.ResponseWriter, req *http.Request) error {
	session := req.Header.Get("X-Tyk-Session-Id")
	if len(session) > maxHeader {
		return core.Errorf(core.CodeInvalid, "x-tyk-session-id must be at most %d bytes", maxHeader)
	}
	said := core.NodeState{
		Hostname: clip(req.Header.Get("X-Tyk-Hostname"), maxHeader),
		Session:  clip(session, maxHeader),
		Address:  address(req),
	}
	n, err := r.registered(req.Context(), said)
	if err != nil {
		return err
	}
	r.mu.Lock()
	n.LastSeen, n.Hostname, n.Address, n.dirty = r.now(), said.Hostname, said.Address, true
	counter := n.nextOfRegistration(n.LastSeen)
	r.mu.Unlock()
	answer(w, http.StatusOK, reply{"OK", map[string]string{"NodeID": n.ID}, r.nonces.sign(n.ID, counter)})
	return nil
}

// registered finds the node of a session, or makes it.
func (r *Registry) registered(ctx context.Context, said core.NodeState) (*node, error) {
	nodes := r.o.Store.Nodes
	for range 3 {
		if said.Session != "" {
			rows, err := nodes.FindMany(ctx, store.Org(""), "session", []string{said.Session})
			if err != nil {
				return nil, err
			}
			if len(rows) > 0 {
				return r.remember(rows[0]), nil
			}
		}
		if err := r.makeRoom(ctx); err != nil {
			return nil, err
		}
		n := &core.Node{Meta: core.Meta{ID: core.NewID(r.o.Store.Now())}, NodeState: said}
		n.LastSeen = r.now()
		if n.Session == "" {
			n.Session = n.ID
		}
		switch err := nodes.Create(ctx, n); {
		case errors.Is(err, store.ErrConflict): // another server was asked at the same time
			continue
		case err != nil:
			return nil, err
		}
		r.o.Log.InfoContext(
			ctx,
			"a gateway registered",
			slog.String("node_id", n.ID),
			slog.String("hostname", n.Hostname),
			slog.String("address", n.Address),
		)
		return r.remember(n), nil
	}
	return nil, core.Errorf(core.CodeUnavailable, "the session is being registered elsewhere: try again")
}

// makeRoom keeps the number of nodes bounded: the one that was silent for longest goes, unless it may come back any
// moment.
func (r *Registry) makeRoom(ctx context.Context) error {
	count, err := r.o.Store.Nodes.Count(ctx, store.Org(""))
	if err != nil || count < maxNodes {
		return err
	}
	oldest, err := r.o.Store.Nodes.List(ctx, store.Query{Tenant: store.Org(""), Sort: "last_seen", Limit: 1})
	if err != nil {
		return err
	}
	for _, n := range oldest.Objects {
		if r.State(n) == Away {
			return r.remove(ctx, n.ID)
		}
	}
	return core.Errorf(core.CodeUnavailable, "%d gateways are registered, which is all that this server takes", maxNodes)
}

// deregister forgets a node that leaves.
func (r *Registry) deregister(w http.ResponseWriter, c *call) error {
	if err := r.remove(c.Context(), c.node.ID); err != nil {
		return err
	}
	r.o.Log.InfoContext(
		c.Context(),
		"a gateway left",
		slog.String("node_id", c.node.ID),
		slog.String("address", address(c.Request)),
	)
	return r.ok(w, c, struct{}{})
}

// remove deletes a node, whatever its revision; one that is gone is no error.
func (r *Registry) remove(ctx context.Context, id string) error {
	err := r.o.Store.Nodes.Delete(ctx, &core.Node{Meta: core.Meta{ID: id}})
	if err != nil && !errors.Is(err, store.ErrStale) {
		return err
	}
	r.mu.Lock()
	delete(r.nodes, id)
	r.mu.Unlock()
	return nil
}
