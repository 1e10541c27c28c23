// Package user makes users of what callers give. No password and no access key stays in a document, and nobody gives
// more than they have: not as permissions, and not by a group.
package user

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"time"

	"gatehouse/internal/authz"
	"gatehouse/internal/core"
	"gatehouse/internal/credential"
	"gatehouse/internal/input"
	"gatehouse/internal/permission"
)

// Users makes users. It is safe for concurrent use.
type Users struct {
	credentials *credential.Credentials
	groups      Groups
	now         func() time.Time
}

// New makes Users.
func New(c *credential.Credentials, g Groups, now func() time.Time) *Users {
	return &Users{credentials: c, groups: g, now: now}
}

// Make makes a new user, with an access key.
func (u *Users) Make(ctx context.Context, org string, in *Given) (*core.User, error) {
	made, err := u.of(ctx, org, in, nil)
	if err != nil {
		return nil, err
	}
	if err := u.credentials.RenewAccessKey(made); err != nil {
		return nil, err
	}
	return made, nil
}

// Change makes the user who replaces an earlier one; nil when nothing changes. Passwords are set in this way with the
// admin secret alone.
func (u *Users) Change(ctx context.Context, in *Given, old *core.User) (*core.User, error) {
	if in.Password != "" && !authz.From(ctx).Admin {
		return nil, core.Errorf(
			core.CodeForbidden,
			"access denied: passwords are set with the actions/reset call, or with the admin secret",
		)
	}
	next, err := u.of(ctx, old.OrgID, in, old)
	if err != nil || next.Document.Equal(old.Document) && in.Password == "" {
		return nil, err
	}
	return next, nil
}

func (u *Users) of(ctx context.Context, org string, in *Given, old *core.User) (*core.User, error) {
	var before *core.Meta
	var secrets core.UserSecrets
	if old != nil {
		before, secrets = &old.Meta, old.Secrets
	} else if err := mayChooseID(ctx, in.Document); err != nil {
		return nil, err
	}
	meta, err := input.Meta(in.Document, core.UserKind, org, before, u.now())
	if err != nil {
		return nil, err
	}
	doc, err := input.Owned(in.Document, [2]string{"id", meta.ID}, [2]string{"org_id", org})
	if err != nil {
		return nil, err
	}
	made, err := core.ParseUser(meta, grouped(u.completed(doc, old), old), secrets)
	if err != nil {
		return nil, err
	}
	if err := u.groups.checkAdded(ctx, made, old); err != nil {
		return nil, err
	}
	if err := u.mayGrant(ctx, made, old); err != nil {
		return nil, err
	}
	if in.Password != "" {
		if err := u.credentials.GivePassword(ctx, made, in.Password); err != nil {
			return nil, err
		}
	}
	return made, nil
}

// mayGrant holds the caller to what they have, and back from changing their own rights: what is given to a user by a
// group would stay with one who makes it their own.
func (u *Users) mayGrant(ctx context.Context, next, old *core.User) error {
	a := authz.From(ctx)
	own := old != nil && a.User != nil && a.ID() == old.ID && !a.Admin && !a.Permissions().IsAdmin()
	if own && !(maps.Equal(old.Permissions, next.Permissions) && slices.Equal(old.GroupIDs, next.GroupIDs)) {
		return core.Errorf(
			core.CodeForbidden,
			"access denied: you may not change your own permissions and groups; an administrator may",
		)
	}
	if !a.Admin && gainsResetPassword(next, old) && !setsPasswords(a.User) {
		return core.Errorf(core.CodeForbidden, "access denied: the admin API, or who has it, gives ResetPassword "+
			"(user_permissions), which lets somebody set the passwords of others")
	}
	return u.MayManage(ctx, next, old)
}

// setsPasswords tells whether a user may set the passwords of others by a permission of their own.
func setsPasswords(u *core.User) bool {
	level := u.Permissions[permission.ResetPassword]
	return u.IsAdmin() && level != "" && level != permission.Deny
}

// gainsResetPassword tells whether a user is let set the passwords of others, and was not before.
func gainsResetPassword(next, old *core.User) bool {
	before := ""
	if old != nil {
		before = old.Permissions[permission.ResetPassword]
	}
	now := next.Permissions[permission.ResetPassword]
	return now != "" && now != permission.Deny && now != before
}

// MayManage holds the caller back from making a user who may do more than the caller, or owns what the caller does not,
// and from changing one who does. next replaces old; nil is none.
func (u *Users) MayManage(ctx context.Context, next, old *core.User) error {
	for _, of := range []*core.User{old, next} {
		if of == nil {
			continue
		}
		if err := u.groups.mayOwn(ctx, of.OrgID, append([]string{of.ID}, of.GroupIDs...)); err != nil {
			return err
		}
	}
	had, err := u.granted(ctx, old)
	if err != nil {
		return err
	}
	gets, err := u.granted(ctx, next)
	if err != nil {
		return err
	}
	return authz.From(ctx).MayGrant(had, gets)
}

func (u *Users) granted(ctx context.Context, of *core.User) (permission.Set, error) {
	if of == nil {
		return nil, nil
	}
	return u.groups.Granted(ctx, of)
}

// completed is a document with the fields that every user has.
func (u *Users) completed(doc core.Document, old *core.User) core.Document {
	f := input.Fields{Doc: doc}
	f.Absent("api_model", "{}")
	f.Absent("first_name", `""`)
	f.Absent("last_name", `""`)
	f.Absent("active", "false")
	group := ""
	if old != nil {
		group = old.GroupID()
	}
	f.Absent("group_id", strconv.Quote(group))
	f.Absent("password_max_days", "0")
	created := u.now().Format(time.RFC3339Nano)
	if old != nil {
		f.Absent("email_address", strconv.Quote(old.Email))
		f.Absent("user_permissions", string(old.PermissionsDocument()))
		created = cmp.Or(old.Document.Text("created_at"), created)
	}
	f.Absent("user_permissions", "{}")
	f.Absent("created_at", strconv.Quote(created))
	f.Lowered("email_address")
	return f.Doc
}
