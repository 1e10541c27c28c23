package user

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"gatehouse/internal/authz"
	"gatehouse/internal/core"
	"gatehouse/store"
)

// Update stores a user in the place of an earlier one. It returns store.ErrStale where that changed meanwhile, and
// refuses, with core.CodeForbidden, what would leave the organisation without an administrator. The admin secret can
// always make one, and is not held back. Where the sessions of the user have to end, they end in the same write: all of
// them, but the one in which somebody gives themselves another password or access key.
func (u *Users) Update(ctx context.Context, old, next *core.User) error {
	return u.UpdateWith(ctx, old, next)
}

// UpdateWith is Update, with other changes in the same write.
func (u *Users) UpdateWith(ctx context.Context, old, next *core.User, with ...store.Change) error {
	var kept []store.Change
	if endsSessions(old, next) {
		next.Secrets.Epoch = old.Secrets.Epoch + 1
		var err error
		if kept, err = u.keepingOwn(ctx, next); err != nil {
			return err
		}
	}
	return u.write(ctx, old, next, slices.Concat([]store.Change{u.groups.Store.Users.Updating(next)}, with, kept)...)
}

// endsSessions tells whether a change ends what is open: the user is switched off, gets another password or another
// access key, or loses rights.
func endsSessions(old, next *core.User) bool {
	lost, _ := next.Permissions.Exceeding(old.Permissions)
	return old.Active && !next.Active || lost != "" || len(core.Added(old.GroupIDs, next.GroupIDs)) > 0 ||
		old.Secrets.PasswordHash != next.Secrets.PasswordHash || old.Secrets.AccessKeyHash != next.Secrets.AccessKeyHash
}

// keepingOwn is the write that takes the session of the caller along, where they change themselves.
func (u *Users) keepingOwn(ctx context.Context, next *core.User) ([]store.Change, error) {
	own := authz.From(ctx).Session
	if own == nil || own.UserID != next.ID || !next.Active {
		return nil, nil
	}
	sessions := u.groups.Store.Sessions
	found, err := sessions.FindMany(ctx, store.Org(own.OrgID), "id", []string{own.ID})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	kept := *found[0]
	kept.Epoch = next.Secrets.Epoch
	return []store.Change{sessions.Updating(&kept)}, nil
}

// Delete deletes a user, on the same terms.
func (u *Users) Delete(ctx context.Context, old *core.User) error {
	return u.write(ctx, old, nil, u.groups.Store.Users.Deleting(old))
}

func (u *Users) write(ctx context.Context, old, next *core.User, changes ...store.Change) error {
	if governs(old) && !governs(next) && !authz.From(ctx).Admin {
		kept, err := u.keepingAnother(ctx, old)
		if err != nil {
			return err
		}
		changes = append(changes, kept)
	}
	err := u.groups.Store.Apply(ctx, changes...)
	var taken *store.ConflictError
	if errors.As(err, &taken) && taken.Collection == core.SettingKind.Collection {
		return fmt.Errorf("%w: administrators changed meanwhile", store.ErrStale)
	}
	return err
}

// governs tells whether a user is an administrator who can give rights to others. Super users are of no organisation.
func governs(u *core.User) bool { return u != nil && u.Active && !u.IsSuper() && u.Governs() }

// keepingAnother finds another administrator of the organisation who governs. The write that it returns goes with the
// one that takes this one away: it fails, as stale, when somebody else takes one away at the same time.
func (u *Users) keepingAnother(ctx context.Context, gone *core.User) (store.Change, error) {
	s := u.groups.Store
	name := "administrators:" + gone.OrgID
	found, err := s.Settings.FindMany(ctx, store.AllTenants(), "id", []string{name})
	if err != nil {
		return store.Change{}, err
	}
	others, err := s.Users.List(ctx, store.Query{
		Tenant:  store.Org(gone.OrgID),
		Where:   []store.Cond{store.HasLabel("governs", "yes"), store.Between("active", 1, 1)},
		Sort:    "id",
		Limit:   2,
		IDsOnly: true,
	})
	if err != nil {
		return store.Change{}, err
	}
	alone := true
	for _, o := range others.Objects {
		alone = alone && o.ID == gone.ID
	}
	if alone {
		return store.Change{}, core.Errorf(
			core.CodeForbidden,
			"access denied: this is the last active administrator of the organisation: make another one first",
		)
	}
	if len(found) > 0 {
		return s.Settings.Updating(found[0]), nil
	}
	return s.Settings.Creating(&core.Setting{
		Meta: core.Meta{ID: name, OrgID: gone.OrgID}, Value: core.Document(`{}`),
	}), nil
}
