// Package scalar reads and writes the scalars of the schema for which what gqlgen brings along does not do.
package scalar

import (
	"io"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"gatehouse/internal/core"
)

// The moments between which RFC 3339 can spell any.
var (
	first = time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)
	last  = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
)

// MarshalTime writes a moment as RFC 3339 in UTC. Gateways count seconds, and so a key may end in the year
// 292277026596, for which RFC 3339 has no spelling: what lies before the year 0 or after 9999 is written as the first
// or the last second of those.
func MarshalTime(t time.Time) graphql.Marshaler {
	t = t.UTC()
	switch {
	case t.Before(first):
		t = first
	case t.After(last):
		t = last
	}
	return graphql.WriterFunc(func(w io.Writer) { _, _ = io.WriteString(w, t.Format(`"`+time.RFC3339Nano+`"`)) })
}

// UnmarshalTime reads RFC 3339, or a day, which is its first moment in UTC. The error says what was given and what is
// taken.
func UnmarshalTime(v any) (time.Time, error) {
	text, ok := v.(string)
	if !ok {
		return time.Time{}, core.Errorf(core.CodeInvalid, "a moment in time must be a string, such as %q", example)
	}
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly, time.DateTime} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, core.Errorf(
		core.CodeInvalid,
		"%q is no moment in time: write RFC 3339, such as %q, or a day, such as %q for its first moment in UTC",
		core.Clip(text),
		example,
		example[:len(time.DateOnly)],
	)
}

const example = "2026-12-01T15:04:05Z"
