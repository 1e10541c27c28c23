package sql

import (
	"context"
	stdsql "database/sql"
	"fmt"
	"slices"
	"strconv"
	"time"

	"gatehouse/store"
)

// maxValues is how many values one statement looks for: with the rest of the arguments, half of what SQLite takes.
const maxValues = 1 << 14

// Find implements store.Engine. More values than one statement takes are asked for in several.
func (e *Engine) Find(
	ctx context.Context,
	c *store.Collection,
	tenant store.Tenant,
	field string,
	values []string,
) ([]store.Record, error) {
	t, err := e.table(c)
	if err != nil {
		return nil, err
	}
	if !isColumn(t, field, "id") && !slices.ContainsFunc(t.Unique, func(u store.Unique) bool { return u.Name == field }) {
		return nil, fmt.Errorf("store: %s cannot be found by %q", t.Name, field)
	}
	var out []store.Record
	for chunk := range slices.Chunk(distinct(values), maxValues) {
		b := &builder{dialect: e.dialect}
		b.add("SELECT " + recordColumns + " FROM " + t.sqlName + " r WHERE ")
		b.in("r."+field, chunk)
		b.add(" AND ")
		b.tenant("r.", tenant)
		err := e.rowsFrom(ctx, e.finds, b, func(rows *stdsql.Rows) error {
			r, err := scan(ctx, rows)
			out = append(out, r)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// distinct returns each of values once, sorted.
func distinct(values []string) []string {
	if len(values) < 2 {
		return values
	}
	values = slices.Clone(values)
	slices.Sort(values)
	return slices.Compact(values)
}

// List implements store.Engine.
func (e *Engine) List(ctx context.Context, c *store.Collection, q store.Query) (store.Page, error) {
	t, err := e.table(c)
	if err != nil {
		return store.Page{}, err
	}
	o, err := orderOf(t, q)
	if err != nil {
		return store.Page{}, err
	}
	p, err := e.plan(ctx, t, q.Tenant, q.Where, o.column)
	if err != nil {
		return store.Page{}, err
	}
	b, err := e.pageOf(t, q, o, p)
	if err != nil {
		return store.Page{}, err
	}
	var page store.Page
	counted, of := -1, q.ListOf(c)
	err = e.rows(ctx, b, func(rows *stdsql.Rows) error {
		var cursor store.Cursor
		var value any = &cursor.Int
		if o.text {
			value = &cursor.Text
		}
		cursor.Of = of
		r, err := scan(ctx, rows, value, &counted)
		if len(page.Records) == q.Limit {
			page.More = true
			return err
		}
		cursor.ID = r.ID
		page.Records = append(page.Records, r)
		page.Cursors = append(page.Cursors, cursor.Encode())
		return err
	})
	from, _ := store.ParseCursor(q.After)
	switch {
	case err != nil || !q.Total:
	case q.After == "" && !page.More:
		page.Total = len(page.Records)
	case counted >= 0 && counted < e.countedBySearch(q, p) && from.ID == "":
		page.Total = from.Offset + counted
	default:
		page.Total, err = e.count(ctx, t, q.Tenant, q.Where, p)
	}
	if err != nil {
		return store.Page{}, err
	}
	return page, nil
}

// countedBySearch is how many matches a search that has to tell the total looks for, at least, before it leaves the
// rest to a count of its own: keeping and sorting all of a hundred thousand would cost far more than looking at them
// twice.
func (e *Engine) countedBySearch(q store.Query, p plan) int {
	switch {
	case q.Total && p.start != "":
		return max(e.limits.start, q.Limit) + 1
	case q.Total:
		return max(1000, q.Limit+1)
	}
	return q.Limit + 1
}

// pageOf makes the statement of List: recordColumns, the value that is sorted by, and how many of the next
// countedBySearch matches there are, or -1. The inner query finds the page in an index where there is one; only its
// records are read whole. A search for a part of a text may have to look at everything, so what it looked at for the
// page serves for the total too.
func (e *Engine) pageOf(t *table, q store.Query, o order, p plan) (*builder, error) {
	cursor, ok := store.ParseCursor(q.After)
	if !ok {
		return nil, fmt.Errorf("store: %q is not a cursor", q.After)
	}
	columns := recordColumns
	if q.IDsOnly {
		columns = bareColumns
	}
	b, search := &builder{dialect: e.dialect}, p.start != "" || searches(q.Where)
	limit := q.Limit + 1
	if search {
		b.add("WITH found AS " + e.dialect.materialized + "(")
		limit = e.countedBySearch(q, p)
	} else {
		b.add("SELECT " + columns + ", p.sort, -1 FROM (")
	}
	b.add("SELECT id, " + o.column + " AS sort FROM ")
	if len(p.union) > 0 {
		b.union(t, q.Tenant, p.union, o, cursor, cursor.Offset+limit)
	} else {
		if err := b.matches(t, q.Tenant, q.Where, o.column, p); err != nil {
			return nil, err
		}
		if q.After != "" && cursor.Offset == 0 {
			b.after(o, cursor)
		}
	}
	b.add(o.by("")+" LIMIT ? OFFSET ?", limit, cursor.Offset)
	o.column = "sort"
	if search {
		b.add(
			") SELECT "+columns+", p.sort, (SELECT COUNT(*) FROM found) FROM (SELECT id, sort FROM found"+o.by("")+" LIMIT ?",
			q.Limit+1,
		)
	}
	b.add(") p JOIN " + t.sqlName + " r ON r.id = p.id" + o.by("p."))
	return b, nil
}

// searches tells whether a condition looks for a part of a text, for which not every index helps.
func searches(where []store.Cond) bool {
	return slices.ContainsFunc(where, func(c store.Cond) bool { return c.Op == store.OpContains || searches(c.Any) })
}

// maxTops is how many values TopByLabel asks for in one statement: each is a query of its own inside, and SQLite takes
// 500.
const maxTops = 128

// TopByLabel implements store.Engine. Each value is a walk of at most limit steps in the index of labels.
func (e *Engine) TopByLabel(
	ctx context.Context,
	c *store.Collection,
	tenant store.Tenant,
	label string,
	values []string,
	limit int,
) (map[string][]store.Record, error) {
	t, err := e.labelled(c, label)
	if err != nil {
		return nil, err
	}
	carriers, ids := make(map[string][]string, len(values)), []string{}
	for chunk := range slices.Chunk(distinct(values), maxTops) {
		b := &builder{dialect: e.dialect}
		b.add("SELECT value, object_id FROM (")
		for i, value := range chunk {
			if i > 0 {
				b.add(" UNION ALL ")
			}
			b.add("SELECT * FROM (SELECT value, object_id, created_at FROM labels WHERE ")
			b.label(t, tenant, label)
			b.add(" AND value = ? ORDER BY created_at DESC, object_id DESC LIMIT ?) v"+strconv.Itoa(i), value, limit)
		}
		b.add(") p ORDER BY created_at DESC, object_id DESC")
		err := e.rows(ctx, b, func(rows *stdsql.Rows) error {
			var value, id string
			err := rows.Scan(&value, &id)
			carriers[value], ids = append(carriers[value], id), append(ids, id)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	// Each record is read once: a hundred policies name the same API, and its document may have megabytes.
	found, err := e.Find(ctx, c, tenant, "id", ids)
	if err != nil {
		return nil, err
	}
	records := make(map[string]store.Record, len(found))
	for _, r := range found {
		records[r.ID] = r
	}
	out := make(map[string][]store.Record, len(carriers))
	for value, ids := range carriers {
		for _, id := range ids {
			if r, ok := records[id]; ok { // one that was deleted in between is not
				out[value] = append(out[value], r)
			}
		}
	}
	return out, nil
}

// CountByLabel implements store.Engine.
func (e *Engine) CountByLabel(
	ctx context.Context,
	c *store.Collection,
	tenant store.Tenant,
	label string,
	values []string,
) (map[string]int, error) {
	t, err := e.labelled(c, label)
	if err != nil {
		return nil, err
	}
	chunks := [][]string{nil}
	if len(values) > 0 {
		chunks = slices.Collect(slices.Chunk(values, maxValues))
	}
	out := make(map[string]int, len(values))
	for _, chunk := range chunks {
		b := &builder{dialect: e.dialect}
		if e.dialect.indexed {
			b.add("SELECT value, SUM(n) FROM label_counts AS labels WHERE ")
		} else {
			b.add("SELECT value, COUNT(*) FROM labels WHERE ")
		}
		b.label(t, tenant, label)
		if chunk != nil {
			b.add(" AND ")
			b.in("value", chunk)
		}
		b.add(" GROUP BY value")
		err := e.rows(ctx, b, func(rows *stdsql.Rows) error {
			var value string
			var n int
			err := rows.Scan(&value, &n)
			out[value] = n
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (e *Engine) table(c *store.Collection) (*table, error) {
	t := e.tables[c.Name]
	if t == nil {
		return nil, fmt.Errorf("store: there is no collection %q", c.Name)
	}
	return t, nil
}

func (e *Engine) labelled(c *store.Collection, label string) (*table, error) {
	t, err := e.table(c)
	if err == nil && !slices.Contains(t.Labels, label) {
		err = fmt.Errorf("store: %s have no label %q", c.Name, label)
	}
	return t, err
}

// rows runs a query on the database for reading and calls each for every row.
func (e *Engine) rows(ctx context.Context, b *builder, each func(*stdsql.Rows) error) error {
	return e.rowsFrom(ctx, e.reads, b, each)
}

func (e *Engine) rowsFrom(ctx context.Context, from *pool, b *builder, each func(*stdsql.Rows) error) error {
	leave, err := from.gate.Enter(ctx)
	if err != nil {
		return e.because(ctx, err)
	}
	defer leave()
	rows, err := from.query(ctx, b.statement(), b.args)
	if err != nil {
		return e.because(ctx, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows); err != nil {
			return e.because(ctx, err)
		}
	}
	return e.because(ctx, rows.Err())
}

// scan reads recordColumns and what follows them.
func scan(ctx context.Context, rows *stdsql.Rows, more ...any) (store.Record, error) {
	var r store.Record
	var created, updated int64
	err := rows.Scan(append([]any{&r.ID, &r.OrgID, &r.Revision, &created, &updated, &r.Sealed, &r.Doc}, more...)...)
	if err != nil {
		return r, fmt.Errorf("store: read record %s: %w", strconv.Quote(r.ID), err)
	}
	if err := store.Metered(ctx, len(r.Doc)+len(r.Sealed)); err != nil {
		return r, err
	}
	r.CreatedAt, r.UpdatedAt = time.UnixMicro(created).UTC(), time.UnixMicro(updated).UTC()
	return r, nil
}
