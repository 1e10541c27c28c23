package httpserver

import (
	"io"
	"sync"
	"time"
)

// flushAt is the size, in bytes, at which a BufferedWriter does not wait for its interval.
const flushAt = 64 << 10

// BufferedWriter collects what is written to it and passes it on in large pieces: after an interval, when there is much
// of it, and on Close. It is for the access log, where a system call for each line would cost more than serving many a
// request; a crash loses the lines of the last interval, so other logs should not go through it. It is safe for
// concurrent use.
type BufferedWriter struct {
	out  io.Writer
	stop chan struct{}
	done chan struct{}
	once sync.Once

	mu     sync.Mutex // guards buf and closed
	buf    []byte
	closed bool

	flushing sync.Mutex // held while writing to out, so that pieces stay in order; guards spare
	spare    []byte
}

var _ io.WriteCloser = (*BufferedWriter)(nil)

// NewBufferedWriter makes a BufferedWriter that passes on to out after each interval, 100 ms when it is not positive.
// It runs a goroutine until Close.
func NewBufferedWriter(out io.Writer, interval time.Duration) *BufferedWriter {
	if interval <= 0 {
		interval = 100 * time.Millisecond
	}
	b := &BufferedWriter{out: out, stop: make(chan struct{}), done: make(chan struct{})}
	go b.run(interval)
	return b
}

func (b *BufferedWriter) run(interval time.Duration) {
	defer close(b.done)
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			_ = b.Flush() // a log that cannot be written has nobody to tell
		case <-b.stop:
			return
		}
	}
}

// Write takes p in. It waits for the writer behind only when a full buffer has to go first, and returns its error then.
// After Close it writes through.
func (b *BufferedWriter) Write(p []byte) (int, error) {
	b.mu.Lock()
	b.buf = append(b.buf, p...)
	full := len(b.buf) >= flushAt || b.closed
	b.mu.Unlock()
	if full {
		if err := b.Flush(); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// Flush passes on what was collected so far, and returns the error of the writer behind. What could not be written is
// dropped.
func (b *BufferedWriter) Flush() error {
	b.flushing.Lock()
	defer b.flushing.Unlock()
	b.mu.Lock()
	piece := b.buf
	b.buf = b.spare[:0]
	b.mu.Unlock()
	b.spare = piece[:0]
	if len(piece) == 0 {
		return nil
	}
	_, err := b.out.Write(piece)
	return err
}

// Close ends the goroutine and passes on the rest. It does not close the writer behind.
func (b *BufferedWriter) Close() error {
	b.once.Do(func() {
		close(b.stop)
		<-b.done
		b.mu.Lock()
		b.closed = true
		b.mu.Unlock()
	})
	return b.Flush()
}
