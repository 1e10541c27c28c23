package app

import (
	"context"
	"errors"
	"fmt"

	"gatehouse/graph/model"
	"gatehouse/internal/core"
	"gatehouse/store"
)

// Bootstrap says which organisation and administrator there shall be.
type Bootstrap struct {
	// Organisation is the name, Slug what tells it from others.
	Organisation, Slug string
	Email              string
	// Password is generated when it is "".
	Password string
}

// Bootstrapped is what a bootstrap made or found.
type Bootstrapped struct {
	OrgID, Email string
	// Password is "" when the user was there before; it is not known then.
	Password, AccessKey string
	// OrgCreated and UserCreated tell what is new.
	OrgCreated, UserCreated bool
}

// DefaultBootstrap is what the first start makes.
func DefaultBootstrap() Bootstrap {
	return Bootstrap{Organisation: "Default Org.", Slug: "default", Email: "admin@gatehouse.local"}
}

// IsEmpty tells whether the store has no user yet, so that nobody could sign in.
func (a *App) IsEmpty(ctx context.Context) (bool, error) {
	n, err := a.store.Users.Count(ctx, store.AllTenants())
	return n == 0, err
}

// CheckKeyring tells whether the encryption key is the one that the store was filled with. With another one nobody can
// sign in: access keys are found by a keyed hash.
func (a *App) CheckKeyring(ctx context.Context) error {
	l, err := a.store.Users.List(ctx, store.Query{Tenant: store.AllTenants(), Limit: 1})
	if err != nil || len(l.Objects) == 0 {
		return err
	}
	key, err := a.resolver.User().AccessKey(asAdmin(ctx), l.Objects[0])
	if err == nil && key == nil {
		err = errors.New(
			"the encryption key is not the one that the access keys in the store were sealed with, so none of them opens " +
				"anything: start with the key of before (gatehouse.encryption_key, or encryption.key in the data directory), " +
				"or make new access keys with the admin secret",
		)
	}
	return err
}

// adminSecretSetting is the name of the setting that tells which admin secret the servers of this installation take.
const adminSecretSetting = "admin-secret"

// NoteAdminSecret is for a server at its start: it keeps a keyed hash of its admin secret, for UsesAdminSecret of those
// who have another configuration.
func (a *App) NoteAdminSecret(ctx context.Context) error {
	value := core.Document(`{}`).Set("check", a.adminSecretCheck(a.AdminSecret))
	found, err := a.store.Settings.FindMany(ctx, store.AllTenants(), "id", []string{adminSecretSetting})
	switch {
	case err != nil:
		return err
	case len(found) == 0:
		err = a.store.Settings.Create(ctx, &core.Setting{Meta: core.Meta{ID: adminSecretSetting}, Value: value})
	case found[0].Value.Equal(value):
		return nil
	default:
		next := *found[0]
		next.Value = value
		err = a.store.Settings.Update(ctx, &next)
	}
	if errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrStale) {
		return nil // another server starts, too
	}
	return err
}

// UsesAdminSecret tells whether the server that started last takes an admin secret; known is false where none has
// started yet.
func (a *App) UsesAdminSecret(ctx context.Context, text string) (uses, known bool, err error) {
	found, err := a.store.Settings.FindMany(ctx, store.AllTenants(), "id", []string{adminSecretSetting})
	if err != nil || len(found) == 0 {
		return false, false, err
	}
	return found[0].Value.Text("check") == a.adminSecretCheck(text), true, nil
}

func (a *App) adminSecretCheck(text string) string {
	return a.keyring.Lookup("the admin secret: " + text)
}

// Bootstrap makes the organisation and its administrator where they are missing. It can be repeated, also after it was
// interrupted, and by several servers at once.
func (a *App) Bootstrap(ctx context.Context, b Bootstrap) (*Bootstrapped, error) {
	ctx = asAdmin(ctx)
	m := a.resolver.Mutation()
	out := &Bootstrapped{Email: core.NormalEmail(b.Email)}
	org, err := m.CreateOrganisation(ctx, model.OrganisationInput{Name: &b.Organisation, Slug: &b.Slug})
	switch core.CodeOf(err) {
	case "":
		out.OrgCreated = true
	case core.CodeConflict:
		if org, err = a.store.Organisations.FindBy(ctx, store.AllTenants(), "slug", b.Slug); err != nil {
			return nil, fmt.Errorf("find the organisation: %w", err)
		}
	default:
		return nil, fmt.Errorf("create the organisation: %w", err)
	}
	out.OrgID = org.ID
	password := b.Password
	if password == "" {
		if password, err = a.passwords.Make(); err != nil {
			return nil, err
		}
	}
	first, last, active := "Admin", "User", true
	user, err := m.CreateUser(
		ctx,
		model.UserInput{OrgID: &org.ID, FirstName: &first, LastName: &last, Email: &out.Email, Active: &active,
			Password: &password, Permissions: core.Document(`{"IsAdmin":"admin","ResetPassword":"admin"}`)},
	)
	switch core.CodeOf(err) {
	case "":
		out.UserCreated, out.Password = true, password
	case core.CodeConflict:
		if user, err = a.store.Users.FindBy(ctx, store.Org(org.ID), "email_key", out.Email); err != nil {
			return nil, fmt.Errorf("find the administrator: %w", err)
		}
	default:
		return nil, fmt.Errorf("create the administrator: %w", err)
	}
	key, err := a.resolver.User().AccessKey(ctx, user)
	if err != nil {
		return nil, fmt.Errorf("read the access key: %w", err)
	}
	if key != nil {
		out.AccessKey = *key
	}
	return out, nil
}
