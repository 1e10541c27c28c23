// Package filter gathers the conditions that the filter of a list means.
package filter

import (
	"math"
	"time"

	"gatehouse/store"
)

// Where are conditions that all hold. What a filter leaves out, nil, adds none.
type Where []store.Cond

// Add adds a condition.
func (w *Where) Add(cond store.Cond) { *w = append(*w, cond) }

// Part wants a text in any of some fields, whatever the case; an empty one is in all.
func (w *Where) Part(text *string, fields ...string) {
	if text == nil || *text == "" {
		return
	}
	conds := make([]store.Cond, len(fields))
	for i, field := range fields {
		conds[i] = store.Contains(field, *text)
	}
	if len(conds) == 1 {
		w.Add(conds[0])
	} else {
		w.Add(store.AnyOf(conds...))
	}
}

// Label wants a value under a label.
func (w *Where) Label(label string, value *string) {
	if value != nil {
		w.Add(store.HasLabel(label, *value))
	}
}

// AnyLabel wants one of some values under a label; none is any.
func (w *Where) AnyLabel(label string, values []string) {
	if len(values) > 0 {
		w.Add(store.HasLabel(label, values...))
	}
}

// Truth wants a yes-or-no field to have a value.
func (w *Where) Truth(field string, want *bool) {
	if want == nil {
		return
	}
	n := int64(0)
	if *want {
		n = 1
	}
	w.Add(store.Between(field, n, n))
}

// Either wants a condition to hold, or not to.
func (w *Where) Either(want *bool, cond store.Cond) {
	if want == nil {
		return
	}
	if !*want {
		cond = store.NoneOf(cond)
	}
	w.Add(cond)
}

// Holds wants a condition to hold, or not to; it is asked for where that matters.
func (w *Where) Holds(want *bool, cond func() (store.Cond, error)) error {
	if want == nil {
		return nil
	}
	c, err := cond()
	if err != nil {
		return err
	}
	w.Either(want, c)
	return nil
}

// ChangedSince wants the object to have been changed at a moment or later.
func (w *Where) ChangedSince(at *time.Time) {
	if at != nil {
		w.Add(store.Between("updated_at", at.UnixMicro(), math.MaxInt64))
	}
}
