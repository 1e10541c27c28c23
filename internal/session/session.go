// Package session knows who is signed in: it begins sessions of people in their browsers, finds who has one, and ends
// them.
//
// A session is a row that is found by the hash of a random token, and holds for as long as its account has the epoch
// that it began in. What ends all sessions of somebody (being switched off, another password, another access key, fewer
// rights) moves the epoch on in the write of the account itself, so that no session outlives it, on any server, and not
// one that begins at the same moment.
package session

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"
	"unicode"

	"gatehouse/internal/authz"
	"gatehouse/internal/core"
	"gatehouse/internal/credential"
	"gatehouse/internal/secret"
	"gatehouse/internal/user"
	"gatehouse/store"
)

// The ways in which people sign in.
const (
	ByPassword = "password"
	BySSO      = "sso"
	ByOpenID   = "openid"
)

const (
	// seenEvery is how much longer ago than noted a session may have been used: each note is a write.
	seenEvery = time.Minute
	// sweepEvery is how often sessions and tickets that are over are removed.
	sweepEvery = 10 * time.Minute
	// maxSessions is how many sessions one account keeps; the oldest goes when one more begins.
	maxSessions = 100
	// maxAccounts is how many accounts of one e-mail address are looked at.
	maxAccounts = 20
)

// Options are what Sessions stand on.
type Options struct {
	Store  *store.Store
	Hasher *secret.Hasher
	// Users and Credentials say whether a password has to be changed, and change it.
	Users       *user.Users
	Credentials *credential.Credentials
	Groups      user.Groups
	// SSO says what people may do who come by an identity provider.
	SSO SSO
	// Guard says who may end the sessions of others.
	Guard authz.Guard
	// Idle is how long a session may stay unused, Lifetime how long it lasts at most.
	Idle, Lifetime time.Duration
	// Alone ends the other sessions of an account when one begins (disable_parallel_sessions).
	Alone bool
	// ManyOrganisations asks somebody with accounts in several organisations which one they mean
	// (enable_multi_org_users); otherwise the oldest is opened.
	ManyOrganisations bool
	// Lockout slows down who guesses passwords.
	Lockout Lockout
	// FailureTime is how long a log-in takes at least that fails, so that its time tells nothing.
	FailureTime time.Duration
	Log         *slog.Logger
}

// Sessions are those of all people. It is safe for concurrent use.
type Sessions struct {
	o       Options
	lockout *lockout
}

// New makes Sessions.
func New(o Options) *Sessions {
	if o.Lifetime < o.Idle {
		o.Lifetime = o.Idle
	}
	return &Sessions{o: o, lockout: newLockout(o.Lockout, o.Store.Now, o.Log)}
}

// Find returns who has the session with a token: nil for none that lasts. It reads past the cache, so that what another
// server ended is over here, too.
func (s *Sessions) Find(ctx context.Context, token string) (*core.User, *core.Session, error) {
	if !secret.IsToken(token) {
		return nil, nil, nil
	}
	found, err := s.o.Store.Sessions.FindMany(ctx, store.AllTenants(), "token", []string{secret.HashToken(token)})
	if err != nil || len(found) == 0 {
		return nil, nil, err
	}
	who, err := s.Owner(ctx, found[0])
	if err != nil || who == nil {
		return nil, nil, err
	}
	return who, found[0], nil
}

// Owner is whose a session is; nil where it is over.
func (s *Sessions) Owner(ctx context.Context, held *core.Session) (*core.User, error) {
	if !s.o.Store.Now().Before(held.Ends()) {
		return nil, nil
	}
	if held.UserID != "" {
		return s.account(ctx, core.Account{UserID: held.UserID, OrgID: held.OrgID, Epoch: held.Epoch}, held.CreatedAt)
	}
	_, err := s.o.Store.Organisations.Find(ctx, store.AllTenants(), held.OrgID)
	if errors.Is(err, store.ErrNotFound) || held.Guest == nil {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return guestUser(held), nil
}

// account is an account as it was when somebody signed in, past the read cache; nil where it is another one by now.
func (s *Sessions) account(ctx context.Context, a core.Account, since time.Time) (*core.User, error) {
	found, err := s.o.Store.Users.FindMany(ctx, store.Org(a.OrgID), "id", []string{a.UserID})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	u := found[0]
	if !u.Active || u.Secrets.Epoch != a.Epoch || u.CreatedAt.After(since) {
		return nil, nil
	}
	return u, nil
}

// guestUser is somebody without an account, as a user that is kept nowhere.
func guestUser(held *core.Session) *core.User {
	g := held.Guest
	permissions := g.Permissions
	if permissions == nil {
		permissions = map[string]string{}
	}
	doc := core.Document(`{"api_model":{}}`).Set("id", held.ID).Set("org_id", held.OrgID).
		Set("first_name", g.Name).Set("last_name", "").Set("email_address", g.Email).Set("active", true).
		Set("group_ids", append([]string{}, g.GroupIDs...)).Set("user_permissions", permissions).
		Set("password_max_days", 0).Set("created_at", held.CreatedAt)
	meta := held.Meta
	meta.Revision = 1 // using a session does not change who it is
	out := core.NewUser(meta, doc, core.UserSecrets{LastLogin: held.CreatedAt})
	out.Document = doc.Set("group_id", out.GroupID())
	return out
}

// Seen notes that a session is used, from time to time.
func (s *Sessions) Seen(ctx context.Context, held *core.Session) {
	now := s.o.Store.Now()
	if now.Sub(held.LastSeen) < min(seenEvery, held.Idle/4) {
		return
	}
	next := *held
	next.LastSeen = now
	err := s.o.Store.Sessions.Update(ctx, &next)
	if err != nil && !errors.Is(err, store.ErrStale) { // it was noted by another request, or ended
		s.o.Log.WarnContext(ctx, "the use of a session could not be noted", "session", held.ID, "error", err)
	}
}

// begin makes a session, and the token that opens it.
func (s *Sessions) begin(v *Visit, org string, state core.SessionState) (token string, made *core.Session) {
	now := s.o.Store.Now()
	token = secret.NewToken()
	id := core.NewID(now)
	v.began = id
	state.Address, state.Agent = v.Address, clip(v.Agent, 200)
	state.LastSeen, state.Expires, state.Idle = now, now.Add(s.o.Lifetime), s.o.Idle
	return token, &core.Session{
		Meta:         core.Meta{ID: id, OrgID: org, CreatedAt: now},
		TokenHash:    secret.HashToken(token),
		SessionState: state,
	}
}

// List are the sessions of somebody that last, the newest first.
func (s *Sessions) List(ctx context.Context, u *core.User) ([]*core.Session, error) {
	l, err := s.o.Store.Sessions.List(ctx, store.Query{
		Tenant: store.Org(u.OrgID), Where: []store.Cond{store.In("user_id", u.ID)}, Desc: true, Limit: 2 * maxSessions,
	})
	if err != nil {
		return nil, err
	}
	out := make([]*core.Session, 0, len(l.Objects))
	for _, held := range l.Objects {
		if held.Epoch == u.Secrets.Epoch && s.o.Store.Now().Before(held.Ends()) && !u.CreatedAt.After(held.CreatedAt) {
			out = append(out, held)
		}
	}
	return out, nil
}

// Mine are those of the caller.
func (s *Sessions) Mine(ctx context.Context) ([]*core.Session, error) {
	a := authz.From(ctx)
	switch {
	case a.User == nil:
		return nil, nil
	case a.Session != nil && a.Session.UserID == "":
		return []*core.Session{a.Session}, nil
	}
	return s.List(ctx, a.User)
}

// One finds a session of a tenant; nil for none.
func (s *Sessions) One(ctx context.Context, t store.Tenant, id string) (*core.Session, error) {
	found, err := s.o.Store.Sessions.FindMany(ctx, t, "id", []string{id})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0], nil
}

// EndOne ends a session of a tenant: one of the caller's, or of somebody whom they may manage.
func (s *Sessions) EndOne(ctx context.Context, t store.Tenant, id string) error {
	held, err := s.One(ctx, t, id)
	if err != nil {
		return err
	}
	if held == nil {
		return core.NotFound(core.SessionKind)
	}
	if err := s.mayEnd(ctx, held); err != nil {
		return err
	}
	return s.End(ctx, held)
}

func (s *Sessions) mayEnd(ctx context.Context, held *core.Session) error {
	a := authz.From(ctx)
	if held.UserID != "" && held.UserID == a.ID() || a.Session != nil && a.Session.ID == held.ID {
		return nil
	}
	needed := core.UserKind.Permission
	if err := s.o.Guard.CheckPermission(ctx, a, needed, authz.Write, "the sessions of others"); err != nil {
		return err
	}
	owner, err := s.Owner(ctx, held)
	if err != nil {
		return err
	}
	return s.o.Users.MayManage(ctx, nil, owner)
}

// End ends one session. One that is over already is none to end.
func (s *Sessions) End(ctx context.Context, held *core.Session) error {
	for {
		err := s.o.Store.Sessions.Delete(ctx, held)
		if !errors.Is(err, store.ErrStale) {
			return err
		}
		if held, err = s.One(ctx, store.Org(held.OrgID), held.ID); err != nil || held == nil {
			return err
		}
	}
}

// LogOut ends the session of the caller, if any, and has the browser forget it.
func (s *Sessions) LogOut(ctx context.Context) error {
	v, err := visitOf(ctx)
	if err != nil {
		return err
	}
	if held := authz.From(ctx).Session; held != nil {
		if err := s.End(ctx, held); err != nil {
			return err
		}
	}
	v.give("")
	return nil
}

// Run removes what is over until ctx ends. What is over opens nothing, removed or not.
func (s *Sessions) Run(ctx context.Context) {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if err := s.Sweep(ctx); err != nil && ctx.Err() == nil {
				s.o.Log.WarnContext(ctx, "sessions that are over could not be removed", "error", err)
			}
		}
	}
}

// Sweep removes the sessions and tickets that are over.
func (s *Sessions) Sweep(ctx context.Context) error {
	before := []store.Cond{store.Between("ends", 0, s.o.Store.Now().UnixMicro())}
	return errors.Join(
		sweep(ctx, s.o.Store, s.o.Store.Sessions, before), sweep(ctx, s.o.Store, s.o.Store.Tickets, before),
	)
}

func sweep[T any](ctx context.Context, s *store.Store, repo *store.Repository[T], over []store.Cond) error {
	const atOnce = 200
	for {
		l, err := repo.List(ctx, store.Query{Tenant: store.AllTenants(), Where: over, Sort: "ends", Limit: atOnce})
		if err != nil || len(l.Objects) == 0 {
			return err
		}
		for _, gone := range l.Objects {
			if err := s.Apply(ctx, repo.Deleting(gone)); err != nil && !errors.Is(err, store.ErrStale) {
				return err
			}
		}
		if !l.More {
			return nil
		}
	}
}

// clip is the beginning of a text, without what cannot be shown or stored.
func clip(text string, n int) string {
	if len(text) > n {
		text = text[:n]
	}
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, text)
}
