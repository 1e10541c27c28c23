package audit_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gatehouse/internal/audit"
	"gatehouse/internal/secret"
)

const marker = "marker-5ecre7"

func redactor(t testing.TB) *audit.Redactor {
	t.Helper()
	k, err := secret.Load("", "an encryption key for tests")
	require.NoError(t, err)
	return audit.NewRedactor(k.Lookup)
}

func TestSecretsAreTakenOutOfJSON(t *testing.T) {
	r := redactor(t)
	for name, doc := range map[string]string{
		"by name":                       `{"password":"M"}`,
		"whatever the spelling":         `{"Current-Password":"M","clientSecret":"M","ACCESS_KEY":"M"}`,
		"at any depth":                  `{"a":[{"b":{"jwt_data":{"secret":"M"}}}]}`,
		"in lists":                      `{"secret":["M",["M"]]}`,
		"in objects of secrets":         `{"client_secret":{"is":"M","and":[{"more":"M"}]}}`,
		"the names in a map of tokens":  `{"oauth_keys":{"M":"x"}}`,
		"in JSON in a text":             `{"definition":"{\"hmac_string\":\"M\"}"}`,
		"of headers in a map":           `{"header_map":{"Authorization":"M","X-Api-Key":"M"}}`,
		"of headers that are pairs":     `{"headers":[{"name":"X-Tyk-Authorization","value":"M"}]}`,
		"of pairs that say key":         `{"headers":[{"key":"Authorization","value":"M"}]}`,
		"private keys":                  `{"anything":"-----BEGIN RSA PRIVATE KEY-----\nM\n-----END RSA PRIVATE KEY-----"}`,
		"certificates with their keys":  `{"x":"-----BEGIN CERTIFICATE-----\nM\n-----END CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----"}`,
		"in the query of an address":    `{"target_url":"http://u:M@h/?token=M&x=1","a":"https://h/p?sig=M","b":"http://{h}/?apikey=M#access_token=M","c":"/x?Access-Token=M"}`,
		"of headers that people name":   `{"global_headers":{"x-key":"M","a-token":"M"},"headers":[{"name":"partner-key","value":"M"}],"add_headers":["X-Auth: M"]}`,
		"in addresses":                  `{"target_url":"https://joe:M@upstream.example/"}`,
		"tokens wherever they are":      `{"alias":"eyJvcmciOiIxIiwiaWQiOiJNIiwiaCI6Im11cm11cjY0In0=M"}`,
		"tokens as names":               `{"eyJvcmciOiIxIiwiaWQiOiJNIiwiaCI6Im11cm11cjY0In0=M":1}`,
		"numbers":                       `{"basic_auth_data":{"password":55555}}`,
		"a name that is escaped":        `{"p\u0061ssword":"M"}`,
		"twice the same name":           `{"password":"M","password":"M"}`,
		"what is no JSON, as a whole":   `{"password":"M"`,
		"within a secret that is a map": `{"credentials":{"user":"M","port":"M"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			got := string(r.JSON([]byte(strings.ReplaceAll(doc, "M", marker))))
			require.True(t, json.Valid([]byte(got)), got)
			require.NotContains(t, got, marker)
			require.NotContains(t, got, "55555")
		})
	}
}

func TestWhatIsNoSecretStays(t *testing.T) {
	r := redactor(t)
	for _, doc := range []string{
		`{"name":"a","rate":1000,"active":true,"nothing":null,"list":[1,2.50,"x"],"o":{}}`,
		`{"headers":[{"key":"X-Trace","value":"on"}]}`,
		`{"password_max_days":90,"target_url":"https://upstream.example/a@b"}`,
		`{"target_url":"https://upstream.example/a?page=1&sort=name#top","global_headers":{"x-trace":"on"},"headers_remove":["x-key"]}`,
	} {
		require.Equal(t, doc, string(r.JSON([]byte(doc))))
	}
}

func TestTheSameSecretHasTheSameHash(t *testing.T) {
	r := redactor(t)
	require.Equal(t, r.Secret("a"), r.Secret("a"))
	require.NotEqual(t, r.Secret("a"), r.Secret("b"))
	require.Equal(t, r.Secret("a"), r.Secret(r.Secret("a")), "what was taken out stays as it is")
	require.Equal(t, r.Path("/api/keys/tok"), "/api/keys/"+r.Secret("tok"))
	require.Equal(t, string(r.JSON([]byte(`{"password":"a"}`))), string(r.JSON([]byte(`{"password":"b"}`))),
		"equal passwords can't be told from others")
}

func TestSecretsAreTakenOutOfPathsAndQueries(t *testing.T) {
	r := redactor(t)
	for path, kept := range map[string]string{
		"/api/keys/M":                                     "/api/keys/hmac:",
		"/api/apis/1/keys/M":                              "/api/apis/1/keys/hmac:",
		"/api/keys/M/reset-quota":                         "/reset-quota",
		"/api/apis/oauth/1/2/tokens/M":                    "/tokens/hmac:",
		"/api/portal/developers/ssokey/M":                 "/ssokey/hmac:",
		"/anything/eyJvcmciOiIxIiwiaWQiOiJNMMMMMMMMMMMMM": "/anything/hmac:",
	} {
		got := r.Path(strings.ReplaceAll(path, "M", marker))
		require.NotContains(t, got, marker)
		require.Contains(t, got, kept)
	}
	for _, path := range []string{"/api/keys/search", "/api/apis/5f3b/keys", "/admin/org/keys/5f3b", "/api/apis/keys/basic/"} {
		require.Equal(t, path, r.Path(path))
	}
	got := r.Query("nonce=" + marker + "&p=1&client_secret=" + marker + "&pass%77ord=" + marker + "&%zz=" + marker)
	require.NotContains(t, got, marker)
	require.Contains(t, got, "&p=1&")
}

func TestADiffIsTwoMergePatches(t *testing.T) {
	r := redactor(t)
	for name, c := range map[string]struct{ before, after, want string }{
		"a new one":            {"", `{"a":1}`, `{"Api/1":{"after":{"a":1}}}`},
		"one that went":        {`{"a":1}`, "", `{"Api/1":{"before":{"a":1}}}`},
		"a field":              {`{"a":1,"b":2}`, `{"a":1,"b":3}`, `{"Api/1":{"before":{"b":2},"after":{"b":3}}}`},
		"a field within":       {`{"a":{"x":1,"y":2}}`, `{"a":{"x":1,"y":3}}`, `{"Api/1":{"before":{"a":{"y":2}},"after":{"a":{"y":3}}}}`},
		"a new field":          {`{}`, `{"b":[1]}`, `{"Api/1":{"before":{"b":null},"after":{"b":[1]}}}`},
		"a field that went":    {`{"b":[1]}`, `{}`, `{"Api/1":{"before":{"b":[1]},"after":{"b":null}}}`},
		"nothing":              {`{"b":1}`, `{"b":1}`, ``},
		"nothing but spelling": {`{"a":1,"b":2}`, `{"b":2, "a":1}`, ``},
		"a password":           {`{"password":"a"}`, `{"password":"b"}`, `{"Api/1":{"before":{"password":"(hidden)"},"after":{"password":"(hidden)"}}}`},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.want, string(r.Diff([]audit.Change{{Object: "Api/1", Before: []byte(c.before), After: []byte(c.after)}})))
		})
	}
}

func FuzzRedactedJSONIsJSONWithoutTheSecret(f *testing.F) {
	f.Add(`{"password":"x"}`)
	f.Add(`[{"key":"authorization","value":{"a":[1,"b"]}}]`)
	f.Fuzz(func(t *testing.T, doc string) {
		r := redactor(t)
		require.True(t, json.Valid(r.JSON([]byte(doc))) || doc == "")
		wrapped := r.JSON([]byte(`{"a":` + doc + `,"secret":"` + marker + `"}`))
		require.NotContains(t, string(wrapped), marker)
	})
}
