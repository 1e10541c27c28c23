// Package owner holds people to what they see where APIs have owners: what they make names nothing else, and they hear
// of nothing else. What they read is narrowed by the tenant of each read; see store.Tenant.SeenBy.
package owner

import (
	"context"

	"gatehouse/internal/authz"
	"gatehouse/internal/core"
	"gatehouse/internal/gateway/definition"
	"gatehouse/internal/reference"
	"gatehouse/store"
)

// Keys find keys by their ids.
type Keys interface {
	FindMany(ctx context.Context, t store.Tenant, unique string, ids []string) ([]*core.Key, error)
}

// Options are what a Sight stands on.
type Options struct {
	Store *store.Store
	Names *reference.Names
	Keys  Keys
}

// Sight is what people see. It is safe for concurrent use.
type Sight struct{ o Options }

// New makes a Sight.
func New(o Options) *Sight { return &Sight{o} }

// May refuses what a caller who sees less than there is may not make of an object: it names nothing that they do not
// see, and of an API that is owned they stay among the owners. What nobody owns yet, they may make theirs.
func (s *Sight) May(ctx context.Context, t store.Tenant, next, old core.Object) error {
	if !t.IsRestricted() {
		return nil
	}
	if err := s.o.Names.CheckSeen(ctx, t, next, old); err != nil {
		return err
	}
	a, ok := next.(*core.Api)
	if !ok {
		return nil
	}
	was, _ := old.(*core.Api)
	if err := s.maySend(ctx, t, a, was); err != nil {
		return err
	}
	return authz.From(ctx).StaysOwner(a, was)
}

// maySend refuses an API that newly sends requests to others, by a loop or as a subgraph, which the caller does not
// see.
func (s *Sight) maySend(ctx context.Context, t store.Tenant, next, old *core.Api) error {
	var had []string
	if old != nil {
		had = sentTo(old)
	}
	for _, id := range core.Added(sentTo(next), had) {
		_, err := s.o.Names.Api(ctx, t, id)
		if core.CodeOf(err) == core.CodeNotFound {
			var named int
			if named, err = s.o.Store.Apis.Count(ctx, t, store.HasLabel("loop", core.LoopName(id))); err == nil && named == 0 {
				return core.Errorf(core.CodeInvalid,
					"the definition sends requests to APIs that do not exist in the organisation: %s", core.Clip(id))
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// sentTo are the ids and names of the APIs that one sends requests to.
func sentTo(a *core.Api) []string {
	out := definition.LoopHosts(a.Definition)
	for _, v := range a.Definition.Get("api_definition.graphql.supergraph.subgraphs.#.api_id").Array() {
		if v.Str != "" {
			out = append(out, v.Str)
		}
	}
	return out
}

// Changes are those of changes whose objects the caller sees. For somebody who sees less than there is, each object is
// looked for; of one that was deleted, nobody can tell any more who saw it, so that it is not told.
func (s *Sight) Changes(ctx context.Context, t store.Tenant, changes <-chan *core.Change) <-chan *core.Change {
	if !t.IsRestricted() {
		return changes
	}
	out := make(chan *core.Change)
	go func() {
		defer close(out)
		for c := range changes {
			if !s.sees(ctx, t, c) {
				continue
			}
			select {
			case out <- c:
			case <-ctx.Done():
			}
		}
	}()
	return out
}

func (s *Sight) sees(ctx context.Context, t store.Tenant, c *core.Change) bool {
	seen := map[string]func(context.Context, store.Tenant, []string) (map[string]bool, error){
		core.ApiKind.Name: s.o.Store.Apis.Seen, core.PolicyKind.Name: s.o.Store.Policies.Seen,
		core.OauthClientKind.Name: s.o.Store.OauthClients.Seen, core.KeyKind.Name: s.seenKeys,
	}[c.Object]
	if seen == nil {
		return true
	}
	if c.Kind == core.ChangeDeleted {
		return false
	}
	found, err := seen(ctx, t, []string{c.ID})
	return err == nil && found[c.ID]
}

// seenKeys is Seen of the key space.
func (s *Sight) seenKeys(ctx context.Context, t store.Tenant, ids []string) (map[string]bool, error) {
	found, err := s.o.Keys.FindMany(ctx, t, "id", ids)
	out := map[string]bool{}
	for _, k := range found {
		out[k.ID] = true
	}
	return out, err
}
