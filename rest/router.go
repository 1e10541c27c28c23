// Package rest is the legacy face: the endpoints under /api and /admin, as the incumbent's clients expect them. A
// handler turns a legacy request into one call of the generated resolver interfaces, and what comes back into the
// legacy answer, so it can do nothing that GraphQL lacks. Shapes, messages and capitals are contract; the golden files
// in testdata hold them.
package rest

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/gorilla/mux"

	"gatehouse/graph/generated"
	"gatehouse/internal/authz"
	"gatehouse/internal/core"
	"gatehouse/internal/httpserver"
	"gatehouse/internal/outage"
	"gatehouse/internal/trail"
)

// Options say what the handlers call, and how.
type Options struct {
	Query    generated.QueryResolver
	Mutation generated.MutationResolver
	Fields   Fields

	Authenticator *authz.Authenticator
	Guard         authz.Guard
	// Operations describes the root fields by name; routes are guarded as the fields that they equal.
	Operations map[string]authz.Operation
	// Bounded begins an answer that may be long: what is read for it, in the context that it returns, counts until the
	// end, among all that is read at once.
	Bounded func(ctx context.Context) (bounded context.Context, end func())
	// Health says how the server is.
	Health http.Handler
	// SSOErrorURL is where a browser is sent whose sign-in by a nonce failed; "" shows a page of ours.
	SSOErrorURL string
	// PageSize is how many objects a page has when nobody says; MaxPageSize how many the resolvers give at once.
	PageSize, MaxPageSize int
	Log                   *slog.Logger
	// Outages hears of requests that failed since something is down.
	Outages *outage.Log
	// Trail records requests; nil records none.
	Trail *trail.Trail
}

// Fields resolve what GraphQL computes for a field of an object, for the answers that hold it.
type Fields struct {
	Api         generated.ApiResolver
	Gateway     generated.GatewayResolver
	Key         generated.KeyResolver
	User        generated.UserResolver
	OauthClient generated.OauthClientResolver
	Session     generated.SessionResolver

	KeyUsage                generated.KeyUsageResolver
	CertificateDependencies generated.CertificateDependenciesResolver
}

// route pairs a legacy request with the operation that it is guarded as and with its handler.
type route struct {
	method, path string
	// operation is the name of the root field. Those of admin routes are guarded by the admin secret.
	operation string
	handle    func(*call) (reply, error)
	// legacy are the errors that the legacy API answers in its own way here.
	legacy legacyErrors
}

// New makes the handler of /api and /admin.
func New(o Options) http.Handler {
	m := mux.NewRouter().UseEncodedPath().SkipClean(true)
	for _, r := range routes() {
		op, ok := o.Operations[r.operation]
		if !ok {
			panic("rest: " + r.method + " " + r.path + " names an operation that the schema lacks: " + r.operation)
		}
		if op.Self != "" && !strings.Contains(r.path, "{"+op.Self+"}") {
			panic("rest: " + r.method + " " + r.path + " lacks {" + op.Self + "}, which says whom " + r.operation + " is about")
		}
		// The path comes first: the router forgets that a method was wrong as soon as one condition of a later route holds.
		m.Path(r.path).Methods(r.method).Handler(o.endpoint(r, op))
	}
	m.NotFoundHandler = o.failing(core.Errorf(core.CodeNotFound, "there is no such endpoint"))
	m.MethodNotAllowedHandler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, w, end := o.recorded(w, r, route{}, nil)
		defer end()
		w.Header().Set("Allow", allowed(m, r))
		writeJSON(w, http.StatusMethodNotAllowed, answer{Status: "Error", Message: "this endpoint does not take this method"})
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// A trailing slash is optional on every path.
		if path := r.URL.EscapedPath(); len(path) > 1 && strings.HasSuffix(path, "/") {
			r = withPath(r, strings.TrimRight(path, "/"))
		}
		m.ServeHTTP(w, r)
	})
}

// allowed lists the methods that the path of a request takes.
func allowed(m *mux.Router, r *http.Request) string {
	var methods []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		other := *r
		other.Method = method
		var match mux.RouteMatch
		if m.Match(&other, &match) && match.MatchErr == nil {
			methods = append(methods, method)
		}
	}
	return strings.Join(methods, ", ")
}

func withPath(r *http.Request, escaped string) *http.Request {
	path, err := url.PathUnescape(escaped)
	if err != nil {
		return r
	}
	u := *r.URL
	u.Path, u.RawPath = path, escaped
	out := *r
	out.URL = &u
	return &out
}

// routes lists every endpoint. Fixed paths come before those with a name in the same place.
func routes() []route {
	var all []route
	for _, area := range [][]route{apiRoutes, keyRoutes, keyIndexRoutes, policyRoutes, userRoutes, userGroupRoutes, webhookRoutes, organisationRoutes,
		gatewayRoutes, proxyRoutes, oauthRoutes, certificateRoutes, systemRoutes, statsRoutes, assetRoutes, notificationRoutes,
		organisationSessionRoutes, portalRoutes, portalAreas(), openPolicyRoutes, auditRoutes, permissionRoutes, sessionRoutes, ssoRoutes,
		recoveryRoutes} {
		all = append(all, area...)
	}
	return all
}

// endpoint authenticates, guards, calls the handler and renders what it returns.
func (o Options) endpoint(rt route, op authz.Operation) http.Handler {
	admin := strings.HasPrefix(rt.path, "/admin/")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		httpserver.SetRoute(r.Context(), rt.path)
		c := &call{Options: &o, request: r, header: w.Header(), vars: mux.Vars(r)}
		var err error
		rec, w, end := o.recorded(w, r, rt, &err)
		defer end()
		for name, v := range c.vars {
			plain, err := url.PathUnescape(v)
			if err != nil {
				o.fail(w, r, rt.legacy, core.Errorf(core.CodeInvalid, "the path is not well escaped"))
				return
			}
			c.vars[name] = plain
		}
		var actor authz.Actor
		actor, err = o.authenticate(r, admin)
		if err == nil {
			httpserver.SetActor(r.Context(), actor.ID())
			rec.Known(actor)
			c.ctx = rec.With(authz.With(r.Context(), actor))
			if o.Bounded != nil && r.Method == http.MethodGet {
				var end func()
				c.ctx, end = o.Bounded(c.ctx)
				defer end()
			}
			arg := func(name string) string { return c.vars[name] }
			asked := op.Call(arg)
			// The message names the path that was asked for, which may be another spelling of the operation's.
			asked.Path = r.URL.Path
			asked.Method, asked.Route, asked.Header = r.Method, authz.Route(rt.path, arg), r.Header
			c.ctx = authz.WithCall(c.ctx)
			err = o.Guard.Check(c.ctx, actor, asked)
		}
		if err != nil {
			// Refusals are the same on every endpoint.
			o.fail(w, r, nil, err)
			return
		}
		var answer reply
		if answer, err = rt.handle(c); err == nil {
			err = rec.Done(c.ctx)
		}
		if err != nil {
			o.fail(w, r, rt.legacy, err)
			return
		}
		answer(w)
	})
}

// authenticate takes the one kind of credentials that the face under the path knows.
func (o Options) authenticate(r *http.Request, admin bool) (authz.Actor, error) {
	if admin {
		return o.Authenticator.Authenticate(r.Context(), authz.Credentials{AdminAuth: r.Header.Get("admin-auth")})
	}
	c, err := o.Authenticator.Cookies.Of(r)
	if err != nil {
		return authz.Actor{}, err
	}
	c.AdminAuth = ""
	return o.Authenticator.Authenticate(r.Context(), c)
}

func (o Options) failing(err error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, w, end := o.recorded(w, r, route{}, &err)
		defer end()
		o.fail(w, r, nil, err)
	})
}
