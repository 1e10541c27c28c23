package authz

import (
	"net/http"

	"gatehouse/internal/core"
)

// Credentials are what a request says of who makes it.
type Credentials struct {
	// Authorization and AdminAuth are the values of those headers: an access key, bare or behind "Bearer", and the admin
	// secret. "" is none.
	Authorization, AdminAuth string
	// Session is the token of a cookie. It counts where no access key came: what a browser adds by itself is less than
	// what somebody sent.
	Session string
}

// The names of the cookie. Browsers keep the second for this host alone, and send it over TLS alone.
const (
	sessionCookie = "authorisation"
	secureCookie  = "__Host-authorisation"
)

// Cookies says how the tokens of sessions travel.
type Cookies struct {
	// Secure tells that people reach this server over TLS alone. Then a cookie that came otherwise, or that a
	// neighbouring host has set, is none.
	Secure bool
}

// Name is that of the cookie.
func (c Cookies) Name() string {
	if c.Secure {
		return secureCookie
	}
	return sessionCookie
}

// Of reads the credentials of a request. It refuses, with CodeForbidden, a write that a page of another site has a
// browser make, and a websocket that one opens, where the cookie is all that speaks for it.
func (c Cookies) Of(r *http.Request) (Credentials, error) {
	out := Credentials{Authorization: r.Header.Get("Authorization"), AdminAuth: r.Header.Get("admin-auth")}
	if out.Authorization != "" || out.AdminAuth != "" {
		return out, nil
	}
	if held, err := r.Cookie(c.Name()); err == nil {
		out.Session = held.Value
	}
	if out.Session == "" {
		return out, nil
	}
	return out, SameSite(r)
}

// SameSite refuses, with CodeForbidden, a request that a page of another site has a browser make, unless it only reads.
// Opening a websocket is more than reading.
func SameSite(r *http.Request) error {
	if r.Header.Get("Upgrade") != "" {
		r = &http.Request{Method: http.MethodPost, Header: r.Header, Host: r.Host, URL: r.URL}
	}
	if err := http.NewCrossOriginProtection().Check(r); err != nil {
		return core.Wrap(core.CodeForbidden, err,
			"access denied: this comes from a page of another site; sign in here, or send an access key")
	}
	return nil
}

// Cookie is the cookie that holds a token; "" has the browser forget it.
func (c Cookies) Cookie(token string) *http.Cookie {
	out := &http.Cookie{
		Name: c.Name(), Value: token, Path: "/", HttpOnly: true, Secure: c.Secure, SameSite: http.SameSiteLaxMode,
	}
	if token == "" {
		out.MaxAge = -1
	}
	return out
}
