package httpserver

import (
	"context"
	"net/http"
	"sync/atomic"

	"gatehouse/internal/core"
)

// Middleware wraps a handler.
type Middleware = func(http.Handler) http.Handler

// Chain wraps a handler in middlewares, the first of them outermost.
func Chain(h http.Handler, middlewares ...Middleware) http.Handler {
	for i := len(middlewares) - 1; i >= 0; i-- {
		h = middlewares[i](h)
	}
	return h
}

// request is what the middlewares know of a request. Handlers further in write the atomic fields, perhaps from
// goroutines of their own; the log and the metrics further out read them at the end.
type request struct {
	id string
	// address is written by Locate, before anything further in runs.
	address string
	actor   atomic.Pointer[string]
	route   atomic.Pointer[string]
	quiet   atomic.Bool
}

type requestKey struct{}

func requestOf(ctx context.Context) *request {
	q, _ := ctx.Value(requestKey{}).(*request)
	return q
}

// Identify gives each request an id: the one of its X-Request-ID header when that is 1 to 64 letters, digits, '.', '_'
// or '-', and 32 random hex digits otherwise. The answer carries it in the same header; RequestID returns it. The other
// middlewares need it around them.
func Identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := &request{id: r.Header.Get("X-Request-ID")}
		if !wellFormed(q.id) {
			q.id = core.NewHex()
		}
		w.Header().Set("X-Request-ID", q.id)
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), requestKey{}, q)))
	})
}

func wellFormed(id string) bool {
	if id == "" || len(id) > 64 {
		return false
	}
	for i := range len(id) {
		switch c := id[i]; {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '.', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}

// RequestID returns the id that Identify gave the request, "" outside of one.
func RequestID(ctx context.Context) string {
	if q := requestOf(ctx); q != nil {
		return q.id
	}
	return ""
}

// SetActor tells the access log who makes the request: the id of a user, never a secret. Outside of a request it does
// nothing.
func SetActor(ctx context.Context, id string) {
	if q := requestOf(ctx); q != nil {
		q.actor.Store(&id)
	}
}

// SetRoute tells the metrics which route serves the request, as its template (/api/apis/{id}): a router calls it once
// it knows. There must be few templates, since each becomes a time series. Outside of a request it does nothing.
func SetRoute(ctx context.Context, template string) {
	if q := requestOf(ctx); q != nil {
		q.route.Store(&template)
	}
}

// Quiet leaves the request out of the access log, at its usual level, unless it fails: for what comes all the time and
// tells nothing. Outside of a request it does nothing.
func Quiet(ctx context.Context) {
	if q := requestOf(ctx); q != nil {
		q.quiet.Store(true)
	}
}

func text(p *atomic.Pointer[string]) string {
	if s := p.Load(); s != nil {
		return *s
	}
	return ""
}
