package authz

import (
	"context"
	"strings"

	"gatehouse/internal/core"
	"gatehouse/internal/secret"
)

// Authenticator turns the credentials of a request into an Actor.
type Authenticator struct {
	// FindUser returns the user with an access key, nil for an unknown key.
	FindUser func(ctx context.Context, accessKey string) (*core.User, error)
	// AdminSecret is what the header admin-auth must hold.
	AdminSecret string
}

// Authenticate reads the values of the headers Authorization (an access key, bare or behind "Bearer") and admin-auth; "" is
// none. Credentials that are given and do not hold are CodeUnauthenticated; without any, the Actor is nobody.
func (a *Authenticator) Authenticate(ctx context.Context, authorization, adminAuth string) (Actor, error) {
	var actor Actor
	if adminAuth != "" {
		if !secret.Equal(adminAuth, a.AdminSecret) {
			return Actor{}, unauthenticated()
		}
		actor.Admin = true
	}
	if key := accessKey(authorization); key != "" {
		user, err := a.FindUser(ctx, key)
		if err != nil {
			return Actor{}, err
		}
		if user == nil {
			return Actor{}, unauthenticated()
		}
		actor.User = user
	}
	return actor, nil
}

func accessKey(authorization string) string {
	key := strings.TrimSpace(authorization)
	if len(key) > 7 && strings.EqualFold(key[:7], "bearer ") {
		key = strings.TrimSpace(key[7:])
	}
	return key
}
