package user

import (
	"context"

	"gatehouse/internal/authz"
	"gatehouse/internal/core"
)

// SetPassword gives a user a new password for the caller of the context. One's own takes the current one, where there
// is one; that of somebody else is given, and its user has to change it where the configuration says so.
func (u *Users) SetPassword(ctx context.Context, of *core.User, current, password string) error {
	if authz.From(ctx).ID() != of.ID {
		return u.credentials.GivePassword(ctx, of, password)
	}
	if of.Secrets.PasswordHash != "" {
		if err := u.credentials.CheckPassword(ctx, of, current); err != nil {
			return err
		}
	}
	ended := u.MustChangePassword(ctx, of)
	if ended != nil && core.CodeOf(ended) != core.CodeForbidden {
		return ended
	}
	if ended != nil && current == password {
		return errSame()
	}
	return u.credentials.SetPassword(ctx, of, password)
}

// MustChangePassword says why the password of a user opens nothing before it is changed, as
// credential.MustChangePassword does.
func (u *Users) MustChangePassword(ctx context.Context, of *core.User) error {
	groups, err := u.groups.Joined(ctx, of)
	if err != nil {
		return err
	}
	return u.credentials.MustChangePassword(of, groups)
}

// RecoverPassword gives a user the new password that they chose without the current one, since they showed in another
// way who they are.
func (u *Users) RecoverPassword(ctx context.Context, of *core.User, password string) error {
	ended := u.MustChangePassword(ctx, of)
	if ended != nil && core.CodeOf(ended) != core.CodeForbidden {
		return ended
	}
	if ended != nil {
		same, err := u.credentials.HasPassword(ctx, of, password)
		if err != nil {
			return err
		}
		if same {
			return errSame()
		}
	}
	return u.credentials.SetPassword(ctx, of, password)
}

func errSame() error {
	return core.Errorf(core.CodeInvalid, "the new password must be another one than the current")
}
