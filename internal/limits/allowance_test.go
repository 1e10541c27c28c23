package limits_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gatehouse/internal/limits"
)

func TestAnAllowanceIsUsedUpAndComesAgain(t *testing.T) {
	now := time.Unix(1000, 0)
	a := limits.NewAllowance(2, time.Minute, func() time.Time { return now })
	require.Zero(t, a.Take("10.0.0.1"))
	now = now.Add(20 * time.Second)
	require.Zero(t, a.Take("10.0.0.1"))
	require.Equal(t, 40*time.Second, a.Take("10.0.0.1"))
	require.Zero(t, a.Take("10.0.0.2"), "each has their own")
	now = now.Add(40 * time.Second)
	require.Zero(t, a.Take("10.0.0.1"))
	require.Zero(t, a.Take("2001:db8::1"))
	require.Zero(t, a.Take("2001:db8::2"))
	require.NotZero(t, a.Take("2001:db8::3"), "addresses of one network are one")
}

func TestAllowancesRememberABoundedNumber(t *testing.T) {
	a := limits.NewAllowance(1, time.Minute, time.Now)
	for i := range 1 << 16 {
		require.Zero(t, a.Take(fmt.Sprint("somebody", i)))
	}
	require.NotZero(t, a.Take(fmt.Sprint("somebody", 1<<16-1)))
	require.Zero(t, a.Take("somebody0"), "the longest unused is forgotten")
}
