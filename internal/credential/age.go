package credential

import (
	"context"
	"time"

	"gatehouse/internal/core"
	"gatehouse/internal/usergroup"
)

// GivePassword gives a user a password that somebody else chose, on the terms of SetPassword.
func (c *Credentials) GivePassword(ctx context.Context, u *core.User, password string) error {
	if err := c.SetPassword(ctx, u, password); err != nil {
		return err
	}
	u.Secrets.PasswordGiven = true
	return nil
}

// PasswordEnds is when the password of a user, who belongs to groups, becomes too old; the zero time for never. Of what
// the configuration, the user and the active groups say, the smallest number of days that is set counts.
func (c *Credentials) PasswordEnds(u *core.User, groups []*usergroup.Group) time.Time {
	if u.Secrets.PasswordHash == "" {
		return time.Time{}
	}
	days := 0
	limit := func(n int) {
		if n > 0 && (days == 0 || n < days) {
			days = n
		}
	}
	limit(c.o.MaxDays)
	limit(u.PasswordMaxDays())
	for _, g := range groups {
		if g.Active {
			limit(g.PasswordMaxDays)
		}
	}
	if days == 0 {
		return time.Time{}
	}
	since := u.Secrets.PasswordUpdated
	if since.IsZero() {
		since = u.CreatedAt
	}
	return since.AddDate(0, 0, days)
}

// MustChangePassword says, with CodeForbidden, why the password of a user, who belongs to groups, opens nothing before
// it is changed: it is too old, or somebody else has given it. nil lets it be. It is for whoever signs somebody in, and
// to be asked once the password was found to be right, since it tells about the account.
func (c *Credentials) MustChangePassword(u *core.User, groups []*usergroup.Group) error {
	ends := c.PasswordEnds(u, groups)
	switch {
	case u.Secrets.PasswordHash == "":
		return nil
	case c.o.FirstEnds && u.Secrets.PasswordGiven:
		return core.Errorf(core.CodeForbidden, "access denied: somebody else has chosen this password: set one of your own")
	case !ends.IsZero() && !c.o.Now().Before(ends):
		return core.Errorf(core.CodeForbidden, "access denied: this password is too old: set a new one")
	}
	return nil
}
