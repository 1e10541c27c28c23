package store

import (
	"context"
	"time"
)

// Engine keeps records. Implementations are safe for concurrent use, and every call honours its context.
//
// An engine is handed only collections that All lists, and fields, labels and unique names that those declare.
type Engine interface {
	// Find returns the records whose field is one of values, in no particular order. The field is "id", an indexed text
	// field or a unique value of the collection. Values that nothing matches are left out; there is no ErrNotFound.
	Find(ctx context.Context, c *Collection, t Tenant, field string, values []string) ([]Record, error)

	// List returns one page of the records that match q, in its order, ties broken by id in the same direction.
	List(ctx context.Context, c *Collection, q Query) (Page, error)

	// Count returns how many records match where.
	Count(ctx context.Context, c *Collection, t Tenant, where []Cond) (int, error)

	// Bytes returns how long the documents of a tenant are together, what is sealed left out.
	Bytes(ctx context.Context, c *Collection, t Tenant) (int64, error)

	// TopByLabel returns, for each of values, the first limit records that carry it under label, the newest first. A
	// record that carries several of the values is read once, and its Doc shared.
	TopByLabel(
		ctx context.Context,
		c *Collection,
		t Tenant,
		label string,
		values []string,
		limit int,
	) (map[string][]Record, error)

	// CountByLabel returns how many records carry each of values under label; no values means all that occur.
	CountByLabel(ctx context.Context, c *Collection, t Tenant, label string, values []string) (map[string]int, error)

	// Apply makes all of the writes durable, or none of them, in their order. It returns ErrStale or a *ConflictError for
	// the first that cannot be made. When it returns nil, the writes survive the death of the process and of the machine.
	Apply(ctx context.Context, writes ...Write) error

	// Ping tells whether the database answers.
	Ping(ctx context.Context) error

	// Close ends the engine; writes that were acknowledged are kept.
	Close() error
}

// Record is an object as an engine sees it.
type Record struct {
	ID    string
	OrgID string
	// Revision is 1 for a new record; each update adds 1.
	Revision  int64
	CreatedAt time.Time
	UpdatedAt time.Time
	// Doc is the document, kept byte for byte. Sealed is what must never leave with it: hashes and ciphertext, JSON too.
	// An engine returns both; a Query may ask to leave them out.
	Doc    []byte
	Sealed []byte

	// Text, Int, Unique and Labels are the query surface: written, never read back. Keys are the names that the collection
	// declares; an absent one is empty. Text values are folded (see Fold), unique values "" are not unique at all.
	Text   map[string]string
	Int    map[string]int64
	Unique map[string]string
	Labels map[string][]string
}

// Write is one change for Apply.
type Write struct {
	Collection *Collection
	// Record is what to write. For a delete, ID and OrgID are enough.
	Record Record
	// Was is the revision that the record must have now. 0 creates: the id must be free. Otherwise the stored record must
	// be in the same organisation with just this revision, and Record.Revision must be Was+1 for an update, Was for a
	// Surface.
	Was int64
	// Surface writes the Text, Int and Labels that the record names, and nothing else: of a label all values, what it does
	// not name stays, and so do document, revision and times. It may last even where a later write of the same Apply
	// fails.
	Surface bool
	// Delete removes the record; Was 0 then means whatever its revision. Deleting what is not there is ErrStale.
	Delete bool
}

// Tenant scopes a call to one organisation. The zero Tenant matches nothing.
type Tenant struct {
	org   string
	scope scope
	// viewer is who sees it; nil sees all that is in it. It is the repositories' to look after, not the engines'.
	viewer *viewer
}

type scope uint8

const (
	scopeNone scope = iota
	scopeOrg
	scopeAll
)

// nowhere is what the zero Tenant asks engines for: no organisation has this id.
const nowhere = "-"

// Org is the tenant of one organisation. An empty id is the tenant of the objects without an organisation.
// An id that not every engine can hold as text is that of no organisation.
func Org(id string) Tenant {
	if !isText(id) {
		return Tenant{}
	}
	return Tenant{org: id, scope: scopeOrg}
}

// AllTenants crosses the organisations. It is for the admin face, for super users and for authentication only.
func AllTenants() Tenant { return Tenant{scope: scopeAll} }

// IsAll tells whether t crosses the organisations.
func (t Tenant) IsAll() bool { return t.scope == scopeAll }

// OrgID returns the organisation of t, "" when t crosses them. For the zero Tenant it is an id that no organisation
// has.
func (t Tenant) OrgID() string {
	if t.scope == scopeNone {
		return nowhere
	}
	return t.org
}

// Includes tells whether an object of the organisation is in t.
func (t Tenant) Includes(orgID string) bool {
	return t.scope == scopeAll || (t.scope == scopeOrg && t.org == orgID)
}
