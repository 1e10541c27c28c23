package rest

import (
	"strings"

	"gatehouse/internal/core"
	"gatehouse/internal/recovery"
)

// recoveryRoutes are ours: where the legacy dashboard has them is published nowhere.
var recoveryRoutes = []route{
	{"POST", "/forgot", "requestPasswordReset", (*call).requestPasswordReset, nil},
	{"POST", "/reset", "resetPassword", (*call).resetPassword, nil},
}

func (c *call) requestPasswordReset() (reply, error) {
	sent, err := c.form()
	if err != nil {
		return nil, err
	}
	if _, err := c.Mutation.RequestPasswordReset(c.ctx, sent.Get("email_address")); err != nil {
		return nil, err
	}
	return done("If there is a user with this e-mail address, a link is on its way", nil), nil
}

// resetPassword answers a form with a page, since a person sent it, and JSON with JSON.
func (c *call) resetPassword() (reply, error) {
	sent, err := c.form()
	if err != nil {
		return nil, err
	}
	page := strings.HasPrefix(c.request.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
	_, err = c.Mutation.ResetPassword(c.ctx, sent.Get("token"), sent.Get("new_password"))
	e := core.AsError(err)
	switch {
	case err != nil && (!page || e.Code == core.CodeInternal):
		return nil, err
	case !page:
		return done("User password updated", ""), nil
	case err == nil:
		return recovery.Page{Message: "Your password is set. You can sign in with it."}.Write, nil
	}
	return recovery.Page{Token: sent.Get("token"), Message: e.Message, Status: statuses[e.Code]}.Write, nil
}
