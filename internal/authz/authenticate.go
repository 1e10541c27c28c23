package authz

import (
	"context"
	"strings"

	"gatehouse/internal/core"
	"gatehouse/internal/limits"
	"gatehouse/internal/permission"
	"gatehouse/internal/secret"
)

// Authenticator turns the credentials of a request into an Actor.
type Authenticator struct {
	// FindUser returns the user with an access key, nil for an unknown key.
	FindUser func(ctx context.Context, accessKey string) (*core.User, error)
	// Granted are the permissions of a user with those of their groups; nil knows of no groups.
	Granted func(ctx context.Context, u *core.User) (permission.Set, error)
	// Owning are the ids as which a user owns objects; nil lets everybody see what is owned by others.
	Owning func(ctx context.Context, u *core.User) ([]string, error)
	// FindSession returns who has the session with a token, nil for none that lasts; nil knows of no sessions.
	FindSession func(ctx context.Context, token string) (*core.User, *core.Session, error)
	// Seen notes that a session is used; nil notes nothing.
	Seen func(ctx context.Context, s *core.Session)
	// Cookies says how the tokens of sessions travel.
	Cookies Cookies
	// AdminSecret is what the header admin-auth must hold.
	AdminSecret string
	// Attempts slows down those who guess, by the address that Address knows of the request; nil slows down nobody.
	Attempts *limits.Attempts
	Address  func(context.Context) string
	// Request counts a request of an organisation, or refuses it; nil counts nothing.
	Request func(ctx context.Context, org string) error
}

// Authenticate reads credentials. Those that are given and do not hold are CodeUnauthenticated; without any, the Actor
// is nobody, and so it is with the token of a session that is over: a browser sends it without being asked. Where too
// many did not hold, they are CodeTooMany, and are not looked at.
func (a *Authenticator) Authenticate(ctx context.Context, c Credentials) (Actor, error) {
	var actor Actor
	adminAuth := c.AdminAuth
	if adminAuth != "" {
		attempt, err := a.Attempts.Begin(limits.RealmAdmin, a.address(ctx), adminAuth)
		if err != nil {
			return Actor{}, err
		}
		if !secret.Equal(adminAuth, a.AdminSecret) {
			attempt.Failed(ctx)
			return Actor{}, Unauthenticated()
		}
		attempt.Held()
		actor.Admin = true
	}
	if key := AccessKey(c.Authorization); key != "" {
		attempt, err := a.Attempts.Begin(limits.RealmKey, a.address(ctx), key)
		if err != nil {
			return Actor{}, err
		}
		user, err := a.FindUser(ctx, key)
		if err != nil {
			attempt.Dropped()
			return Actor{}, err
		}
		if user == nil {
			attempt.Failed(ctx)
			return Actor{}, Unauthenticated()
		}
		attempt.Held()
		actor.User = user
	} else if c.Session != "" && a.FindSession != nil {
		user, session, err := a.FindSession(ctx, c.Session)
		if err != nil {
			return Actor{}, err
		}
		if actor.User, actor.Session = user, session; session != nil && a.Seen != nil {
			a.Seen(ctx, session)
		}
	}
	if actor.User == nil {
		return actor, nil
	}
	var err error
	if a.Granted != nil {
		if actor.Granted, err = a.Granted(ctx, actor.User); err != nil {
			return Actor{}, err
		}
	}
	if a.Owning != nil && !actor.User.IsAdmin() {
		if actor.Owning, err = a.Owning(ctx, actor.User); err != nil {
			return Actor{}, err
		}
	}
	return actor, a.Count(ctx, actor)
}

// Again reads credentials that were let in before, as long as what they opened lasts. It counts nothing, and a session
// is not used by it.
func (a *Authenticator) Again(ctx context.Context, c Credentials) (Actor, error) {
	uncounted := Authenticator{FindUser: a.FindUser, FindSession: a.FindSession, Granted: a.Granted, Owning: a.Owning,
		AdminSecret: a.AdminSecret}
	actor, err := uncounted.Authenticate(ctx, c)
	if err == nil && c.Session != "" && !actor.Known() {
		err = Unauthenticated()
	}
	return actor, err
}

// Count counts a request of an actor's organisation that came by another way than Authenticate, or returns CodeTooMany.
func (a *Authenticator) Count(ctx context.Context, actor Actor) error {
	if a.Request == nil || actor.User == nil {
		return nil
	}
	return a.Request(ctx, actor.User.OrgID)
}

func (a *Authenticator) address(ctx context.Context) string {
	if a.Address == nil {
		return ""
	}
	return a.Address(ctx)
}

// AccessKey is what the header Authorization says, bare or behind Bearer.
func AccessKey(authorization string) string {
	key := strings.TrimSpace(authorization)
	if len(key) > 7 && strings.EqualFold(key[:7], "bearer ") {
		key = strings.TrimSpace(key[7:])
	}
	return key
}
