package httpserver

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"gatehouse/internal/core"
)

const (
	// slowest is how many bytes of an answer a client must take in a second, on average and after the first time limit:
	// without a bound, a client that takes a byte now and then would hold an answer for ever.
	slowest = 16 << 10
	// pieceSize is how many bytes of an answer are given to the connection at once, with a deadline of their own.
	pieceSize = 32 << 10
)

// errSlowReader ends an answer whose client takes it more slowly than slowest.
var errSlowReader = errors.New("the client takes the answer too slowly")

// Timeout bounds how long a request may take. Its context ends after d, and handlers return an error that their face
// renders. Its body must be there by then: reading on fails with core.CodeTimeout. An answer is bounded by its
// progress: a client that takes nothing of it for d, or less than 16 KiB in a second on average, is cut off, and one
// that takes it steadily gets it whole.
//
// A connection that became a websocket, and an answer that became a stream of server-sent events, have no end to time:
// their context ends with the client, and when the server shuts down. It counts what a request has become, not what its
// headers claim. A d of 0 or less is no bound.
func Timeout(d time.Duration) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			rec := record(w)
			p := &pace{limit: d, client: r.Context()}
			ctx := context.WithValue(r.Context(), paceKey{}, p)
			if claimsStream(r) {
				ctx = p.untilStream(ctx)
			} else if d > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, d)
				defer cancel()
			}
			defer p.end()
			rec.pace = p
			r = r.WithContext(ctx)
			if d > 0 && r.Body != nil && r.Body != http.NoBody {
				// Writers without deadlines are those of tests. net/http lifts it when the body is read.
				_ = http.NewResponseController(rec.ResponseWriter).SetReadDeadline(time.Now().Add(d))
				r.Body = &timedBody{ReadCloser: r.Body, limit: d}
			}
			next.ServeHTTP(rec, r)
		})
	}
}

// timedBody says that a body did not come in time, in place of how the connection says it.
type timedBody struct {
	io.ReadCloser
	limit time.Duration
}

// Read implements io.Reader.
func (b *timedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = core.Wrap(
			core.CodeTimeout,
			err,
			"the body did not arrive within %s: send it faster, or in smaller parts",
			b.limit,
		)
	}
	return n, err
}

type paceKey struct{}

// pace holds one request, and its answer, to the time that they may take.
type pace struct {
	limit time.Duration
	// client is the context that ends when the client goes.
	client context.Context

	mu sync.Mutex
	// timer ends the context of what may become a stream, or of an answer without an end that makes no progress.
	timer  *time.Timer
	cancel context.CancelCauseFunc
	// undo lets go of the contexts that end this one.
	undo   []func() bool
	stream bool
	// moving tells that the timer starts anew with each progress.
	moving bool

	// Of the writer, which is one goroutine at a time.
	armed  time.Time
	sent   int64
	waited time.Duration
	// left tells that the handler sets the deadlines.
	left bool
}

// untilStream makes a context that ends after the limit, unless the request becomes a stream before.
func (p *pace) untilStream(ctx context.Context) context.Context {
	ctx, p.cancel = context.WithCancelCause(ctx)
	if p.limit > 0 {
		p.timer = time.AfterFunc(p.limit, func() { p.cancel(context.DeadlineExceeded) })
	}
	return ctx
}

// becameStream lifts the limit.
func (p *pace) becameStream() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stream || p.cancel == nil {
		return
	}
	p.stream = true
	if p.timer != nil {
		p.timer.Stop()
	}
	if drain, ok := p.client.Value(drainKey{}).(context.Context); ok {
		cancel := p.cancel
		p.undo = append(p.undo, context.AfterFunc(drain, func() { cancel(context.Cause(drain)) }))
	}
}

// end lets go of what the request held.
func (p *pace) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.timer != nil {
		p.timer.Stop()
	}
	for _, undo := range p.undo {
		undo()
	}
	if p.cancel != nil {
		p.cancel(context.Canceled)
	}
}

// Streaming is for an answer that may be longer than a client can take within the time limit, such as all that a
// gateway loads. It returns a context in the place of the request's, which ends when the client goes or when the time
// limit passes without any of the answer taken. Outside of Timeout it is the context itself. Call it once, in the
// goroutine that writes.
func Streaming(ctx context.Context) context.Context {
	p, ok := ctx.Value(paceKey{}).(*pace)
	if !ok || p.limit <= 0 || ctx.Err() != nil {
		return ctx
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cancel != nil {
		return ctx
	}
	ctx, p.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	cancel := p.cancel
	p.undo = append(p.undo, context.AfterFunc(p.client, func() { cancel(context.Cause(p.client)) }))
	p.timer = time.AfterFunc(p.limit, func() { cancel(context.DeadlineExceeded) })
	p.moving = true
	return ctx
}

// write gives b to the connection piece by piece, each with the time that a piece may take.
func (p *pace) write(w http.ResponseWriter, b []byte) (int, error) {
	if p.limit <= 0 {
		return w.Write(b)
	}
	total := 0
	for {
		piece := b[total:min(len(b), total+pieceSize)]
		start := time.Now()
		p.arm(w, start)
		n, err := w.Write(piece)
		total += n
		p.waited += time.Since(start)
		p.sent += int64(n)
		switch {
		case err != nil:
			return total, err
		case !p.stream && p.waited > p.limit+time.Duration(p.sent)*time.Second/slowest:
			// What is not sent yet must not be finished as if it were whole.
			_ = http.NewResponseController(w).SetWriteDeadline(time.Unix(1, 0))
			return total, errSlowReader
		case total == len(b):
			p.disarm(w)
			return total, nil
		}
	}
}

// flush sends what was written.
func (p *pace) flush(w http.ResponseWriter) error {
	if p.limit > 0 {
		p.arm(w, time.Now())
		defer p.disarm(w)
	}
	return http.NewResponseController(w).Flush()
}

// arm sets when the client must have taken what is written now. One deadline serves for what is written soon after.
func (p *pace) arm(w http.ResponseWriter, now time.Time) {
	if p.left || !p.stream && now.Sub(p.armed) < p.limit/8 {
		return
	}
	p.armed = now
	_ = http.NewResponseController(w).SetWriteDeadline(now.Add(p.limit)) // writers without deadlines are those of tests
	if p.moving {
		p.timer.Reset(p.limit)
	}
}

// disarm keeps the deadline of the last event from ending a stream that is waiting for the next one.
func (p *pace) disarm(w http.ResponseWriter) {
	if p.stream && !p.left {
		_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
	}
}

// claimsStream tells whether a request asks for a websocket or for server-sent events.
func claimsStream(r *http.Request) bool {
	if upgrade := r.Header["Upgrade"]; len(upgrade) > 0 && strings.EqualFold(upgrade[0], "websocket") {
		return true
	}
	for _, accept := range r.Header["Accept"] {
		if strings.Contains(accept, "text/event-stream") {
			return true
		}
	}
	return false
}

// drainKey finds the context in a request's context that ends when the server begins to shut down.
type drainKey struct{}
