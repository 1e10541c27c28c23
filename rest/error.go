package rest

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"

	"gatehouse/internal/core"
	"gatehouse/internal/httpserver"
)

// statuses maps every code to a status. The legacy API has no status of its own for codes that it does not know.
var statuses = map[core.Code]int{
	core.CodeMalformed:       http.StatusBadRequest,
	core.CodeInvalid:         http.StatusBadRequest,
	core.CodeUnauthenticated: http.StatusUnauthorized,
	core.CodeForbidden:       http.StatusForbidden,
	core.CodeNotFound:        http.StatusNotFound,
	core.CodeConflict:        http.StatusConflict,
	core.CodeStale:           http.StatusPreconditionFailed,
	core.CodeTooLarge:        http.StatusRequestEntityTooLarge,
	core.CodeLimit:           http.StatusBadRequest,
	core.CodeTimeout:         http.StatusRequestTimeout,
	core.CodeTooMany:         http.StatusTooManyRequests,
	core.CodeUnavailable:     http.StatusServiceUnavailable,
	core.CodeInternal:        http.StatusInternalServerError,
}

// legacyErrors are the errors that an endpoint answers in the way of the legacy API.
type legacyErrors map[core.Code]legacyError

type legacyError struct {
	// status is the legacy one, 0 for that of the code.
	status int
	// message is the legacy text, "" for the error's own. With detail, the error's own follows behind it.
	message string
	detail  bool
}

// Common legacy errors.
var (
	// malformed403 is how most endpoints answer a body that they cannot read.
	malformed403 = legacyError{http.StatusForbidden, "Request body malformed", true}
	malformed400 = legacyError{http.StatusBadRequest, "Request body malformed", true}
)

// fail renders an error. Internal errors are logged here, once, and the client reads "Internal error".
func (o Options) fail(w http.ResponseWriter, r *http.Request, legacy legacyErrors, err error) {
	e := core.AsError(err)
	ended := errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
	if e.Code == core.CodeInternal && ended {
		e = core.Wrap(core.CodeUnavailable, err, "the request took too long, or was given up")
	}
	if e.Code == core.CodeInternal {
		o.Log.ErrorContext(
			r.Context(),
			"internal error",
			slog.String("request_id", httpserver.RequestID(r.Context())),
			slog.Any("error", err),
		)
	}
	if e.Code == core.CodeUnavailable && !ended {
		o.Outages.Tell(r.Context(), err, slog.String("request_id", httpserver.RequestID(r.Context())))
	}
	status, message := statuses[e.Code], e.Message
	if l, ok := legacy[e.Code]; ok {
		status = cmp.Or(l.status, status)
		switch {
		case l.message != "" && l.detail:
			message = l.message + ": " + e.Message
		case l.message != "":
			message = l.message
		}
	}
	if wait := e.Seconds(); wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(wait))
	}
	if e.Code == core.CodeTimeout {
		w.Header().Set("Connection", "close") // the rest of the body is still under way
	}
	WriteError(w, status, message)
}

// WriteError writes an answer in the shape of legacy errors.
func WriteError(w http.ResponseWriter, status int, message string) {
	writeJSON(w, status, answer{Status: "Error", Message: message})
}
