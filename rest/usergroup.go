package rest

import (
	"io"
	"net/http"

	"gatehouse/graph/model"
	"gatehouse/internal/core"
	"gatehouse/internal/usergroup"
)

var userGroupRoutes = []route{
	{"GET", "/api/usergroups", "userGroups", (*call).listUserGroups, nil},
	{
		"GET",
		"/api/usergroups/{id}",
		"userGroup",
		(*call).getUserGroup,
		userGroupErrors(http.StatusNotFound, "Could not retrieve user group."),
	},
	{"POST", "/api/usergroups", "createUserGroup", (*call).createUserGroup, userGroupErrors(0, "")},
	{
		"PUT",
		"/api/usergroups/{id}",
		"updateUserGroup",
		(*call).updateUserGroup,
		userGroupErrors(http.StatusBadRequest, "Group ID does not exist"),
	},
	{
		"PATCH",
		"/api/usergroups/{id}",
		"patchUserGroup",
		(*call).patchUserGroup,
		userGroupErrors(http.StatusBadRequest, "Group ID does not exist"),
	},
	{
		"DELETE",
		"/api/usergroups/{id}",
		"deleteUserGroup",
		(*call).deleteUserGroup,
		userGroupErrors(http.StatusBadRequest, "Group ID does not exist"),
	},
}

func userGroupErrors(missing int, message string) legacyErrors {
	return legacyErrors{
		core.CodeNotFound:  {missing, message, false},
		core.CodeMalformed: malformed403,
	}
}

// userGroupDocument is a user group as the legacy API shows it.
func userGroupDocument(g *usergroup.Group) (core.Document, error) { return g.Document, nil }

func (c *call) listUserGroups() (reply, error) {
	next := func(first *int, after *string) (fetched[usergroup.Group], error) {
		l, err := c.Query.UserGroups(c.ctx, first, after, &model.UserGroupFilter{Q: c.optional("q")}, nil)
		if err != nil {
			return fetched[usergroup.Group]{}, err
		}
		return fetched[usergroup.Group]{l.Nodes, l.TotalCount, l.PageInfo}, nil
	}
	return listing(c, shape{`{"groups":[`, `],"pages":`}, next, func(w io.Writer, g *usergroup.Group) error {
		_, err := w.Write(g.Document)
		return err
	})
}

func (c *call) getUserGroup() (reply, error) {
	g, err := c.Query.UserGroup(c.ctx, c.vars["id"])
	return show(c, g, err, userGroupDocument)
}

func (c *call) createUserGroup() (reply, error) {
	return creating(c, func(doc core.Document) (*usergroup.Group, error) {
		return c.Mutation.CreateUserGroup(c.ctx, model.UserGroupInput{Document: doc})
	}, func(g *usergroup.Group) (reply, error) {
		return shown(answer{Status: "OK", Message: "User group created", Meta: g.ID, ID: g.ID}), nil
	})
}

func (c *call) updateUserGroup() (reply, error) {
	return changing(c, func(doc core.Document, revision *int) (*usergroup.Group, error) {
		return c.Mutation.UpdateUserGroup(c.ctx, c.vars["id"], model.UserGroupInput{Document: doc}, revision)
	}, always[usergroup.Group]("User group updated", nil))
}

func (c *call) patchUserGroup() (reply, error) {
	return changing(c, func(doc core.Document, revision *int) (*usergroup.Group, error) {
		return c.Mutation.PatchUserGroup(c.ctx, c.vars["id"], doc, revision)
	}, always[usergroup.Group]("User group updated", nil))
}

// deleteUserGroup refuses a group that is in use, unless force is asked for: its members lose what it gave, and what it
// owns would be everybody's or nobody's.
func (c *call) deleteUserGroup() (reply, error) {
	return c.deleting(func(revision *int) (*model.Deleted, error) {
		return c.Mutation.DeleteUserGroup(c.ctx, c.vars["id"], revision, new(c.flag("force")))
	}, "User group deleted", "")
}
