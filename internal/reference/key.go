package reference

import (
	"context"

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
