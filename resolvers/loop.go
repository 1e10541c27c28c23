package resolvers

import (
	"context"
	"slices"

	"gatehouse/internal/core"
	"gatehouse/internal/gateway/nodes"
)

// judgeLoops refuses writes by which requests would be handed from API to API without an end, which takes down a
// gateway. What an API had before is not judged again; gateways are not told of it.
func (r *Resolver) judgeLoops(ctx context.Context, apis []apiWrite) error {
	judged := map[string][]*core.Api{} // by organisation
	for _, w := range apis {
		if w.old == nil || w.old.TargetURL != w.next.TargetURL || !slices.Equal(w.old.Versions, w.next.Versions) ||
			w.old.Name != w.next.Name {
			judged[w.next.OrgID] = append(judged[w.next.OrgID], w.next)
		}
	}
	for org, next := range judged {
		circling, err := nodes.Circling(ctx, r.store, org, next)
		if err != nil {
			return err
		}
		for _, a := range next {
			if circling[a.ID] {
				return core.InField(
					"api_definition.proxy.target_url",
					"leads through %s and its versions back to where it came from, without an end: a request would take down the gateway",
					describe(a),
				)
			}
		}
	}
	return nil
}
