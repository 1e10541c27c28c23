// Package tally counts what is there, and what of that was there before.
package tally

import (
	"cmp"
	"context"
	"time"

	"gatehouse/graph/model"
	"gatehouse/internal/gateway/nodes"
	"gatehouse/internal/stats"
	"gatehouse/store"
)

// Tally counts for callers. It is safe for concurrent use.
type Tally struct {
	Store *store.Store
	Nodes *nodes.Registry
}

// System counts what is there now of a tenant's, and what of that was there before: what was deleted since leaves no
// trace.
func (c Tally) System(
	ctx context.Context,
	t store.Tenant,
	of *model.SystemStatsEntity,
	from, to *time.Time,
) (*model.SystemStats, error) {
	entity := *cmp.Or(of, new(model.SystemStatsEntityAPIS))
	days, err := stats.Days(c.Store.Now(), from, to)
	if err != nil {
		return nil, err
	}
	var all, active stats.Made
	if entity == model.SystemStatsEntityAPIS {
		if all, err = c.apisMade(ctx, t); err == nil {
			active, err = c.apisMade(ctx, t, store.Between("active", 1, 1))
		}
	} else {
		all, active, err = c.gatewaysMade(ctx, entity)
	}
	if err != nil {
		return nil, err
	}
	out := &model.SystemStats{
		Entity:  entity,
		Current: len(all),
		Active:  len(active),
		History: make([]*model.SystemStatsPoint, len(days)),
	}
	for i, day := range days {
		out.History[i] = &model.SystemStatsPoint{At: day, Total: all.By(day), Active: active.By(day)}
	}
	return out, nil
}

// apisMade tells when each of the caller's APIs was made, the oldest first.
func (c Tally) apisMade(ctx context.Context, t store.Tenant, where ...store.Cond) (stats.Made, error) {
	var made stats.Made
	q := store.Query{Tenant: t, Where: where, Sort: "created_at", IDsOnly: true}
	for a, err := range c.Store.Apis.All(ctx, q) {
		if err != nil {
			return nil, err
		}
		made = append(made, a.CreatedAt)
	}
	return made, nil
}

// gatewaysMade tells when the gateways that are known registered, or when the first of them did.
func (c Tally) gatewaysMade(
	ctx context.Context,
	entity model.SystemStatsEntity,
) (all, active stats.Made, err error) {
	known, err := c.Nodes.List(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, n := range known {
		all = append(all, n.RegisteredAt())
		if c.Nodes.State(n) == nodes.Active {
			active = append(active, n.RegisteredAt())
		}
	}
	all, active = stats.NewMade(all), stats.NewMade(active)
	if entity == model.SystemStatsEntityDataplanes {
		all, active = all[:min(1, len(all))], active[:min(1, len(active))]
	}
	return all, active, nil
}
