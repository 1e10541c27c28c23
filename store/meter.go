package store

import "context"

// Meter is told of the bytes of each document that is read. Its error ends the read.
type Meter func(bytes int) error

type meterKey struct{}

// WithMeter returns a context whose reads are told to m: what a page of large documents takes up is known to nobody
// before they are read.
func WithMeter(ctx context.Context, m Meter) context.Context {
	return context.WithValue(ctx, meterKey{}, m)
}

// Metered tells the meter of the context, where there is one, that a document of so many bytes was read. Engines call
// it for each, and stop at its error.
func Metered(ctx context.Context, bytes int) error {
	if m, ok := ctx.Value(meterKey{}).(Meter); ok {
		return m(bytes)
	}
	return nil
}
