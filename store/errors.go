package store

import (
	"context"
	"errors"
	"fmt"

	"gatehouse/internal/core"
)

// The errors that callers tell apart with errors.Is. Everything else is a failure of the database.
var (
	// ErrNotFound means that there is no such record in the tenant.
	ErrNotFound = errors.New("store: not found")
	// ErrConflict means that the id or a unique value is taken; the error is a *ConflictError.
	ErrConflict = errors.New("store: conflict")
	// ErrStale means that the record changed, or went, since the revision that the write named.
	ErrStale = errors.New("store: stale revision")
	// ErrDamaged means that the file of a database does not hold together.
	ErrDamaged = errors.New(
		"the database is damaged: restore a backup with gatehouse restore; gatehouse doctor tells more",
	)
	// ErrNewerSchema means that the database was migrated by a newer program; this one must not touch it.
	ErrNewerSchema = errors.New("store: the database is newer than this program")
)

// ConflictError says what was taken. It matches ErrConflict.
type ConflictError struct {
	// Collection is the name of the collection.
	Collection string
	// Unique is the name of the unique value that is taken, or "id".
	Unique string
	// ID is the id of the record that the failed write was for, OtherID that of the record that holds the value ("" when
	// it was gone by the time we looked).
	ID, OtherID string
}

// Error says which unique value of which collection is taken.
func (e *ConflictError) Error() string {
	return fmt.Sprintf("store: %s: %s of %s is taken by %s", e.Collection, e.Unique, e.ID, e.OtherID)
}

// Is makes errors.Is(err, ErrConflict) hold.
func (e *ConflictError) Is(target error) bool { return target == ErrConflict }

// failure says at what the database failed. An Outage is core.CodeUnavailable, with its reason: the same call may work
// later.
func failure(err error, format string, args ...any) error {
	err = fmt.Errorf(format+": %w", append(args, err)...)
	var outage *Outage
	if errors.As(err, &outage) && !errors.Is(err, context.Canceled) {
		return core.Wrap(core.CodeUnavailable, err, "%s: try again in a while", outage.Reason)
	}
	return err
}
