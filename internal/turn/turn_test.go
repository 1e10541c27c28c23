package turn

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOneAtATimeHasTheTurnOfAName(t *testing.T) {
	var turns Turns
	var all sync.WaitGroup
	count := 0 // unguarded: the race detector tells of two at once
	for range 50 {
		all.Go(func() {
			end, err := turns.Take(t.Context(), "same")
			assert.NoError(t, err)
			count++
			end()
		})
	}
	all.Wait()
	require.Equal(t, 50, count)
	require.Empty(t, turns.held, "a name that nobody uses is forgotten")
}

func TestANameWaitsForNoOther(t *testing.T) {
	var turns Turns
	end, err := turns.Take(t.Context(), "one")
	require.NoError(t, err)
	other, err := turns.Take(t.Context(), "other")
	require.NoError(t, err)
	other()
	end()
}

func TestWhoGivesUpLeavesTheTurnToOthers(t *testing.T) {
	var turns Turns
	end, err := turns.Take(t.Context(), "same")
	require.NoError(t, err)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = turns.Take(gone, "same")
	require.ErrorIs(t, err, context.Canceled)
	end()
	end, err = turns.Take(t.Context(), "same")
	require.NoError(t, err)
	end()
	require.Empty(t, turns.held)
}
