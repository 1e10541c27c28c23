package resolvers

import (
	"context"

	"gatehouse/internal/core"
	"gatehouse/internal/edit"
	"gatehouse/internal/usergroup"
)

func (r *Resolver) findUserGroup(ctx context.Context, id string) (*usergroup.Group, error) {
	return edit.One(ctx, core.UserGroupKind, r.store.UserGroups.FindMany, tenant(ctx), [2]string{"id", id})
}

// editUserGroup changes the document of a user group.
func (r *Resolver) editUserGroup(
	ctx context.Context,
	id string,
	revision *int,
	change func(stored core.Document) (core.Document, error),
) (*usergroup.Group, error) {
	find := func() (*usergroup.Group, error) { return r.findUserGroup(ctx, id) }
	return edit.Change(ctx, r.editor, core.UserGroupKind, r.store.UserGroups.Update, revision, find,
		func(old *usergroup.Group) (*usergroup.Group, error) {
			doc, err := edit.Judged(ctx)(change(old.Document))
			if err != nil {
				return nil, err
			}
			return r.groups.Change(ctx, doc, old)
		})
}
