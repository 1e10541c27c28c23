// Package graph is the GraphQL face: it serves the schema over HTTP, server-sent events and websockets, authenticates, guards,
// limits, and renders errors. What the fields do lies in package resolvers.
package graph

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/coder/websocket"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"gatehouse/graph/generated"
	"gatehouse/internal/authz"
	"gatehouse/internal/core"
)

// Options say what the handler serves, and how.
type Options struct {
	Resolvers generated.ResolverRoot
	// WithLoaders gives the context of an operation its batch loaders.
	WithLoaders   func(context.Context) context.Context
	Authenticator *authz.Authenticator
	Guard         authz.Guard
	Limits        Limits
	Introspection bool
	// AllowedOrigins are those of other sites whose pages may open websockets.
	AllowedOrigins []string
	Log            *slog.Logger
	// RequestID names the request in the log.
	RequestID func(context.Context) string
	// SetActor tells the access log who makes the request.
	SetActor func(ctx context.Context, id string)
}

// parserTokens bounds the length of a query text, in tokens, before it is parsed.
const parserTokens = 20_000

// New makes the handler of /graphql: POST, GET for queries, server-sent events for "Accept: text/event-stream", and websockets
// that speak graphql-transport-ws (or the older graphql-ws), whose connection_init payload carries the headers.
// Browsers can open websockets from our own pages only.
func New(o Options) http.Handler {
	srv := handler.New(generated.NewExecutableSchema(generated.Config{
		Resolvers:  o.Resolvers,
		Directives: directives(o.Guard),
		Complexity: complexity(),
	}))
	srv.AddTransport(transport.Websocket{
		Implementation:        transport.CoderWebsocketImplementation{AcceptOptions: websocket.AcceptOptions{OriginPatterns: o.AllowedOrigins}},
		KeepAlivePingInterval: 20 * time.Second,
		PingPongInterval:      20 * time.Second,
		InitTimeout:           10 * time.Second,
		InitFunc:              o.initWebsocket,
	})
	srv.AddTransport(transport.SSE{KeepAlivePingInterval: 20 * time.Second})
	srv.AddTransport(transport.GET{})
	srv.AddTransport(transport.POST{})
	srv.SetQueryCache(lru.New[*ast.QueryDocument](500))
	srv.SetParserTokenLimit(parserTokens)
	if o.Introspection {
		srv.Use(extension.Introspection{})
	}
	srv.Use(o.Limits)
	if o.Limits.Complexity > 0 {
		srv.Use(extension.FixedComplexityLimit(o.Limits.Complexity))
	}
	srv.SetErrorPresenter(o.present)
	srv.SetRecoverFunc(o.recovered)
	srv.AroundOperations(func(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
		responses := next(o.WithLoaders(ctx))
		if graphql.GetOperationContext(ctx).Operation.Operation == ast.Subscription {
			return sayWhyItEnded(responses)
		}
		return responses
	})
	return o.authenticated(srv)
}

// authenticated puts the actor into the context. Wrong credentials end here with 401; without any, the schema can be read and
// nothing else.
func (o Options) authenticated(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		actor, err := o.Authenticator.Authenticate(r.Context(), r.Header.Get("Authorization"), r.Header.Get("admin-auth"))
		if err != nil {
			o.refuse(w, r, err)
			return
		}
		if err := readWhole(r); err != nil {
			o.refuse(w, r, err)
			return
		}
		o.SetActor(r.Context(), actor.ID())
		ctx := authz.With(r.Context(), actor)
		if !actor.Known() && r.Header.Get("Upgrade") == "" {
			refused := &refusal{ResponseWriter: w}
			ctx, w = context.WithValue(ctx, refusalKey{}, refused), refused
		}
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// readWhole reads a body that comes without its size, so that one over the limit is refused with the status for that.
func readWhole(r *http.Request) error {
	if r.ContentLength >= 0 || r.Body == nil {
		return nil
	}
	raw, err := io.ReadAll(r.Body)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return core.Wrap(core.CodeTooLarge, err, "the body is too large: send less, or raise gatehouse.max_body_bytes")
	case core.CodeOf(err) == core.CodeTimeout:
		return err
	case err != nil:
		return core.Wrap(core.CodeMalformed, err, "the body could not be read")
	}
	r.Body = io.NopCloser(bytes.NewReader(raw))
	return nil
}

// initWebsocket authenticates a websocket, whose browsers cannot set headers, by the payload of connection_init.
func (o Options) initWebsocket(ctx context.Context, payload transport.InitPayload) (context.Context, *transport.InitPayload, error) {
	authorization := payload.Authorization()
	adminAuth := payload.GetString("admin-auth")
	if authorization == "" && adminAuth == "" {
		return ctx, nil, nil
	}
	actor, err := o.Authenticator.Authenticate(ctx, authorization, adminAuth)
	if err != nil {
		e := o.present(ctx, err)
		code := closeInternal
		if core.CodeOf(err) == core.CodeUnauthenticated {
			code = closeForbidden
		}
		return transport.WithWebsocketCloseCode(transport.AppendCloseReason(ctx, e.Message), code), nil, errors.New(e.Message)
	}
	o.SetActor(ctx, actor.ID())
	return authz.With(ctx, actor), nil, nil
}

// The codes of graphql-transport-ws with which a websocket is closed that could not begin.
const (
	closeForbidden = 4403
	closeInternal  = 4500
)

// sayWhyItEnded tells a client whose subscription we ended so: one that missed changes without knowing would show old data.
func sayWhyItEnded(next graphql.ResponseHandler) graphql.ResponseHandler {
	told := false
	return func(ctx context.Context) *graphql.Response {
		response := next(ctx)
		switch {
		case response != nil:
			told = len(response.Errors) > 0
		case !told && ctx.Err() == nil: // neither the client nor a shutdown ended it
			told = true
			return &graphql.Response{Errors: gqlerror.List{{
				Message:    "the subscription ended: it fell too far behind, or the server stops; subscribe again, and read anew what you show",
				Extensions: map[string]any{"code": string(core.CodeUnavailable)},
			}}}
		}
		return response
	}
}

// refusal turns the status of an answer to nobody into 401 when a field asked for credentials.
type refusal struct {
	http.ResponseWriter
	denied, wrote bool
}

type refusalKey struct{}

// deny remembers that an operation of nobody was refused.
func deny(ctx context.Context, err error) {
	if r, ok := ctx.Value(refusalKey{}).(*refusal); ok && core.CodeOf(err) == core.CodeUnauthenticated {
		r.denied = true
	}
}

// WriteHeader implements http.ResponseWriter.
func (r *refusal) WriteHeader(status int) {
	if r.denied && status == http.StatusOK {
		status = http.StatusUnauthorized
	}
	r.wrote = true
	r.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (r *refusal) Write(b []byte) (int, error) {
	if !r.wrote {
		r.WriteHeader(http.StatusOK)
	}
	return r.ResponseWriter.Write(b)
}

// Flush implements http.Flusher, for server-sent events.
func (r *refusal) Flush() {
	if f, ok := r.ResponseWriter.(http.Flusher); ok {
		f.Flush()
	}
}
