package core

import (
	"fmt"
	"slices"
)

// ImportElement is an object of an import: its id in the store, and its document.
type ImportElement struct {
	ID  string
	Doc Document
}

// Collision says of an import that was refused since a value is taken, and of what was said of it, which element of the
// list it is about, with which value, and what has the value: another element, or an object that is there. id is that of
// the object which could not be written, other that of the one which has the value; "" where that is gone by now.
func Collision(kind *Kind, list string, elements []ImportElement, id, other string, said error) error {
	// Two elements with one id are told apart by their places.
	mine := -1
	for i, e := range elements {
		if e.ID == id {
			mine = i
		}
	}
	if mine < 0 {
		return said
	}
	holder := "an object that is there already"
	if at := slices.IndexFunc(elements, func(e ImportElement) bool { return e.ID == other }); at >= 0 && at != mine {
		holder = fmt.Sprintf("%s[%d]", list, at)
	} else if other != "" {
		holder = fmt.Sprintf("the %s with the database id %s", kind.Word, other)
	}
	e := AsError(said)
	if e.Field == "" {
		return InList(list, mine, Wrap(e.Code, said, "%s (as in %s)", e.Message, holder))
	}
	return InList(list, mine, Wrap(e.Code, said, "%s (%s is %q, as in %s)",
		e.Message, e.Field, elements[mine].Doc.Text(e.Field), holder))
}

// NamedByID is a policy of an import with its id for a name, where it has none: those of the open-source gateway need no
// name.
func NamedByID(policy Document) Document {
	if id := policy.Text("id"); policy.Text("name") == "" && id != "" {
		return policy.Set("name", id)
	}
	return policy
}
