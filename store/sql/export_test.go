package sql

import (
	"context"
	stdsql "database/sql"
)

// Limit makes the engine search few records in the ways that are meant for many.
func (e *Engine) Limit(start int, parted int64) { e.limits = limits{start: start, parted: parted} }

// MigrateSQLite brings a database to a version that may not be the newest.
func MigrateSQLite(ctx context.Context, db *stdsql.DB, version int64) error {
	provider, err := newProvider(&sqliteDialect, db)
	if err != nil {
		return err
	}
	_, err = provider.UpTo(ctx, version)
	return err
}
