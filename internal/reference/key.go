package reference

import (
	"context"
	"slices"
	"strings"

	"gatehouse/internal/core"
	"gatehouse/store"
)

// DescribeKeys fills in what the sessions of keys do not say themselves: the explicit ids of policies that they name by
// their database ids.
func (n *Names) DescribeKeys(ctx context.Context, keys []*core.Key) error {
	named, seen := map[string][]string{}, map[[2]string]bool{}
	for _, k := range keys {
		for _, id := range k.PolicyIDs {
			if at := [2]string{k.OrgID, id}; core.IsID(id) && !seen[at] {
				seen[at] = true
				named[k.OrgID] = append(named[k.OrgID], id)
			}
		}
	}
	explicit := map[[2]string]string{}
	for org, ids := range named {
		found, err := n.store.Policies.FindMany(ctx, store.Org(org), "id", ids)
		if err != nil {
			return err
		}
		for _, p := range found {
			explicit[[2]string{org, p.ID}] = p.PolicyID
		}
	}
	for _, k := range keys {
		own := setOf(k.PolicyIDs)
		for _, id := range k.PolicyIDs {
			if policy := explicit[[2]string{k.OrgID, id}]; policy != "" && !own[policy] {
				k.AppliedIDs = append(k.AppliedIDs, policy)
			}
		}
	}
	return nil
}

func setOf(values []string) map[string]bool {
	out := make(map[string]bool, len(values))
	for _, v := range values {
		out[v] = true
	}
	return out
}

const (
	// policiesAtOnce is how many policies are read at a time for their ids: some have a megabyte.
	policiesAtOnce = 100
	// maxOpening is how many policies a search for the keys that they open an API to takes: what every engine finds in one
	// statement.
	maxOpening = 8000
)

// Opens is the condition that a key gives access to an API: its own rights name it, or those of a policy that it
// applies.
func (n *Names) Opens(
	ctx context.Context,
	own store.Tenant,
	keys Counter,
	apiID string,
) (store.Cond, error) {
	cond := store.HasLabel("api", apiID)
	var ids []string
	naming := store.Query{Tenant: own, Where: []store.Cond{cond}, Limit: policiesAtOnce}
	for p, err := range n.store.Policies.All(ctx, naming) {
		if err != nil {
			return cond, err
		}
		ids = append(ids, strings.Clone(p.PolicyID))
		if p.ID != p.PolicyID {
			ids = append(ids, p.ID)
		}
	}
	if len(ids) == 0 {
		return cond, nil
	}
	// Only those that any key applies say anything, and of most APIs they are few.
	applied, err := keys.CountByLabel(ctx, own, "policy", ids...)
	if err != nil {
		return cond, err
	}
	ids = slices.DeleteFunc(ids, func(id string) bool { return applied[id] == 0 })
	switch {
	case len(ids) == 0:
		return cond, nil
	case len(ids) > maxOpening:
		return cond, core.Errorf(
			core.CodeLimit,
			"%d policies that keys apply give access to the API, more than one search takes: search by policy",
			len(ids),
		)
	}
	return store.AnyOf(cond, store.HasLabel("policy", ids...)), nil
}
