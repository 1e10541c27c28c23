package scalar_test

import (
	"strings"
	"testing"
	"time"

	"gatehouse/graph/scalar"
	"gatehouse/internal/core"
)

func TestAMomentIsReadInRFC3339OrAsADay(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Time{
		"2026-12-01T10:00:00Z":           time.Date(2026, 12, 1, 10, 0, 0, 0, time.UTC),
		"2026-12-01T10:00:00.5+02:00":    time.Date(2026, 12, 1, 8, 0, 0, 5e8, time.UTC),
		"2026-12-01":                     time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC),
		"2026-12-01 10:00:00":            time.Date(2026, 12, 1, 10, 0, 0, 0, time.UTC),
		"0001-01-01":                     {},
		"9999-12-31T23:59:59.999999999Z": time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC),
	} {
		got, err := scalar.UnmarshalTime(text)
		if err != nil || !got.Equal(want) {
			t.Errorf("%s is %v, %v; want %v", text, got, err, want)
		}
	}
	for _, v := range []any{"", "2026-12", "2026-13-01", "2026-02-30", "tomorrow", "2026-12-01T25:00:00Z", "10000-01-01", "1764547200", "\x00", "\xff\xfe",
		strings.Repeat("9", 1<<20), 1764547200, 1.5, true, nil, []any{}, map[string]any{}} {
		_, err := scalar.UnmarshalTime(v)
		if core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("%.40v: %v", v, err)
		}
		if e := core.AsError(err); len(e.Message) > 400 || !strings.Contains(e.Message, "2026-12-01T15:04:05Z") {
			t.Errorf("%.40v: the message %q does not say what to write", v, e.Message)
		}
	}
}

func TestEveryMomentIsWrittenAsRFC3339(t *testing.T) {
	t.Parallel()
	for want, moment := range map[string]time.Time{
		`"2026-12-01T08:00:00Z"`: time.Date(2026, 12, 1, 10, 0, 0, 0, time.FixedZone("", 7200)),
		`"0001-01-01T00:00:00Z"`: {},
		`"9999-12-31T23:59:59Z"`: time.Unix(1<<40, 0), // in the year 36812
		`"0000-01-01T00:00:00Z"`: time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		var out strings.Builder
		scalar.MarshalTime(moment).MarshalGQL(&out)
		if out.String() != want {
			t.Errorf("got %s, want %s", out.String(), want)
		}
	}
	var out strings.Builder
	scalar.MarshalTime(time.Unix(253402300800, 0)).MarshalGQL(&out) // the first second of the year 10000
	if out.String() != `"9999-12-31T23:59:59Z"` {
		t.Error(out.String())
	}
}
