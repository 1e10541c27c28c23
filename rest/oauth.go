package rest

import (
	"io"
	"net/http"
	"net/url"

	"gatehouse/graph/model"
	"gatehouse/internal/core"
	"gatehouse/rest/wire"
)

var oauthRoutes = []route{
	{
		"GET",
		"/api/apis/oauth/{api}",
		"oauthClients",
		(*call).listOauthClients,
		oauthMissing("Could not retrieve apps list."),
	},
	{"POST", "/api/apis/oauth/{api}", "createOauthClient", (*call).createOauthClient, oauthMissing("")},
	{
		"POST",
		"/api/apis/oauth/{client}/revoke",
		"revokeOauthToken",
		(*call).revokeOauthToken,
		oauthMissing("oauth client doesn't exist"),
	},
	{
		"POST",
		"/api/apis/oauth/{client}/revoke_all",
		"revokeOauthTokens",
		(*call).revokeOauthTokens,
		oauthMissing("oauth client doesn't exist"),
	},
	{
		"POST",
		"/api/apis/oauth/{api}/authorize-client",
		"authorizeOauthClient",
		(*call).authorizeOauthClient,
		oauthMissing("oauth client doesn't exist"),
	},
	{
		"GET",
		"/api/apis/oauth/{api}/{client}",
		"oauthClient",
		(*call).getOauthClient,
		oauthMissing("Could not retrieve app detail."),
	},
	{
		"PUT",
		"/api/apis/oauth/{api}/{client}",
		"updateOauthClient",
		(*call).updateOauthClient,
		oauthMissing("Could not retrieve app detail."),
	},
	{
		"PATCH",
		"/api/apis/oauth/{api}/{client}",
		"patchOauthClient",
		(*call).patchOauthClient,
		oauthMissing("Could not retrieve app detail."),
	},
	{
		"DELETE",
		"/api/apis/oauth/{api}/{client}",
		"deleteOauthClient",
		(*call).deleteOauthClient,
		oauthMissing("Could not retrieve app detail."),
	},
	{
		"GET",
		"/api/apis/oauth/{api}/{client}/tokens",
		"oauthTokens",
		(*call).listOauthTokens,
		oauthMissing("Could not retrieve tokens."),
	},
	{"DELETE", "/admin/oauth/tokens", "purgeOauthTokens", (*call).purgeOauthTokens,
		legacyErrors{core.CodeMalformed: {http.StatusUnprocessableEntity, "", false}}},
}

func oauthMissing(message string) legacyErrors {
	return legacyErrors{core.CodeMalformed: malformed403, core.CodeNotFound: {http.StatusNotFound, message, false}}
}

func (c *call) listOauthClients() (reply, error) {
	c.unpaged = true
	next := func(first *int, after *string) (fetched[core.OauthClient], error) {
		l, err := c.Query.OauthClients(c.ctx, c.vars["api"], first, after, nil)
		if err != nil {
			return fetched[core.OauthClient]{}, err
		}
		return fetched[core.OauthClient]{l.Nodes, l.TotalCount, l.PageInfo}, nil
	}
	return listing(c, shape{`{"apps":[`, `],"pages":`}, next, func(w io.Writer, o *core.OauthClient) error {
		doc, err := c.oauthClient(o)
		if err == nil {
			_, err = w.Write(doc)
		}
		return err
	})
}

func (c *call) oauthClient(o *core.OauthClient) (core.Document, error) {
	return c.Fields.OauthClient.Document(c.ctx, o)
}

func (c *call) shownOauthClient(o *core.OauthClient) (reply, error) {
	return show(c, o, nil, c.oauthClient)
}

func (c *call) getOauthClient() (reply, error) {
	o, err := c.Query.OauthClient(c.ctx, c.vars["api"], c.vars["client"])
	return show(c, o, err, c.oauthClient)
}

func (c *call) createOauthClient() (reply, error) {
	return creating(c, func(doc core.Document) (*core.OauthClient, error) {
		return c.Mutation.CreateOauthClient(c.ctx, c.vars["api"], model.OauthClientInput{Document: doc})
	}, c.shownOauthClient)
}

func (c *call) updateOauthClient() (reply, error) {
	return changing(c, func(doc core.Document, revision *int) (*core.OauthClient, error) {
		return c.Mutation.UpdateOauthClient(
			c.ctx,
			c.vars["api"],
			c.vars["client"],
			model.OauthClientInput{Document: doc},
			revision,
		)
	}, c.shownOauthClient)
}

func (c *call) patchOauthClient() (reply, error) {
	return changing(c, func(doc core.Document, revision *int) (*core.OauthClient, error) {
		return c.Mutation.PatchOauthClient(c.ctx, c.vars["api"], c.vars["client"], doc, revision)
	}, c.shownOauthClient)
}

func (c *call) deleteOauthClient() (reply, error) {
	return c.deleting(func(revision *int) (*model.Deleted, error) {
		return c.Mutation.DeleteOauthClient(c.ctx, c.vars["api"], c.vars["client"], revision)
	}, "OAuth Client deleted successfully", nil)
}

func (c *call) listOauthTokens() (reply, error) {
	type code struct {
		Code    string `json:"code"`
		Expires int64  `json:"expires"`
	}
	out := []code{}
	err := every(c, func(first *int, after *string) (fetched[model.OauthToken], error) {
		l, err := c.Query.OauthTokens(c.ctx, c.vars["api"], c.vars["client"], first, after)
		if err != nil {
			return fetched[model.OauthToken]{}, err
		}
		return fetched[model.OauthToken]{l.Nodes, l.TotalCount, l.PageInfo}, nil
	}, func(t *model.OauthToken) error {
		out = append(out, code{t.Code, t.Expires.Unix()})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return shown(out), nil
}

// form reads a body of named texts, as JSON or form-encoded, whatever its Content-Type says. A value that is JSON
// itself is given as its text.
func (c *call) form() (url.Values, error) {
	raw, err := c.body()
	if err != nil {
		return nil, err
	}
	return wire.Form(raw)
}

func (c *call) revokeOauthToken() (reply, error) {
	form, err := c.form()
	if err != nil {
		return nil, err
	}
	var kind *model.OauthTokenType
	switch hint := form.Get("token_type_hint"); hint {
	case "access_token":
		kind = new(model.OauthTokenTypeAccessToken)
	case "refresh_token":
		kind = new(model.OauthTokenTypeRefreshToken)
	case "":
	default:
		return nil, core.Errorf(core.CodeInvalid, "token_type_hint must be access_token or refresh_token")
	}
	if _, err := c.Mutation.RevokeOauthToken(c.ctx, c.vars["client"], form.Get("token"), kind); err != nil {
		return nil, err
	}
	return done("token revoked successfully", nil), nil
}

func (c *call) revokeOauthTokens() (reply, error) {
	form, err := c.form()
	if err != nil {
		return nil, err
	}
	if _, err := c.Mutation.RevokeOauthTokens(c.ctx, c.vars["client"], optionalVar(form.Get("client_secret"))); err != nil {
		return nil, err
	}
	return done("tokens revoked successfully", nil), nil
}

func (c *call) authorizeOauthClient() (reply, error) {
	form, err := c.form()
	if err != nil {
		return nil, err
	}
	in := model.OauthAuthorizationInput{
		ResponseType: form.Get("response_type"),
		ClientID:     form.Get("client_id"),
		RedirectURI:  form.Get("redirect_uri"),
		State:        optionalVar(form.Get("state")),
	}
	if rules := form.Get("key_rules"); rules != "" {
		in.KeyRules = core.Document(rules)
	}
	got, err := c.Mutation.AuthorizeOauthClient(c.ctx, c.vars["api"], in)
	if err != nil {
		return nil, err
	}
	return document(got.Document), nil
}

func (c *call) purgeOauthTokens() (reply, error) {
	switch scope, given := c.query()["scope"]; {
	case !given:
		return nil, core.Errorf(core.CodeMalformed, "scope parameter is required")
	case scope[0] != "lapsed":
		return nil, core.Errorf(core.CodeInvalid, "unknown scope")
	}
	if _, err := c.Mutation.PurgeOauthTokens(c.ctx); err != nil {
		return nil, err
	}
	return done("success", nil), nil
}
