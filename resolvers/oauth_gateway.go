package resolvers

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"gatehouse/graph/model"
	"gatehouse/internal/core"
	"gatehouse/internal/gateway"
	"gatehouse/internal/gateway/token"
	"gatehouse/internal/turn"
	"gatehouse/store"
)

const (
	// oauthPatience is how long a gateway may take to load an API that was just made.
	oauthPatience = 6 * time.Second
	// cleanUpTime is how long what follows a failure, or a deletion, may take at the gateway.
	cleanUpTime = 5 * time.Second
)

// pushOauthClient makes the gateway's client the same as ours, and tells whether that took a change. While it is under
// way the client may be changed or deleted here: what is stored in the end is what the gateway has in the end.
func (r *Resolver) pushOauthClient(
	ctx context.Context,
	c *core.OauthClient,
	patience time.Duration,
) (changed bool, err error) {
	for range turn.Tries {
		secret, err := r.keyring.Open(c.Sealed, oauthSecretContext(c.ID))
		if err != nil {
			return changed, core.Wrap(
				core.CodeInvalid,
				err,
				"the secret of the OAuth client was sealed with another encryption key: give it a new secret",
			)
		}
		owners, err := r.ownersForOauth(ctx, c)
		if err != nil {
			return changed, err
		}
		moved, err := r.gateway.PutOauthClient(ctx, r.atGateway(c, secret, owners), patience)
		changed = changed || moved
		if err != nil {
			return changed, gateway.Explain(err)
		}
		now, err := one(ctx, core.OauthClientKind, r.store.OauthClients.FindMany, store.AllTenants(), [2]string{"id", c.ID})
		switch {
		case core.CodeOf(err) == core.CodeNotFound:
			return changed, gateway.Explain(r.gateway.DeleteOauthClient(ctx, c.ApiID, c.ClientID))
		case err != nil || now.Revision == c.Revision:
			return changed, err
		}
		c = now
	}
	return changed, core.Errorf(core.CodeUnavailable, "the OAuth client changes all the time: try again")
}

// ownersForOauth finds out whose is what clients name.
func (r *Resolver) ownersForOauth(ctx context.Context, clients ...*core.OauthClient) (store.Owners, error) {
	var named store.Ids
	for _, c := range clients {
		named.Apis = append(named.Apis, core.NamedApis(c.Document)...)
		if c.PolicyID != "" {
			named.Policies = append(named.Policies, c.PolicyID)
		}
	}
	return r.store.OwnersOf(ctx, named)
}

// atGateway is a client as the gateway has it. Its policy and its meta data become those of its tokens. A client that
// was made before that was looked at may name what is another organisation's; a gateway is not told so.
func (r *Resolver) atGateway(c *core.OauthClient, secret string, owners store.Owners) gateway.OauthClient {
	foreign := owners.Foreign(c.OrgID)
	meta := core.ConfineSession(c.OrgID, c.Document, foreign).Get("meta_data")
	out := gateway.OauthClient{
		ClientID:    c.ClientID,
		Secret:      secret,
		RedirectURI: c.RedirectURI(r.settings.OauthSeparator),
		ApiID:       c.ApiID,
		PolicyID:    c.PolicyID,
		Description: c.Description,
	}
	if meta.Type != gjson.Null {
		out.MetaData = json.RawMessage(meta.Raw)
	}
	if foreign.Policy(c.PolicyID) {
		out.PolicyID = core.NoPolicy
	}
	return out
}

// askGateway makes a call of the gateway about a client. A gateway that refuses may have lost the client: it is given
// it again then, and asked once more.
func (r *Resolver) askGateway(ctx context.Context, c *core.OauthClient, call func() error) error {
	err := call()
	var refusal *gateway.StatusError
	if errors.As(err, &refusal) {
		if changed, pushed := r.pushOauthClient(ctx, c, 0); changed && pushed == nil {
			err = call()
		}
	}
	return gateway.Explain(err)
}

// withdrawOauthClient undoes the creation of a client that the gateway did not take; cause says why it did not.
func (r *Resolver) withdrawOauthClient(ctx context.Context, c *core.OauthClient, cause error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpTime)
	defer cancel()
	err := r.store.OauthClients.Delete(ctx, c)
	if err == nil && core.CodeOf(cause) == core.CodeUnavailable {
		// The gateway may have made it, and its answer was lost. One that it refused it has not made.
		err = r.gateway.DeleteOauthClient(ctx, c.ApiID, c.ClientID)
	}
	if err != nil {
		r.log.WarnContext(
			ctx,
			"an OAuth client that the gateway did not take may be left over",
			"client",
			c.ClientID,
			"error",
			err,
		)
	}
}

// restoreOauthClient undoes a change that the gateway did not take, unless another came after it.
func (r *Resolver) restoreOauthClient(ctx context.Context, old, next *core.OauthClient) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpTime)
	defer cancel()
	back := *old
	back.Meta = next.Meta
	if err := r.store.OauthClients.Update(ctx, &back); err != nil {
		r.log.WarnContext(
			ctx,
			"an OAuth client has a change that the gateway did not take; it is tried again",
			"client",
			old.ClientID,
			"error",
			err,
		)
		return
	}
	r.changed(ctx, core.ChangeUpdated, core.OauthClientKind, &back.Meta)
}

// apisWithClients deletes APIs together with their OAuth clients.
type apisWithClients struct{ *Resolver }

// Update changes an API.
func (w apisWithClients) Update(ctx context.Context, a *core.Api) error {
	return w.store.Apis.Update(ctx, a)
}

// Delete deletes an API and its clients here, and the clients at the gateway as far as that can be done: without the
// API they open nothing.
func (w apisWithClients) Delete(ctx context.Context, a *core.Api) error {
	writes := []store.Change{w.store.Apis.Deleting(a)}
	clients, err := w.oauthClientsOf(
		ctx,
		store.Query{Tenant: store.Org(a.OrgID), Where: []store.Cond{store.HasLabel("api", a.ApiID)}},
	)
	if err != nil {
		return err
	}
	for _, c := range clients {
		writes = append(writes, w.store.OauthClients.Deleting(c))
	}
	if err := w.store.Apply(ctx, writes...); err != nil {
		return err
	}
	w.forgetOauthClients(ctx, clients)
	return nil
}

// oauthClientsOf reads all clients that a query finds.
func (r *Resolver) oauthClientsOf(ctx context.Context, q store.Query) (clients []*core.OauthClient, err error) {
	for c, err := range r.store.OauthClients.All(ctx, q) {
		if err != nil {
			return nil, err
		}
		clients = append(clients, c)
	}
	return clients, nil
}

// oauthTokens lists what the gateway keeps of a client's tokens.
func (r *Resolver) oauthTokens(ctx context.Context, c *core.OauthClient) ([]gateway.OauthToken, error) {
	tokens, err := r.gateway.OauthTokens(ctx, c.ApiID, c.ClientID)
	if gateway.IsStatus(err, http.StatusNotFound) {
		return nil, core.Wrap(core.CodeUnavailable, err, "the gateway does not serve the API, or not yet: try again")
	}
	return tokens, gateway.Explain(err)
}

// revokeOauthToken revokes a token of a client. What is no token of the organisation, or no hash that the gateway lists
// for the client, is not valid for this client, and is left alone: a gateway would end any session that it is named.
func (r *Resolver) revokeOauthToken(
	ctx context.Context,
	c *core.OauthClient,
	tok string,
	kind *model.OauthTokenType,
) error {
	if err := r.gateway.Require(); err != nil {
		return err
	}
	hint := ""
	if kind != nil {
		hint = strings.ToLower(string(*kind))
	}
	hashed := token.LooksHashed(tok)
	if hashed {
		tokens, err := r.oauthTokens(ctx, c)
		if err != nil || !slices.ContainsFunc(tokens, func(t gateway.OauthToken) bool { return t.Code == tok }) {
			return err
		}
	} else if parsed, err := token.Parse(tok); err == nil && parsed.Org != c.OrgID {
		return nil
	}
	err := r.askGateway(ctx, c, func() error { return r.gateway.RevokeOauthToken(ctx, c.OrgID, c.ClientID, tok, hint) })
	if err == nil && hashed {
		// Of a hash the gateway forgets that it listed it; the session of the token is ended by itself.
		err = gateway.Explain(r.gateway.DeleteKeyByHash(ctx, tok, c.ApiID))
	}
	return err
}

// authorizeOauthClient has the gateway authorise a client for a user. The session that the caller asks for may open
// what keys of the organisation may.
func (r *Resolver) authorizeOauthClient(
	ctx context.Context,
	a *core.Api,
	c *core.OauthClient,
	in model.OauthAuthorizationInput,
) (*model.OauthAuthorization, error) {
	form := url.Values{"response_type": {in.ResponseType}, "client_id": {c.ClientID}, "redirect_uri": {in.RedirectURI}}
	if in.State != nil {
		form.Set("state", *in.State)
	}
	switch {
	case in.KeyRules != nil:
		rules, err := r.oauthKeyRules(ctx, c.OrgID, in.KeyRules)
		if err != nil {
			return nil, err
		}
		form.Set("key_rules", string(rules))
	case c.PolicyID == "":
		return nil, core.InField("key_rules", "is required: the client has no policy that says what its tokens may do")
	}
	var doc core.Document
	err := r.askGateway(ctx, c, func() error {
		answer, err := r.gateway.Authorize(ctx, plainHost(a.Domain), a.ListenPath, form)
		doc = core.Document(answer)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &model.OauthAuthorization{RedirectTo: doc.Text("redirect_to"), Document: doc}
	if code := doc.Text("code"); code != "" {
		out.Code = &code
	}
	if access := doc.Text("access_token"); access != "" {
		out.AccessToken = &access
	}
	return out, nil
}

// plainHost is a domain that a request can name; that of an API may be a pattern.
func plainHost(domain string) string {
	if strings.ContainsAny(domain, "{}* ") {
		return ""
	}
	return domain
}
