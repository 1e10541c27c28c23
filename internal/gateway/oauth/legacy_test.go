package oauth_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/core"
	"gatehouse/internal/gateway/oauth"
)

func TestOauthClientsThatAreRefused(t *testing.T) {
	for name, c := range map[string]struct{ doc, separator, says string }{
		"an id with a slash is no part of a path":           {`{"client_id":"a/b"}`, ",", "client_id"},
		"an id with a colon ends at the colon in a request": {`{"client_id":"a:b"}`, ",", "client_id"},
		"an id of dots means another path":                  {`{"client_id":".."}`, ",", "client_id"},
		"an empty id":                                       {`{"client_id":""}`, ",", "client_id"},
		"an id that is too long":                            {`{"client_id":"` + strings.Repeat("x", 129) + `"}`, ",", "client_id"},
		"an id that is a number":                            {`{"client_id":1}`, ",", "client_id must be a string"},
		"a field in other capitals":                         {`{"client_id":"a","POLICY_ID":"p"}`, ",", `must be spelled "policy_id"`},
		"a redirect URI without a scheme":                   {`{"client_id":"a","redirect_uris":["app.test/cb"]}`, ",", "absolute URI"},
		"a redirect URI that a browser would run":           {`{"client_id":"a","redirect_uris":["javascript:alert(1)"]}`, ",", "absolute URI"},
		"a redirect URI with a fragment":                    {`{"client_id":"a","redirect_uris":["http://app.test/#cb"]}`, ",", "absolute URI"},
		"a redirect URI with a line break":                  {`{"client_id":"a","redirect_uris":["http://app.test/\n"]}`, ",", "absolute URI"},
		"a redirect URI that holds the separator":           {`{"client_id":"a","redirect_uris":["http://app.test/a,b"]}`, ",", `must not hold ","`},
		"several redirect URIs without separator":           {`{"client_id":"a","redirect_uris":["/a","/b"]}`, "", "oauth_redirect_uri_separator"},
		"meta data that is no object":                       {`{"client_id":"a","meta_data":"x"}`, ",", "meta_data must be an object"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := oauth.Parse(core.Meta{}, core.Document(c.doc), "", c.separator)
			require.Error(t, err)
			assert.Equal(t, core.CodeInvalid, core.CodeOf(err))
			assert.Contains(t, core.AsError(err).Message, c.says)
		})
	}
}

func TestARedirectURIMayBeWhatAClientCanBeSentTo(t *testing.T) {
	for _, uri := range []string{"/cats", "https://app.test/cb?x=1", "com.app:/cb", "app://cb", "http://localhost:8000"} {
		_, err := oauth.Parse(
			core.Meta{},
			core.Document(`{"client_id":"my-client_1.x@y"}`).Set("redirect_uris", []string{uri}),
			"",
			",",
		)
		assert.NoError(t, err, uri)
	}
}

func TestTheLegacyFormOfAnOauthClientComesBackAsItWas(t *testing.T) {
	for name, c := range map[string]struct{ in, separator, want string }{
		"one redirect URI": {
			`{"client_id":"a","secret":"s","redirect_uri":"/cats","policy_id":"p"}`, ",",
			`{"client_id":"a","secret":"s","redirect_uri":"/cats","policy_id":"p"}`,
		},
		"several redirect URIs": {
			`{"client_id":"a","secret":"s","redirect_uri":"/cats;http://x.test/a,b","policy_id":""}`, ";",
			`{"client_id":"a","secret":"s","redirect_uri":"/cats;http://x.test/a,b","policy_id":""}`,
		},
		"none, and fields that nobody knows": {
			`{"client_name":"n","dcr_registration":{"z":1.0, "a":1e3},"redirect_uri":"","client_id":"a","secret":"s","meta_data":{"user":"u"}}`, ",",
			`{"client_id":"a","secret":"s","redirect_uri":"","policy_id":"","client_name":"n","dcr_registration":{"z":1.0, "a":1e3},"meta_data":{"user":"u"}}`,
		},
		"the id of the API, which the path names": {
			`{"client_id":"a","secret":"s","redirect_uri":"","policy_id":"","api_id":"x"}`, ",",
			`{"client_id":"a","secret":"s","redirect_uri":"","policy_id":""}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			doc, secret, err := oauth.FromLegacy(core.Document(c.in), c.separator)
			require.NoError(t, err)
			assert.NotContains(t, string(doc), `"secret"`)
			client, err := oauth.Parse(core.Meta{}, doc, "", c.separator)
			require.NoError(t, err)
			assert.Equal(t, c.want, string(oauth.Legacy(client, secret, c.separator)))
		})
	}
}
