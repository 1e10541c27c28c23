package store

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"time"
)

// Outage is the error of an engine whose database cannot serve a call now: it starts, stops, is full, or cannot be
// reached. The same call may work later. Whether a write was made whose answer got lost, nobody knows.
type Outage struct {
	// Reason says why in words for people, which name no internals: "the disk of the database is full".
	Reason string
	// Err is what the database or its driver said, for the log.
	Err error
}

// Error says what the database said, for the log.
func (o *Outage) Error() string {
	if o.Err == nil {
		return o.Reason
	}
	return o.Reason + ": " + o.Err.Error()
}

// Unwrap returns what the database said.
func (o *Outage) Unwrap() error { return o.Err }

// NoAnswer is the reason of an outage of which no more is known than that the connection broke, or never was.
const NoAnswer = "the database does not answer"

// Broken tells whether an error is that of a connection: refused, timed out, cut, closed at the other end, or given up
// by a driver. An end of the caller's own context is to be told from it before.
func Broken(err error) bool {
	var network net.Error // context.DeadlineExceeded and every syscall.Errno is one
	var garbled tls.RecordHeaderError
	if errors.As(err, &network) || errors.As(err, &garbled) {
		return true
	}
	for _, one := range []error{io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe, io.ErrShortWrite, io.ErrNoProgress,
		net.ErrClosed, context.Canceled} {
		if errors.Is(err, one) {
			return true
		}
	}
	return false
}

// errBusy is the cause of an outage in which every connection was taken.
var errBusy = errors.New("store: every connection to the database was in use")

// Gate lets so many calls at a database at a time, and bounds how long the others wait: while a database hangs, those
// who come get an answer in place of a place in a queue.
type Gate struct {
	places chan struct{}
	wait   time.Duration
}

// NewGate makes a gate for so many calls at a time; the others wait so long at most.
func NewGate(calls int, wait time.Duration) *Gate {
	return &Gate{places: make(chan struct{}, calls), wait: wait}
}

// Enter returns when a call may begin; leave is to be called when it has ended. It fails with the context's error, or
// with an Outage when the wait took too long. A call that has entered must not enter again.
func (g *Gate) Enter(ctx context.Context) (leave func(), err error) {
	leave = func() { <-g.places }
	select {
	case g.places <- struct{}{}:
		return leave, nil
	default:
	}
	timer := time.NewTimer(g.wait)
	defer timer.Stop()
	select {
	case g.places <- struct{}{}:
		return leave, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-timer.C:
		return nil, &Outage{Reason: "the database is too busy, or does not answer", Err: errBusy}
	}
}
