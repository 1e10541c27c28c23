package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"
)

const (
	// answerTime is how long one call about OAuth may take.
	answerTime = 10 * time.Second
	// pushPause is between two tries to make a client of an API that the gateway has not loaded yet.
	pushPause = 200 * time.Millisecond
)

// OauthClient is an OAuth client as the gateway's REST API has it.
type OauthClient struct {
	ClientID string `json:"client_id"`
	Secret   string `json:"secret"`
	// RedirectURI is every redirect URI, joined by the gateway's separator.
	RedirectURI string `json:"redirect_uri"`
	ApiID       string `json:"api_id,omitempty"`
	PolicyID    string `json:"policy_id,omitempty"`
	// MetaData is a JSON object, or nil.
	MetaData    json.RawMessage `json:"meta_data"`
	Description string          `json:"description"`
}

// Same tells whether two clients are the same, whatever spells their meta data.
func (c OauthClient) Same(other OauthClient) bool {
	return c.ClientID == other.ClientID && c.Secret == other.Secret && c.RedirectURI == other.RedirectURI &&
		c.PolicyID == other.PolicyID &&
		c.Description == other.Description &&
		reflect.DeepEqual(value(c.MetaData), value(other.MetaData))
}

func value(raw json.RawMessage) (v any) {
	_ = json.Unmarshal(raw, &v) // nil for what is absent
	return v
}

// PutOauthClient makes the gateway's client of the API c.ApiID the same as c, and tells whether that took a change.
// Tokens stay, unless the policy changes. A gateway that has not loaded the API or the policy yet is asked again until
// patience ends, and then what it said last is returned.
func (c *Client) PutOauthClient(
	ctx context.Context,
	client OauthClient,
	patience time.Duration,
) (changed bool, err error) {
	end := time.Now().Add(patience)
	for {
		changed, err := c.putOauthClient(ctx, client)
		if !notLoaded(err) || time.Now().Add(pushPause).After(end) {
			return changed, err
		}
		select {
		case <-time.After(pushPause):
		case <-ctx.Done():
			return changed, err
		}
	}
}

func (c *Client) putOauthClient(ctx context.Context, client OauthClient) (changed bool, err error) {
	path := clientPath(client.ApiID, client.ClientID)
	var have OauthClient
	err = c.oauth(ctx, http.MethodGet, path, nil, &have)
	if IsStatus(err, http.StatusNotFound) {
		return true, c.oauth(ctx, http.MethodPost, "/tyk/oauth/clients/create", client, nil)
	}
	if err != nil || have.Same(client) {
		return false, err
	}
	// A PUT keeps the secret, and has the tokens of the policy before ended, which a gateway that hashes keys only does to
	// its list of them; creating sets the secret, and ends nothing.
	if err := c.oauth(ctx, http.MethodPut, path, client, nil); err != nil || have.Secret == client.Secret {
		return true, err
	}
	return true, c.oauth(ctx, http.MethodPost, "/tyk/oauth/clients/create", client, nil)
}

// notLoaded tells whether the gateway misses something that it may have after its next reload.
func notLoaded(err error) bool {
	var e *StatusError
	return errors.As(err, &e) && (e.Status == http.StatusBadRequest || e.Status == http.StatusNotFound) &&
		slices.Contains([]string{
			"API doesn't exist", "API is not OAuth2", "Policy doesn't exist",
			"Policy access rights doesn't contain API this OAuth client belongs to",
		}, e.Message)
}

// DeleteOauthClient deletes a client. One that is not there is no error.
func (c *Client) DeleteOauthClient(ctx context.Context, apiID, clientID string) error {
	err := c.oauth(ctx, http.MethodDelete, clientPath(apiID, clientID), nil, nil)
	if IsStatus(err, http.StatusNotFound) {
		return nil
	}
	return err
}

// OauthClients lists the clients of an API, in no particular order. A gateway that does not serve the API answers 404.
func (c *Client) OauthClients(ctx context.Context, apiID string) ([]OauthClient, error) {
	var out []OauthClient
	err := c.oauth(ctx, http.MethodGet, "/tyk/oauth/clients/"+url.PathEscape(apiID), nil, &out)
	return out, err
}

// OauthToken is a token that a client got: its code is the token, or its hash where the gateway hashes keys.
type OauthToken struct {
	Code string `json:"code"`
	// Expires is in seconds since 1970.
	Expires int64 `json:"expires"`
}

// OauthTokens lists the tokens of a client that are still valid, the first to end first.
func (c *Client) OauthTokens(ctx context.Context, apiID, clientID string) ([]OauthToken, error) {
	var out []OauthToken
	err := c.oauth(ctx, http.MethodGet, clientPath(apiID, clientID)+"/tokens", nil, &out)
	return out, err
}

// RevokeOauthToken revokes a token of a client; hint is access_token, refresh_token, or "" for either. The gateway
// looks in every API of the organisation that has the client, and refuses a client that it does not know.
func (c *Client) RevokeOauthToken(ctx context.Context, org, clientID, token, hint string) error {
	form := url.Values{"client_id": {clientID}, "org_id": {org}, "token": {token}}
	if hint != "" {
		form.Set("token_type_hint", hint)
	}
	return c.oauth(ctx, http.MethodPost, "/tyk/oauth/revoke", Form(form.Encode()), nil)
}

// RevokeOauthTokens revokes every token of a client.
func (c *Client) RevokeOauthTokens(ctx context.Context, org, clientID, secret string) error {
	form := url.Values{"client_id": {clientID}, "org_id": {org}, "client_secret": {secret}}
	return c.oauth(ctx, http.MethodPost, "/tyk/oauth/revoke_all", Form(form.Encode()), nil)
}

// DeleteKeyByHash ends the session with this name in the key space. One that is not there is no error.
func (c *Client) DeleteKeyByHash(ctx context.Context, hash, apiID string) error {
	err := c.oauth(
		ctx,
		http.MethodDelete,
		"/tyk/keys/"+url.PathEscape(hash)+"?"+url.Values{"hashed": {"1"}, "api_id": {apiID}}.Encode(),
		nil,
		nil,
	)
	if IsStatus(err, http.StatusNotFound) {
		return nil
	}
	return err
}

// Authorize has a client of an API authorised for a user, and returns the answer of the gateway, a JSON object. The
// gateway takes this where it serves the API: under its listen path, on its domain.
func (c *Client) Authorize(ctx context.Context, domain, listenPath string, form url.Values) (json.RawMessage, error) {
	path := url.URL{Path: "/" + strings.TrimLeft(strings.Trim(listenPath, "/")+"/tyk/oauth/authorize-client/", "/")}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	var out json.RawMessage
	err := c.do(ctx, domain, http.MethodPost, path.EscapedPath(), Form(form.Encode()), &out)
	return bytes.TrimSpace(out), err
}

// PurgeOauthTokens has the gateways drop the tokens that ended.
func (c *Client) PurgeOauthTokens(ctx context.Context) error {
	return c.oauth(ctx, http.MethodDelete, "/tyk/oauth/tokens?scope=lapsed", nil, nil)
}

func clientPath(apiID, clientID string) string {
	return "/tyk/oauth/clients/" + url.PathEscape(apiID) + "/" + url.PathEscape(clientID)
}

func (c *Client) oauth(ctx context.Context, method, path string, body, out any) error {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	return c.Do(ctx, method, path, body, out)
}
