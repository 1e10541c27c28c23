package httpserver

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"gatehouse/internal/core"
)

const (
	// checkTimeout bounds one health check.
	checkTimeout = 2 * time.Second
	// healthTTL is how long the result of the checks is answered again, so that probes cannot load what they probe.
	healthTTL = time.Second
)

// Check tells whether something that the server depends on works.
type Check struct {
	// Component is the kind of thing: "datastore", "system".
	Component string
	// Required checks make the whole fail; others make it a warning.
	Required bool
	// Run returns nil when it works. Its context ends after two seconds. The error goes to the log; of a core.Error with
	// core.CodeUnavailable, everybody reads the message.
	Run func(context.Context) error
}

// Health answers GET /hello in the form that gateways use for theirs: a status, and that of each dependency: pass, warn
// or fail. The status of the whole is "ok" where everything passes, as probes of dashboards expect it; otherwise it is
// warn or fail.
type Health struct {
	version string
	logger  *slog.Logger
	checks  map[string]Check
	now     func() time.Time

	mu      sync.Mutex // held while the checks run, so that they run once for all who ask
	checked time.Time
	status  int
	body    []byte
	failing map[string]bool
}

// NewHealth makes the health of a program of a version. Checks run when somebody asks, all at once; the logger is told
// when one begins to fail and when it passes again.
func NewHealth(version string, logger *slog.Logger, checks map[string]Check) *Health {
	return &Health{version: version, logger: logger, checks: checks, now: time.Now, failing: map[string]bool{}}
}

type healthAnswer struct {
	Status      string                  `json:"status"`
	Version     string                  `json:"version"`
	Description string                  `json:"description"`
	Details     map[string]healthDetail `json:"details,omitempty"`
}

type healthDetail struct {
	Status        string    `json:"status"`
	Output        string    `json:"output,omitempty"`
	ComponentType string    `json:"componentType,omitempty"`
	Time          time.Time `json:"time"`
}

var _ http.Handler = (*Health)(nil)

// ServeHTTP answers 200 when everything works or only checks that are not required fail, and 503 otherwise. The answer
// is at most a second old, and names no internals.
func (h *Health) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	status, body := h.current()
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that left needs no answer
}

func (h *Health) current() (int, []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if now := h.now(); h.body == nil || now.Sub(h.checked) >= healthTTL {
		h.run(now)
		h.checked = h.now()
	}
	return h.status, h.body
}

func (h *Health) run(now time.Time) {
	// Not a request's context: the result is for everybody.
	ctx, cancel := context.WithTimeout(context.Background(), checkTimeout)
	defer cancel()
	results := make(map[string]chan error, len(h.checks))
	for name, check := range h.checks {
		result := make(chan error, 1) // so that a check that comes too late can end
		results[name] = result
		go func() { result <- runCheck(ctx, check) }()
	}
	answer := healthAnswer{
		Status:      "ok",
		Version:     h.version,
		Description: "Gatehouse",
		Details:     map[string]healthDetail{},
	}
	h.status = http.StatusOK
	for name, check := range h.checks {
		var err error
		select {
		case err = <-results[name]:
		case <-ctx.Done():
			// Both may be ready; what the check said counts.
			select {
			case err = <-results[name]:
			default:
				err = core.Errorf(core.CodeUnavailable, "no answer within %s", checkTimeout)
			}
		}
		detail := healthDetail{Status: "pass", ComponentType: check.Component, Time: now.UTC().Truncate(time.Second)}
		if err != nil {
			detail.Output = reason(err)
			detail.Status = "warn"
			if check.Required {
				detail.Status, answer.Status, h.status = "fail", "fail", http.StatusServiceUnavailable
			} else if answer.Status == "ok" {
				answer.Status = "warn"
			}
		}
		answer.Details[name] = detail
		h.report(name, err)
	}
	h.body, _ = json.Marshal(answer) // of strings and times, which cannot fail
}

// reason says why a check failed, to anybody who asks: what the check says to people, and no internals.
func reason(err error) string {
	if e := core.AsError(err); e.Code == core.CodeUnavailable {
		return e.Message
	}
	return "unavailable"
}

// report logs a dependency that went or came back, once.
func (h *Health) report(name string, err error) {
	switch was := h.failing[name]; {
	case err != nil && !was:
		h.logger.Error("health check failed", "check", name, "error", err)
	case err == nil && was:
		h.logger.Info("health check passes again", "check", name)
	}
	h.failing[name] = err != nil
}

func runCheck(ctx context.Context, check Check) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic: %v", cause)
		}
	}()
	return check.Run(ctx)
}
