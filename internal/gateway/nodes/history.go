package nodes

import (
	"slices"
	"time"
)

const (
	// spanLength is how far apart changes may be to become one span, and maxSpans how many spans are kept.
	spanLength = 100 * time.Millisecond
	maxSpans   = 1024
)

// history is when something changed: a bounded number of spans, oldest first, each from its first change to its last.
type history struct{ spans []span }

type span struct{ first, last time.Time }

// add notes a change. Changes of other servers may come a little out of order.
func (h *history) add(at time.Time) {
	i := len(h.spans)
	for i > 0 && at.Before(h.spans[i-1].first) {
		i--
	}
	if i > 0 && at.Sub(h.spans[i-1].first) < spanLength {
		if s := &h.spans[i-1]; at.After(s.last) {
			s.last = at
		}
		return
	}
	h.spans = slices.Insert(h.spans, i, span{at, at})
	if len(h.spans) > maxSpans {
		h.spans[1].first = h.spans[0].first
		h.spans = slices.Delete(h.spans, 0, 1)
	}
}

// after returns the oldest change after t, too late by the length of a span at most; ok is false when there is none.
func (h *history) after(t time.Time) (at time.Time, ok bool) {
	for _, s := range h.spans {
		switch {
		case s.first.After(t):
			return s.first, true
		case s.last.After(t):
			return s.last, true
		}
	}
	return time.Time{}, false
}
