package oidc

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/oauth2-proxy/mockoidc"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/core"
	"gatehouse/internal/secret"
)

// world is a server with one profile, and its provider.
type world struct {
	provider *mockoidc.MockOIDC
	profile  *Profile
	signIns  *SignIns
	server   *httptest.Server
	persons  []Person
	now      time.Time
}

func newWorld(t *testing.T, change func(p *Profile)) *world {
	t.Helper()
	provider, err := mockoidc.Run()
	require.NoError(t, err)
	t.Cleanup(func() { _ = provider.Shutdown() })
	w := &world{provider: provider, now: time.Now()}
	w.server = httptest.NewUnstartedServer(nil)
	w.profile = &Profile{
		ID: "staff", OrgID: "5d7f6ae2bc5f2c0001e0c1aa", ProviderName: "SocialProvider",
		GroupField: "groups", GroupMapping: map[string]string{"engineering": "g1", "design": "g2"},
		ProviderConfig: ProviderConfig{CallbackBaseURL: "http://" + w.server.Listener.Addr().String(), UseProviders: []Provider{{
			Name: "openid-connect", Key: provider.Config().ClientID, Secret: provider.Config().ClientSecret,
			DiscoverURL: provider.Config().Issuer + wellKnown, Scopes: []string{"openid", "email", "profile", "groups"},
		}}},
	}
	if change != nil {
		change(w.profile)
	}
	require.NoError(t, w.profile.check())
	keyring, err := secret.Load("", "a key for tests only, of enough length")
	require.NoError(t, err)
	w.signIns = New(Options{
		Profiles: []*Profile{w.profile}, Keyring: keyring, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return w.now },
		SignIn: func(_ http.ResponseWriter, _ *http.Request, p Person) error {
			w.persons = append(w.persons, p)
			return nil
		},
		Refused: func(rw http.ResponseWriter, _ *http.Request, _ *Profile, err error) {
			http.Error(rw, core.AsError(err).Message, http.StatusForbidden)
		},
	})
	mux := http.NewServeMux()
	mux.Handle("/auth/", w.signIns.Handler())
	mux.HandleFunc("/", func(rw http.ResponseWriter, _ *http.Request) { _, _ = rw.Write([]byte("in")) })
	w.server.Config.Handler = mux
	w.server.Start()
	t.Cleanup(w.server.Close)
	return w
}

// browser is one of its own.
func browser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return &http.Client{Jar: jar}
}

// get follows an address as far as stop says, and returns where it came to and what was there.
func get(t *testing.T, c *http.Client, address string, stop func(u *url.URL) bool) (at *url.URL, status int, body string) {
	t.Helper()
	c.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if stop != nil && stop(r.URL) {
			at = r.URL
			return http.ErrUseLastResponse
		}
		return nil
	}
	r, err := c.Get(address) //nolint:noctx // of a test
	require.NoError(t, err)
	defer r.Body.Close()
	var text strings.Builder
	buf := make([]byte, 4096)
	n, _ := r.Body.Read(buf)
	text.Write(buf[:n])
	if at == nil {
		at = r.Request.URL
	}
	return at, r.StatusCode, text.String()
}

func (w *world) start() string { return w.server.URL + "/auth/staff/openid-connect" }

// atCallback is the address of the callback that a browser was sent to, before it goes there.
func (w *world) atCallback(t *testing.T, c *http.Client) string {
	t.Helper()
	at, _, _ := get(t, c, w.start(), func(u *url.URL) bool { return strings.HasSuffix(u.Path, "/callback") })
	require.NotEmpty(t, at.Query().Get("code"))
	return at.String()
}

func someone() *mockoidc.MockUser {
	return &mockoidc.MockUser{Subject: "42", Email: "Ada@Example.org", EmailVerified: true, Groups: []string{"engineering", "sports", "design"}}
}

func TestSomebodySignsInAtTheirProvider(t *testing.T) {
	w := newWorld(t, nil)
	w.provider.QueueUser(someone())
	_, status, body := get(t, browser(t), w.start(), nil)
	require.Equal(t, 200, status, body)
	require.Equal(t, "in", body)
	require.Len(t, w.persons, 1)
	p := w.persons[0]
	require.Equal(t, "5d7f6ae2bc5f2c0001e0c1aa", p.OrgID)
	require.Equal(t, "42", p.ID)
	require.Equal(t, "ada@example.org", p.Email, "addresses are in lower case")
	require.Equal(t, []string{"g1", "g2"}, p.GroupIDs, "what no group stands for gives nothing")
}

func TestAnAddressThatIsNotVerifiedIsNobodys(t *testing.T) {
	w := newWorld(t, nil)
	u := someone()
	u.EmailVerified = false
	w.provider.QueueUser(u)
	get(t, browser(t), w.start(), nil)
	require.Len(t, w.persons, 1)
	require.Empty(t, w.persons[0].Email)
}

func TestSignInsAreHeldBack(t *testing.T) {
	for name, c := range map[string]struct {
		change func(p *Profile)
		says   string
	}{
		"by the domain of the address": {func(p *Profile) { p.Constraints.Domain = "example.com" }, "at example.com"},
		"by the group":                 {func(p *Profile) { p.Constraints.Group = "admins" }, "the group admins"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, c.change)
			w.provider.QueueUser(someone())
			_, status, body := get(t, browser(t), w.start(), nil)
			require.Equal(t, 403, status)
			require.Contains(t, body, c.says)
			require.Empty(t, w.persons)
		})
	}
}

func TestASignInIsTheBrowsersThatBeganIt(t *testing.T) {
	w := newWorld(t, nil)
	refused := func(t *testing.T, c *http.Client, address string) {
		t.Helper()
		was := len(w.persons)
		_, status, body := get(t, c, address, nil)
		require.Equal(t, 403, status, body)
		require.Len(t, w.persons, was)
	}
	t.Run("another browser cannot end it", func(t *testing.T) {
		w.provider.QueueUser(someone())
		refused(t, browser(t), w.atCallback(t, browser(t)))
	})
	t.Run("a browser that began another one cannot either", func(t *testing.T) {
		w.provider.QueueUser(someone())
		w.provider.QueueUser(someone())
		victim := browser(t)
		w.atCallback(t, victim)
		refused(t, victim, w.atCallback(t, browser(t)))
	})
	t.Run("it ends once", func(t *testing.T) {
		w.provider.QueueUser(someone())
		c := browser(t)
		address := w.atCallback(t, c)
		_, status, _ := get(t, c, address, nil)
		require.Equal(t, 200, status)
		refused(t, c, address)
	})
	t.Run("it ends in time", func(t *testing.T) {
		w.provider.QueueUser(someone())
		c := browser(t)
		address := w.atCallback(t, c)
		w.now = w.now.Add(11 * time.Minute)
		defer func() { w.now = w.now.Add(-11 * time.Minute) }()
		refused(t, c, address)
	})
	t.Run("a cookie that we did not make is none", func(t *testing.T) {
		w.provider.QueueUser(someone())
		c := browser(t)
		address := w.atCallback(t, c)
		u, _ := url.Parse(address)
		c.Jar.SetCookies(u, []*http.Cookie{{Name: cookieName, Value: "v1.forged", Path: "/auth/"}})
		refused(t, c, address)
	})
	t.Run("nor is one with another nonce or verifier", func(t *testing.T) {
		for _, change := range []func(p *pending){
			func(p *pending) { p.Nonce = "another" }, func(p *pending) { p.Verifier += "x" }, func(p *pending) { p.Profile = "other" },
		} {
			w.provider.QueueUser(someone())
			c := browser(t)
			address := w.atCallback(t, c)
			u, _ := url.Parse(address)
			raw, err := w.signIns.o.Keyring.Open(c.Jar.Cookies(u)[0].Value, sealing)
			require.NoError(t, err)
			var began pending
			require.NoError(t, json.Unmarshal([]byte(raw), &began))
			change(&began)
			changed, err := json.Marshal(began)
			require.NoError(t, err)
			sealed, err := w.signIns.o.Keyring.Seal(string(changed), sealing)
			require.NoError(t, err)
			c.Jar.SetCookies(u, []*http.Cookie{{Name: cookieName, Value: sealed, Path: "/auth/"}})
			refused(t, c, address)
		}
	})
	t.Run("a refusal of the provider is told", func(t *testing.T) {
		c := browser(t)
		at, _, _ := get(t, c, w.start(), func(u *url.URL) bool { return u.Host != w.server.Listener.Addr().String() })
		_, status, body := get(t, c, w.profile.callback()+"?error=access_denied&state="+url.QueryEscape(at.Query().Get("state")), nil)
		require.Equal(t, 403, status)
		require.Contains(t, body, "access_denied")
	})
	t.Run("a profile that there is not is not found", func(t *testing.T) {
		_, status, _ := get(t, browser(t), w.server.URL+"/auth/nobody/openid-connect", nil)
		require.Equal(t, 404, status)
	})
}

func TestAProviderThatDoesNotAnswerIsAnError(t *testing.T) {
	w := newWorld(t, func(p *Profile) { p.provider().DiscoverURL = "http://127.0.0.1:1/" })
	_, status, body := get(t, browser(t), w.start(), nil)
	require.Equal(t, 403, status) // the test's page
	require.Contains(t, body, "cannot be reached")
}

func TestGroupsOfAClaim(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		claim     any
		separator string
		fallback  string
		want      []string
	}{
		"a list":               {[]any{"design", "engineering", 1}, " ", "", []string{"g2", "g1"}},
		"a text":               {"engineering design", " ", "", []string{"g1", "g2"}},
		"a text with commas":   {"engineering, design", ",", "", []string{"g1", "g2"}},
		"one twice":            {"design design", " ", "", []string{"g2"}},
		"none, and a fallback": {nil, " ", "g9", []string{"g9"}},
		"others, and none":     {"sports", " ", "", nil},
		"something else":       {map[string]any{"a": 1}, " ", "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			p := &Profile{
				GroupField: "g", GroupSeparator: c.separator, DefaultGroup: c.fallback,
				GroupMapping: map[string]string{"engineering": "g1", "design": "g2"},
			}
			person, err := p.person(map[string]any{"sub": "1", "g": c.claim})
			require.NoError(t, err)
			require.Equal(t, c.want, person.GroupIDs)
		})
	}
}

const broker = `[{"ActionType": "GenerateOrLoginUserProfile", "ID": "1", "OrgID": "o", "CustomEmailField": "mail", "IdentityHandlerConfig": {"DashboardCredential": "x"},
	"ProviderConfig": {"CallbackBaseURL": "http://dashboard:3000", "FailureRedirect": "http://dashboard:3000/?fail=true",
		"UseProviders": [{"DiscoverURL": "https://id.example/.well-known/openid-configuration", "Key": "k", "Name": "openid-connect", "Secret": "s"}]},
	"ProviderConstraints": {"Domain": "", "Group": ""}, "ProviderName": "SocialProvider", "ReturnURL": "http://dashboard:3000/tap", "Type": "redirect"}]`

func TestAProfileOfTheBrokerIsTakenAsItIs(t *testing.T) {
	t.Parallel()
	read := func(text string) ([]*Profile, error) {
		path := filepath.Join(t.TempDir(), "profiles.json")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return ReadProfiles(path)
	}
	all, err := read(broker)
	require.NoError(t, err)
	require.Equal(t, "https://id.example", all[0].issuer())
	require.Equal(t, "http://dashboard:3000/auth/1/openid-connect/callback", all[0].callback())
	require.Equal(t, []string{"openid", "email", "profile"}, all[0].provider().Scopes)
	for what, c := range map[string][3]string{
		"another provider":  {`"openid-connect"`, `"google"`, "run the identity broker"},
		"another kind":      {`"SocialProvider"`, `"SAMLProvider"`, "run the identity broker"},
		"no organisation":   {`"OrgID": "o"`, `"OrgID": ""`, "OrgID is required"},
		"no client":         {`"Key": "k"`, `"Key": ""`, "Key is required"},
		"an id with a path": {`"ID": "1"`, `"ID": "a/b"`, "part of an address"},
		"no address":        {`"http://dashboard:3000",`, `"dashboard",`, "CallbackBaseURL must be an address"},
	} {
		_, err := read(strings.Replace(broker, c[0], c[1], 1))
		require.ErrorContains(t, err, c[2], what)
	}
	_, err = read(`{}`)
	require.ErrorContains(t, err, "is no list of profiles")
	_, err = read(`[null]`)
	require.ErrorContains(t, err, "is null")
	_, err = read("[" + broker[1:len(broker)-1] + "," + broker[1:])
	require.ErrorContains(t, err, "there twice")
}
