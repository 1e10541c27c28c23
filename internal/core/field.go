package core

import "fmt"

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
