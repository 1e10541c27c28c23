// Package outage keeps the log readable while something that the program depends on is down: thousands of requests a
// second may fail for one reason, and one line a second says it.
package outage

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// every is the time between two lines.
const every = time.Second

// Log logs that something is unavailable, at most once a second whoever tells it. Use one for all that fail together.
type Log struct {
	log *slog.Logger
	now func() time.Time

	mu   sync.Mutex
	last time.Time
	left int
}

// NewLog makes a Log that writes to another.
func NewLog(log *slog.Logger) *Log { return &Log{log: log, now: time.Now} }

// Tell logs that a request failed since something is unavailable, unless another did in this second. The next line then
// says how many were left out.
func (l *Log) Tell(ctx context.Context, err error, attrs ...slog.Attr) {
	l.mu.Lock()
	now := l.now()
	if since := now.Sub(l.last); since >= 0 && since < every {
		l.left++
		l.mu.Unlock()
		return
	}
	left := l.left
	l.last, l.left = now, 0
	l.mu.Unlock()
	if left > 0 {
		attrs = append(attrs, slog.Int("left_out_since_last", left))
	}
	l.log.LogAttrs(ctx, slog.LevelWarn, "unavailable", append(attrs, slog.Any("error", err))...)
}
