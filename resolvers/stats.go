package resolvers

import (
	"cmp"
	"context"
	"time"

	"gatehouse/graph/model"
	"gatehouse/internal/gateway/nodes"
	"gatehouse/internal/stats"
	"gatehouse/store"
)

// systemStats counts what is there now, and what of that was there before: what was deleted since leaves no trace.
func (r *Resolver) systemStats(
	ctx context.Context,
	of *model.SystemStatsEntity,
	from, to *time.Time,
) (*model.SystemStats, error) {
	entity := *cmp.Or(of, new(model.SystemStatsEntityAPIS))
	days, err := stats.Days(r.store.Now(), from, to)
	if err != nil {
		return nil, err
	}
	var all, active stats.Made
	if entity == model.SystemStatsEntityAPIS {
		if all, err = r.apisMade(ctx); err == nil {
			active, err = r.apisMade(ctx, store.Between("active", 1, 1))
		}
	} else {
		all, active, err = r.gatewaysMade(ctx, entity)
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
func (r *Resolver) apisMade(ctx context.Context, where ...store.Cond) (stats.Made, error) {
	var made stats.Made
	for a, err := range r.store.Apis.All(ctx, store.Query{Tenant: tenant(ctx), Where: where, Sort: "created_at", IDsOnly: true}) {
		if err != nil {
			return nil, err
		}
		made = append(made, a.CreatedAt)
	}
	return made, nil
}

// gatewaysMade tells when the gateways that are known registered, or when the first of them did.
func (r *Resolver) gatewaysMade(
	ctx context.Context,
	entity model.SystemStatsEntity,
) (all, active stats.Made, err error) {
	known, err := r.nodes.List(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, n := range known {
		all = append(all, n.RegisteredAt())
		if r.nodes.State(n) == nodes.Active {
			active = append(active, n.RegisteredAt())
		}
	}
	all, active = stats.NewMade(all), stats.NewMade(active)
	if entity == model.SystemStatsEntityDataplanes {
		all, active = all[:min(1, len(all))], active[:min(1, len(active))]
	}
	return all, active, nil
}
