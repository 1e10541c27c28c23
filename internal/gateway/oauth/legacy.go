package oauth

import (
	"context"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/tidwall/gjson"

	"gatehouse/internal/core"
)

var (
	// A client sends its id as the user name of basic authentication, and it stands in paths.
	clientIDPattern = regexp.MustCompile(`^[!#$&(-.0-9;-\[\]-_a-~]{1,128}$`)
	secretPattern   = regexp.MustCompile(`^[!-~]{1,256}$`)
	// fieldTypes are the fields of a client, in either form, by their JSON types.
	fieldTypes = map[string]string{
		"string": "client_id secret api_id policy_id redirect_uri description",
		"texts":  "redirect_uris",
		"object": "meta_data",
	}
)

// Parse checks a document in the form of OauthClient.Document that came from outside, and reads it. separator is what
// joins redirect URIs for the gateways, "" where they take one only.
func Parse(meta core.Meta, doc core.Document, sealed, separator string) (*core.OauthClient, error) {
	if err := doc.CheckFields(fieldTypes); err != nil {
		return nil, err
	}
	c := core.NewOauthClient(meta, doc, sealed)
	if !clientIDPattern.MatchString(c.ClientID) || strings.Trim(c.ClientID, ".") == "" {
		return nil, core.InField(
			"client_id",
			"must be 1 to 128 printable ASCII characters without spaces, quotes, and any of / \\ : %%",
		)
	}
	if len(c.RedirectURIs) > 1 && separator == "" {
		return nil, core.InField(
			"redirect_uri",
			"must be one URI: several need oauth_redirect_uri_separator, here and at the gateways",
		)
	}
	for _, uri := range c.RedirectURIs {
		if err := checkRedirectURI(uri); err != nil {
			return nil, err
		}
		if separator != "" && strings.Contains(uri, separator) {
			return nil, core.Errorf(
				core.CodeInvalid,
				"a redirect URI must not hold %q, which stands between them (oauth_redirect_uri_separator): %s",
				separator,
				core.Clip(uri),
			)
		}
	}
	return c, nil
}

// checkSecret holds for the secrets that callers choose.
func checkSecret(secret string) error {
	if !secretPattern.MatchString(secret) {
		return core.InField("secret", "must be 1 to 256 printable ASCII characters without spaces")
	}
	return nil
}

// maxRedirectURI is the length of a redirect URI, in bytes, that every browser takes.
const maxRedirectURI = 2048

// checkRedirectURI takes what a gateway compares with the URI of a request: an absolute URI, or a path. A fragment is
// never sent, and what a browser would run is no place to go to.
func checkRedirectURI(uri string) error {
	u, err := url.Parse(uri)
	ok := err == nil && len(uri) <= maxRedirectURI && !strings.ContainsFunc(uri, unicode.IsControl) &&
		!strings.ContainsAny(uri, " #") && (u.Scheme != "" || strings.HasPrefix(uri, "/"))
	if !ok || slices.Contains([]string{"javascript", "data", "vbscript"}, strings.ToLower(u.Scheme)) {
		return core.Errorf(
			core.CodeInvalid,
			"a redirect URI must be an absolute URI, or a path that starts with /, of at most %d bytes without spaces and #, not %s",
			maxRedirectURI,
			core.Clip(uri),
		)
	}
	return nil
}

// FromLegacy turns a client in the form of the legacy API into that of OauthClient.Document, and its secret, "" for
// none. redirect_uri is split at the separator.
func FromLegacy(doc core.Document, separator string) (out core.Document, secret string, err error) {
	if err := doc.CheckFields(fieldTypes); err != nil {
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

// Document is a client as the legacy API shows it, with its secret; an empty one, where that cannot be opened.
func (s *Clients) Document(ctx context.Context, c *core.OauthClient) core.Document {
	secret := ""
	if opened := s.Secret(ctx, c); opened != nil {
		secret = *opened
	}
	return Legacy(c, secret, s.o.Separator)
}

// Legacy is a client as the legacy API shows it: id, secret, redirect URI and policy, then all else that came with it.
func Legacy(c *core.OauthClient, secret, separator string) core.Document {
	out := core.Document("{}").
		Set("client_id", c.ClientID).
		Set("secret", secret).
		Set("redirect_uri", c.RedirectURI(separator)).
		Set("policy_id", c.PolicyID)
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
