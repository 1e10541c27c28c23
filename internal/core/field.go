package core

import (
	"fmt"
	"strings"
)

// InField makes a CodeInvalid error about a field. field is the field's path in its document, or the name of the
// parameter; the message starts with it. Each face may call the field by a name of its own.
func InField(field, format string, args ...any) *Error {
	return &Error{Code: CodeInvalid, Field: field, Message: field + " " + fmt.Sprintf(format, args...)}
}

// In returns the error as one about a field.
func (e *Error) In(field string) *Error {
	out := *e
	out.Field = field
	return &out
}

// InList says in an error which element of a list it is about. An error with CodeInternal stays as it is.
func InList(list string, i int, err error) error {
	e := AsError(err)
	if e.Code == CodeInternal {
		return err
	}
	return Wrap(e.Code, err, "%s", fmt.Sprintf("%s[%d]: %s", list, i, e.Message))
}

// maxNamed is how many of the things that are wrong a message names.
const maxNamed = 20

// SomeOf lists names in a message, the first of them where there are many.
func SomeOf(names []string) string {
	if len(names) <= maxNamed {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:maxNamed], ", "), len(names)-maxNamed)
}
