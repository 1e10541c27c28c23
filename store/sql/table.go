package sql

import (
	"strings"

	"gatehouse/store"
)

// table is a collection with the statements that do not vary.
type table struct {
	*store.Collection
	// sqlName is the quoted name.
	sqlName string
	// insert has a statement for each of insertRows, which take the values of so many records; update takes those of one,
	// and the revision. delete takes id, organisation and, twice, the revision (0 for any).
	insert         []string
	update, delete string
	// deleteLabels takes the id so many times; insertLabels is to be followed by rows of labelRow.
	deleteLabels, insertLabels, labelRow string
	deleteLabelsArgs                     int
}

// recordColumns are read back, in the order of scan.
const recordColumns = "r.id, r.org_id, r.revision, r.created_at, r.updated_at, r.sealed, r.doc"

// bareColumns are those of a query for ids only.
const bareColumns = "r.id, r.org_id, r.revision, r.created_at, r.updated_at, '', ''"

// labelRowArgs is what a row of labels takes: field, value, organisation, time of creation and id.
const labelRowArgs = 5

func newTable(d *dialect, c *store.Collection) *table {
	columns := []string{"revision", "created_at", "updated_at"}
	columns = append(append(columns, c.Text...), c.Int...)
	for _, u := range c.Unique {
		columns = append(columns, u.Name)
	}
	columns = append(columns, "sealed", "doc", "id", "org_id")
	set := columns[:len(columns)-2]

	t := &table{Collection: c, sqlName: d.table(c.Name)}
	row := "(" + placeholders(len(columns)) + ")"
	for _, n := range insertRows {
		rows := strings.TrimSuffix(strings.Repeat(row+", ", n), ", ")
		t.insert = append(t.insert, d.bind("INSERT INTO "+t.sqlName+" ("+strings.Join(columns, ", ")+") VALUES "+rows))
	}
	t.update = d.bind(
		"UPDATE " + t.sqlName + " SET " + strings.Join(set, " = ?, ") + " = ? WHERE id = ? AND org_id = ? AND revision = ?",
	)
	t.delete = d.bind("DELETE FROM " + t.sqlName + " WHERE id = ? AND org_id = ? AND (revision = ? OR ? = 0)")
	t.deleteLabels, t.deleteLabelsArgs = "DELETE FROM labels WHERE object_id = ? AND collection = '"+c.Name+"'", 1
	if d.labelsByTime {
		t.deleteLabelsArgs = 2
		t.deleteLabels += " AND created_at = (SELECT created_at FROM " + t.sqlName + " WHERE id = ?)"
	}
	t.deleteLabels = d.bind(t.deleteLabels)
	t.labelRow = "('" + c.Name + "', " + placeholders(labelRowArgs) + ")"
	t.insertLabels = "INSERT INTO labels (collection, field, value, org_id, created_at, object_id) VALUES "
	return t
}

// values are the arguments of insert, and the first ones of update.
func (t *table) values(r store.Record) []any {
	out := make([]any, 0, 8+len(t.Text)+len(t.Int)+len(t.Unique))
	out = append(out, r.Revision, r.CreatedAt.UnixMicro(), r.UpdatedAt.UnixMicro())
	for _, name := range t.Text {
		out = append(out, r.Text[name])
	}
	for _, name := range t.Int {
		out = append(out, r.Int[name])
	}
	for _, u := range t.Unique {
		if v := r.Unique[u.Name]; v != "" {
			out = append(out, v)
		} else {
			out = append(out, nil)
		}
	}
	return append(out, string(r.Sealed), string(r.Doc), r.ID, r.OrgID)
}

func placeholders(n int) string { return strings.TrimSuffix(strings.Repeat("?, ", n), ", ") }
