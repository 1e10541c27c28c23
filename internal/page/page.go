// Package page cuts lists into pages. Those of the store are cut by the store; these are lists that are at hand as a
// whole, such as the ids that an object names.
//
// It guarantees that no page is longer than it may be, that a cursor is good for the list and the order that made it
// and for no other, and that a list which changes between two pages goes on behind the same element.
package page

import "gatehouse/internal/core"

// What is wrong with a cursor.
var (
	ErrNoCursor = core.InField(
		"after",
		"is not a cursor: pass the endCursor of the page before, or leave it out",
	)
	ErrForeignCursor = core.InField(
		"after",
		"is a cursor of another list, or of another order: pass the endCursor of the page before, or leave it out",
	)
	ErrLostCursor = core.InField(
		"after",
		"names a place that is gone, since the list changed: read it from the beginning",
	)
)

// Sizes are how many objects a page has when nobody says, and how many it may have.
type Sizes struct{ Default, Max int }

// Of is how many objects a page has at most of which first were asked for; nil asks for no number.
func (s Sizes) Of(first *int) (int, error) {
	n := s.Default
	if first != nil {
		n = *first
	}
	if n < 1 {
		return 0, core.InField("first", "must be at least 1")
	}
	if n > s.Max {
		return 0, core.Errorf(core.CodeLimit, "first must be at most %d: use after to get the next page", s.Max).In("first")
	}
	return n, nil
}

// Info says where a page stands.
type Info struct {
	HasNextPage bool
	// EndCursor leads to the page behind; nil for an empty page.
	EndCursor *string
}

// Cut takes a page out of a list. of names the list for its cursors, and key an element.
func Cut[T any](
	s Sizes,
	of string,
	all []T,
	key func(T) string,
	first *int,
	after *string,
) (page []T, info Info, err error) {
	limit, err := s.Of(first)
	if err != nil {
		return nil, info, err
	}
	start := 0
	if after != nil && *after != "" {
		if start, err = placeOf(of, all, key, *after); err != nil {
			return nil, info, err
		}
	}
	page = all[start:]
	if len(page) > limit {
		page, info.HasNextPage = page[:limit], true
	}
	if n := len(page); n > 0 {
		end := core.Cursor{Of: of, Offset: start + n, ID: key(page[n-1])}.Encode()
		info.EndCursor = &end
	}
	return page, info, nil
}

// placeOf is how many elements of a list lie before the page that follows a cursor.
func placeOf[T any](of string, all []T, key func(T) string, after string) (int, error) {
	c, ok := core.ParseCursor(after)
	switch {
	case !ok:
		return 0, ErrNoCursor
	case c.Of != of:
		return 0, ErrForeignCursor
	case c.Offset > 0 && c.Offset <= len(all) && key(all[c.Offset-1]) == c.ID:
		return c.Offset, nil
	}
	for i, element := range all {
		if key(element) == c.ID {
			return i + 1, nil
		}
	}
	return 0, ErrLostCursor
}

// Itself is the key of texts in Cut.
func Itself(s string) string { return s }
