package nodes

import (
	"context"
	"slices"

	"gatehouse/internal/core"
)

// within takes out of the policies of a page what would open APIs of other organisations: gateways judge rights by the id of an API
// alone. Policies that name such an id are refused today; this is for those that were saved before, or restored from elsewhere. What
// is stored stays as it is.
func (r *Registry) within(ctx context.Context, page []*core.Policy) ([]core.Document, error) {
	named := make([][]string, len(page))
	var all []string
	for i, p := range page {
		named[i] = core.NamedApis(p.Document)
		all = append(all, named[i]...)
	}
	slices.Sort(all)
	all = slices.Compact(all)
	owners, err := r.o.Store.ApiIDOwners(ctx, all)
	if err != nil {
		return nil, err
	}
	out := make([]core.Document, len(page))
	for i, p := range page {
		foreign := func(id string) bool { owner, owned := owners[id]; return owned && owner != p.OrgID }
		if out[i] = p.Document; slices.ContainsFunc(named[i], foreign) {
			out[i] = core.WithoutApis(p.Document, foreign)
		}
	}
	return out, nil
}
