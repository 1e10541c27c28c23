package core

import (
	"errors"
	"fmt"
	"time"
)

// Code says, for machines, what kind of failure an Error is. GraphQL shows it as extensions.code, REST maps it to a
// status.
type Code string

// The codes, from the caller's own mistakes to ours.
const (
	// CodeMalformed means that the input is not JSON, or JSON of the wrong shape.
	CodeMalformed Code = "MALFORMED"
	// CodeInvalid means that the input was understood and breaks a rule.
	CodeInvalid Code = "INVALID"
	// CodeUnauthenticated means that no credentials came, or none that are known.
	CodeUnauthenticated Code = "UNAUTHENTICATED"
	// CodeForbidden means that the caller is known and may not do this.
	CodeForbidden Code = "FORBIDDEN"
	// CodeNotFound means that the object does not exist in the caller's organisation.
	CodeNotFound Code = "NOT_FOUND"
	// CodeConflict means that something which has to be unique is taken, or that the object is in use.
	CodeConflict Code = "CONFLICT"
	// CodeStale means that the object changed since the revision that the caller named.
	CodeStale Code = "STALE"
	// CodeTooLarge means that the input is over a size limit.
	CodeTooLarge Code = "TOO_LARGE"
	// CodeLimit means that a query is over a depth, complexity, alias or page-size limit.
	CodeLimit Code = "LIMIT"
	// CodeTimeout means that the request did not arrive in the time that it may take.
	CodeTimeout Code = "TIMEOUT"
	// CodeTooMany means that the caller's address or organisation has used up what it may have; RetryAfter says when to
	// come again.
	CodeTooMany Code = "TOO_MANY"
	// CodeUnavailable means that something we depend on is down; the same call may work later.
	CodeUnavailable Code = "UNAVAILABLE"
	// CodeInternal means that we failed. The client reads "Internal error", the log has the cause.
	CodeInternal Code = "INTERNAL"
)

// Codes lists every code, for tables that must cover them all.
func Codes() []Code {
	return []Code{CodeMalformed, CodeInvalid, CodeUnauthenticated, CodeForbidden, CodeNotFound, CodeConflict, CodeStale,
		CodeTooLarge, CodeLimit, CodeTimeout, CodeTooMany, CodeUnavailable, CodeInternal}
}

// Error is the error that crosses layers: Code for machines, Message for people (what was wrong and what to change),
// Err for the log. Message never holds a secret.
type Error struct {
	Code Code
	// Field is what the error is about, where it is about one field: its path in the document, or the name of the
	// parameter, as Message has it.
	Field   string
	Message string
	Err     error
	// RetryAfter is when the same call may work, from now; 0 where nobody can say.
	RetryAfter time.Duration
}

// Error returns the message, and the cause behind it where there is one. It is for logs; people are shown Message.
func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %s: %v", e.Code, e.Message, e.Err)
	}
	return fmt.Sprintf("%s: %s", e.Code, e.Message)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Seconds is RetryAfter in whole seconds, rounded up, as the header Retry-After takes it.
func (e *Error) Seconds() int {
	return int(max(e.RetryAfter+time.Second-1, 0) / time.Second)
}

// Errorf makes an Error of a code with a message for people.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Wrap makes an Error of a code with a message for people, and the cause for the log.
func Wrap(code Code, cause error, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), Err: cause}
}

// NotFound is the error for an object that does not exist, and for one that is another organisation's.
func NotFound(kind *Kind) error { return Errorf(CodeNotFound, "there is no such %s", kind.Word) }

// AsError returns the Error inside err. An error that is none becomes CodeInternal with the message "Internal error".
func AsError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Code: CodeInternal, Message: "Internal error", Err: err}
}

// CodeOf returns the code of err, CodeInternal when it carries none, and "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	return AsError(err).Code
}
