package nodes

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"gatehouse/internal/core"
	"gatehouse/store"
)

// State tells whether a gateway is there.
type State string

// The states. Gateways call every two seconds.
const (
	// Active means that it was heard of in the last 10 seconds, Stale in the last minute, and Away not even then.
	Active State = "ACTIVE"
	Stale  State = "STALE"
	Away   State = "AWAY"
)

const (
	activeFor = 10 * time.Second
	staleFor  = time.Minute
)

// State tells whether a gateway is there, now.
func (r *Registry) State(n *core.Node) State { return stateAt(n.LastSeen, r.o.Store.Now()) }

func stateAt(lastSeen, now time.Time) State {
	switch silent := now.Sub(lastSeen); {
	case silent < activeFor:
		return Active
	case silent < staleFor:
		return Stale
	}
	return Away
}

// merge takes the later of two accounts of a gateway, field by field.
func merge(into *core.NodeState, other core.NodeState) {
	if other.LastSeen.After(into.LastSeen) {
		into.LastSeen, into.Hostname, into.Address = other.LastSeen, other.Hostname, other.Address
	}
	into.Nonce = max(into.Nonce, other.Nonce)
	if later(other.ApisLoadedAt, into.ApisLoadedAt) {
		into.ApisLoadedAt, into.ApisServed = other.ApisLoadedAt, other.ApisServed
	}
	if later(other.PoliciesLoadedAt, into.PoliciesLoadedAt) {
		into.PoliciesLoadedAt = other.PoliciesLoadedAt
	}
}

func later(a, b *time.Time) bool { return a != nil && (b == nil || a.After(*b)) }

// Sort puts gateways in the order of hostname, last_seen or, for any other field, registered_at, and then of their ids.
func Sort(nodes []*core.Node, field string, desc bool) {
	compare := func(a, b *core.Node) int { return a.RegisteredAt().Compare(b.RegisteredAt()) }
	switch field {
	case "hostname":
		compare = func(a, b *core.Node) int { return cmp.Compare(store.Fold(a.Hostname), store.Fold(b.Hostname)) }
	case "last_seen":
		compare = func(a, b *core.Node) int { return a.LastSeen.Compare(b.LastSeen) }
	}
	slices.SortFunc(nodes, func(a, b *core.Node) int { return cmp.Or(compare(a, b), cmp.Compare(a.ID, b.ID)) })
	if desc {
		slices.Reverse(nodes)
	}
}

// memo is the id of the one active gateway, for a second.
type memo struct {
	mu sync.Mutex
	at time.Time
	id string
}

// OnlyActive returns the id of the one gateway that is active, "" when there is none or more than one. What it says may
// be a second old.
func (r *Registry) OnlyActive(ctx context.Context) (string, error) {
	r.active.mu.Lock()
	defer r.active.mu.Unlock()
	now := r.o.Store.Now()
	if age := now.Sub(r.active.at); age >= 0 && age < time.Second {
		return r.active.id, nil
	}
	nodes, err := r.all(ctx)
	if err != nil {
		return "", err
	}
	count, id := 0, ""
	for _, n := range nodes {
		if stateAt(n.LastSeen, now) == Active {
			count, id = count+1, n.ID
		}
	}
	if count != 1 {
		id = ""
	}
	r.active.at, r.active.id = now, id
	return id, nil
}
