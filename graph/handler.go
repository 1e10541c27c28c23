// Package graph is the GraphQL face: it serves the schema over HTTP, server-sent events and websockets, authenticates,
// guards, limits, and renders errors. What the fields do lies in package resolvers.
//
// A query is parsed, measured (shape.go), validated (prepare.go) and weighed (cost.go) before anything of it runs, each
// in a time that grows with its text and no faster.
package graph

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"gatehouse/graph/generated"
	"gatehouse/internal/authz"
	"gatehouse/internal/core"
	"gatehouse/internal/outage"
	"gatehouse/internal/trail"
)

// Options say what the handler serves, and how.
type Options struct {
	Resolvers generated.ResolverRoot
	// WithLoaders gives the context of an operation its batch loaders.
	WithLoaders func(context.Context) context.Context
	// Metered gives the context of an operation what is told of each document that is read for it, in bytes, and says when
	// to stop.
	Metered       func(context.Context, func(bytes int) error) context.Context
	Authenticator *authz.Authenticator
	Guard         authz.Guard
	Limits        Limits
	Introspection bool
	// Timeout is how long an operation over a websocket or as a stream may take that is no subscription, and how long a
	// client of a websocket may take to take a message in; 0 is no limit. Others end with the context of their request.
	Timeout time.Duration
	// Sockets counts a websocket, or a stream of events, of an organisation until release, or refuses it; nil counts none.
	Sockets func(ctx context.Context, org string) (release func(), err error)
	// AllowedOrigins are those of other sites whose pages may open websockets.
	AllowedOrigins []string
	Log            *slog.Logger
	// AccessLog gets a line for each operation on a websocket; nil is none.
	AccessLog *slog.Logger
	// Outages hears of operations that failed since something is down.
	Outages *outage.Log
	// RequestID names the request in the log.
	RequestID func(context.Context) string
	// SetActor tells the access log who makes the request.
	SetActor func(ctx context.Context, id string)
	// Trail records operations, a root field each; nil records none. Address is where a request comes from.
	Trail   *trail.Trail
	Address func(context.Context) string
}

// server answers requests to /graphql.
type server struct {
	Options
	exec    *gate
	callers *callers
	meter   *meter
}

// New makes the handler of /graphql: POST, GET for queries, server-sent events for "Accept: text/event-stream", and
// websockets that speak graphql-transport-ws (or the older graphql-ws), whose connection_init payload carries the
// headers. Browsers can open websockets from our own pages only.
func New(o Options) http.Handler {
	schema := generated.NewExecutableSchema(generated.Config{Resolvers: o.Resolvers, Directives: directives(o)})
	exec := executor.New(schema)
	exec.SetQueryCache(prepared{})
	if o.Introspection {
		exec.Use(extension.Introspection{})
	}
	exec.Use(costLimit{costs: newCosts(schema.Schema()), limit: o.Limits.Complexity})
	exec.SetErrorPresenter(o.present)
	exec.SetRecoverFunc(o.recovered)
	exec.AroundOperations(func(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
		responses := next(o.WithLoaders(ctx))
		if graphql.GetOperationContext(ctx).Operation.Operation == ast.Subscription {
			return sayWhyItEnded(responses)
		}
		return responses
	})
	s := &server{
		Options: o,
		callers: newCallers(),
		meter:   &meter{limit: o.Limits.AllAnswersBytes},
		exec: &gate{Executor: exec, schema: schema.Schema(), limits: o.Limits, documents: newDocuments(),
			open: openFields()},
	}
	exec.AroundFields(around)
	exec.AroundResponses(s.weigh)
	return s
}

// ServeHTTP implements http.Handler. Wrong credentials end here with 401; without any, the schema can be read and
// nothing else.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	actor, err := s.authenticate(r)
	if err != nil {
		s.recordRefused(r.Context(), cmp.Or(r.Header.Get("admin-auth"), authz.AccessKey(r.Header.Get("Authorization"))), err)
		s.refuse(w, r, err)
		return
	}
	s.SetActor(r.Context(), actor.ID())
	r = r.WithContext(graphql.StartOperationTrace(authz.With(r.Context(), actor)))
	switch {
	case r.Header.Get("Upgrade") != "":
		s.serveSocket(w, r)
	case r.Method == http.MethodGet:
		s.serveGET(w, r)
	case r.Method == http.MethodPost:
		s.servePOST(w, r)
	default:
		w.Header().Set("Allow", "GET, POST")
		s.refuse(
			w,
			r,
			core.Errorf(core.CodeMalformed, "GraphQL is asked by POST, or by GET for queries, not by %s", clip(r.Method, 32)),
		)
	}
}

func (s *server) authenticate(r *http.Request) (authz.Actor, error) {
	c, err := s.Authenticator.Cookies.Of(r)
	if err != nil {
		return authz.Actor{}, err
	}
	return s.Authenticator.Authenticate(r.Context(), c)
}

// sayWhyItEnded tells a client whose subscription we ended so: one that missed changes without knowing would show old
// data.
func sayWhyItEnded(next graphql.ResponseHandler) graphql.ResponseHandler {
	told := false
	return func(ctx context.Context) *graphql.Response {
		response := next(ctx)
		switch {
		case response != nil:
			told = len(response.Errors) > 0
		case !told && ctx.Err() == nil: // neither the client nor a shutdown ended it
			told = true
			return subscriptionEnded()
		}
		return response
	}
}

// subscriptionEnded is the last answer of a subscription that we ended and that may begin again.
func subscriptionEnded() *graphql.Response {
	return &graphql.Response{Errors: gqlerror.List{{
		Message: "the subscription ended: it fell too far behind, your user was changed, or the server stops; " +
			"subscribe again, and read anew what you show",
		Extensions: map[string]any{"code": string(core.CodeUnavailable)},
	}}}
}
