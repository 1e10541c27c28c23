package store

import (
	"context"
	"slices"
)

// Where ownership is in force, people see less of their organisation than there is: an API that has owners is seen by
// those alone, and what names APIs, a policy or a key, by whoever sees one of them. The restriction is a part of the
// Tenant, so that every read of a caller has it; what a caller does not see is as if it did not exist.

// viewer is somebody who sees what they own, and what nobody owns.
type viewer struct{ ids []string }

// SeenBy is t as somebody sees it who owns what names one of these ids, their own and those of their groups, as its
// owner.
func (t Tenant) SeenBy(ids []string) Tenant {
	t.viewer = &viewer{ids}
	return t
}

// Narrow is t in one organisation; the zero Tenant where that is not in it.
func (t Tenant) Narrow(orgID string) Tenant {
	if !t.Includes(orgID) {
		return Tenant{}
	}
	n := Org(orgID)
	n.viewer = t.viewer
	return n
}

// IsRestricted tells whether somebody sees t who may not see all that is in it.
func (t Tenant) IsRestricted() bool { return t.viewer != nil }

// whole is t with all that is in it.
func (t Tenant) whole() Tenant {
	t.viewer = nil
	return t
}

// SeenBy is the store as somebody sees it; see Tenant.SeenBy.
func (s *Store) SeenBy(ids []string) *Store {
	seen := *s
	seen.Apis, seen.Policies = s.Apis.seenBy(ids), s.Policies.seenBy(ids)
	seen.Keys, seen.OauthClients = s.Keys.seenBy(ids), s.OauthClients.seenBy(ids)
	return &seen
}

func (r *Repository[T]) seenBy(ids []string) *Repository[T] {
	seen := *r
	seen.viewer = &viewer{ids}
	return &seen
}

// as is t as the viewer of the repository sees it, where it has one.
func (r *Repository[T]) as(t Tenant) Tenant {
	if t.viewer == nil {
		t.viewer = r.viewer
	}
	return t
}

// The values of the label "viewer" of APIs, beside the ids of those who own them.
const (
	// everybody is that of an API without owners.
	everybody = "*"
	// somebody is that of an API with owners.
	somebody = "owned"
)

// viewers are the values of the label "viewer" of an API.
func viewers(owners []string) []string {
	if len(owners) == 0 {
		return []string{everybody}
	}
	return append([]string{somebody}, owners...)
}

// seenApis is the condition that a viewer sees an API.
func (v *viewer) seenApis() Cond { return HasLabel("viewer", append([]string{everybody}, v.ids...)...) }

// seenPolicies is the condition that a viewer sees a policy: it names an API that they see, or none that has owners.
func (v *viewer) seenPolicies() Cond {
	return AnyOf(
		LeadsTo("api", apis, "public", v.seenApis()),
		NoneOf(LeadsTo("api", apis, "public", HasLabel("viewer", somebody))),
	)
}

// seenKeys is the condition that a viewer sees a key, which names APIs itself and by its policies.
func (v *viewer) seenKeys() Cond {
	naming := func(api Cond) Cond {
		return AnyOf(
			LeadsTo("api", apis, "public", api),
			LeadsTo("policy", policies, "known", LeadsTo("api", apis, "public", api)),
		)
	}
	return AnyOf(naming(v.seenApis()), NoneOf(naming(HasLabel("viewer", somebody))))
}

// seenClients is the condition that a viewer sees an OAuth client: that of an API that they see.
func (v *viewer) seenClients() Cond {
	return NoneOf(LeadsTo("api", apis, "public", NoneOf(v.seenApis())))
}

// seen are conditions with the one under which the caller of t sees an object of the collection.
func (r *Repository[T]) seen(t Tenant, where []Cond) []Cond {
	if t.viewer == nil || r.kind.seen == nil {
		return where
	}
	return append(slices.Clip(where), r.kind.seen(t.viewer))
}

// Seen tells which objects of ids are in the tenant and seen by its viewer, where it has one.
func (r *Repository[T]) Seen(ctx context.Context, t Tenant, ids []string) (map[string]bool, error) {
	out := make(map[string]bool, len(ids))
	for some := range slices.Chunk(ids, 500) {
		l, err := r.List(ctx, Query{Tenant: t, Where: []Cond{In("id", some...)}, Sort: "id", Limit: len(some), IDsOnly: true})
		if err != nil {
			return nil, err
		}
		for _, object := range l.Objects {
			out[r.kind.meta(object).ID] = true
		}
	}
	return out, nil
}

// onlySeen leaves out what the viewer of a tenant does not see.
func (r *Repository[T]) onlySeen(ctx context.Context, t Tenant, objects []*T) ([]*T, error) {
	if t.viewer == nil || r.kind.seen == nil || len(objects) == 0 {
		return objects, nil
	}
	ids := make([]string, len(objects))
	for i, object := range objects {
		ids[i] = r.kind.meta(object).ID
	}
	seen, err := r.Seen(ctx, t, ids)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(objects, func(object *T) bool { return !seen[r.kind.meta(object).ID] }), nil
}

// topSeen is TopByLabel for a viewer: a list for each value.
func (r *Repository[T]) topSeen(
	ctx context.Context, t Tenant, label string, values []string, limit int,
) (map[string][]*T, error) {
	out := make(map[string][]*T, len(values))
	for _, v := range values {
		l, err := r.List(ctx, Query{Tenant: t, Where: []Cond{HasLabel(label, v)}, Desc: true, Limit: limit})
		if err != nil {
			return nil, err
		}
		out[v] = l.Objects
	}
	return out, nil
}

// countSeen is CountByLabel for a viewer: a count for each value.
func (r *Repository[T]) countSeen(
	ctx context.Context, t Tenant, label string, values []string,
) (map[string]int, error) {
	if len(values) == 0 {
		all, err := r.CountByLabel(ctx, t.whole(), label)
		if err != nil {
			return nil, err
		}
		for v := range all {
			values = append(values, v)
		}
	}
	out := make(map[string]int, len(values))
	for _, v := range values {
		n, err := r.Count(ctx, t, HasLabel(label, v))
		if err != nil {
			return nil, err
		}
		if n > 0 {
			out[v] = n
		}
	}
	return out, nil
}
