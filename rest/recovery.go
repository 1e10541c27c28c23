package rest

import (
	"mime"
	"net/http"
	"net/url"

	"gatehouse/internal/core"
	"gatehouse/internal/recovery"
)

// recoveryRoutes are ours: where the legacy dashboard has them is published nowhere.
var recoveryRoutes = []route{
	{"POST", "/forgot", "requestPasswordReset", (*call).requestPasswordReset, nil},
	{"POST", "/reset", "resetPassword", (*call).resetPassword, nil},
}

// fields are those of a form, or the texts of a JSON object; form tells which of the two came.
func (c *call) fields(names ...string) (values map[string]string, form bool, err error) {
	values = map[string]string{}
	kind, _, _ := mime.ParseMediaType(c.request.Header.Get("Content-Type"))
	if kind != "application/x-www-form-urlencoded" {
		doc, err := c.document()
		if err != nil {
			return nil, false, err
		}
		for _, name := range names {
			values[name] = doc.Text(name)
		}
		return values, false, nil
	}
	raw, err := c.body()
	if err != nil {
		return nil, true, err
	}
	sent, err := url.ParseQuery(string(raw))
	if err != nil {
		return nil, true, core.Wrap(core.CodeMalformed, err, "the form is not well escaped")
	}
	for _, name := range names {
		values[name] = sent.Get(name)
	}
	return values, true, nil
}

func (c *call) requestPasswordReset() (reply, error) {
	values, _, err := c.fields("email_address")
	if err != nil {
		return nil, err
	}
	if _, err := c.Mutation.RequestPasswordReset(c.ctx, values["email_address"]); err != nil {
		return nil, err
	}
	return done("If there is a user with this e-mail address, a link is on its way", nil), nil
}

// resetPassword answers a form with a page, since a person sent it, and JSON with JSON.
func (c *call) resetPassword() (reply, error) {
	values, form, err := c.fields("token", "new_password")
	if err != nil {
		return nil, err
	}
	_, err = c.Mutation.ResetPassword(c.ctx, values["token"], values["new_password"])
	e := core.AsError(err)
	switch {
	case !form && err != nil, form && err != nil && e.Code == core.CodeInternal:
		return nil, err
	case !form:
		return done("User password updated", ""), nil
	case err == nil:
		return recovery.Page{Message: "Your password is set. You can sign in with it."}.Write, nil
	}
	page := recovery.Page{Token: values["token"], Message: e.Message, Status: statuses[e.Code]}
	return func(w http.ResponseWriter) { page.Write(w) }, nil
}
