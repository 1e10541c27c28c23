// Package credential looks after what users prove themselves with: passwords and access keys.
//
// It guarantees that neither is kept in a form that whoever reads the database could use, that a password is strong
// enough and none of the last ones, and that guessing one is slowed down.
package credential

import (
	"context"
	"log/slog"
	"time"

	"gatehouse/internal/core"
	"gatehouse/internal/limits"
	"gatehouse/internal/password"
	"gatehouse/internal/secret"
)

// Options are what Credentials stand on.
type Options struct {
	// Keyring seals access keys, and makes them findable.
	Keyring *secret.Keyring
	// Attempts slows down who guesses passwords; nil slows down nobody.
	Attempts *limits.Attempts
	// Hasher hashes passwords, and checks them.
	Hasher *secret.Hasher
	// History is how many earlier passwords may not come again.
	History int
	// Policy says which passwords may be; nil asks for core.MinPasswordLength characters.
	Policy *password.Policy
	// MaxDays is how old passwords may be, in days; 0 is no limit.
	MaxDays int
	// FirstEnds has a password that somebody else has given end as soon as its user signs in with it.
	FirstEnds bool
	Now       func() time.Time
	Log       *slog.Logger
}

// Credentials changes and checks those of users; it stores no user. It is safe for concurrent use.
type Credentials struct{ o Options }

// New makes Credentials.
func New(o Options) *Credentials { return &Credentials{o} }

// CheckPassword holds whoever has a user's access key to the user's password, and slows down who guesses it.
func (c *Credentials) CheckPassword(ctx context.Context, u *core.User, password string) error {
	attempt, err := c.o.Attempts.Begin(limits.RealmPassword, u.ID, password)
	if err != nil {
		return err
	}
	holds, err := c.o.Hasher.Check(ctx, u.Secrets.PasswordHash, password)
	if err != nil {
		attempt.Dropped()
		return err
	}
	if !holds {
		attempt.Failed(ctx)
		return core.Errorf(core.CodeForbidden, "access denied: the current password is wrong")
	}
	attempt.Held()
	return nil
}

// HasPassword tells whether a password is that of a user.
func (c *Credentials) HasPassword(ctx context.Context, u *core.User, password string) (bool, error) {
	return c.o.Hasher.Check(ctx, u.Secrets.PasswordHash, password)
}

// SetPassword gives a user the new password that they chose, strong enough and none of the last ones.
func (c *Credentials) SetPassword(ctx context.Context, u *core.User, password string) error {
	if err := c.o.Policy.Check(password, u); err != nil {
		return err
	}
	if c.o.History > 0 {
		recent := u.Secrets.PasswordHistory
		if u.Secrets.PasswordHash != "" {
			recent = append([]string{u.Secrets.PasswordHash}, recent...)
		}
		recent = recent[:min(len(recent), c.o.History)]
		for _, hash := range recent {
			used, err := c.o.Hasher.Check(ctx, hash, password)
			if err != nil {
				return err
			}
			if used {
				return core.Errorf(core.CodeInvalid, "the password must not be one of the last %d", c.o.History)
			}
		}
		u.Secrets.PasswordHistory = recent
	}
	hash, err := c.o.Hasher.Hash(ctx, password)
	if err != nil {
		return err
	}
	u.Secrets.PasswordHash, u.Secrets.PasswordUpdated, u.Secrets.PasswordGiven = hash, c.o.Now(), false
	return nil
}

// RenewAccessKey gives a user a new access key. The one before opens nothing from when the user is stored.
func (c *Credentials) RenewAccessKey(u *core.User) error {
	key := secret.NewSecret()
	sealed, err := c.o.Keyring.Seal(key, u.AccessKeyContext())
	if err != nil {
		return err
	}
	u.Secrets.AccessKeyHash, u.Secrets.AccessKeySealed = c.o.Keyring.Lookup(key), sealed
	return nil
}

// AccessKey opens the access key of a user; nil where there is none, or where it was sealed with another encryption
// key: it opens nothing any more, and must not keep the user from being shown.
func (c *Credentials) AccessKey(ctx context.Context, u *core.User) *string {
	if u.Secrets.AccessKeySealed == "" {
		return nil
	}
	key, err := c.o.Keyring.Open(u.Secrets.AccessKeySealed, u.AccessKeyContext())
	if err != nil {
		c.o.Log.WarnContext(ctx, "an access key cannot be opened", "user", u.ID, "error", err)
		return nil
	}
	return &key
}
