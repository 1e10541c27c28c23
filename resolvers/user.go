package resolvers

import (
	"context"

	"gatehouse/graph/model"
	"gatehouse/internal/authz"
	"gatehouse/internal/core"
	"gatehouse/internal/edit"
	"gatehouse/internal/permission"
	"gatehouse/internal/user"
	"gatehouse/internal/usergroup"
	"gatehouse/resolvers/connection"
	"gatehouse/store"
)

func (r *Resolver) findUser(ctx context.Context, id string) (*core.User, error) {
	return edit.One(ctx, core.UserKind, r.store.Users.FindMany, tenant(ctx), [2]string{"id", id})
}

// Authenticate finds the user with an access key. It is for the edges; it returns nil for an unknown key, and takes the
// same way, and so the same time, for known and unknown ones.
func (r *Resolver) Authenticate(ctx context.Context, accessKey string) (*core.User, error) {
	return edit.Hidden(r.store.Users.FindBy(ctx, store.AllTenants(), "access_key", r.keyring.Lookup(accessKey)))
}

// Granted are the permissions of a user with those of their groups. It is for the edges.
func (r *Resolver) Granted(ctx context.Context, u *core.User) (permission.Set, error) {
	return r.groups.Granted(ctx, u)
}

// Owning are the ids as which a user owns APIs. It is for the edges.
func (r *Resolver) Owning(ctx context.Context, u *core.User) ([]string, error) {
	return r.groups.Owning(ctx, u)
}

// granted is Granted for answers, where the groups of all siblings are loaded at once.
func (r *Resolver) granted(ctx context.Context, u *core.User) (permission.Set, error) {
	groups, err := r.groupsOf(ctx, u, u.GroupIDs, len(u.GroupIDs))
	return user.Granted(u, groups), err
}

// groupsOf are the groups of a user among ids.
func (r *Resolver) groupsOf(ctx context.Context, u *core.User, ids []string, siblings int) ([]*usergroup.Group, error) {
	if u.IsSuper() {
		return nil, nil
	}
	return r.loaders(ctx).Groups.All(ctx, u.OrgID, ids, siblings)
}

// writeUser changes a user to what change makes of them.
func (r *Resolver) writeUser(
	ctx context.Context,
	id string,
	revision *int,
	change func(old *core.User) (*core.User, error),
) (*core.User, error) {
	var before *core.User
	find := func() (*core.User, error) { return r.findUser(ctx, id) }
	write := func(ctx context.Context, next *core.User) error { return r.users.Update(ctx, before, next) }
	return edit.Change(ctx, r.editor, core.UserKind, write, revision, find, func(old *core.User) (*core.User, error) {
		before = old
		return change(old)
	})
}

// rewriteUser changes the document of a user, and the password where the input has one.
func (r *Resolver) rewriteUser(
	ctx context.Context,
	id string,
	revision *int,
	change func(stored core.Document) (*user.Given, error),
) (*core.User, error) {
	return r.writeUser(ctx, id, revision,
		func(old *core.User) (*core.User, error) {
			in, err := change(old.Document)
			if err != nil {
				return nil, err
			}
			if in.Document, err = authz.Judged(ctx, in.Document); err != nil {
				return nil, err
			}
			return r.users.Change(ctx, in, old)
		})
}

// editUser changes a copy of a user that the caller may manage.
func (r *Resolver) editUser(
	ctx context.Context,
	id string,
	revision *int,
	change func(u *core.User) error,
) (*core.User, error) {
	return r.writeUser(ctx, id, revision,
		func(old *core.User) (*core.User, error) {
			if old.ID != authz.From(ctx).ID() {
				if err := r.users.MayManage(ctx, nil, old); err != nil {
					return nil, err
				}
			}
			next := *old
			if err := change(&next); err != nil {
				return nil, err
			}
			return &next, nil
		})
}

// withField sets one field of a user's document and reads the user anew.
func withField(u *core.User, path string, value any) {
	*u = *core.NewUser(u.Meta, u.Document.Set(path, value), u.Secrets)
}

func (r *Resolver) listUsers(
	ctx context.Context,
	t store.Tenant,
	first *int,
	after *string,
	filter *model.UserFilter,
	sort *model.UserSort,
) (*model.UserConnection, error) {
	by := connection.Sorted(sort, nil, model.UserSortCreatedAt)
	c, err := connection.Listed(ctx, r.settings.Pages, r.store.Users, t, first, after, by, func() ([]store.Cond, error) {
		return user.Conditions((*user.Filter)(filter)), nil
	})
	return (*model.UserConnection)(c), err
}
