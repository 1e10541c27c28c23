package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/core"
	"gatehouse/internal/outage"
)

// failed renders an error as an endpoint does and returns the status, the answer and the log.
func failed(t *testing.T, legacy legacyErrors, err error) (int, answer, string) {
	t.Helper()
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	o := Options{Log: logger, Outages: outage.NewLog(logger)}
	w := httptest.NewRecorder()
	o.fail(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/apis", nil), legacy, err)
	var a answer
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &a))
	assert.Equal(t, "application/json", w.Header().Get("Content-Type"))
	assert.Equal(t, "Error", a.Status)
	assert.Nil(t, a.Meta)
	return w.Code, a, log.String()
}

func TestEveryCodeHasAStatus(t *testing.T) {
	want := map[core.Code]int{
		core.CodeMalformed: 400, core.CodeInvalid: 400, core.CodeUnauthenticated: 401, core.CodeForbidden: 403, core.CodeNotFound: 404,
		core.CodeConflict: 409, core.CodeStale: 412, core.CodeTooLarge: 413, core.CodeLimit: 400, core.CodeTimeout: 408, core.CodeTooMany: 429, core.CodeUnavailable: 503, core.CodeInternal: 500,
	}
	for _, code := range core.Codes() {
		t.Run(string(code), func(t *testing.T) {
			status, a, _ := failed(t, nil, core.Errorf(code, "what was wrong"))
			assert.Equal(t, want[code], status)
			assert.Equal(t, "what was wrong", a.Message)
		})
	}
	assert.Len(t, statuses, len(core.Codes()), "statuses names codes that do not exist")
}

func TestAnEndpointMayAnswerErrorsInItsOwnWay(t *testing.T) {
	own := legacyErrors{
		core.CodeNotFound:  {http.StatusBadRequest, "Could not retrieve it", false},
		core.CodeMalformed: {http.StatusForbidden, "Request body malformed", true},
		core.CodeConflict:  {http.StatusForbidden, "", false},
		core.CodeInvalid:   {0, "Validation failed", true},
	}
	for _, tt := range []struct {
		name    string
		err     error
		status  int
		message string
	}{
		{"with another status and text", core.Errorf(core.CodeNotFound, "no such thing"), 400, "Could not retrieve it"},
		{"with the cause behind the text", core.Errorf(core.CodeMalformed, "not JSON"), 403, "Request body malformed: not JSON"},
		{"with another status and the error's own text", core.Errorf(core.CodeConflict, "taken"), 403, "taken"},
		{"with another text alone", core.Errorf(core.CodeInvalid, "no name"), 400, "Validation failed: no name"},
		{"also when the error is wrapped", fmt.Errorf("read: %w", core.Errorf(core.CodeNotFound, "no such thing")), 400, "Could not retrieve it"},
		{"and in the common way where it says nothing", core.Errorf(core.CodeStale, "changed"), 412, "changed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, a, _ := failed(t, own, tt.err)
			assert.Equal(t, tt.status, status)
			assert.Equal(t, tt.message, a.Message)
		})
	}
}

func TestLegacyErrorsOfEveryRouteAreErrors(t *testing.T) {
	for _, r := range routes() {
		for code, l := range r.legacy {
			assert.Contains(t, core.Codes(), code, "%s %s", r.method, r.path)
			if l.status != 0 {
				assert.GreaterOrEqual(t, l.status, 400, "%s %s", r.method, r.path)
				assert.NotEmpty(t, http.StatusText(l.status), "%s %s", r.method, r.path)
			}
		}
		assert.NotContains(t, r.legacy, core.CodeInternal, "%s %s: internal errors are the same everywhere", r.method, r.path)
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
		{"an internal error with a cause", core.Wrap(core.CodeInternal, errors.New(secret), "Internal error")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, a, log := failed(t, nil, tt.err)
			assert.Equal(t, http.StatusInternalServerError, status)
			assert.Equal(t, "Internal error", a.Message)
			assert.Contains(t, log, "hunter2")
		})
	}
	t.Run("the cause of an error for people", func(t *testing.T) {
		_, a, log := failed(t, nil, core.Wrap(core.CodeConflict, errors.New(secret), "the slug is taken"))
		assert.Equal(t, "the slug is taken", a.Message)
		assert.Empty(t, log, "the caller's mistakes are not ours to log")
	})
}

func TestARequestThatTookTooLongIsUnavailable(t *testing.T) {
	for _, err := range []error{context.DeadlineExceeded, context.Canceled, fmt.Errorf("query: %w", context.DeadlineExceeded)} {
		status, a, log := failed(t, nil, err)
		assert.Equal(t, http.StatusServiceUnavailable, status, "%v", err)
		assert.Equal(t, "the request took too long, or was given up", a.Message)
		assert.Empty(t, log)
	}
}
