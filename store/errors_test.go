package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/core"
)

func TestAnOutageOfTheDatabaseIsUnavailableWithItsReason(t *testing.T) {
	full := &Outage{Reason: "the disk of the database is full", Err: errors.New("database or disk is full (13)")}
	for name, c := range map[string]struct {
		err  error
		want core.Code
	}{
		"a disk that is full":               {fmt.Errorf("write: %w", full), core.CodeUnavailable},
		"any other failure is internal":     {errors.New("syntax error"), core.CodeInternal},
		"a request that took too long":      {fmt.Errorf("read: %w", context.DeadlineExceeded), core.CodeInternal},
		"a request that its client gave up": {context.Canceled, core.CodeInternal},
		"one that was given up meanwhile":   {errors.Join(full, context.Canceled), core.CodeInternal},
	} {
		t.Run(name, func(t *testing.T) {
			err := failure(c.err, "find %s", "apis")
			assert.Equal(t, c.want, core.CodeOf(err))
			assert.ErrorIs(t, err, c.err, "the cause is there for the log")
			assert.NotContains(t, core.AsError(err).Message, "(13)")
			if c.want == core.CodeUnavailable {
				assert.Equal(t, "the disk of the database is full: try again in a while", core.AsError(err).Message)
			}
		})
	}
}

func TestAConnectionThatBreaksIsToldFromOtherFailures(t *testing.T) {
	for name, err := range map[string]error{
		"nobody listens":      &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED},
		"an end in mid-frame": fmt.Errorf("read: %w", io.ErrUnexpectedEOF),
		"an end":              io.EOF,
		"a reset":             fmt.Errorf("write: %w", syscall.ECONNRESET),
		"a pipe that broke":   syscall.EPIPE,
		"a time-out":          &net.DNSError{IsTimeout: true},
	} {
		assert.True(t, Broken(err), name)
	}
	assert.False(t, Broken(errors.New("syntax error")))
}

func TestAGateLetsNobodyWaitLongerThanItSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGate(2, 3*time.Second)
		one, err := g.Enter(t.Context())
		require.NoError(t, err)
		_, err = g.Enter(t.Context())
		require.NoError(t, err)

		began := time.Now()
		_, err = g.Enter(t.Context())
		var outage *Outage
		require.ErrorAs(t, err, &outage)
		assert.Equal(t, 3*time.Second, time.Since(began))

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = g.Enter(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded, "a client that left is waited for no longer")

		go func() {
			time.Sleep(time.Second)
			one()
		}()
		_, err = g.Enter(t.Context())
		assert.NoError(t, err, "a place that comes free is taken")
	})
}
