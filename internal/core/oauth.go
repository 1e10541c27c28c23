package core

import (
	"strings"

	"github.com/tidwall/gjson"
)

// OauthClient is a client of an API that is protected by OAuth 2.0 with the gateway as its authorisation server.
type OauthClient struct {
	Meta
	// ClientID is what the client sends; unique in the installation.
	ClientID string
	// ApiID is the public id of the API.
	ApiID        string
	RedirectURIs []string
	PolicyID     string
	Description  string
	// Sealed is the secret, sealed with the keyring.
	Sealed string
	// Document is the client as the legacy API shows it, without the secret, with redirect_uris in the place of
	// redirect_uri, and with api_id.
	Document Document
}

// NewOauthClient reads an OauthClient from its document. Redirect URIs are kept as a list in redirect_uris, whatever
// separator joins them for the gateways.
func NewOauthClient(meta Meta, doc Document, sealed string) *OauthClient {
	return &OauthClient{
		Meta:         meta,
		ClientID:     doc.Text("client_id"),
		ApiID:        doc.Text("api_id"),
		RedirectURIs: texts(doc.Get("redirect_uris")),
		PolicyID:     doc.Text("policy_id"),
		Description:  doc.Text("description"),
		Sealed:       sealed,
		Document:     doc,
	}
}

// RedirectURI is the redirect URIs as one text, as gateways and the legacy API have them.
func (c *OauthClient) RedirectURI(separator string) string {
	return strings.Join(c.RedirectURIs, separator)
}

// MetaData is what middleware finds with the tokens of the client; nil for nothing.
func (c *OauthClient) MetaData() Document {
	if v := c.Document.Get("meta_data"); v.Exists() && v.Type != gjson.Null {
		return Document(v.Raw)
	}
	return nil
}
