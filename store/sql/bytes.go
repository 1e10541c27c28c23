package sql

import (
	"context"
	stdsql "database/sql"

	"gatehouse/store"
)

// Bytes returns how long the documents of a tenant are together. See store.Engine.
func (e *Engine) Bytes(ctx context.Context, c *store.Collection, tenant store.Tenant) (total int64, err error) {
	t, err := e.table(c)
	if err != nil {
		return 0, err
	}
	b := &builder{dialect: e.dialect}
	b.add("SELECT COALESCE(SUM(OCTET_LENGTH(" + e.dialect.document + ")), 0) FROM " + e.dialect.table(t.Name) + " WHERE ")
	b.tenant("", tenant)
	err = e.rows(ctx, b, func(rows *stdsql.Rows) error { return rows.Scan(&total) })
	return total, err
}
