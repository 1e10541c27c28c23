package key

import (
	"context"

	"gatehouse/internal/core"
	"gatehouse/store"
)

// SeenBy is a key space as somebody sees it; see store.Tenant.SeenBy.
func SeenBy(keys Space, ids []string) Space { return seen{keys, ids} }

type seen struct {
	Space
	ids []string
}

func (s seen) List(ctx context.Context, q store.Query) (*store.List[core.Key], error) {
	q.Tenant = q.Tenant.SeenBy(s.ids)
	return s.Space.List(ctx, q)
}

func (s seen) Count(ctx context.Context, t store.Tenant, where ...store.Cond) (int, error) {
	return s.Space.Count(ctx, t.SeenBy(s.ids), where...)
}

func (s seen) FindMany(ctx context.Context, t store.Tenant, unique string, ids []string) ([]*core.Key, error) {
	return s.Space.FindMany(ctx, t.SeenBy(s.ids), unique, ids)
}

func (s seen) TopByLabel(
	ctx context.Context, t store.Tenant, label string, values []string, limit int,
) (map[string][]*core.Key, error) {
	return s.Space.TopByLabel(ctx, t.SeenBy(s.ids), label, values, limit)
}

func (s seen) CountByLabel(
	ctx context.Context, t store.Tenant, label string, values ...string,
) (map[string]int, error) {
	return s.Space.CountByLabel(ctx, t.SeenBy(s.ids), label, values...)
}
