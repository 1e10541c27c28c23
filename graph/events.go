package graph

import (
	"context"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"gatehouse/internal/authz"
	"gatehouse/internal/core"
)

// keepAlive is how often a stream that has nothing to tell says that it is there, so that proxies leave it open.
const keepAlive = 20 * time.Second

// serveEvents answers an operation with server-sent events: "next" for each answer, and "complete".
func (s *server) serveEvents(w http.ResponseWriter, r *http.Request, params *graphql.RawParams) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	oc, errs := s.exec.CreateOperationContext(ctx, params)
	if errs != nil {
		events := s.openEvents(w, cancel, streamStatus(statusOf(r, errs)))
		_ = events.next(s.exec.DispatchError(graphql.WithOperationContext(ctx, oc), errs))
		events.text("event: complete\n\n")
		return
	}
	ctx, done, err := s.bound(ctx, oc.Operation, authz.From(ctx))
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	defer done()
	if oc.Operation.Operation == ast.Subscription {
		release, err := s.socket(ctx, aStream, authz.From(ctx), 0)
		if err != nil {
			s.refuse(w, r, err)
			return
		}
		defer release()
	}
	credentials, err := s.Authenticator.Cookies.Of(r)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	session, _, err := s.begin(ctx, credentials)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	stream := &stream{
		eventWriter:  s.openEvents(w, cancel, http.StatusOK),
		session:      session,
		subscription: oc.Operation.Operation == ast.Subscription,
	}
	watching := sync.WaitGroup{}
	watching.Go(func() { stream.watch(ctx) })
	defer watching.Wait()
	defer cancel()
	accounted, account := s.account(ctx, oc.Operation) // a variable of its own: the watch reads ctx meanwhile
	defer account.close()
	responses, opCtx := s.exec.DispatchOperation(accounted, oc)
	for {
		response := responses(opCtx)
		if response == nil || !stream.judge(ctx) {
			break
		}
		if stream.next(response) != nil {
			return
		}
		account.settle()
	}
	if last := stream.ended.Load(); last != nil {
		_ = stream.next(last)
	}
	stream.text("event: complete\n\n")
}

// streamStatus is the status of a stream whose operation does not run: the stream tells what is wrong with the query.
func streamStatus(status int) int {
	if status == http.StatusUnauthorized || status == http.StatusServiceUnavailable {
		return status
	}
	return http.StatusOK
}

// openEvents begins a stream.
func (s *server) openEvents(w http.ResponseWriter, cancel context.CancelFunc, status int) *eventWriter {
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("Connection", "keep-alive")
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(status)
	events := &eventWriter{w: w, control: http.NewResponseController(w), cancel: cancel}
	events.text(":\n\n")
	return events
}

// stream is a running operation whose answers are events.
type stream struct {
	*eventWriter
	session      *session
	subscription bool
	// ended is why we ended it; nil while we did not.
	ended atomic.Pointer[graphql.Response]
}

// judge tells whether the stream may go on: while the credentials hold, and the user has the rights with which it
// began.
func (s *stream) judge(ctx context.Context) bool {
	if !s.subscription {
		return true
	}
	actor, err := s.session.actor(ctx)
	switch {
	case core.CodeOf(err) == core.CodeUnauthenticated:
		s.ended.CompareAndSwap(
			nil,
			&graphql.Response{Errors: gqlerror.List{{Message: "Not authorised: the credentials of this stream ended",
				Extensions: map[string]any{"code": string(core.CodeUnauthenticated)}}}},
		)
	case s.session.changed(actor):
		s.ended.CompareAndSwap(nil, subscriptionEnded())
	default:
		return true
	}
	s.cancel()
	return false
}

// watch judges the credentials from time to time, and keeps the stream open.
func (s *stream) watch(ctx context.Context) {
	judge, alive := time.NewTicker(judgeEvery), time.NewTicker(keepAlive)
	defer judge.Stop()
	defer alive.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-judge.C:
			s.judge(ctx)
		case <-alive.C:
			s.text(": ping\n\n")
		}
	}
}

// eventWriter writes events, one at a time. A client that does not take one in is cut by the server, and ends the
// stream.
type eventWriter struct {
	mu      sync.Mutex
	w       http.ResponseWriter
	control *http.ResponseController
	cancel  context.CancelFunc
}

func (e *eventWriter) text(text string) {
	_ = e.write(func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	})
}

// next writes an answer.
func (e *eventWriter) next(response *graphql.Response) error {
	return e.write(func(w io.Writer) error {
		if _, err := io.WriteString(w, "event: next\ndata: "); err != nil {
			return err
		}
		if err := encode(w, response); err != nil {
			return err
		}
		_, err := io.WriteString(w, "\n\n")
		return err
	})
}

func (e *eventWriter) write(event func(io.Writer) error) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	err := event(e.w)
	if err == nil {
		err = e.control.Flush()
	}
	if err != nil {
		e.cancel()
	}
	return err
}
