// Package stats counts what was there on each day of a history. It knows of what is there now: what was deleted since
// leaves no trace.
package stats

import (
	"slices"
	"sort"
	"time"

	"gatehouse/internal/core"
)

// maxDays is how many days one history may have.
const maxDays = 3660

// Days are the days of a history, at their beginning in UTC, none of them in the future. Without from it begins with
// the last year, without to it ends today.
func Days(now time.Time, from, to *time.Time) ([]time.Time, error) {
	day := func(t time.Time) time.Time {
		y, m, d := t.UTC().Date()
		return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	}
	first, last := time.Date(now.UTC().Year()-1, 1, 1, 0, 0, 0, 0, time.UTC), day(now)
	if from != nil {
		first = day(*from)
	}
	if to != nil {
		if day(*to).Before(first) {
			return nil, core.Errorf(core.CodeInvalid, "the last day must not be before the first")
		}
		if day(*to).Before(last) {
			last = day(*to)
		}
	}
	if last.Sub(first) >= maxDays*24*time.Hour {
		return nil, core.Errorf(core.CodeInvalid, "the first and the last day must be at most %d days apart", maxDays)
	}
	var out []time.Time
	for d := first; !d.After(last); d = d.AddDate(0, 0, 1) {
		out = append(out, d)
	}
	return out, nil
}

// Made are the moments at which things were made, the oldest first.
type Made []time.Time

// NewMade sorts moments.
func NewMade(moments []time.Time) Made {
	slices.SortFunc(moments, time.Time.Compare)
	return moments
}

// By is how many were there at the end of a day.
func (m Made) By(day time.Time) int {
	end := day.AddDate(0, 0, 1)
	return sort.Search(len(m), func(i int) bool { return !m[i].Before(end) })
}
