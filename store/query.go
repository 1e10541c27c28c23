package store

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"unicode/utf8"

	"gatehouse/internal/core"
)

// Query asks for one page.
type Query struct {
	Tenant Tenant
	// Where must all hold.
	Where []Cond
	// Sort is "id", "created_at", "updated_at" or an indexed field; "" is created_at. Desc turns it around.
	Sort string
	Desc bool
	// Limit is the size of the page; it must be positive.
	Limit int
	// After is the cursor of the record before the page: Page.Cursor, or what OffsetCursor makes. "" starts at the
	// beginning.
	After string
	// Total asks for the number of all matches. IDsOnly leaves Doc and Sealed out.
	Total   bool
	IDsOnly bool
}

// ListOf names the list of a collection that the query reads, for the cursors in it.
func (q Query) ListOf(c *Collection) string {
	name := c.Name + " by " + cmp.Or(q.Sort, "created_at")
	if q.Desc {
		name += " desc"
	}
	return name
}

// checkCursor refuses a cursor that no page of this list ended with.
func (q Query) checkCursor(c *Collection) error {
	cursor, ok := ParseCursor(q.After)
	if !ok {
		return core.InField("after", "is not a cursor: pass the endCursor of the page before, or leave it out")
	}
	if cursor.Of != "" && cursor.Of != q.ListOf(c) {
		return core.InField(
			"after",
			"is a cursor of another list, or of another order: pass the endCursor of the page before, or leave it out",
		)
	}
	return nil
}

// Page is the answer to a Query.
type Page struct {
	Records []Record
	// More tells whether there are records behind the page.
	More bool
	// Cursors holds the cursor of each record, for Query.After.
	Cursors []string
	// Total is the number of all matches when the Query asked for it.
	Total int
}

// Op is what a Cond does.
type Op int

// The operators of conditions.
const (
	// OpIn holds when the field is one of Values. Fields: id, org_id, indexed text fields.
	OpIn Op = iota + 1
	// OpContains holds when the field contains Values[0], folded. Indexed text fields, and id.
	OpContains
	// OpInt holds when Min <= field <= Max. Indexed integer fields, created_at and updated_at (in microseconds).
	OpInt
	// OpLabel holds when the record carries at least one of Values under the label Field.
	OpLabel
	// OpAny holds when at least one of Any does.
	OpAny
	// OpNot holds when none of Any does.
	OpNot
	// OpLead holds when the record carries, under the label Field, a value that a record of another collection carries
	// under a label of its own, in the tenant, for which a condition holds: Lead says which.
	OpLead
)

// Cond is one condition of a Query.
type Cond struct {
	Op       Op
	Field    string
	Values   []string
	Min, Max int64
	Any      []Cond
	Lead     *Lead
}

// Lead is where a label leads: to the records of a collection that carry the same value under Label, and for which
// Where holds.
type Lead struct {
	Collection *Collection
	Label      string
	Where      Cond
}

// LeadsTo is the condition that a value under label leads to a record of a collection, which has it under a label of
// its own, and for which where holds.
func LeadsTo(label string, to *Collection, under string, where Cond) Cond {
	return Cond{Op: OpLead, Field: label, Lead: &Lead{Collection: to, Label: under, Where: where}}
}

// In is the condition that field is one of values.
func In(field string, values ...string) Cond { return Cond{Op: OpIn, Field: field, Values: values} }

// Contains is the condition that field contains text, whatever the case.
func Contains(field, text string) Cond {
	return Cond{Op: OpContains, Field: field, Values: []string{Fold(text)}}
}

// Between is the condition that lo <= field <= hi.
func Between(field string, lo, hi int64) Cond {
	return Cond{Op: OpInt, Field: field, Min: lo, Max: hi}
}

// HasLabel is the condition that a record carries one of values under label.
func HasLabel(label string, values ...string) Cond {
	return Cond{Op: OpLabel, Field: label, Values: values}
}

// AnyOf is the condition that one of conds holds.
func AnyOf(conds ...Cond) Cond { return Cond{Op: OpAny, Any: conds} }

// NoneOf is the condition that none of conds holds.
func NoneOf(conds ...Cond) Cond { return Cond{Op: OpNot, Any: conds} }

// maxIndexed is the length, in bytes, of the values that engines index: what fits a key of every engine.
const maxIndexed = 191

// Fold is the form in which text fields are kept, sorted and searched: lower case, cut to what every engine can index,
// and with U+FFFD for what not every engine can hold (NUL, invalid UTF-8).
func Fold(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(strings.ToLower(s), "\ufffd"), "\x00", "\ufffd")
	if len(s) > maxIndexed {
		s = s[:maxIndexed]
		for !utf8.ValidString(s) {
			s = s[:len(s)-1]
		}
	}
	return s
}

// Exact is the form in which unique values and labels are kept and looked up: as they are, or a hash of those that are
// long or that not every engine can hold (NUL, invalid UTF-8).
func Exact(s string) string {
	if len(s) <= maxIndexed && isText(s) {
		return s
	}
	sum := sha256.Sum256([]byte(s))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// isText tells whether every engine can hold s.
func isText(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

// Cursor is the decoded form of Query.After.
type Cursor = core.Cursor

// ParseCursor reads the opaque form; ok is false for anything that Encode did not make. "" is the beginning.
func ParseCursor(s string) (c Cursor, ok bool) { return core.ParseCursor(s) }

// String shows the operator in test failures.
func (o Op) String() string { return "op" + strconv.Itoa(int(o)) }
