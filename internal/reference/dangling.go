package reference

import (
	"context"
	"slices"

	"gatehouse/internal/core"
	"gatehouse/store"
)

// What dangles is found by the indexes alone: the ids that documents name are labels of theirs, and so are the ids that
// objects have. What an organisation names is counted by id, in one walk over the labels of its objects and without a
// document, and so is which of these ids there are; the objects that name the rest are then a list as any other, with
// its total and its pages.

// Counter is the part of a repository, or of the key space, that counts by a label.
type Counter interface {
	CountByLabel(ctx context.Context, t store.Tenant, label string, values ...string) (map[string]int, error)
}

// maxDangling is how many ids that name nothing a search takes: what every engine finds in one statement.
const maxDangling = 8000

// DanglingPolicies is the condition that a policy names APIs that do not exist.
func (n *Names) DanglingPolicies(ctx context.Context, t store.Tenant) (store.Cond, error) {
	if err := ofOne(t); err != nil {
		return store.Cond{}, err
	}
	return n.dangling(ctx, t, n.store.Policies, "api", n.store.Apis, "public")
}

// DanglingKeys is the condition that a key names APIs or policies that do not exist.
func (n *Names) DanglingKeys(ctx context.Context, t store.Tenant, keys Counter) (store.Cond, error) {
	if err := ofOne(t); err != nil {
		return store.Cond{}, err
	}
	apis, err := n.dangling(ctx, t, keys, "api", n.store.Apis, "public")
	if err != nil {
		return store.Cond{}, err
	}
	policies, err := n.dangling(ctx, t, keys, "policy", n.store.Policies, "known")
	return store.AnyOf(apis, policies), err
}

// ofOne holds for the tenant of a search for what dangles: what one organisation lacks another may have.
func ofOne(t store.Tenant) error {
	if t.IsAll() {
		return core.InField("danglingOnly", "is asked of one organisation: give orgId, too")
	}
	return nil
}

// dangling is the condition that objects carry, under the label, an id that none of those carries under theirs which it
// is of.
func (n *Names) dangling(
	ctx context.Context,
	t store.Tenant,
	from Counter,
	label string,
	of Counter,
	id string,
) (store.Cond, error) {
	counts, err := from.CountByLabel(ctx, t, label)
	if err != nil {
		return store.Cond{}, err
	}
	named := make([]string, 0, len(counts))
	for name := range counts {
		named = append(named, name)
	}
	there, err := There(ctx, t, of, id, named)
	if err != nil {
		return store.Cond{}, err
	}
	named = slices.DeleteFunc(named, func(name string) bool { return there[name] > 0 })
	switch {
	case len(named) == 0:
		return store.In("id", ""), nil // nothing has that id
	case len(named) > maxDangling:
		return store.Cond{}, core.Errorf(
			core.CodeLimit,
			"%d ids are named that name nothing, more than one search takes: search by one of them",
			len(named),
		)
	}
	return store.HasLabel(label, named...), nil
}

// There counts the objects that carry each of ids under a label, by id: 0 for what there is not.
func There(ctx context.Context, t store.Tenant, of Counter, label string, ids []string) (map[string]int, error) {
	out := make(map[string]int, len(ids))
	for chunk := range slices.Chunk(ids, namesAtOnce) {
		counts, err := of.CountByLabel(ctx, t, label, chunk...)
		if err != nil {
			return nil, err
		}
		for _, id := range chunk {
			out[id] = counts[id]
		}
	}
	return out, nil
}
