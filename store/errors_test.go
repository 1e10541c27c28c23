package store

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"

	"github.com/stretchr/testify/assert"

	"gatehouse/internal/core"
)

func TestADatabaseThatCannotBeReachedIsUnavailable(t *testing.T) {
	gone := fmt.Errorf("connect: %w", &net.OpError{Op: "dial", Err: errors.New("connection refused")})
	for name, c := range map[string]struct {
		err  error
		want core.Code
	}{
		"nobody listens there":               {gone, core.CodeUnavailable},
		"any other failure is internal":      {errors.New("syntax error"), core.CodeInternal},
		"a request that took too long":       {fmt.Errorf("read: %w", context.DeadlineExceeded), core.CodeInternal},
		"a request that its client gave up":  {context.Canceled, core.CodeInternal},
		"a request that ended while dialing": {errors.Join(gone, context.Canceled), core.CodeInternal},
	} {
		t.Run(name, func(t *testing.T) {
			err := failure(c.err, "find %s", "apis")
			assert.Equal(t, c.want, core.CodeOf(err))
			assert.ErrorIs(t, err, c.err, "the cause is there for the log")
			assert.NotContains(t, core.AsError(err).Message, "refused")
		})
	}
}
