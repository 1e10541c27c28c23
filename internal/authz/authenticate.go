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
	// AdminSecret is what the header admin-auth must hold.
	AdminSecret string
	// Attempts slows down those who guess, by the address that Address knows of the request; nil slows down nobody.
	Attempts *limits.Attempts
	Address  func(context.Context) string
	// Request counts a request of an organisation, or refuses it; nil counts nothing.
	Request func(ctx context.Context, org string) error
}

// Authenticate reads the values of the headers Authorization (an access key, bare or behind "Bearer") and admin-auth;
// "" is none. Credentials that are given and do not hold are CodeUnauthenticated; without any, the Actor is nobody.
// Where too many did not hold, they are CodeTooMany, and are not looked at.
func (a *Authenticator) Authenticate(ctx context.Context, authorization, adminAuth string) (Actor, error) {
	var actor Actor
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
	if key := AccessKey(authorization); key != "" {
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
		if a.Granted != nil {
			if actor.Granted, err = a.Granted(ctx, user); err != nil {
				return Actor{}, err
			}
		}
		if a.Owning != nil && !user.IsAdmin() {
			if actor.Owning, err = a.Owning(ctx, user); err != nil {
				return Actor{}, err
			}
		}
		if err := a.Count(ctx, actor); err != nil {
			return Actor{}, err
		}
	}
	return actor, nil
}

// Again reads credentials that were let in before, as long as what they opened lasts. It counts nothing.
func (a *Authenticator) Again(ctx context.Context, authorization, adminAuth string) (Actor, error) {
	uncounted := Authenticator{
		FindUser: a.FindUser, Granted: a.Granted, Owning: a.Owning, AdminSecret: a.AdminSecret,
	}
	return uncounted.Authenticate(ctx, authorization, adminAuth)
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
