package graph

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"gatehouse/internal/core"
)

// present renders an error: the message for people, extensions.code for machines. Whatever is no core.Error is logged
// here, once, and the client reads "Internal error".
func (o Options) present(ctx context.Context, err error) *gqlerror.Error {
	var own *core.Error
	if !errors.As(err, &own) {
		var query *gqlerror.Error
		if errors.As(err, &query) && query.Unwrap() == nil {
			return presentQueryError(ctx, query)
		}
		switch {
		case ended(err):
			own = core.Wrap(core.CodeUnavailable, err, "the request took too long, or was given up")
		case query != nil && inputPath(ctx, query) != "":
			// What gqlgen says of an argument that it cannot read, such as a number of more than 64 bits.
			own = core.Wrap(core.CodeInvalid, err, "%s cannot be read: %v", inputPath(ctx, query), query.Unwrap())
		}
	}
	if own == nil {
		own = core.AsError(err)
	}
	if own.Code == core.CodeInternal {
		o.Log.ErrorContext(
			ctx,
			"internal error",
			slog.String("request_id", o.RequestID(ctx)),
			slog.String("path", graphql.GetPath(ctx).String()),
			slog.Any("error", err),
		)
	}
	if own.Code == core.CodeUnavailable && !ended(err) {
		o.Outages.Tell(
			ctx,
			err,
			slog.String("request_id", o.RequestID(ctx)),
			slog.String("path", graphql.GetPath(ctx).String()),
		)
	}
	field, message := locate(ctx, err, own)
	extensions := map[string]any{"code": string(own.Code)}
	if field != "" {
		extensions["field"] = field
	}
	if own.RetryAfter > 0 {
		extensions["retryAfter"] = own.Seconds()
	}
	return &gqlerror.Error{Message: message, Path: graphql.GetPath(ctx), Extensions: extensions}
}

// ended tells whether an error is that the request took too long, or was given up.
func ended(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// presentQueryError gives errors of the query itself (syntax, unknown fields, wrong arguments) a code.
func presentQueryError(ctx context.Context, err *gqlerror.Error) *gqlerror.Error {
	out := *err
	if out.Path == nil {
		out.Path = graphql.GetPath(ctx)
	}
	out.Message = clip(out.Message, maxMessage)
	if out.Extensions["code"] == nil {
		out.Extensions = map[string]any{"code": string(core.CodeInvalid)}
	}
	return &out
}

// maxMessage is how much of an error of the query is told, in bytes: the message may hold a text of the query, which
// has no end.
const maxMessage = 500

// clip cuts a text that is longer than n bytes, between two characters.
func clip(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n] + "..."
}

// asQueryError is an error before anything runs, in the form that the executor tells.
func asQueryError(err error) *gqlerror.Error {
	var query *gqlerror.Error
	if errors.As(err, &query) {
		return query
	}
	own := core.AsError(err)
	return &gqlerror.Error{Message: own.Message, Extensions: map[string]any{"code": string(own.Code)}}
}

// recovered turns a panic into an internal error whose cause is the panic with its stack; present logs it, once.
func (o Options) recovered(_ context.Context, v any) error {
	return core.Wrap(core.CodeInternal, fmt.Errorf("panic: %v\n%s", v, debug.Stack()), "Internal error")
}

// refuse answers a request that never reaches the executor.
func (o Options) refuse(w http.ResponseWriter, r *http.Request, err error) {
	e := o.present(r.Context(), err)
	code, _ := e.Extensions["code"].(string)
	status := http.StatusInternalServerError
	switch core.Code(code) { // as it is told: an end of the request is no core.Error
	case core.CodeUnauthenticated:
		status = http.StatusUnauthorized
	case core.CodeForbidden:
		status = http.StatusForbidden
	case core.CodeInvalid:
		status = http.StatusBadRequest
	case core.CodeLimit:
		status = http.StatusTooManyRequests
		w.Header().Set("Retry-After", "5")
	case core.CodeTooLarge:
		status = http.StatusRequestEntityTooLarge
	case core.CodeMalformed:
		status = http.StatusBadRequest
	case core.CodeTimeout:
		status = http.StatusRequestTimeout
		w.Header().Set("Connection", "close") // the rest of the body is still under way
	case core.CodeTooMany:
		status = http.StatusTooManyRequests
	case core.CodeUnavailable:
		status = http.StatusServiceUnavailable
		w.Header().Set("Retry-After", "1")
	}
	if wait := core.AsError(err).Seconds(); wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(wait))
	}
	WriteError(w, status, e.Message, code)
}

// WriteError writes an answer that holds one error and no data, for refusals outside of the executor.
func WriteError(w http.ResponseWriter, status int, message, code string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"errors": []any{map[string]any{"message": message, "extensions": map[string]any{"code": code}}},
		"data":   nil,
	})
}
