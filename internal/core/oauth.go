package core

import (
	"net/url"
	"regexp"
	"slices"
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

// ParseOauthClient checks a document in the form of OauthClient.Document that came from outside, and reads it.
// separator is what joins redirect URIs for the gateways, "" where they take one only.
func ParseOauthClient(meta Meta, doc Document, sealed, separator string) (*OauthClient, error) {
	if err := checkTypes(doc, oauthClientTypes); err != nil {
		return nil, err
	}
	c := NewOauthClient(meta, doc, sealed)
	if !clientIDPattern.MatchString(c.ClientID) || strings.Trim(c.ClientID, ".") == "" {
		return nil, InField(
			"client_id",
			"must be 1 to 128 printable ASCII characters without spaces, quotes, and any of / \\ : %%",
		)
	}
	if len(c.RedirectURIs) > 1 && separator == "" {
		return nil, InField(
			"redirect_uri",
			"must be one URI: several need oauth_redirect_uri_separator, here and at the gateways",
		)
	}
	for _, uri := range c.RedirectURIs {
		if err := checkRedirectURI(uri); err != nil {
			return nil, err
		}
		if separator != "" && strings.Contains(uri, separator) {
			return nil, Errorf(
				CodeInvalid,
				"a redirect URI must not hold %q, which stands between them (oauth_redirect_uri_separator): %s",
				separator,
				clip(uri),
			)
		}
	}
	return c, nil
}

// CheckOauthSecret holds for the secrets that callers choose.
func CheckOauthSecret(secret string) error {
	if !oauthSecretPattern.MatchString(secret) {
		return InField("secret", "must be 1 to 256 printable ASCII characters without spaces")
	}
	return nil
}

var (
	// A client sends its id as the user name of basic authentication, and it stands in paths.
	clientIDPattern    = regexp.MustCompile(`^[!#$&(-.0-9;-\[\]-_a-~]{1,128}$`)
	oauthSecretPattern = regexp.MustCompile(`^[!-~]{1,256}$`)
)

var oauthClientTypes = []fieldType{
	{
		"client_id",
		isString,
	}, {"secret", isString}, {"api_id", isString}, {"policy_id", isString}, {"redirect_uri", isString}, {"redirect_uris", isTexts},
	{"description", isString}, {"meta_data", isObject},
}

// maxRedirectURI is the length of a redirect URI, in bytes, that every browser takes.
const maxRedirectURI = 2048

// checkRedirectURI takes what a gateway compares with the URI of a request: an absolute URI, or a path. A fragment is
// never sent, and what a browser would run is no place to go to.
func checkRedirectURI(uri string) error {
	u, err := url.Parse(uri)
	ok := err == nil && len(uri) <= maxRedirectURI && !hasControl(uri) && !strings.ContainsAny(uri, " #") &&
		(u.Scheme != "" || strings.HasPrefix(uri, "/"))
	if !ok || slices.Contains([]string{"javascript", "data", "vbscript"}, strings.ToLower(u.Scheme)) {
		return Errorf(
			CodeInvalid,
			"a redirect URI must be an absolute URI, or a path that starts with /, of at most %d bytes without spaces and #, not %s",
			maxRedirectURI,
			clip(uri),
		)
	}
	return nil
}

// OauthClientFromLegacy turns a client in the form of the legacy API into that of OauthClient.Document, and its secret,
// "" for none. redirect_uri is split at the separator.
func OauthClientFromLegacy(doc Document, separator string) (out Document, secret string, err error) {
	if err := checkTypes(doc, oauthClientTypes); err != nil {
		return nil, "", err
	}
	secret = doc.Text("secret")
	if joined := doc.Get("redirect_uri"); joined.Exists() {
		doc = doc.Without("redirect_uri").Set("redirect_uris", splitURIs(joined.String(), separator))
	}
	return doc.Without("secret"), secret, nil
}

func splitURIs(joined, separator string) []string {
	switch {
	case joined == "":
		return []string{}
	case separator == "":
		return []string{joined}
	}
	return strings.Split(joined, separator)
}

// RedirectURI is the redirect URIs as one text, as gateways and the legacy API have them.
func (c *OauthClient) RedirectURI(separator string) string {
	return strings.Join(c.RedirectURIs, separator)
}

// Legacy is the client as the legacy API shows it: id, secret, redirect URI and policy, then all else that came with
// it.
func (c *OauthClient) Legacy(secret, separator string) Document {
	out := Document(
		"{}",
	).Set(
		"client_id",
		c.ClientID,
	).Set(
		"secret",
		secret,
	).Set(
		"redirect_uri",
		c.RedirectURI(separator),
	).Set(
		"policy_id",
		c.PolicyID,
	)
	raw := []byte(out[:len(out)-1])
	gjson.ParseBytes(c.Document).ForEach(func(key, value gjson.Result) bool {
		switch key.Str {
		case "client_id", "secret", "redirect_uri", "redirect_uris", "policy_id", "api_id":
			return true
		}
		raw = append(raw, ',')
		raw = append(raw, key.Raw...)
		raw = append(raw, ':')
		raw = append(raw, value.Raw...)
		return true
	})
	return append(raw, '}')
}

// MetaData is what middleware finds with the tokens of the client; nil for nothing.
func (c *OauthClient) MetaData() Document {
	if v := c.Document.Get("meta_data"); v.Exists() && v.Type != gjson.Null {
		return Document(v.Raw)
	}
	return nil
}
