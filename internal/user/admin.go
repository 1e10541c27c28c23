package user

import (
	"context"
	"errors"
	"fmt"

	"gatehouse/internal/authz"
	"gatehouse/internal/core"
	"gatehouse/store"
)

// Update stores a user in the place of an earlier one. It returns store.ErrStale where that changed meanwhile, and
// refuses, with core.CodeForbidden, what would leave the organisation without an administrator. The admin secret can
// always make one, and is not held back.
func (u *Users) Update(ctx context.Context, old, next *core.User) error {
	return u.write(ctx, old, next, u.groups.Store.Users.Updating(next))
}

// Delete deletes a user, on the same terms.
func (u *Users) Delete(ctx context.Context, old *core.User) error {
	return u.write(ctx, old, nil, u.groups.Store.Users.Deleting(old))
}

func (u *Users) write(ctx context.Context, old, next *core.User, change store.Change) error {
	changes := []store.Change{change}
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
