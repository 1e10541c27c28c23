package sql

import (
	"fmt"
	"slices"
	"strings"

	"gatehouse/store"
)

// builder grows a statement with its arguments.
type builder struct {
	strings.Builder
	dialect *dialect
	args    []any
	// frequent is that of the plan.
	frequent map[string]bool
}

func (b *builder) add(sql string, args ...any) {
	b.WriteString(sql)
	b.args = append(b.args, args...)
}

func (b *builder) statement() string { return b.dialect.bind(b.String()) }

// in adds "column IN (values)". The last value is repeated up to a power of two, so that few different statements are
// in use and prepared ones serve again.
func (b *builder) in(column string, values []string) {
	if len(values) == 0 {
		b.add("1 = 0")
		return
	}
	n := 1
	for n < len(values) {
		n *= 2
	}
	b.add(column + " IN (" + placeholders(n) + ")")
	for i := range n {
		b.args = append(b.args, values[min(i, len(values)-1)])
	}
}

// tenant adds the condition of a tenant; the organisation is a column of the given prefix.
func (b *builder) tenant(prefix string, t store.Tenant) {
	if t.IsAll() {
		b.add("1 = 1")
	} else {
		b.add(prefix+"org_id = ?", t.OrgID())
	}
}

// where adds the tenant and the conditions, all of which must hold.
func (b *builder) where(t *table, tenant store.Tenant, conds []store.Cond) error {
	b.tenant("", tenant)
	for _, c := range conds {
		b.add(" AND ")
		if err := b.cond(t, tenant, c); err != nil {
			return err
		}
	}
	return nil
}

// matches adds what FROM reads, and the conditions. Where all that is asked for is one value of a label, that is the
// index of labels alone: it is in the order of creation, so that neither a page nor a count has to look at the records.
func (b *builder) matches(t *table, tenant store.Tenant, conds []store.Cond, column string, p plan) error {
	b.frequent = p.frequent
	if p.start != "" {
		// CROSS JOIN keeps SQLite to this order.
		b.add("("+p.start+") CROSS JOIN "+t.sqlName+" ON "+p.driven+" = driven WHERE ", p.args...)
		return b.where(t, tenant, conds)
	}
	if len(conds) == 1 && conds[0].Op == store.OpLabel && len(conds[0].Values) == 1 && column == "created_at" &&
		slices.Contains(t.Labels, conds[0].Field) {
		b.add("(SELECT object_id AS id, created_at FROM labels WHERE ")
		b.label(t, tenant, conds[0].Field)
		b.add(" AND value = ?) l WHERE 1 = 1", conds[0].Values[0])
		return nil
	}
	b.add(t.sqlName + " WHERE ")
	return b.where(t, tenant, conds)
}

// union adds, as the table u, the first limit records of each value, without those that come twice: the first limit of
// all are among them.
func (b *builder) union(t *table, tenant store.Tenant, values []carried, o order, c store.Cursor, limit int) {
	b.add("(")
	for i, v := range values {
		if i > 0 {
			b.add(" UNION ")
		}
		b.add("SELECT id, created_at FROM (SELECT id, created_at FROM (SELECT object_id AS id, created_at FROM labels WHERE ")
		b.label(t, tenant, v.field)
		b.add(" AND value = ?) l WHERE 1 = 1", v.value)
		if c.ID != "" {
			b.after(o, c)
		}
		b.add(o.by("")+" LIMIT ?) v", limit)
	}
	b.add(") u")
}

func (b *builder) cond(t *table, tenant store.Tenant, c store.Cond) error {
	switch c.Op {
	case store.OpIn:
		if !isColumn(t, c.Field, "id", "org_id") {
			return unknownField(t, c)
		}
		b.in(c.Field, c.Values)
	case store.OpContains:
		switch {
		case len(c.Values) != 1 || !isColumn(t, c.Field, "id"):
			return unknownField(t, c)
		case c.Field == "id":
			b.add(fmt.Sprintf(b.dialect.containsID, "id"), b.dialect.part(c.Values[0]))
		default:
			b.add(fmt.Sprintf(b.dialect.contains, c.Field), b.dialect.part(c.Values[0]))
		}
	case store.OpInt:
		if !slices.Contains(t.Int, c.Field) && c.Field != "created_at" && c.Field != "updated_at" {
			return unknownField(t, c)
		}
		b.add(c.Field+" BETWEEN ? AND ?", c.Min, c.Max)
	case store.OpLabel:
		if !slices.Contains(t.Labels, c.Field) {
			return unknownField(t, c)
		}
		if b.frequent[labelKey(c)] {
			b.add("EXISTS (SELECT 1 FROM labels WHERE collection = '" + t.Name + "' AND field = '" + c.Field + "' AND ")
			b.in("value", c.Values)
			b.add(
				" AND labels.org_id = " + t.sqlName + ".org_id AND labels.created_at = " +
					t.sqlName + ".created_at AND object_id = id)",
			)
			return nil
		}
		b.add("id IN (SELECT object_id FROM labels WHERE ")
		b.label(t, tenant, c.Field)
		b.add(" AND ")
		b.in("value", c.Values)
		b.add(")")
	case store.OpLead:
		return b.lead(t, tenant, c)
	case store.OpAny, store.OpNot:
		if c.Op == store.OpNot {
			b.add("NOT ")
		}
		b.add("(1 = 0")
		for _, one := range c.Any {
			b.add(" OR ")
			if err := b.cond(t, tenant, one); err != nil {
				return err
			}
		}
		b.add(")")
	default:
		return fmt.Errorf("store: unknown operator %s in a condition on %s", c.Op, t.Name)
	}
	return nil
}

// lead adds the condition that a label leads to records for which another holds.
func (b *builder) lead(t *table, tenant store.Tenant, c store.Cond) error {
	to := &table{Collection: c.Lead.Collection, sqlName: b.dialect.table(c.Lead.Collection.Name)}
	if !slices.Contains(t.Labels, c.Field) || !slices.Contains(to.Labels, c.Lead.Label) {
		return unknownField(t, c)
	}
	b.add("id IN (SELECT object_id FROM labels WHERE ")
	b.label(t, tenant, c.Field)
	b.add(" AND value IN (SELECT value FROM labels WHERE ")
	b.label(to, tenant, c.Lead.Label)
	b.add(" AND object_id IN (SELECT id FROM " + to.sqlName + " WHERE ")
	if err := b.where(to, tenant, []store.Cond{c.Lead.Where}); err != nil {
		return err
	}
	b.add(")))")
	return nil
}

// label adds the condition on the table of labels that all of a field's have in common.
func (b *builder) label(t *table, tenant store.Tenant, field string) {
	b.add("collection = '" + t.Name + "' AND field = '" + field + "' AND ")
	b.tenant("labels.", tenant)
}

// order says by which column a query sorts, and in which form its cursors hold the value.
type order struct {
	column string
	text   bool
	desc   bool
}

func orderOf(t *table, q store.Query) (order, error) {
	switch {
	case q.Sort == "" || q.Sort == "created_at":
		return order{"created_at", false, q.Desc}, nil
	case q.Sort == "updated_at" || slices.Contains(t.Int, q.Sort):
		return order{q.Sort, false, q.Desc}, nil
	case isColumn(t, q.Sort, "id"):
		return order{q.Sort, true, q.Desc}, nil
	}
	return order{}, fmt.Errorf("store: %s cannot be sorted by %q", t.Name, q.Sort)
}

func (o order) by(prefix string) string {
	direction := ""
	if o.desc {
		direction = " DESC"
	}
	return " ORDER BY " + prefix + o.column + direction + ", " + prefix + "id" + direction
}

// after adds the condition that a record comes behind the cursor. It starts with a plain range on the column, which
// every database can take to an index.
func (b *builder) after(o order, c store.Cursor) {
	than := " > "
	if o.desc {
		than = " < "
	}
	if o.column == "id" {
		b.add(" AND id"+than+"?", c.ID)
		return
	}
	var value any = c.Int
	if o.text {
		value = c.Text
	}
	b.add(" AND "+o.column+strings.TrimRight(than, " ")+"= ? AND ("+o.column+than+"? OR id"+than+"?)", value, value, c.ID)
}

func isColumn(t *table, field string, more ...string) bool {
	return slices.Contains(t.Text, field) || slices.Contains(more, field)
}

func unknownField(t *table, c store.Cond) error {
	return fmt.Errorf("store: %s has no field %q for operator %s", t.Name, c.Field, c.Op)
}
