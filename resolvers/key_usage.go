package resolvers

import (
	"context"

	"gatehouse/graph/model"
	"gatehouse/internal/core"
	"gatehouse/internal/gateway/keyspace"
	"gatehouse/resolvers/connection"
	"gatehouse/resolvers/counted"
)

// counters is what gateways counted for a key, where keys live in Redis.
func (r *Resolver) counters(
	ctx context.Context,
	k *core.Key,
	first *int,
	after *string,
) (*model.KeyCounterConnection, error) {
	policies, err := r.loaders(ctx).PoliciesOf(ctx, k.OrgID, k.PolicyIDs, len(k.PolicyIDs))
	if err != nil {
		return nil, err
	}
	limits := keyspace.Limits(k, policies)
	page, err := connection.Cut(r.settings.Pages, "counters of key "+k.ID, limits, keyspace.Limit.Scope, first, after)
	if err != nil {
		return nil, err
	}
	out := &model.KeyCounterConnection{Nodes: []*model.KeyCounter{}, TotalCount: page.TotalCount, PageInfo: page.PageInfo}
	if !connection.AskedOf(ctx).Page {
		return out, nil
	}
	all, err := r.space.Usage(ctx, k, page.Nodes)
	if err != nil {
		return nil, err
	}
	out.Nodes = counted.Keys(all)
	return out, nil
}

// keyIndex is how far the index is.
func (r *Resolver) keyIndex(ctx context.Context) (*model.KeyIndex, error) {
	if r.space == nil {
		return &model.KeyIndex{Progress: 1}, nil
	}
	s, err := r.space.Status(ctx)
	if err != nil {
		return nil, err
	}
	return counted.Index(s), nil
}
