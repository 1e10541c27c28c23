package httpserver

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
)

// LimitBody refuses requests with a body of more than max bytes. Where the client announces the size, respond answers at once;
// its status should be 413. Otherwise reading beyond max fails with an error that IsBodyTooLarge recognises. A max of 0 or less
// is no limit.
func LimitBody(max int64, respond http.HandlerFunc) Middleware {
	return func(next http.Handler) http.Handler {
		if max <= 0 {
			return next
		}
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.ContentLength > max {
				w.Header().Set("Connection", "close")
				respond(w, r)
				linger(w, r)
				return
			}
			if r.ContentLength < 0 { // net/http holds a client to the size that it announced
				r.Body = http.MaxBytesReader(serverWriter(w), r.Body, max)
			}
			next.ServeHTTP(w, r)
		})
	}
}

// IsBodyTooLarge tells whether err comes from reading a body over the limit of LimitBody.
func IsBodyTooLarge(err error) bool {
	var e *http.MaxBytesError
	return errors.As(err, &e)
}

// serverWriter finds the writer that MaxBytesReader can tell to close the connection.
func serverWriter(w http.ResponseWriter) http.ResponseWriter {
	for {
		u, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return w
		}
		w = u.Unwrap()
	}
}

const (
	lingerBytes = 64 << 20
	lingerTime  = 2 * time.Second
)

// linger reads on for a while after the answer was sent. Many clients read an answer only when they have sent everything, and
// would see a broken connection in its place.
func linger(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Expect") != "" {
		return // the client waits for our word before it sends, and has got it
	}
	c := http.NewResponseController(w)
	if c.Flush() != nil || c.SetReadDeadline(time.Now().Add(lingerTime)) != nil {
		return
	}
	_, _ = io.CopyN(io.Discard, r.Body, lingerBytes)
}

// Timeout bounds how long a request may take: its context ends after d, and handlers return an error that their face renders.
// Websockets and server-sent events have no end to time: they are freed of the server's write time-out too, and their context
// ends when the server shuts down. A d of 0 or less is no bound.
func Timeout(d time.Duration) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx, cancel := r.Context(), context.CancelFunc(func() {})
			if isStream(r) {
				ctx, cancel = streamContext(ctx)
				// Writers without deadlines have none to lift. The read time-out ends with the body by itself.
				_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
			} else if d > 0 {
				ctx, cancel = context.WithTimeout(ctx, d)
			}
			defer cancel()
			next.ServeHTTP(w, r.WithContext(ctx))
		})
	}
}

// isStream tells whether a request asks for a websocket or for server-sent events.
func isStream(r *http.Request) bool {
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

func streamContext(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(parent)
	drain, ok := parent.Value(drainKey{}).(context.Context)
	if !ok {
		return ctx, cancel
	}
	stop := context.AfterFunc(drain, cancel)
	return ctx, func() { stop(); cancel() }
}
