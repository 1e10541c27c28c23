package store

import "context"

type barrierKey struct{}

// WithBarrier returns a context whose writes are made only where a barrier lets them, which is asked before each.
func WithBarrier(ctx context.Context, barrier func() error) context.Context {
	return context.WithValue(ctx, barrierKey{}, barrier)
}

// MayWrite asks the barrier of a context whether something may be written; without one, it may.
func MayWrite(ctx context.Context) error {
	if barrier, ok := ctx.Value(barrierKey{}).(func() error); ok {
		return barrier()
	}
	return nil
}
