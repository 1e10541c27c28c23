package rest

import (
	"log/slog"
	"net/http"

	"gatehouse/graph/model"
	"gatehouse/internal/core"
	"gatehouse/internal/httpserver"
	"gatehouse/rest/wire"
)

var ssoRoutes = []route{
	{"POST", "/api/sso", "createSsoNonce", (*call).createNonce, legacyErrors{core.CodeMalformed: malformed400}},
	{"POST", "/admin/sso", "createSsoNonce", (*call).createNonce, legacyErrors{
		core.CodeInvalid: invalidNonce, core.CodeMalformed: invalidNonce,
	}},
	{"GET", "/tap", "redeemSsoNonce", (*call).tap, nil},
}

var invalidNonce = legacyError{http.StatusBadRequest, "Cannot create an SSO session for an invalid payload", true}

// createNonce reads what identity brokers send. They always send all fields, and some that mean nothing here.
func (c *call) createNonce() (reply, error) {
	doc, err := c.document()
	if err != nil {
		return nil, err
	}
	in := model.SsoNonceInput{OrgID: optionalVar(doc.Text("OrgID"))}
	switch section := doc.Text("ForSection"); section {
	case "dashboard":
		in.Section = new(model.SsoSectionDashboard)
	case "portal":
		in.Section = new(model.SsoSectionPortal)
	default:
		return nil, core.InField("ForSection", "must be dashboard or portal")
	}
	in.Email, in.DisplayName = optionalVar(doc.Text("EmailAddress")), optionalVar(doc.Text("DisplayName"))
	if id := doc.Text("GroupID"); id != "" {
		in.GroupIds = []string{id}
	}
	for _, id := range doc.Get("GroupsIDs").Array() {
		if id.Str != "" && id.Str != doc.Text("GroupID") {
			in.GroupIds = append(in.GroupIds, id.Str)
		}
	}
	in.OnlyForRegisteredUsers = new(doc.Get("SSOOnlyForRegisteredUsers").Bool())
	nonce, err := c.Mutation.CreateSsoNonce(c.ctx, in)
	if err != nil {
		return nil, err
	}
	return done("SSO Nonce created", nonce), nil
}

// tap is where an identity broker sends a browser with a nonce. It is a page: what goes wrong is one, too.
func (c *call) tap() (reply, error) {
	_, err := c.Mutation.RedeemSsoNonce(c.ctx, c.param("nonce"))
	if err == nil {
		return redirect("/"), nil
	}
	e := core.AsError(err)
	switch {
	case e.Code != core.CodeForbidden:
		return nil, err
	case c.SSOErrorURL != "":
		return redirect(c.SSOErrorURL), nil
	}
	log, id := c.Log, httpserver.RequestID(c.ctx)
	return func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusForbidden)
		if err := wire.SignInFailed(w, e.Message); err != nil {
			log.Warn("a page could not be written", slog.String("request_id", id), slog.Any("error", err))
		}
	}, nil
}
