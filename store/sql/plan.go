package sql

import (
	"cmp"
	"context"
	stdsql "database/sql"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	"gatehouse/store"
)

// plan is how to come by the records that match, where the database has to be told: which of several conditions to
// start from depends on how many records each holds for, and SQLite does not know.
type plan struct {
	// start selects the rows of the table to look at, as "driven"; "" looks at all of them, in the order of the list.
	// driven is the column of the table that it names them by.
	start, driven string
	args          []any
	// union is set where all that is asked for is one of several labels, those that any record carries; it may have none.
	union []carried
	// frequent are the labels, by labelKey, that so many records carry that each record is better asked for them.
	frequent map[string]bool
}

// carried is a value of a label with the number of records that carry it, -1 where that is not known.
type carried struct {
	field, value string
	n            int
}

// limits are where one way to search becomes better than another.
type limits struct {
	// start is how many rows a search looks at one by one at most; of what more have, walking through the list finds a
	// page sooner.
	start int
	// parted is how many rows a table must have to be counted in parts, one for each processor.
	parted int64
}

var defaultLimits = limits{start: 10_000, parted: 100_000}

// maxUnion bounds the values of a union, and with it the size of a statement.
const maxUnion = 64

// plan looks for the best start for a list in the order of column.
func (e *Engine) plan(
	ctx context.Context,
	t *table,
	tenant store.Tenant,
	conds []store.Cond,
	column string,
) (plan, error) {
	var p plan
	// Labels alone, in the order of their index: no record has to be looked at.
	if union := unionOf(conds); union != nil && column == "created_at" {
		if len(union) == 1 || tenant.IsAll() {
			return p, nil
		}
		if e.dialect.indexed {
			var err error
			if union, err = e.carried(ctx, t, tenant, union); err != nil {
				return p, err
			}
		}
		if len(union) <= maxUnion {
			p.union = union
			return p, nil
		}
	}
	if !e.dialect.indexed {
		return p, nil
	}
	best := e.limits.start + 1
	p.frequent = map[string]bool{}
	for _, c := range conds {
		if err := e.weigh(ctx, t, tenant, c, p.frequent); err != nil {
			return p, err
		}
		start, n, err := e.start(ctx, t, tenant, c)
		if err != nil {
			return p, err
		}
		if start != nil && n < best {
			p.start, p.driven, p.args, best = start.String(), start.driven, start.args, n
		}
	}
	return p, nil
}

// starting is a builder of a start.
type starting struct {
	builder
	driven string
}

// start is the selection of the rows for which a condition may hold, and how many it finds; nil where these are too
// many, or not to be had without looking at all.
func (e *Engine) start(ctx context.Context, t *table, tenant store.Tenant, c store.Cond) (*starting, int, error) {
	out := &starting{builder: builder{dialect: e.dialect}}
	if values := unionOf([]store.Cond{c}); values != nil {
		values, err := e.carried(ctx, t, tenant, values)
		n := 0
		for _, v := range values {
			n += v.n
		}
		if err != nil || n > e.limits.start || len(values) > maxUnion {
			return nil, 0, err
		}
		out.driven = "id"
		for i, v := range values {
			if i > 0 {
				out.add(" UNION ")
			}
			out.add("SELECT object_id AS driven FROM labels WHERE ")
			out.label(t, tenant, v.field)
			out.add(" AND value = ?", v.value)
		}
		if len(values) == 0 {
			out.add("SELECT NULL AS driven WHERE 1 = 0")
		}
		return out, n, nil
	}
	match := partsOf(t, c)
	if match == "" {
		return nil, 0, nil
	}
	numbers := []int64{}
	b := &builder{dialect: e.dialect}
	b.add("SELECT rowid FROM "+t.Name+"_search WHERE "+t.Name+"_search MATCH ? LIMIT ?", match, e.limits.start+1)
	err := e.rows(ctx, b, func(rows *stdsql.Rows) error {
		var n int64
		err := rows.Scan(&n)
		numbers = append(numbers, n)
		return err
	})
	if err != nil || len(numbers) > e.limits.start {
		return nil, 0, err
	}
	list, err := json.Marshal(numbers)
	out.driven = "n"
	out.add("SELECT value AS driven FROM json_each(?)", string(list))
	return out, len(numbers), err
}

// unionOf lists the values of labels of which a record has to carry one for the only condition to hold; nil for other
// conditions.
func unionOf(conds []store.Cond) []carried {
	if len(conds) != 1 {
		return nil
	}
	switch c := conds[0]; c.Op {
	case store.OpLabel:
		out := []carried{}
		for _, value := range distinct(c.Values) {
			out = append(out, carried{c.Field, value, -1})
		}
		return out
	case store.OpAny:
		var out []carried
		for _, one := range c.Any {
			values := unionOf([]store.Cond{one})
			if values == nil {
				return nil
			}
			out = append(out, values...)
		}
		slices.SortFunc(
			out,
			func(a, b carried) int { return cmp.Or(cmp.Compare(a.field, b.field), cmp.Compare(a.value, b.value)) },
		)
		return slices.Compact(out)
	}
	return nil
}

// partsOf is what to search the index of parts for, so that it finds every row for which the condition holds, and maybe
// others: all that have each three characters in a row of the text. "" where the index is of no help.
func partsOf(t *table, c store.Cond) string {
	switch c.Op {
	case store.OpContains:
		if len(c.Values) != 1 || !slices.Contains(t.Searched, c.Field) || utf8.RuneCountInString(c.Values[0]) < 3 {
			return ""
		}
		text := []rune(c.Values[0])
		step := 1
		if len(text) > longPart {
			step = 3
		}
		var parts []string
		for i := 0; i < len(text)-2 && len(parts) < maxParts; i += step {
			parts = append(parts, quotePart(text[i:i+3]))
		}
		parts = append(parts, quotePart(text[len(text)-3:]))
		slices.Sort(parts)
		parts = slices.Compact(parts)
		return strings.Join(parts, " AND ")
	case store.OpAny:
		var any []string
		for _, one := range c.Any {
			part := partsOf(t, one)
			if part == "" {
				return ""
			}
			if part = "(" + part + ")"; !slices.Contains(any, part) {
				any = append(any, part)
			}
		}
		return strings.Join(any, " OR ")
	}
	return ""
}

func quotePart(part []rune) string { return `"` + strings.ReplaceAll(string(part), `"`, `""`) + `"` }

// Of texts with more than longPart characters, parts that do not overlap tell rows apart nearly as well, at a third of
// the cost. maxParts bounds what is searched for.
const (
	longPart = 7
	maxParts = 32
)

// weigh notes which labels of a condition are frequent.
func (e *Engine) weigh(
	ctx context.Context,
	t *table,
	tenant store.Tenant,
	c store.Cond,
	frequent map[string]bool,
) error {
	for _, one := range c.Any {
		if err := e.weigh(ctx, t, tenant, one, frequent); err != nil {
			return err
		}
	}
	if c.Op != store.OpLabel {
		return nil
	}
	values, err := e.carried(ctx, t, tenant, unionOf([]store.Cond{c}))
	n := 0
	for _, v := range values {
		n += v.n
	}
	frequent[labelKey(c)] = n > e.limits.start
	return err
}

func labelKey(c store.Cond) string { return c.Field + "\x00" + strings.Join(c.Values, "\x00") }

// carried counts how many records carry each of the values, and returns those that any does, the most frequent first.
func (e *Engine) carried(ctx context.Context, t *table, tenant store.Tenant, values []carried) ([]carried, error) {
	var out []carried
	for len(values) > 0 {
		field := values[0].field
		n := slices.IndexFunc(append(slices.Clip(values), carried{}), func(v carried) bool { return v.field != field })
		names := make([]string, n)
		for i, v := range values[:n] {
			names[i] = v.value
		}
		values = values[n:]
		counts, err := e.CountByLabel(ctx, t.Collection, tenant, field, names)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			if counts[name] > 0 {
				out = append(out, carried{field, name, counts[name]})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b carried) int { return b.n - a.n })
	return out, nil
}
