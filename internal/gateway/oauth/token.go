package oauth

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"gatehouse/internal/core"
	"gatehouse/internal/gateway"
	"gatehouse/internal/gateway/key"
	"gatehouse/internal/gateway/token"
)

// Tokens lists what the gateway keeps of a client's tokens.
func (s *Clients) Tokens(ctx context.Context, c *core.OauthClient) ([]gateway.OauthToken, error) {
	tokens, err := s.o.Gateway.OauthTokens(ctx, c.ApiID, c.ClientID)
	if gateway.IsStatus(err, http.StatusNotFound) {
		return nil, core.Wrap(core.CodeUnavailable, err, "the gateway does not serve the API, or not yet: try again")
	}
	return tokens, gateway.Explain(err)
}

// Revoke revokes a token of a client; hint is access_token, refresh_token, or "" for either. What is no token of the
// organisation, or no hash that the gateway lists for the client, is not valid for this client, and is left alone: a
// gateway would end any session that it is named.
func (s *Clients) Revoke(ctx context.Context, c *core.OauthClient, tok, hint string) error {
	if err := s.o.Gateway.Require(); err != nil {
		return err
	}
	hashed := token.LooksHashed(tok)
	if hashed {
		tokens, err := s.Tokens(ctx, c)
		if err != nil || !slices.ContainsFunc(tokens, func(t gateway.OauthToken) bool { return t.Code == tok }) {
			return err
		}
	} else if parsed, err := token.Parse(tok); err == nil && parsed.Org != c.OrgID {
		return nil
	}
	err := s.ask(ctx, c, func() error { return s.o.Gateway.RevokeOauthToken(ctx, c.OrgID, c.ClientID, tok, hint) })
	if err == nil && hashed {
		// Of a hash the gateway forgets that it listed it; the session of the token is ended by itself.
		err = gateway.Explain(s.o.Gateway.DeleteKeyByHash(ctx, tok, c.ApiID))
	}
	return err
}

// RevokeAll revokes every token of a client. A secret that is given must be that of the client.
func (s *Clients) RevokeAll(ctx context.Context, c *core.OauthClient, given *string) error {
	secret, err := s.prove(c, given)
	if err != nil {
		return err
	}
	return s.ask(ctx, c, func() error { return s.o.Gateway.RevokeOauthTokens(ctx, c.OrgID, c.ClientID, secret) })
}

// KeyRules are the session that an authorisation asks for, checked as that of a key of the organisation.
func KeyRules(ctx context.Context, sessions *key.Sessions, org string, rules core.Document) (core.Document, error) {
	doc, err := core.ParseDocument(rules)
	if err != nil {
		return nil, err
	}
	k, err := sessions.Make(ctx, org, "", doc)
	if err != nil {
		e := core.AsError(err)
		if e.Code == core.CodeInternal {
			return nil, err
		}
		return nil, core.Wrap(e.Code, err, "key_rules: %s", e.Message)
	}
	return k.Session, nil
}

// Authorisation is what the page on which a user agreed asks for.
type Authorisation struct {
	ResponseType, RedirectURI string
	State                     *string
	// Rules are the session of what the client gets; nil leaves that to its policy.
	Rules core.Document
}

// Authorise has the gateway authorise a client of an API for a user, and returns its answer. The caller has made sure
// that the session may open what it names.
func (s *Clients) Authorise(
	ctx context.Context,
	a *core.Api,
	c *core.OauthClient,
	in Authorisation,
) (core.Document, error) {
	form := url.Values{"response_type": {in.ResponseType}, "client_id": {c.ClientID}, "redirect_uri": {in.RedirectURI}}
	if in.State != nil {
		form.Set("state", *in.State)
	}
	switch {
	case in.Rules != nil:
		form.Set("key_rules", string(in.Rules))
	case c.PolicyID == "":
		return nil, core.InField("key_rules", "is required: the client has no policy that says what its tokens may do")
	}
	var doc core.Document
	err := s.ask(ctx, c, func() error {
		answer, err := s.o.Gateway.Authorize(ctx, plainHost(a.Domain), a.ListenPath, form)
		doc = core.Document(answer)
		return err
	})
	return doc, err
}

// plainHost is a domain that a request can name; that of an API may be a pattern.
func plainHost(domain string) string {
	if strings.ContainsAny(domain, "{}* ") {
		return ""
	}
	return domain
}
