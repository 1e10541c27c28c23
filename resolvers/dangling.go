package resolvers

import (
	"context"

	"gatehouse/internal/batch"
	"gatehouse/internal/core"
	"gatehouse/internal/reference"
	"gatehouse/store"
)

// warned is how many of the ids that a document names are looked up for its warnings.
const warned = 100

// there loads which ids nothing has under a label, for all siblings at once.
func (r *Resolver) there(of reference.Counter, label string) *batch.Absent {
	return batch.NewAbsent(func(ctx context.Context, org string, ids []string) (map[string]int, error) {
		return reference.There(ctx, store.Org(org), of, label, ids)
	})
}

func (r *Resolver) policyWarnings(ctx context.Context, p *core.Policy) ([]string, error) {
	out := []string{}
	missing, err := r.loaders(ctx).apisThere.Of(ctx, p.OrgID, p.ApiIDs, warned)
	if len(missing) > 0 {
		out = append(out, core.DanglingApis(missing))
	}
	return out, err
}

func (r *Resolver) keyWarnings(ctx context.Context, k *core.Key) ([]string, error) {
	out, l := k.Warnings(), r.loaders(ctx)
	apis, err := l.apisThere.Of(ctx, k.OrgID, k.ApiIDs, warned)
	if err != nil {
		return nil, err
	}
	policies, err := l.policiesThere.Of(ctx, k.OrgID, k.PolicyIDs, warned)
	if len(apis) > 0 {
		out = append(out, core.DanglingApis(apis))
	}
	if len(policies) > 0 {
		out = append(out, core.DanglingPolicies(policies))
	}
	return out, err
}
