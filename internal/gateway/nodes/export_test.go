package nodes

import (
	"context"
	"time"
)

// Flush, Forget and Lagging are what Run does from time to time.
func (r *Registry) Flush(ctx context.Context) error  { return r.flush(ctx) }
func (r *Registry) Forget(ctx context.Context) error { return r.forget(ctx) }

// Lagging is the id of a gateway for which Run would have the gateways told again.
func (r *Registry) Lagging(ctx context.Context) (string, error) {
	n, err := r.lagging(ctx)
	if n == nil {
		return "", err
	}
	return n.ID, err
}

// History is what Registry keeps of changes.
type History struct{ h history }

func (h *History) Add(at time.Time)                          { h.h.add(at) }
func (h *History) After(t time.Time) (at time.Time, ok bool) { return h.h.after(t) }
func (h *History) Len() int                                  { return len(h.h.spans) }

// MaxNodes and MaxSpans are limits.
const (
	MaxNodes = maxNodes
	MaxSpans = maxSpans
)
