// Package oidc signs people in with OpenID providers: it sends them there, takes them back, and finds out who they are.
// What a person may do, and their session, is for the caller to say.
//
// A sign-in is bound to the browser that began it by a cookie, which holds what the provider has to give back: the
// state and the nonce, and the verifier of PKCE. It is encrypted, so that no server has to remember it, ends after ten
// minutes, and goes with its first use.
package oidc

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"gatehouse/internal/core"
	"gatehouse/internal/secret"
)

// Person is who signed in.
type Person struct {
	Profile *Profile
	OrgID   string
	// ID is that at the provider, Name what people call them.
	ID, Name string
	// Email is the address in lower case, where the provider says that it verified it; else "".
	Email string
	// GroupIDs are the user groups that the provider's groups stand for.
	GroupIDs []string
	// OnlyRegistered refuses them where they have no account.
	OnlyRegistered bool
}

// Options are what sign-ins stand on.
type Options struct {
	Profiles []*Profile
	Keyring  *secret.Keyring
	// SignIn begins the session of a person, whose cookie it sets; an error is shown to them.
	SignIn func(w http.ResponseWriter, r *http.Request, p Person) error
	// Refused answers a request of somebody who could not sign in.
	Refused func(w http.ResponseWriter, r *http.Request, p *Profile, err error)
	// Client calls providers; nil is one with a time-out.
	Client *http.Client
	Now    func() time.Time
	Log    *slog.Logger
}

// SignIns is the handler. It is safe for concurrent use.
type SignIns struct {
	o        Options
	profiles map[string]*Profile

	mu        sync.Mutex
	providers map[string]*described
}

// described is a provider as it described itself.
type described struct {
	*oidc.Provider
	until time.Time
}

const (
	// begun is how long a sign-in may take.
	begun = 10 * time.Minute
	// fresh is how long a description holds.
	fresh = time.Hour
	// answers bounds the time, and maxAnswer the bytes, of what a provider answers.
	answers   = 10 * time.Second
	maxAnswer = 1 << 20
)

// New makes SignIns.
func New(o Options) *SignIns {
	if o.Client == nil {
		o.Client = &http.Client{Timeout: answers}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	client := *o.Client
	client.Transport = bounded{transport(client.Transport)}
	o.Client = &client
	s := &SignIns{o: o, profiles: map[string]*Profile{}, providers: map[string]*described{}}
	for _, p := range o.Profiles {
		s.profiles[p.ID] = p
	}
	return s
}

func transport(t http.RoundTripper) http.RoundTripper {
	if t == nil {
		return http.DefaultTransport
	}
	return t
}

// bounded cuts off answers that are too long.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(resp.Body, maxAnswer), resp.Body}
	}
	return resp, err
}

// Handler serves /auth/{profile}/openid-connect and its callback.
func (s *SignIns) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /auth/{profile}/"+openIDConnect, s.begin)
	mux.HandleFunc("GET /auth/{profile}/"+openIDConnect+"/callback", s.end)
	return mux
}

// pending is a sign-in that has begun.
type pending struct {
	Profile  string    `json:"p"`
	State    string    `json:"s"`
	Nonce    string    `json:"n"`
	Verifier string    `json:"v"`
	Until    time.Time `json:"u"`
}

// begin sends somebody to their provider.
func (s *SignIns) begin(w http.ResponseWriter, r *http.Request) {
	p := s.profiles[r.PathValue("profile")]
	if p == nil {
		http.NotFound(w, r)
		return
	}
	config, _, err := s.config(r.Context(), p)
	if err != nil {
		s.refuse(w, r, p, err)
		return
	}
	began := pending{p.ID, random(), random(), oauth2.GenerateVerifier(), s.o.Now().Add(begun)}
	raw, err := json.Marshal(began)
	if err == nil {
		var sealed string
		if sealed, err = s.o.Keyring.Seal(string(raw), sealing); err == nil {
			http.SetCookie(w, cookie(p, sealed, int(begun/time.Second)))
		}
	}
	if err != nil {
		s.refuse(w, r, p, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	address := config.AuthCodeURL(began.State, oidc.Nonce(began.Nonce), oauth2.S256ChallengeOption(began.Verifier))
	http.Redirect(w, r, address, http.StatusFound)
}

// sealing says what is sealed in the cookie.
const sealing = "a sign-in with an OpenID provider"

// cookieName is that of the cookie.
const cookieName = "gatehouse-signin"

// cookie is the one that binds a sign-in to its browser. It comes along when the provider sends the browser back, which
// is a navigation from another site, and so it is lax.
func cookie(p *Profile, value string, seconds int) *http.Cookie {
	secure := len(p.callback()) > 5 && p.callback()[:5] == "https"
	return &http.Cookie{
		Name: cookieName, Value: value, Path: "/auth/", MaxAge: seconds, HttpOnly: true, Secure: secure,
		SameSite: http.SameSiteLaxMode,
	}
}

// end takes somebody back from their provider.
func (s *SignIns) end(w http.ResponseWriter, r *http.Request) {
	p := s.profiles[r.PathValue("profile")]
	if p == nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer") // the code is in the address
	began, err := s.pending(r, p)
	if err == nil {
		var person Person
		if person, err = s.person(r, p, began); err == nil {
			err = s.o.SignIn(w, r, person)
		}
	}
	http.SetCookie(w, cookie(p, "", -1)) // once, whatever came of it
	if err != nil {
		s.refuse(w, r, p, err)
		return
	}
	http.Redirect(w, r, "/", http.StatusFound)
}

// pending is the sign-in that the browser began, if the answer is to it.
func (s *SignIns) pending(r *http.Request, p *Profile) (*pending, error) {
	again := core.Errorf(core.CodeForbidden,
		"this sign-in was not begun in this browser, was used already, or took too long: begin again")
	held, err := r.Cookie(cookieName)
	if err != nil {
		return nil, again
	}
	raw, err := s.o.Keyring.Open(held.Value, sealing)
	if err != nil {
		return nil, again
	}
	var began pending
	if json.Unmarshal([]byte(raw), &began) != nil || began.Profile != p.ID || !s.o.Now().Before(began.Until) ||
		subtle.ConstantTimeCompare([]byte(began.State), []byte(r.URL.Query().Get("state"))) != 1 {
		return nil, again
	}
	return &began, nil
}

// person asks the provider who came back.
func (s *SignIns) person(r *http.Request, p *Profile, began *pending) (Person, error) {
	if code := r.URL.Query().Get("error"); code != "" {
		return Person{}, core.Errorf(core.CodeForbidden, "the provider refused the sign-in: %s", core.Clip(code))
	}
	config, provider, err := s.config(r.Context(), p)
	if err != nil {
		return Person{}, err
	}
	ctx := oidc.ClientContext(r.Context(), s.o.Client)
	token, err := config.Exchange(ctx, r.URL.Query().Get("code"), oauth2.VerifierOption(began.Verifier))
	if err != nil {
		return Person{}, s.failed(ctx, p, "exchange the code", err)
	}
	raw, _ := token.Extra("id_token").(string)
	verified, err := provider.Verifier(&oidc.Config{ClientID: p.provider().Key, Now: s.o.Now}).Verify(ctx, raw)
	if err != nil {
		return Person{}, s.failed(ctx, p, "verify the ID token", err)
	}
	if subtle.ConstantTimeCompare([]byte(verified.Nonce), []byte(began.Nonce)) != 1 {
		return Person{}, s.failed(ctx, p, "verify the nonce", errors.New("it is another one"))
	}
	claims := map[string]any{}
	if err := verified.Claims(&claims); err != nil {
		return Person{}, s.failed(ctx, p, "read the claims", err)
	}
	if provider.UserInfoEndpoint() != "" && !p.provider().SkipUserInfoRequest {
		if err := s.more(ctx, provider, token, verified.Subject, claims); err != nil {
			return Person{}, s.failed(ctx, p, "ask for the user info", err)
		}
	}
	return p.person(claims)
}

// more adds what a provider says of a person besides. It never replaces what the signed token says.
func (s *SignIns) more(
	ctx context.Context, provider *described, token *oauth2.Token, subject string, claims map[string]any,
) error {
	info, err := provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return err
	}
	if info.Subject != subject {
		return fmt.Errorf("it is about %q", core.Clip(info.Subject))
	}
	var more map[string]any
	if err := info.Claims(&more); err != nil {
		return err
	}
	for name, v := range more {
		if _, there := claims[name]; !there {
			claims[name] = v
		}
	}
	return nil
}

// failed logs what a provider did wrong, and is what the person is told.
func (s *SignIns) failed(ctx context.Context, p *Profile, what string, err error) error {
	s.o.Log.WarnContext(ctx, "a sign-in with an OpenID provider failed", "profile", p.ID, "at", what, "error", err.Error())
	return core.Errorf(core.CodeForbidden, "the provider's answer cannot be used: begin again; the log says more")
}

// config is who we are at the provider of a profile.
func (s *SignIns) config(ctx context.Context, p *Profile) (*oauth2.Config, *described, error) {
	provider, err := s.provider(ctx, p)
	if err != nil {
		s.o.Log.ErrorContext(ctx, "an OpenID provider cannot be reached", "profile", p.ID, "error", err.Error())
		return nil, nil, core.Errorf(core.CodeUnavailable, "the provider cannot be reached: try again in a while")
	}
	return &oauth2.Config{
		ClientID: p.provider().Key, ClientSecret: p.provider().Secret, Endpoint: provider.Endpoint(),
		RedirectURL: p.callback(), Scopes: p.provider().Scopes,
	}, provider, nil
}

// provider is how a provider describes itself. One that does not answer is asked again by the next one who signs in.
func (s *SignIns) provider(ctx context.Context, p *Profile) (*described, error) {
	s.mu.Lock()
	known := s.providers[p.ID]
	s.mu.Unlock()
	if known != nil && s.o.Now().Before(known.until) {
		return known, nil
	}
	// The keys of a provider are fetched with the context that it was made with: not that of one request.
	lasting := oidc.ClientContext(context.WithoutCancel(ctx), s.o.Client)
	found, err := oidc.NewProvider(lasting, p.issuer())
	if err != nil { // some name themselves with a slash at the end
		var second error
		if found, second = oidc.NewProvider(lasting, p.issuer()+"/"); second != nil {
			return nil, err
		}
	}
	d := &described{found, s.o.Now().Add(fresh)}
	s.mu.Lock()
	s.providers[p.ID] = d
	s.mu.Unlock()
	return d, nil
}

func (s *SignIns) refuse(w http.ResponseWriter, r *http.Request, p *Profile, err error) {
	if to := p.ProviderConfig.FailureRedirect; to != "" {
		http.Redirect(w, r, to, http.StatusFound)
		return
	}
	s.o.Refused(w, r, p, err)
}

// random is a text of 256 random bits.
func random() string {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails
	return base64.RawURLEncoding.EncodeToString(raw)
}
