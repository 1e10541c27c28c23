package reference

import (
	"context"
	"slices"

	"gatehouse/internal/core"
	"gatehouse/store"
)

// CheckSeen refuses an object that names, and did not name before, an API or a policy that is not there for somebody
// who sees less than there is: what they do not see, they open to nobody, and what there is not yet may become what
// they do not see. old is nil for a new object. Who sees everything may name what comes later.
func (n *Names) CheckSeen(ctx context.Context, t store.Tenant, next, old core.Object) error {
	if !t.IsRestricted() {
		return nil
	}
	had := map[*core.Kind][]string{}
	if old != nil {
		for _, o := range namedBy(old) {
			had[o.of] = append(had[o.of], o.ids...)
		}
	}
	for _, o := range namedBy(next) {
		var of Counter
		label := ""
		switch o.of {
		case core.ApiKind:
			of, label = n.store.Apis, "public"
		case core.PolicyKind:
			of, label = n.store.Policies, "known"
		default:
			continue
		}
		added := core.Added(o.ids, had[o.of])
		there, err := There(ctx, t.Narrow(next.Base().OrgID), of, label, added)
		if err != nil {
			return err
		}
		added = slices.DeleteFunc(added, func(id string) bool { return there[id] > 0 })
		if len(added) == 0 {
			continue
		}
		switch next.(type) { // what is said of keys that name what is not there
		case *core.Key, *core.Policy:
			if o.of == core.PolicyKind {
				return core.MissingPolicies(added)
			}
			return core.MissingApis(added)
		}
		return core.Errorf(core.CodeInvalid, "%s", o.words(added))
	}
	return nil
}

func namedBy(o core.Object) []naming {
	switch o := o.(type) {
	case *core.Api:
		return namedByApi(o)
	case *core.Policy:
		return namedByPolicy(o)
	case *core.Key:
		return namedByKey(o)
	case *core.OauthClient:
		return namedByClient(o)
	}
	return nil
}
