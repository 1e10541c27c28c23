package policy

import (
	"context"
	"errors"
	"time"

	"gatehouse/internal/filter"
	"gatehouse/internal/page"
	"gatehouse/store"
)

// Filter is what a list of policies is narrowed by, as the schema has it; nil is not.
type Filter struct {
	Q            *string
	Ids          []string
	Active       *bool
	State        *string
	APIIds       []string
	AuthTypes    []string
	Tag          *string
	DanglingOnly *bool
	UpdatedSince *time.Time
	OrgID        *string
}

// Conditions are what a filter means; nil means none.
func (p *Policies) Conditions(ctx context.Context, t store.Tenant, f *Filter) ([]store.Cond, error) {
	if f == nil {
		return nil, nil
	}
	err := errors.Join(
		page.Choices("policy_ids", f.Ids), page.Choices("api_id", f.APIIds), page.Choices("auth_type", f.AuthTypes),
	)
	if err != nil {
		return nil, err
	}
	var where filter.Where
	if f.Q != nil && *f.Q != "" {
		where.Add(store.AnyOf(store.Contains("name", *f.Q), store.In("id", *f.Q)))
	}
	if len(f.Ids) > 0 {
		where.Add(store.In("id", f.Ids...))
	}
	if f.State != nil {
		where.Add(store.In("state", store.Fold(*f.State)))
	}
	where.AnyLabel("api", f.APIIds)
	where.AnyLabel("auth", f.AuthTypes)
	where.Label("tag", f.Tag)
	err = where.Holds(f.DanglingOnly, func() (store.Cond, error) { return p.o.Names.DanglingPolicies(ctx, t) })
	where.ChangedSince(f.UpdatedSince)
	where.Truth("active", f.Active)
	return where, err
}
