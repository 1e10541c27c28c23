package sql

import (
	"cmp"
	"context"
	stdsql "database/sql"
	"math"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"gatehouse/store"
)

// Count implements store.Engine.
func (e *Engine) Count(ctx context.Context, c *store.Collection, tenant store.Tenant, where []store.Cond) (int, error) {
	t, err := e.table(c)
	if err != nil {
		return 0, err
	}
	p, err := e.plan(ctx, t, tenant, where, "created_at")
	if err != nil {
		return 0, err
	}
	return e.count(ctx, t, tenant, where, p)
}

// count counts what Count does. What triggers keep count of is looked up; of the rest, a million records take a tenth
// of a second, so that they are counted in parts, by all processors.
func (e *Engine) count(ctx context.Context, t *table, tenant store.Tenant, where []store.Cond, p plan) (int, error) {
	values := unionOf(where)
	switch {
	case p.union != nil:
		return e.countUnion(ctx, t, tenant, p.union)
	case !e.dialect.indexed || p.start != "":
	case len(where) == 0 && len(t.Searched) > 0:
		return e.countAll(ctx, t, tenant)
	case len(values) == 1:
		counts, err := e.CountByLabel(ctx, t.Collection, tenant, values[0].field, []string{values[0].value})
		return counts[values[0].value], err
	case len(t.Searched) > 0:
		return e.countParts(ctx, t, tenant, where, p)
	}
	return e.countMatches(ctx, t, tenant, where, p)
}

func (e *Engine) countMatches(
	ctx context.Context,
	t *table,
	tenant store.Tenant,
	where []store.Cond,
	p plan,
) (int, error) {
	b := &builder{dialect: e.dialect}
	b.add("SELECT COUNT(*) FROM ")
	if err := b.matches(t, tenant, where, "created_at", p); err != nil {
		return 0, err
	}
	return e.number(ctx, b)
}

// number runs a query for one number.
func (e *Engine) number(ctx context.Context, b *builder) (n int, err error) {
	err = e.rows(ctx, b, func(rows *stdsql.Rows) error { return rows.Scan(&n) })
	return n, err
}

// countAll counts the records of a tenant, of a collection that is large enough for a count to be kept.
func (e *Engine) countAll(ctx context.Context, t *table, tenant store.Tenant) (int, error) {
	b := &builder{dialect: e.dialect}
	b.add(
		"SELECT COALESCE(SUM(n), 0) FROM label_counts WHERE collection = '" + t.Name + "' AND field = '' AND value = '' AND ",
	)
	b.tenant("", tenant)
	return e.number(ctx, b)
}

// lookUpCost is how many labels can be read in a row while one is looked up.
const lookUpCost = 6

// countUnion counts the records that carry at least one of the values.
func (e *Engine) countUnion(ctx context.Context, t *table, tenant store.Tenant, values []carried) (int, error) {
	b := &builder{dialect: e.dialect}
	of := func(v carried) {
		b.label(t, tenant, v.field)
		b.add(" AND value = ?", v.value)
	}
	union := func(values []carried) {
		for i, v := range values {
			if i > 0 {
				b.add(" UNION ")
			}
			b.add("SELECT created_at, object_id FROM labels WHERE ")
			of(v)
		}
	}
	if len(values) == 0 {
		return 0, nil
	}
	if !e.dialect.indexed {
		b.add("SELECT COUNT(*) FROM (")
		union(values)
		b.add(") u")
		return e.number(ctx, b)
	}
	most, rest := values[0], 0
	for _, v := range values[1:] {
		rest += v.n
	}
	if len(t.Searched) > 0 {
		if all, err := e.countAll(ctx, t, tenant); err != nil || most.n == all {
			return all, err
		}
	}
	if rest*lookUpCost > most.n {
		// In this order, neighbours are merged as they are read.
		b.add("SELECT COUNT(*) FROM (")
		union(values)
		b.add(" ORDER BY created_at, object_id)")
		return e.number(ctx, b)
	}
	if rest == 0 {
		return most.n, nil
	}
	b.add("SELECT COUNT(*) FROM (")
	union(values[1:])
	b.add(") AS u WHERE NOT EXISTS (SELECT 1 FROM labels WHERE ")
	of(most)
	b.add(" AND labels.created_at = u.created_at AND labels.object_id = u.object_id)")
	n, err := e.number(ctx, b)
	return most.n + n, err
}

// maxParted bounds the parts of a count.
const maxParted = 4

// countParts counts the records of several spans of time at once. Rows are numbered as they come, so that the numbers
// tell spans with nearly as many in each.
func (e *Engine) countParts(
	ctx context.Context,
	t *table,
	tenant store.Tenant,
	where []store.Cond,
	p plan,
) (int, error) {
	var low, high int64
	b := &builder{dialect: e.dialect}
	b.add(
		"SELECT COALESCE((SELECT MIN(n) FROM " + t.sqlName + "), 0), COALESCE((SELECT MAX(n) FROM " + t.sqlName + "), 0)",
	)
	if err := e.rows(ctx, b, func(rows *stdsql.Rows) error { return rows.Scan(&low, &high) }); err != nil {
		return 0, err
	}
	parts := min(runtime.GOMAXPROCS(0), maxParted)
	if high-low < e.limits.parted || parts < 2 {
		return e.countMatches(ctx, t, tenant, where, p)
	}
	bounds := []int64{math.MinInt64}
	for i := 1; i < parts; i++ {
		b := &builder{dialect: e.dialect}
		b.add("SELECT created_at FROM "+t.sqlName+" WHERE n >= ? ORDER BY n LIMIT 1", low+(high-low)*int64(i)/int64(parts))
		at, err := e.number(ctx, b)
		if err != nil {
			return 0, err
		}
		bounds = append(bounds, int64(at))
	}
	slices.SortFunc(bounds, cmp.Compare[int64])
	counts := make([]int, parts)
	group, ctx := errgroup.WithContext(ctx)
	for i := range parts {
		last := int64(math.MaxInt64)
		if i+1 < parts {
			last = bounds[i+1] - 1
		}
		span := store.Between("created_at", bounds[i], last)
		group.Go(func() (err error) {
			counts[i], err = e.countMatches(ctx, t, tenant, append(slices.Clip(where), span), p)
			return err
		})
	}
	err := group.Wait()
	n := 0
	for _, one := range counts {
		n += one
	}
	return n, err
}
