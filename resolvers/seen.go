package resolvers

import (
	"context"

	"gatehouse/internal/core"
	"gatehouse/store"
)

// seenChanges are those of changes whose objects the caller sees. For somebody who sees less than there is, each object is
// looked for; of one that was deleted, nobody can tell any more who saw it, so that it is not told.
func (r *Resolver) seenChanges(ctx context.Context, t store.Tenant, changes <-chan *core.Change) <-chan *core.Change {
	if !t.IsRestricted() {
		return changes
	}
	out := make(chan *core.Change)
	go func() {
		defer close(out)
		for c := range changes {
			if !r.seesChange(ctx, t, c) {
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

func (r *Resolver) seesChange(ctx context.Context, t store.Tenant, c *core.Change) bool {
	seen := map[string]func(context.Context, store.Tenant, []string) (map[string]bool, error){
		core.ApiKind.Name: r.store.Apis.Seen, core.PolicyKind.Name: r.store.Policies.Seen,
		core.OauthClientKind.Name: r.store.OauthClients.Seen, core.KeyKind.Name: r.seenKeys,
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
func (r *Resolver) seenKeys(ctx context.Context, t store.Tenant, ids []string) (map[string]bool, error) {
	found, err := r.keys.FindMany(ctx, t, "id", ids)
	out := map[string]bool{}
	for _, k := range found {
		out[k.ID] = true
	}
	return out, err
}
