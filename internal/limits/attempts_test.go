package limits_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/core"
	"gatehouse/internal/limits"
)

type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func (c *clock) pass(d time.Duration) { c.at = c.at.Add(d) }

func attempts(t *testing.T, failures int) (*limits.Attempts, *clock, *bytes.Buffer) {
	t.Helper()
	c, log := &clock{time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}, &bytes.Buffer{}
	return limits.NewAttempts(
		limits.AttemptsOptions{Failures: failures, Now: c.now, Log: slog.New(slog.NewTextHandler(log, nil))},
	), c, log
}

// guess tries a wrong credential, and returns how long the guesser has to wait; 0 when it was judged.
func guess(t *testing.T, a *limits.Attempts, realm, at, credential string) time.Duration {
	t.Helper()
	attempt, err := a.Begin(realm, at, credential)
	if err != nil {
		require.Equal(t, core.CodeTooMany, core.CodeOf(err))
		return core.AsError(err).RetryAfter
	}
	attempt.Failed(t.Context())
	return 0
}

// use tries a right one, and tells whether it was let in.
func use(t *testing.T, a *limits.Attempts, realm, at, credential string) bool {
	t.Helper()
	attempt, err := a.Begin(realm, at, credential)
	if err != nil {
		return false
	}
	attempt.Held()
	return true
}

func TestGuessesWaitLongerAndLonger(t *testing.T) {
	a, c, _ := attempts(t, 3)
	for range 3 {
		require.Zero(t, guess(t, a, limits.RealmAdmin, "198.51.100.1", "x"))
	}
	for _, want := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
		wait := guess(t, a, limits.RealmAdmin, "198.51.100.1", "x")
		require.Equal(t, want*time.Second, wait)
		c.pass(wait - time.Millisecond)
		require.Equal(
			t,
			time.Millisecond,
			guess(t, a, limits.RealmAdmin, "198.51.100.1", "x"),
			"what is refused lengthens nothing",
		)
		c.pass(time.Millisecond)
		require.Zero(t, guess(t, a, limits.RealmAdmin, "198.51.100.1", "x"), "after the wait, one is judged")
	}
	c.pass(16 * time.Minute)
	require.Zero(t, guess(t, a, limits.RealmAdmin, "198.51.100.1", "x"))
	require.Zero(t, guess(t, a, limits.RealmAdmin, "198.51.100.1", "x"), "after a quiet time it begins anew")
}

func TestARightSecretIsRefusedLikeAWrongOneWhileItsAddressWaits(t *testing.T) {
	a, c, _ := attempts(t, 2)
	require.True(t, use(t, a, limits.RealmAdmin, "198.51.100.1", "right"))
	guess(t, a, limits.RealmAdmin, "198.51.100.1", "x")
	require.True(t, use(t, a, limits.RealmAdmin, "198.51.100.1", "right"), "some failures keep nobody out")
	guess(t, a, limits.RealmAdmin, "198.51.100.1", "y")
	assert.False(t, use(t, a, limits.RealmAdmin, "198.51.100.1", "right"), "else the answer would tell that it is right")
	assert.True(t, use(t, a, limits.RealmAdmin, "198.51.100.2", "right"), "another address has nothing to do with it")
	assert.True(t, use(t, a, limits.RealmKey, "198.51.100.1", "key"), "nor have other credentials")
	c.pass(time.Second)
	assert.True(t, use(t, a, limits.RealmAdmin, "198.51.100.1", "right"))
	assert.NotZero(
		t,
		guess(t, a, limits.RealmAdmin, "198.51.100.1", "z")+guess(t, a, limits.RealmAdmin, "198.51.100.1", "z"),
		"and forgives nothing",
	)
}

func TestAccessKeysThatAnAddressUsesGoOnWorkingBesideAGuesser(t *testing.T) {
	for _, realm := range []string{limits.RealmKey, limits.RealmNode} {
		a, c, _ := attempts(t, 2)
		require.True(t, use(t, a, realm, "198.51.100.1", "mine"))
		for range 5 {
			guess(t, a, realm, "198.51.100.1", "x")
		}
		assert.True(t, use(t, a, realm, "198.51.100.1", "mine"))
		assert.False(t, use(t, a, realm, "198.51.100.1", "another's"), "one that was never used here waits")
		assert.False(t, use(t, a, realm, "198.51.100.1", "min"))
		attempt, err := a.Begin(realm, "198.51.100.1", "mine")
		require.NoError(t, err)
		attempt.Failed(t.Context()) // it was revoked
		assert.False(t, use(t, a, realm, "198.51.100.1", "mine"))
		c.pass(25 * time.Hour)
		for range 2 {
			guess(t, a, realm, "198.51.100.1", "x")
		}
		assert.False(t, use(t, a, realm, "198.51.100.1", "mine"))
	}
}

func TestManyAtOnceAreNoWayAroundTheLimit(t *testing.T) {
	a, c, _ := attempts(t, 10)
	guess(t, a, limits.RealmKey, "198.51.100.1", "x")
	var running []limits.Attempt
	for range 100 {
		if attempt, err := a.Begin(limits.RealmKey, "198.51.100.1", "x"); err == nil {
			running = append(running, attempt)
		}
	}
	require.Len(t, running, 9)
	for _, attempt := range running {
		attempt.Failed(t.Context())
	}
	c.pass(time.Minute)
	one, err := a.Begin(limits.RealmKey, "198.51.100.1", "x")
	require.NoError(t, err)
	_, err = a.Begin(limits.RealmKey, "198.51.100.1", "y")
	require.Error(t, err, "one at a time, once there were too many")
	one.Dropped()
	assert.True(
		t,
		use(t, a, limits.RealmKey, "198.51.100.1", "right"),
		"an attempt that nobody could judge counts for nothing",
	)
}

func TestANetworkOfIPv6IsOneAddress(t *testing.T) {
	a, _, _ := attempts(t, 2)
	guess(t, a, limits.RealmKey, "2001:db8::1", "x")
	guess(t, a, limits.RealmKey, "2001:db8::2", "x")
	assert.NotZero(t, guess(t, a, limits.RealmKey, "2001:db8::ffff:3", "x"))
	assert.Zero(t, guess(t, a, limits.RealmKey, "2001:db8:0:1::1", "x"))
}

func TestOneLineTellsOfAGuesserAndNoSecret(t *testing.T) {
	a, c, log := attempts(t, 2)
	for range 20 {
		guess(t, a, limits.RealmAdmin, "198.51.100.1", "hunter2")
		c.pass(time.Minute)
	}
	assert.Equal(t, 2, strings.Count(log.String(), "\n"), "one in a quarter of an hour")
	assert.Contains(t, log.String(), "198.51.100.1")
	assert.NotContains(t, log.String(), "hunter2")
}

func TestGuessersFromEverywhereFillNoMemory(t *testing.T) {
	a, _, _ := attempts(t, 1)
	for i := range 100_000 {
		guess(t, a, limits.RealmKey, fmt.Sprint(i), "x")
		use(t, a, limits.RealmKey, "good", fmt.Sprint(i))
	}
	subjects, good := a.Size()
	assert.LessOrEqual(t, subjects, 1<<16)
	assert.LessOrEqual(t, good, 1<<15)
	assert.NotZero(t, guess(t, a, limits.RealmKey, "99999", "x"), "the last ones are remembered")
}

func TestALimitOfZeroSlowsDownNobody(t *testing.T) {
	a, _, _ := attempts(t, 0)
	for range 100 {
		require.Zero(t, guess(t, a, limits.RealmKey, "198.51.100.1", "x"))
	}
	var none *limits.Attempts
	assert.Zero(t, guess(t, none, limits.RealmKey, "198.51.100.1", "x"))
	assert.True(t, use(t, none, limits.RealmKey, "198.51.100.1", "x"))
}

func BenchmarkAttempts(b *testing.B) {
	a := limits.NewAttempts(limits.AttemptsOptions{Failures: 50})
	b.Run("right", func(b *testing.B) {
		for b.Loop() {
			attempt, _ := a.Begin(limits.RealmKey, "198.51.100.1", "0123456789abcdef0123456789abcdef")
			attempt.Held()
		}
	})
	for range 100 {
		attempt, _ := a.Begin(limits.RealmKey, "198.51.100.2", "x")
		attempt.Failed(b.Context())
	}
	b.Run("refused", func(b *testing.B) {
		for b.Loop() {
			_, _ = a.Begin(limits.RealmKey, "198.51.100.2", "0123456789abcdef0123456789abcdef")
		}
	})
}
