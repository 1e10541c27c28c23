package graph

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"gatehouse/internal/core"
	"gatehouse/internal/outage"
)

// logging are options whose log can be read.
func logging() (Options, *bytes.Buffer) {
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	return Options{
		Log:       logger,
		Outages:   outage.NewLog(logger),
		RequestID: func(context.Context) string { return "request-7" },
	}, &log
}

func TestEveryCodeIsShownToMachines(t *testing.T) {
	for _, code := range core.Codes() {
		t.Run(string(code), func(t *testing.T) {
			o, log := logging()
			e := o.present(t.Context(), fmt.Errorf("resolver: %w", core.Errorf(code, "what was wrong")))
			assert.Equal(t, string(code), e.Extensions["code"])
			assert.Equal(t, "what was wrong", e.Message)
			ours := code == core.CodeInternal || code == core.CodeUnavailable
			assert.Equal(t, ours, log.Len() > 0, "what is not the caller's doing is logged")
		})
	}
}

func TestInternalErrorsReachTheLogOnly(t *testing.T) {
	const secret = "dial tcp 10.0.0.7:5432: password=hunter2"
	for _, tt := range []struct {
		name string
		err  error
	}{
		{"a plain error", errors.New(secret)},
		{"a wrapped plain error", fmt.Errorf("read: %w", errors.New(secret))},
		{"a plain error that the executor wrapped", gqlerror.Wrap(errors.New(secret))},
		{"an internal error with a cause", core.Wrap(core.CodeInternal, errors.New(secret), "Internal error")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o, log := logging()
			e := o.present(t.Context(), tt.err)
			shown, err := json.Marshal(e)
			require.NoError(t, err)
			assert.Equal(t, "Internal error", e.Message)
			assert.Equal(t, "INTERNAL", e.Extensions["code"])
			assert.NotContains(t, string(shown), "hunter2")
			assert.Contains(t, log.String(), "hunter2")
			assert.Contains(t, log.String(), "request-7")
		})
	}
	t.Run("the cause of an error for people", func(t *testing.T) {
		o, log := logging()
		e := o.present(t.Context(), core.Wrap(core.CodeConflict, errors.New(secret), "the slug is taken"))
		assert.Equal(t, "the slug is taken", e.Message)
		assert.Empty(t, log.String())
	})
	t.Run("a panic", func(t *testing.T) {
		o, log := logging()
		e := o.present(t.Context(), o.recovered(t.Context(), secret))
		assert.Equal(t, "Internal error", e.Message)
		assert.Contains(t, log.String(), "hunter2")
		assert.Contains(t, log.String(), "goroutine", "the stack is there")
		assert.Equal(t, 1, strings.Count(log.String(), "level="), "logged once")
	})
}

func TestARequestThatTookTooLongIsUnavailable(t *testing.T) {
	for _, err := range []error{context.DeadlineExceeded, context.Canceled, fmt.Errorf("query: %w", context.DeadlineExceeded)} {
		o, log := logging()
		e := o.present(t.Context(), err)
		assert.Equal(t, "UNAVAILABLE", e.Extensions["code"], "%v", err)
		assert.Empty(t, log.String())
	}
}

func TestErrorsOfTheQueryItselfSayWhatToChange(t *testing.T) {
	for _, tt := range []struct {
		name, code, want string
		message          string
	}{
		{"a syntax error keeps its code", errcode.ParseFailed, errcode.ParseFailed, "Expected Name"},
		{"an unknown field keeps its code", errcode.ValidationFailed, errcode.ValidationFailed, "Cannot query field"},
		{"one that is over a limit keeps its code", "LIMIT", "LIMIT", "ask for fewer fields"},
		{"any other is invalid", "", "INVALID", "wrong argument"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o, log := logging()
			in := &gqlerror.Error{Message: tt.message}
			if tt.code != "" {
				in.Extensions = map[string]any{"code": tt.code}
			}
			e := o.present(t.Context(), in)
			assert.Equal(t, tt.want, e.Extensions["code"])
			assert.Contains(t, e.Message, tt.message)
			assert.Empty(t, log.String())
		})
	}
}

func TestARefusalBeforeTheExecutorIsAnAnswerOfGraphQL(t *testing.T) {
	for _, tt := range []struct {
		name   string
		err    error
		status int
		code   string
	}{
		{"no credentials", core.Errorf(core.CodeUnauthenticated, "Not authorised"), http.StatusUnauthorized, "UNAUTHENTICATED"},
		{"a store that is down", errors.New("hunter2"), http.StatusInternalServerError, "INTERNAL"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o, _ := logging()
			w := httptest.NewRecorder()
			o.refuse(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", nil), tt.err)
			var body struct {
				Data   any
				Errors []struct {
					Message    string
					Extensions struct{ Code string }
				}
			}
			require.NoError(t, json.Unmarshal(w.Body.Bytes(), &body))
			require.Len(t, body.Errors, 1)
			assert.Equal(t, tt.status, w.Code)
			assert.Equal(t, tt.code, body.Errors[0].Extensions.Code)
			assert.NotContains(t, w.Body.String(), "hunter2")
			assert.Nil(t, body.Data)
		})
	}
}
