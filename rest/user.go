package rest

import (
	"encoding/json"
	"io"
	"net/http"

	"gatehouse/graph/model"
	"gatehouse/internal/core"
)

var userRoutes = []route{
	{"GET", "/api/users", "users", (*call).listUsers, nil},
	{"GET", "/api/users/me", "me", (*call).getMe, nil},
	{"GET", "/api/users/search", "users", (*call).listUsers, nil},
	{"POST", "/api/users/search", "users", (*call).searchUsers, nil},
	{"GET", "/api/users/{id}", "user", (*call).getUser, userErrors},
	{"POST", "/api/users", "createUser", (*call).createUser, createUserErrors},
	{
		"PUT",
		"/api/users/{id}",
		"updateUser",
		(*call).updateUser,
		legacyErrors{
			core.CodeNotFound:  {http.StatusBadRequest, "user does not exist.", false},
			core.CodeMalformed: malformed400,
		},
	},
	{
		"PATCH",
		"/api/users/{id}",
		"patchUser",
		(*call).patchUser,
		legacyErrors{
			core.CodeNotFound:  {http.StatusBadRequest, "user does not exist.", false},
			core.CodeMalformed: malformed400,
		},
	},
	{"DELETE", "/api/users/{id}", "deleteUser", (*call).deleteUser, userErrors},
	{"POST", "/api/users/{id}/actions/reset", "setUserPassword", (*call).setUserPassword, userErrors},
	{"PUT", "/api/users/{id}/actions/key/reset", "resetUserKey", (*call).resetUserKey, userErrors},
	{
		"PUT",
		"/api/users/{id}/actions/revoke",
		"revokeUser",
		(*call).revokeUser,
		legacyErrors{core.CodeNotFound: {http.StatusBadRequest, "Could not retrieve user detail.", false}},
	},

	{"GET", "/admin/users", "users", (*call).listUsers, nil},
	{"GET", "/admin/users/{id}", "user", (*call).getUser, userErrors},
	{"POST", "/admin/users", "createUser", (*call).adminCreateUser, createUserErrors},
	{
		"PUT",
		"/admin/users/{id}",
		"updateUser",
		(*call).adminUpdateUser,
		legacyErrors{core.CodeNotFound: {http.StatusNotFound, "User not found", false}, core.CodeMalformed: malformed403},
	},
	{
		"PATCH",
		"/admin/users/{id}",
		"patchUser",
		(*call).adminPatchUser,
		legacyErrors{core.CodeNotFound: {http.StatusNotFound, "User not found", false}, core.CodeMalformed: malformed403},
	},
	{
		"PUT",
		"/admin/users/{id}/actions/allow_reset_passwords",
		"allowPasswordReset",
		func(c *call) (reply, error) { return c.allowPasswordReset(true) },
		userErrors,
	},
	{
		"PUT",
		"/admin/users/{id}/actions/disallow_reset_passwords",
		"allowPasswordReset",
		func(c *call) (reply, error) { return c.allowPasswordReset(false) },
		userErrors,
	},
}

var (
	userErrors = legacyErrors{
		core.CodeNotFound:  {http.StatusNotFound, "Could not retrieve user detail.", false},
		core.CodeMalformed: malformed403,
	}
	createUserErrors = legacyErrors{
		core.CodeConflict:  {http.StatusForbidden, "", false},
		core.CodeMalformed: malformed403,
	}
)

// userDocument is a user as the legacy API shows it: with the access key where the caller may see it, and without a
// field for the password, since generated clients take no fields beyond those of the description.
func (c *call) userDocument(u *core.User) (core.Document, error) {
	key, err := c.Fields.User.AccessKey(c.ctx, u)
	if err != nil {
		return nil, err
	}
	visible := ""
	if key != nil {
		visible = *key
	}
	doc := u.Document.Set("email_address", u.Email).Set("access_key", visible)
	return doc.Set("password_updated", u.Secrets.PasswordUpdated).Set("last_login_date", u.Secrets.LastLogin), nil
}

func (c *call) users(filter *model.UserFilter) (reply, error) {
	next := func(first *int, after *string) (fetched[core.User], error) {
		l, err := c.Query.Users(c.ctx, first, after, filter, nil)
		if err != nil {
			return fetched[core.User]{}, err
		}
		return fetched[core.User]{l.Nodes, l.TotalCount, l.PageInfo}, nil
	}
	return listing(c, shape{`{"users":[`, `],"pages":`}, next, func(w io.Writer, u *core.User) error {
		doc, err := c.userDocument(u)
		if err == nil {
			_, err = w.Write(doc)
		}
		return err
	})
}

func (c *call) listUsers() (reply, error) {
	return c.users(&model.UserFilter{Email: c.optional("q"), OrgID: c.optional("org_id")})
}

func (c *call) searchUsers() (reply, error) {
	doc, err := c.document()
	if err != nil {
		return nil, err
	}
	if f := doc.Get("filters"); !f.IsObject() {
		return nil, core.Errorf(
			core.CodeMalformed,
			"Could not extract search filter from request body: send {\"filters\": {\"query\": \"...\"}}",
		)
	}
	return c.users(&model.UserFilter{Email: optionalVar(doc.Text("filters.query"))})
}

func (c *call) getMe() (reply, error)   { return c.oneUser(c.Query.Me(c.ctx)) }
func (c *call) getUser() (reply, error) { return c.oneUser(c.Query.User(c.ctx, c.vars["id"])) }

func (c *call) oneUser(u *core.User, err error) (reply, error) {
	return show(c, u, err, c.userDocument)
}

func (c *call) createUser() (reply, error) {
	return creating(c, c.newUser, func(u *core.User) (reply, error) {
		return shown(answer{Status: "OK", Message: "User and session have been created", Meta: u.ID, ID: u.ID}), nil
	})
}

func (c *call) newUser(doc core.Document) (*core.User, error) {
	return c.Mutation.CreateUser(c.ctx, model.UserInput{Document: doc})
}

// adminCreateUser answers with the access key as the message, as scripts read it, and with the user. A password is
// passed over, as documented: the next call of such scripts sets one, and does not know of another.
func (c *call) adminCreateUser() (reply, error) {
	return creating(c, func(doc core.Document) (*core.User, error) { return c.newUser(doc.Without("password")) }, func(u *core.User) (reply, error) {
		doc, err := c.userDocument(u)
		return done(doc.Text("access_key"), json.RawMessage(doc)), err
	})
}

func (c *call) changedUser(doc core.Document, revision *int) (*core.User, error) {
	return c.Mutation.UpdateUser(c.ctx, c.vars["id"], model.UserInput{Document: doc}, revision)
}

func (c *call) updateUser() (reply, error) {
	return changing(c, c.changedUser, always[core.User]("User updated", nil))
}

func (c *call) adminUpdateUser() (reply, error) {
	return changing(c, c.changedUser, always[core.User]("User updated", ""))
}

func (c *call) patchUser() (reply, error) {
	return changing(c, c.patchedUser, always[core.User]("User updated", nil))
}

func (c *call) adminPatchUser() (reply, error) {
	return changing(c, c.patchedUser, always[core.User]("User updated", ""))
}

func (c *call) patchedUser(doc core.Document, revision *int) (*core.User, error) {
	return c.Mutation.PatchUser(c.ctx, c.vars["id"], doc, revision)
}

func (c *call) deleteUser() (reply, error) {
	return c.deleting(func(revision *int) (*model.Deleted, error) {
		return c.Mutation.DeleteUser(c.ctx, c.vars["id"], revision)
	}, "User deleted", "")
}

func (c *call) setUserPassword() (reply, error) {
	doc, err := c.document()
	if err != nil {
		return nil, err
	}
	current := doc.Text("current_password")
	if _, err := c.Mutation.SetUserPassword(c.ctx, c.vars["id"], &current, doc.Text("new_password")); err != nil {
		return nil, err
	}
	return done("User password updated", ""), nil
}

func (c *call) resetUserKey() (reply, error) {
	if _, err := c.Mutation.ResetUserKey(c.ctx, c.vars["id"]); err != nil {
		return nil, err
	}
	return done("User session renewed", nil), nil
}

func (c *call) revokeUser() (reply, error) {
	if _, err := c.Mutation.RevokeUser(c.ctx, c.vars["id"]); err != nil {
		return nil, err
	}
	return done("User revoked", nil), nil
}

func (c *call) allowPasswordReset(allow bool) (reply, error) {
	u, err := c.Mutation.AllowPasswordReset(c.ctx, c.vars["id"], allow)
	if err != nil {
		return nil, err
	}
	doc, err := c.userDocument(u)
	if err != nil {
		return nil, err
	}
	return done("User updated", json.RawMessage(doc)), nil
}
