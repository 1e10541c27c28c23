package session

import (
	"context"
	"net"
	"net/http"
	"strings"

	"gatehouse/internal/authz"
	"gatehouse/internal/core"
)

// Visit is a request that a session can be given to: by a cookie in its answer.
type Visit struct {
	// Address and Agent are where it comes from.
	Address, Agent string

	cookies authz.Cookies
	header  http.Header
	foreign error
	// began is the id of the session that began with it; "" for none.
	began string
}

type visitKey struct{}

// Visits says how visits are seen.
type Visits struct {
	Cookies authz.Cookies
	// Address is that of a request; Peer tells to take that of its connection, whatever a proxy says
	// (security.login_disallow_forward_proxy).
	Address func(context.Context) string
	Peer    bool
}

// Handler gives each request its Visit, where its answer begins only when it was carried out.
func (s Visits) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" || strings.Contains(r.Header.Get("Accept"), "text/event-stream") {
			next.ServeHTTP(w, r)
			return
		}
		v := &Visit{Agent: r.UserAgent(), cookies: s.Cookies, header: w.Header(), foreign: authz.SameSite(r)}
		if v.Address = s.Address(r.Context()); s.Peer || v.Address == "" {
			v.Address = r.RemoteAddr
			if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
				v.Address = host
			}
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), visitKey{}, v)))
	})
}

// visitOf is the visit of a call. It refuses one that a page of another site makes, since it would have somebody signed
// in as somebody else, and one whose answer has begun.
func visitOf(ctx context.Context) (*Visit, error) {
	v, ok := ctx.Value(visitKey{}).(*Visit)
	if !ok {
		return nil, core.Errorf(core.CodeInvalid,
			"signing in and out takes a plain request, whose answer can set a cookie: not a websocket, nor a stream of events")
	}
	return v, v.foreign
}

// IsCurrent tells whether a session is the one in which the caller of a context asks, or goes on to ask.
func IsCurrent(ctx context.Context, s *core.Session) bool {
	if v, ok := ctx.Value(visitKey{}).(*Visit); ok && v.began != "" {
		return v.began == s.ID
	}
	own := authz.From(ctx).Session
	return own != nil && own.ID == s.ID
}

// give has the browser keep a token, in the place of any before; "" forgets it.
func (v *Visit) give(token string) {
	v.header.Del("Set-Cookie")
	v.header.Add("Set-Cookie", v.cookies.Cookie(token).String())
	v.header.Set("Cache-Control", "no-store")
}
