package app_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"gatehouse/internal/apptest"
	"gatehouse/store/sql"
)

// openIDProvider runs the provider of e2e/openid, and returns its address.
func openIDProvider(t *testing.T, redirect string, people map[string]map[string]any) string {
	t.Helper()
	folder := filepath.Join("..", "..", "e2e", "openid")
	if _, err := os.Stat(filepath.Join(folder, "node_modules")); err != nil {
		t.Skip("the OpenID provider is not installed: make e2e/openid/node_modules/.package-lock.json")
	}
	with, err := json.Marshal(map[string]any{"client": "gatehouse", "secret": "a-secret-of-the-client", "redirect": redirect, "people": people})
	require.NoError(t, err)
	run := exec.CommandContext(t.Context(), "node", "server.mjs", string(with))
	run.Dir = folder
	out, err := run.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, run.Start())
	t.Cleanup(func() { _ = run.Process.Kill(); _ = run.Wait() })
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "http://") {
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return lines.Text()
		}
	}
	t.Fatal("the provider did not start")
	return ""
}

// visitor is a browser at a server.
type visitor struct {
	*http.Client
	at string
}

// send sends a form, or none, and returns what came in the end.
func (v visitor) send(t *testing.T, method, address string, form url.Values) (*url.URL, int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(form.Encode()))
	require.NoError(t, err)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := v.Do(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.Request.URL, resp.StatusCode, string(raw)
}

var formAction = regexp.MustCompile(`<form[^>]* action="([^"]+)"`)

// signIn goes through the pages of the provider, as somebody.
func (v visitor) signIn(t *testing.T, as string) (at *url.URL, status int, body string) {
	t.Helper()
	at, status, body = v.send(t, "GET", v.at+"/auth/staff/openid-connect", nil)
	for _, form := range []url.Values{{"prompt": {"login"}, "login": {as}, "password": {"any"}}, {"prompt": {"consent"}}} {
		action := formAction.FindStringSubmatch(body)
		require.Len(t, action, 2, "%s: %s", at, body)
		next, err := at.Parse(action[1])
		require.NoError(t, err)
		at, status, body = v.send(t, "POST", next.String(), form)
	}
	return at, status, body
}

func (v visitor) graphql(t *testing.T, query string) gjson.Result {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "POST", v.at+"/graphql", strings.NewReader(`{"query":"`+query+`"}`))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/json")
	resp, err := v.Do(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return gjson.ParseBytes(raw)
}

func TestPeopleSignInWithTheirOpenIDProvider(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(nil)
	at := "http://" + server.Listener.Addr().String()
	issuer := openIDProvider(t, at+"/auth/staff/openid-connect/callback", map[string]map[string]any{
		"ada": {"name": "Ada L", "email": "ada@example.org", "email_verified": true, "groups": []string{}},
		"bob": {"name": "Bob", "email": "bob@example.org", "email_verified": true, "groups": []string{"readers", "unheard-of"}},
		"eve": {"name": "Eve", "email": "ada@example.org", "email_verified": false, "groups": []string{}},
	})
	engine, err := sql.OpenMemory(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { _ = engine.Close() })
	first := api{Server: apptest.New(t, apptest.WithEngine(engine))}
	readers := first.graphql(t, `mutation { it: createUserGroup(input: {name: "Readers", permissions: {apis: "read"}}) { id } }`).Get("data.it.id").Str
	_, adaID := person(t, first, "ada", `{keys: "write"}`)
	raw, err := json.Marshal([]map[string]any{{
		"ID": "staff", "OrgID": first.OrgID, "ProviderName": "SocialProvider", "Type": "redirect",
		"CustomUserGroupField": "groups", "UserGroupMapping": map[string]string{"readers": readers},
		"ProviderConfig": map[string]any{"CallbackBaseURL": at, "UseProviders": []map[string]any{{
			"Name": "openid-connect", "Key": "gatehouse", "Secret": "a-secret-of-the-client",
			"DiscoverURL": issuer + "/.well-known/openid-configuration", "Scopes": []string{"openid", "email", "profile", "groups"},
		}}},
	}})
	require.NoError(t, err)
	profiles := filepath.Join(t.TempDir(), "profiles.json")
	require.NoError(t, os.WriteFile(profiles, raw, 0o600))
	second := apptest.New(t, apptest.WithEngine(engine),
		apptest.WithEnv("TYK_DB_SSOENABLEUSERLOOKUP=true", "GATEHOUSE_IDENTITYPROFILES="+profiles))
	server.Config.Handler = second.Handler
	server.Start()
	t.Cleanup(server.Close)
	browser := func() visitor {
		jar, err := cookiejar.New(nil)
		require.NoError(t, err)
		return visitor{&http.Client{Jar: jar}, at}
	}

	// Who has an account with the address that the provider verified is signed in as that.
	ada := browser()
	landed, status, body := ada.signIn(t, "ada")
	require.Equal(t, []any{at + "/playground", 200}, []any{landed.String(), status}, "%s", body)
	me := ada.graphql(t, "{ me { id email } permissions { name } }")
	require.Equal(t, adaID, me.Get("data.me.id").Str, "%s", me.Raw)
	require.Equal(t, "FORBIDDEN", ada.graphql(t, "{ apis { totalCount } }").Get("errors.0.extensions.code").Str)

	// Who has none gets what their groups give, and no more.
	bob := browser()
	landed, status, body = bob.signIn(t, "bob")
	require.Equal(t, []any{at + "/playground", 200}, []any{landed.String(), status}, "%s", body)
	require.EqualValues(t, 0, bob.graphql(t, "{ apis { totalCount } }").Get("data.apis.totalCount").Int())
	require.Equal(t, "FORBIDDEN", bob.graphql(t, "{ keys { totalCount } }").Get("errors.0.extensions.code").Str)
	changed := bob.graphql(t, "mutation { createApi(input: {name: \\\"x\\\"}) { id } }")
	require.Equal(t, "FORBIDDEN", changed.Get("errors.0.extensions.code").Str, "%s", changed.Raw)

	// An address that is not verified is nobody's: eve is not ada, and may do nothing.
	eve := browser()
	_, status, body = eve.signIn(t, "eve")
	require.Equal(t, 403, status, "%s", body)
	require.Contains(t, body, "you have no account here")
	require.Equal(t, "UNAUTHENTICATED", eve.graphql(t, "{ me { id } }").Get("errors.0.extensions.code").Str)

	// The audit log has who came, and who was refused.
	log := first.graphql(t, `{ auditRecords(filter: {url: "/auth/staff"}) { nodes { user status face } } }`)
	require.Empty(t, log.Get("errors").Raw, "%s", log.Body)
	users := log.Get("data.auditRecords.nodes.#.user").Raw
	require.Contains(t, users, "ada@example.org")
	require.NotContains(t, string(log.Body), "code=", "codes are secrets")
}
