package app

import (
	"net/http"

	"gatehouse/internal/audit"
	"gatehouse/internal/core"
	"gatehouse/internal/httpserver"
	"gatehouse/internal/oidc"
	"gatehouse/internal/session"
	"gatehouse/internal/trail"
	"gatehouse/rest/wire"
)

// openID serves the sign-ins with the OpenID providers that the configuration names; nil where it names none.
func (a *App) openID(o Options, sessions *session.Sessions) (http.Handler, error) {
	path := o.Config.Gatehouse.IdentityProfiles
	if path == "" {
		return nil, nil
	}
	profiles, err := oidc.ReadProfiles(path)
	if err != nil {
		return nil, core.Wrap(core.CodeInvalid, err, "gatehouse.identity_profiles: %v", err)
	}
	return oidc.New(oidc.Options{
		Profiles: profiles, Keyring: o.Keyring, Now: o.Store.Now, Log: o.Log,
		SignIn: func(_ http.ResponseWriter, r *http.Request, p oidc.Person) error {
			return a.arrive(r, sessions, p)
		},
		Refused: func(w http.ResponseWriter, r *http.Request, _ *oidc.Profile, err error) {
			status := http.StatusForbidden
			if core.CodeOf(err) == core.CodeUnavailable {
				status = http.StatusServiceUnavailable
			}
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.Header().Set("Cache-Control", "no-store")
			w.WriteHeader(status)
			if err := wire.SignInFailed(w, core.AsError(err).Message); err != nil {
				o.Log.WarnContext(r.Context(), "a page could not be written", "error", err)
			}
		},
	}).Handler(), nil
}

// arrive signs somebody in who comes from an OpenID provider, and records it.
func (a *App) arrive(r *http.Request, sessions *session.Sessions, p oidc.Person) error {
	rec := a.trail.Begin(r.Context(), trail.Request{
		Face: trail.FaceSignIn, Operation: "openIdSignIn", Method: r.Method,
		URL: r.URL.Path, Path: "/auth/{id}/openid-connect/callback",
		IP: httpserver.Address(r.Context()), ID: httpserver.RequestID(r.Context()),
	})
	_, err := sessions.Arrive(rec.With(r.Context()), session.Vouched{
		Section: session.ForDashboard, OrgID: p.OrgID, Email: p.Email, Name: p.Name, GroupIDs: p.GroupIDs,
		RegisteredOnly: p.OnlyRegistered,
	}, session.ByOpenID)
	status := http.StatusFound
	if err != nil {
		status = http.StatusForbidden
		rec.SignedIn(audit.Actor{Name: p.Name, Kind: audit.ActorNobody}, p.OrgID)
	}
	rec.End(status, err)
	return err
}
