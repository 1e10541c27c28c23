package nodes_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gatehouse/internal/gateway/nodes"
)

func TestHistory(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	for _, tc := range []struct {
		name   string
		added  []int
		loaded int
		oldest int // -1 for none
	}{
		{"nothing changed", nil, 0, -1},
		{"a change before the load is loaded", []int{10}, 20, -1},
		{"one at that moment, too", []int{10}, 10, -1},
		{"one after it waits", []int{10}, 5, 10},
		{"the oldest of many counts", []int{10, 500, 1000}, 200, 500},
		{"changes that come together count as the last of them where the first is loaded", []int{10, 30, 50}, 20, 50},
		{"changes of other servers come out of order", []int{1000, 500, 2000, 10}, 400, 500},
		{"and before all others", []int{1000, 500}, 0, 500},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var h nodes.History
			for _, ms := range tc.added {
				h.Add(at(ms))
			}
			oldest, ok := h.After(at(tc.loaded))
			require.Equal(t, tc.oldest >= 0, ok)
			if ok {
				require.Equal(t, at(tc.oldest), oldest)
			}
		})
	}
}

func TestAHistoryIsBoundedAndForgetsNoChangeThatWaits(t *testing.T) {
	t.Parallel()
	var h nodes.History
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range 10 * nodes.MaxSpans {
		h.Add(start.Add(time.Duration(i) * time.Second))
	}
	require.Equal(t, nodes.MaxSpans, h.Len())
	oldest, ok := h.After(start.Add(-time.Second))
	require.True(t, ok)
	require.Equal(t, start, oldest)
}
