package reference

import (
	"context"

	"gatehouse/internal/batch"
	"gatehouse/internal/core"
	"gatehouse/store"
)

// warned is how many of the ids that a document names are looked up for its warnings.
const warned = 100

// NewAbsent makes a loader of which ids nothing has under a label, for all siblings at once.
func NewAbsent(of Counter, label string) *batch.Absent {
	return batch.NewAbsent(func(ctx context.Context, org string, ids []string) (map[string]int, error) {
		return There(ctx, store.Org(org), of, label, ids)
	})
}

// PolicyWarnings say what a policy names that there is not, of the first hundred ids; apis finds that of APIs.
func PolicyWarnings(ctx context.Context, p *core.Policy, apis *batch.Absent) ([]string, error) {
	out := []string{}
	missing, err := apis.Of(ctx, p.OrgID, p.ApiIDs, warned)
	if len(missing) > 0 {
		out = append(out, core.DanglingApis(missing))
	}
	return out, err
}

// KeyWarnings say so of a key, after what else it should not be; apis and policies find what there is not of those.
func KeyWarnings(ctx context.Context, k *core.Key, apis, policies *batch.Absent) ([]string, error) {
	out := k.Warnings()
	noApis, err := apis.Of(ctx, k.OrgID, k.ApiIDs, warned)
	if err != nil {
		return nil, err
	}
	noPolicies, err := policies.Of(ctx, k.OrgID, k.PolicyIDs, warned)
	if len(noApis) > 0 {
		out = append(out, core.DanglingApis(noApis))
	}
	if len(noPolicies) > 0 {
		out = append(out, core.DanglingPolicies(noPolicies))
	}
	return out, err
}
