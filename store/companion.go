package store

import (
	"context"
	"time"
)

// Companion has more written with the changes of a call, so that both are kept or neither is.
type Companion interface {
	// Join is told of the writes that are about to be made, and returns what is to be made with them. ended is told how
	// they ended. With an error, nothing is written.
	Join(ctx context.Context, writes []Write) (more []Change, ended func(error), err error)
	// Ahead is asked before something is changed outside of the store, which no transaction covers.
	Ahead(ctx context.Context) error
}

type companionKey struct{}

// WithCompanion returns a context whose writes have a companion.
func WithCompanion(ctx context.Context, c Companion) context.Context {
	return context.WithValue(ctx, companionKey{}, c)
}

// Alone returns a context whose writes have no companion: they are none of what the call is about.
func Alone(ctx context.Context) context.Context {
	return context.WithValue(ctx, companionKey{}, nil)
}

// Free is Alone without a barrier, too: for what is written of a call whatever becomes of it.
func Free(ctx context.Context) context.Context {
	return context.WithValue(Alone(ctx), barrierKey{}, nil)
}

// Ahead asks the companion of a context whether something may be changed outside of the store; without one, it may.
func Ahead(ctx context.Context) error {
	if c, ok := ctx.Value(companionKey{}).(Companion); ok {
		return c.Ahead(ctx)
	}
	return nil
}

// accompanied adds to writes what their companion has to write.
func accompanied(ctx context.Context, now time.Time, writes []Write) (all []Write, ended func(error), err error) {
	c, ok := ctx.Value(companionKey{}).(Companion)
	if !ok {
		return writes, func(error) {}, nil
	}
	more, ended, err := c.Join(ctx, writes)
	for _, change := range more {
		writes = append(writes, change.write(now))
	}
	return writes, ended, err
}
