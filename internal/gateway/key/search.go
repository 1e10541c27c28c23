package key

import (
	"context"
	"math"
	"slices"
	"time"

	"gatehouse/internal/core"
	"gatehouse/internal/filter"
	"gatehouse/internal/reference"
	"gatehouse/store"
)

// Filter is what a list of keys is narrowed by, as the schema has it; nil is not.
type Filter struct {
	Q, ID, Alias, Tag           *string
	APIID, PolicyID             *string
	ExpiresBefore, ExpiresAfter *time.Time
	Inactive, BasicAuth         *bool
	DanglingOnly                *bool
	UpdatedSince                *time.Time
	OrgID                       *string
}

// Conditions are what a filter means; nil means none.
func (s *Sessions) Conditions(ctx context.Context, t store.Tenant, f *Filter) ([]store.Cond, error) {
	if f == nil {
		return nil, nil
	}
	var where filter.Where
	err := where.Holds(f.DanglingOnly, func() (store.Cond, error) { return s.o.Names.DanglingKeys(ctx, t, s.space) })
	if err != nil {
		return nil, err
	}
	where.Part(f.Q, "id", "alias")
	where.Part(f.ID, "id")
	where.Part(f.Alias, "alias")
	where.Label("tag", f.Tag)
	if f.PolicyID != nil {
		where.AnyLabel("policy", s.idsOfPolicy(ctx, t, *f.PolicyID))
	}
	if f.APIID != nil {
		id, own, err := s.openable(ctx, t, *f.APIID)
		if err != nil {
			return nil, err
		}
		cond, err := s.o.Names.Opens(ctx, own, s.space, id)
		if err != nil {
			return nil, err
		}
		where.Add(cond)
	}
	// A key without an end is kept with 0.
	if at := f.ExpiresBefore; at != nil {
		where.Add(store.Between("expires", 1, at.Add(-1).Unix()))
	}
	if at := f.ExpiresAfter; at != nil {
		where.Add(store.Between("expires", max(1, at.Unix()+1), math.MaxInt64))
	}
	where.ChangedSince(f.UpdatedSince)
	where.Truth("inactive", f.Inactive)
	where.Truth("basic_auth", f.BasicAuth)
	return where, nil
}

// idsOfPolicy are both ids of a policy, under which keys may name it; the one that is given where there is none.
func (s *Sessions) idsOfPolicy(ctx context.Context, t store.Tenant, id string) []string {
	if p, err := s.o.Names.Policy(ctx, t, id); err == nil {
		return slices.Compact([]string{p.PolicyID, p.ID})
	}
	return []string{id}
}

// openable is the public id of an API by either id, and whose keys may open it. One that is gone has keys as long as
// anything names it by its public id.
func (s *Sessions) openable(ctx context.Context, t store.Tenant, id string) (string, store.Tenant, error) {
	a, missing := s.o.Names.Api(ctx, t, id)
	if missing == nil {
		return a.ApiID, t.Narrow(a.OrgID), nil
	}
	if core.CodeOf(missing) != core.CodeNotFound {
		return "", t, missing
	}
	for _, naming := range []reference.Counter{s.space, s.o.Store.Policies} {
		if named, err := naming.CountByLabel(ctx, t, "api", id); err != nil || named[id] > 0 {
			return id, t, err
		}
	}
	return "", t, missing
}
