package resolvers

import (
	"context"
	"sort"
	"time"

	"gatehouse/graph/model"
	"gatehouse/internal/core"
	"gatehouse/internal/gateway/nodes"
	"gatehouse/store"
)

// maxStatsDays is how many days one history may have.
const maxStatsDays = 3660

// systemStats counts what is there now, and what of that was there before: what was deleted since leaves no trace.
func (r *Resolver) systemStats(
	ctx context.Context,
	of *model.SystemStatsEntity,
	from, to *time.Time,
) (*model.SystemStats, error) {
	entity := model.SystemStatsEntityAPIS
	if of != nil {
		entity = *of
	}
	days, err := statsDays(r.store.Now(), from, to)
	if err != nil {
		return nil, err
	}
	var all, active []time.Time
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
		end := day.AddDate(0, 0, 1)
		out.History[i] = &model.SystemStatsPoint{At: day, Total: madeBefore(all, end), Active: madeBefore(active, end)}
	}
	return out, nil
}

// statsDays are the days of a history, none of them in the future.
func statsDays(now time.Time, from, to *time.Time) ([]time.Time, error) {
	day := func(t time.Time) time.Time {
		y, m, d := t.UTC().Date()
		return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	}
	first, last := time.Date(now.UTC().Year()-1, 1, 1, 0, 0, 0, 0, time.UTC), day(now)
	if from != nil {
		first = day(*from)
	}
	if to != nil {
		if day(*to).Before(first) {
			return nil, core.Errorf(core.CodeInvalid, "the last day must not be before the first")
		}
		if day(*to).Before(last) {
			last = day(*to)
		}
	}
	if last.Sub(first) >= maxStatsDays*24*time.Hour {
		return nil, core.Errorf(core.CodeInvalid, "the first and the last day must be at most %d days apart", maxStatsDays)
	}
	var out []time.Time
	for d := first; !d.After(last); d = d.AddDate(0, 0, 1) {
		out = append(out, d)
	}
	return out, nil
}

// madeBefore counts the times, which are sorted, before a moment.
func madeBefore(made []time.Time, end time.Time) int {
	return sort.Search(len(made), func(i int) bool { return !made[i].Before(end) })
}

// apisMade tells when each of the caller's APIs was made, the oldest first.
func (r *Resolver) apisMade(ctx context.Context, where ...store.Cond) ([]time.Time, error) {
	var made []time.Time
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
) (all, active []time.Time, err error) {
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
	for _, made := range []*[]time.Time{&all, &active} {
		sort.Slice(*made, func(i, j int) bool { return (*made)[i].Before((*made)[j]) })
		if entity == model.SystemStatsEntityDataplanes && len(*made) > 1 {
			*made = (*made)[:1]
		}
	}
	return all, active, nil
}
