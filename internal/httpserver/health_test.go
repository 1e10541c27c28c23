package httpserver

import (
	"context"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func works(context.Context) error { return nil }
func fails(context.Context) error { return errors.New("dial 10.0.0.1: secret internals") }

func ask(t *testing.T, h *Health) (int, map[string]any) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/hello", nil))
	assert.Equal(t, "application/json", w.Header().Get("Content-Type"))
	assert.NotContains(t, w.Body.String(), "secret")
	var body map[string]any
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &body))
	return w.Code, body
}

func TestHealth(t *testing.T) {
	for name, c := range map[string]struct {
		checks  map[string]Check
		code    int
		status  string
		details map[string]string
	}{
		"no checks pass":                     {nil, 200, "ok", nil},
		"all that works passes":              {map[string]Check{"store": {Required: true, Run: works}, "redis": {Run: works}}, 200, "ok", map[string]string{"store": "pass", "redis": "pass"}},
		"an optional failure is a warning":   {map[string]Check{"store": {Required: true, Run: works}, "redis": {Run: fails}}, 200, "warn", map[string]string{"store": "pass", "redis": "warn"}},
		"a required failure fails the whole": {map[string]Check{"store": {Required: true, Run: fails}, "redis": {Run: fails}}, 503, "fail", map[string]string{"store": "fail", "redis": "warn"}},
		"a check that panics fails":          {map[string]Check{"store": {Required: true, Run: func(context.Context) error { panic("x") }}}, 503, "fail", map[string]string{"store": "fail"}},
	} {
		t.Run(name, func(t *testing.T) {
			code, body := ask(t, NewHealth("1.2.3", quiet(), c.checks))
			assert.Equal(t, c.code, code)
			assert.Equal(t, c.status, body["status"])
			assert.Equal(t, "1.2.3", body["version"])
			assert.Equal(t, "Gatehouse", body["description"])
			details, _ := body["details"].(map[string]any)
			assert.Len(t, details, len(c.details))
			for name, status := range c.details {
				assert.Equal(t, status, details[name].(map[string]any)["status"], name)
			}
		})
	}
}

func TestHealthNamesTheComponentAndTheTimeOfACheck(t *testing.T) {
	h := NewHealth("1", quiet(), map[string]Check{"store": {Component: "datastore", Run: works}})
	h.now = func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC) }
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/hello", nil))
	assert.JSONEq(t, `{"status":"ok","version":"1","description":"Gatehouse","details":{"store":{"status":"pass",
		"componentType":"datastore","time":"2026-01-02T03:04:05Z"}}}`, w.Body.String())
}

func TestHealthRunsTheChecksOnceASecondHoweverManyAsk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int32
		h := NewHealth(
			"1",
			quiet(),
			map[string]Check{"store": {Run: func(context.Context) error { runs.Add(1); return nil }}},
		)
		all := func() {
			var asking sync.WaitGroup
			for range 20 {
				asking.Go(func() { ask(t, h) })
			}
			asking.Wait()
		}
		all()
		time.Sleep(999 * time.Millisecond)
		all()
		assert.EqualValues(t, 1, runs.Load())
		time.Sleep(time.Millisecond)
		all()
		assert.EqualValues(t, 2, runs.Load())
	})
}

func TestHealthDoesNotWaitForACheckThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end := make(chan struct{})
		defer close(end)
		h := NewHealth("1", quiet(), map[string]Check{
			"deaf":  {Required: true, Run: func(context.Context) error { <-end; return nil }},
			"store": {Required: true, Run: works},
		})
		start := time.Now()
		code, body := ask(t, h)
		assert.Equal(t, 2*time.Second, time.Since(start))
		assert.Equal(t, 503, code)
		assert.Equal(t, "pass", body["details"].(map[string]any)["store"].(map[string]any)["status"])
	})
}

func TestHealthLogsAFailureWhenItBeginsAndWhenItEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l logs
		err := errors.New("dial 10.0.0.1: secret internals")
		h := NewHealth("1", l.logger(), map[string]Check{"store": {Run: func(context.Context) error { return err }}})
		for range 3 {
			ask(t, h)
			time.Sleep(2 * time.Second)
		}
		err = nil
		for range 3 {
			ask(t, h)
			time.Sleep(2 * time.Second)
		}
		lines := l.lines(t)
		require.Len(t, lines, 2)
		assert.Equal(t, "ERROR", lines[0]["level"])
		assert.Equal(t, "dial 10.0.0.1: secret internals", lines[0]["error"])
		assert.Equal(t, "INFO", lines[1]["level"])
	})
}
