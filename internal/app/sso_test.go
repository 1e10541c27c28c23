package app_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gatehouse/internal/apptest"
	"gatehouse/store"
)

// nonce asks for one over REST; body is that of an identity broker, without ForSection.
func nonce(t *testing.T, s *apptest.Server, fields string, headers ...string) (string, apptest.Reply) {
	t.Helper()
	path := "/admin/sso"
	if len(headers) > 0 {
		path = "/api/sso"
	} else {
		headers = []string{"admin-auth: " + apptest.AdminSecret}
	}
	r := s.Do(t, "POST", path, `{"ForSection":"dashboard",`+fields+`}`, headers...)
	return r.Get("Meta").Str, r
}

// tap brings a nonce, and returns the header that the browser sends from then on; "" where it did not work.
func tap(t *testing.T, s *apptest.Server, nonce string) (string, apptest.Reply) {
	t.Helper()
	r := s.Do(t, "GET", "/tap?nonce="+nonce, "", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate")
	return cookieOf(t, r), r
}

func TestANonceSignsInOnceAndSoon(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	now := time.Now()
	pass := func(d time.Duration) { mu.Lock(); now = now.Add(d); mu.Unlock() }
	s := apptest.New(t, apptest.WithEnv("TYK_DB_SSOENABLEUSERLOOKUP=true"),
		apptest.WithStore(store.WithClock(func() time.Time { mu.Lock(); defer mu.Unlock(); return now })))
	id := account(t, s, s.OrgID, "jo@x.test", `{apis: "read"}`)
	ask := func() string {
		n, r := nonce(t, s, `"OrgID":"`+s.OrgID+`","EmailAddress":"Jo@x.test","GroupID":""`)
		require.Equal(t, 200, r.Status, "%s", r.Body)
		require.Equal(t, "SSO Nonce created", r.Get("Message").Str)
		return n
	}
	n := ask()
	cookie, r := tap(t, s, n)
	require.Equal(t, 303, r.Status, "%s", r.Body)
	require.Equal(t, "/", r.Header.Get("Location"))
	me := s.Do(t, "GET", "/api/users/me", "", cookie)
	require.Equal(t, id, me.Get("id").Str)
	require.NotEqual(t, "0001-01-01T00:00:00Z", me.Get("last_login_date").Str)
	require.Equal(t, "sso", s.Do(t, "GET", "/api/sessions", "", cookie).Get("sessions.0.how").Str)
	again, r := tap(t, s, n)
	require.Empty(t, again, "it was used")
	require.Equal(t, 403, r.Status)
	require.Contains(t, string(r.Body), "used before")

	n = ask()
	pass(61 * time.Second)
	late, _ := tap(t, s, n)
	require.Empty(t, late)
	for _, forged := range []string{"", "x", strings.Repeat("A", 43), s.AccessKey, "%00", strings.TrimPrefix(cookie, "Cookie: authorisation=")} {
		got, r := tap(t, s, forged)
		require.Empty(t, got, "%q", forged)
		require.Equal(t, 403, r.Status, "%q", forged)
	}

	// Of many who bring it at once, one gets in.
	n = ask()
	var in sync.Map
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			if r := s.Do(t, "GET", "/tap?nonce="+n, ""); r.Status == 303 {
				in.Store(i, true)
			}
		})
	}
	all.Wait()
	count := 0
	in.Range(func(any, any) bool { count++; return true })
	require.Equal(t, 1, count)

	// One for the portal opens no dashboard, and none is in the store.
	r = s.REST(t, "POST", "/admin/sso", `{"ForSection":"portal","OrgID":"`+s.OrgID+`","EmailAddress":"jo@x.test"}`)
	require.Equal(t, 200, r.Status)
	got, _ := tap(t, s, r.Get("Meta").Str)
	require.Empty(t, got)
	n = ask()
	l, err := s.Store.Tickets.List(t.Context(), store.Query{Tenant: store.AllTenants(), Limit: 10})
	require.NoError(t, err)
	for _, ticket := range l.Objects {
		require.NotContains(t, n, ticket.TokenHash)
		require.NotContains(t, string(ticket.Value), n)
	}
}

func TestWhatSomebodyMayWhoComesByAProvider(t *testing.T) {
	t.Parallel()
	group := func(s *apptest.Server, permissions string) string {
		made := s.GraphQL(t, `mutation { it: createUserGroup(input: {name: "g", permissions: `+permissions+`}) { id } }`, nil)
		return made.Get("data.it.id").Str
	}
	permissions := func(s *apptest.Server, cookie string) string {
		return s.GraphQL(t, `{ me { effectivePermissions } }`, nil, cookie).Get("data.me.effectivePermissions").Raw
	}
	const unknown = "5e9d9544a1dcd60001d0ed99"
	t.Run("without any configuration, nothing", func(t *testing.T) {
		s := apptest.New(t)
		account(t, s, s.OrgID, "jo@x.test", `{apis: "read"}`)
		for _, fields := range []string{`"EmailAddress":"jo@x.test"`, `"EmailAddress":""`, `"GroupID":"` + unknown + `"`, `"SSOOnlyForRegisteredUsers":true`} {
			n, r := nonce(t, s, `"OrgID":"`+s.OrgID+`",`+fields)
			require.Equal(t, 200, r.Status, "%s", r.Body)
			cookie, r := tap(t, s, n)
			require.Empty(t, cookie, fields)
			require.Equal(t, 403, r.Status)
			require.Contains(t, string(r.Body), "sso_permission_defaults")
			require.Contains(t, r.Header.Get("Content-Type"), "text/html")
		}
	})
	t.Run("groups, without an account", func(t *testing.T) {
		s := apptest.New(t)
		keys, apis := group(s, `{keys: "read"}`), group(s, `{apis: "write", keys: "deny"}`)
		n, _ := nonce(t, s, fmt.Sprintf(`"OrgID":%q,"EmailAddress":"ssoSession@ssoSession.com","DisplayName":"Jo <b>Doe","GroupID":%q,"GroupsIDs":[%q,%q,%q],"SSOOnlyForRegisteredUsers":false`,
			s.OrgID, keys, keys, apis, unknown))
		cookie, r := tap(t, s, n)
		require.Equal(t, 303, r.Status, "%s", r.Body)
		require.JSONEq(t, `{"keys":"read","apis":"write"}`, permissions(s, cookie))
		me := s.Do(t, "GET", "/api/users/me", "", cookie)
		require.Equal(t, "Jo <b>Doe", me.Get("first_name").Str)
		require.Equal(t, s.OrgID, me.Get("org_id").Str)
		require.Equal(t, 200, s.Do(t, "GET", "/api/apis", "", cookie).Status)
		require.Equal(t, 403, s.Do(t, "GET", "/api/users", "", cookie).Status)
		// What they may do is what the group gives now.
		require.Equal(t, 200, s.REST(t, "DELETE", "/api/usergroups/"+apis, "").Status)
		require.Equal(t, 403, s.Do(t, "GET", "/api/apis", "", cookie).Status)
		// They have sessions of their own, and no password, no key, and nothing to change.
		require.Len(t, s.Do(t, "GET", "/api/sessions", "", cookie).Get("sessions").Array(), 1)
		guest := me.Get("id").Str
		require.Equal(t, 404, s.Do(t, "POST", "/api/users/"+guest+"/actions/reset", `{"new_password":"my own horse"}`, cookie).Status)
		require.Equal(t, 404, s.Do(t, "PUT", "/api/users/"+guest+"/actions/key/reset", "", cookie).Status)
		require.Empty(t, me.Get("access_key").Str)
		require.Equal(t, 200, s.Do(t, "DELETE", "/api/users/"+guest+"/sessions", "", cookie).Status)
		require.False(t, isIn(t, s, cookie))
	})
	t.Run("defaults and the default group", func(t *testing.T) {
		s := apptest.New(t, apptest.WithEnv("TYK_DB_SSOPERMISSIONDEFAULTS=apis:read,keys:deny", "TYK_DB_SSOENABLEUSERLOOKUP=true"))
		n, _ := nonce(t, s, `"OrgID":"`+s.OrgID+`","EmailAddress":"new@x.test"`)
		cookie, r := tap(t, s, n)
		require.Equal(t, 303, r.Status, "%s", r.Body)
		require.JSONEq(t, `{"apis":"read","keys":"deny"}`, permissions(s, cookie))
		n, _ = nonce(t, s, `"OrgID":"`+s.OrgID+`","EmailAddress":"new@x.test","SSOOnlyForRegisteredUsers":true`)
		cookie, _ = tap(t, s, n)
		require.Empty(t, cookie, "accounts alone")
		off := account(t, s, s.OrgID, "off@x.test", `{apis: "read"}`)
		require.Equal(t, 200, s.REST(t, "PUT", "/api/users/"+off+"/actions/revoke", "").Status)
		n, _ = nonce(t, s, `"OrgID":"`+s.OrgID+`","EmailAddress":"off@x.test"`)
		cookie, _ = tap(t, s, n)
		require.Empty(t, cookie, "who is switched off is not let in as a guest")
		// An administrator stays one, whatever groups come.
		account(t, s, s.OrgID, "boss@x.test", `{IsAdmin: "admin"}`)
		n, _ = nonce(t, s, `"OrgID":"`+s.OrgID+`","EmailAddress":"boss@x.test","GroupID":"`+group(s, `{keys: "read"}`)+`"`)
		cookie, _ = tap(t, s, n)
		require.JSONEq(t, `{"IsAdmin":"admin"}`, permissions(s, cookie))
	})
	t.Run("the page for what fails", func(t *testing.T) {
		s := apptest.New(t, apptest.WithEnv("TYK_DB_SSOCUSTOMLOGINERRORURL=https://login.example/failed"))
		_, r := tap(t, s, "wrong")
		require.Equal(t, 303, r.Status)
		require.Equal(t, "https://login.example/failed", r.Header.Get("Location"))
	})
}

func TestANonceOpensNoMoreThanWhoAsksMayDo(t *testing.T) {
	t.Parallel()
	s := apptest.New(t, apptest.WithEnv("TYK_DB_SSOENABLEUSERLOOKUP=true"))
	other, _ := s.Organisation(t, "other")
	account(t, s, s.OrgID, "boss@x.test", `{IsAdmin: "admin"}`)
	account(t, s, s.OrgID, "reader@x.test", `{apis: "read"}`)
	strong := s.GraphQL(t, `mutation { it: createUserGroup(input: {name: "g", permissions: {users: "write"}}) { id } }`, nil).Get("data.it.id").Str
	_, reader := user(t, s, s.OrgID, true, map[string]string{"apis": "read"})
	_, identity := user(t, s, s.OrgID, true, map[string]string{"idm": "write"})
	_, identityReader := user(t, s, s.OrgID, true, map[string]string{"idm": "read"})
	_, inactive := user(t, s, s.OrgID, false, map[string]string{"IsAdmin": "admin"})
	own := `"OrgID":"` + s.OrgID + `",`
	for _, c := range []struct {
		name, key, fields string
		want              int
	}{
		{"a reader for an administrator", reader, own + `"EmailAddress":"boss@x.test"`, 403},
		{"a reader for a group that may do more", reader, own + `"EmailAddress":"x@x.test","GroupID":"` + strong + `"`, 403},
		{"the same among several", reader, own + `"GroupsIDs":["` + strong + `"]`, 403},
		{"who reads idm alone", identityReader, own + `"EmailAddress":"boss@x.test"`, 403},
		{"a reader for somebody alike", reader, own + `"EmailAddress":"reader@x.test"`, 200},
		{"who writes idm for an administrator", identity, own + `"EmailAddress":"boss@x.test"`, 200},
		{"an administrator for another", s.AccessKey, own + `"EmailAddress":"boss@x.test"`, 200},
		{"an administrator for another organisation", s.AccessKey, `"OrgID":"` + other + `","EmailAddress":"admin@other.test"`, 400},
		{"without an organisation, one's own", s.AccessKey, `"EmailAddress":"boss@x.test"`, 200},
		{"who is switched off", inactive, own + `"EmailAddress":"boss@x.test"`, 403},
		{"nobody", "wrong", own + `"EmailAddress":"boss@x.test"`, 401},
	} {
		_, r := nonce(t, s, c.fields, "Authorization: "+c.key)
		require.Equal(t, c.want, r.Status, "%s: %s", c.name, r.Body)
		if c.want == 403 && c.key != inactive {
			require.Contains(t, r.Get("Message").Str, "idm", c.name)
		}
	}
	// What is asked for before there is such an account is held to it, too.
	n, r := nonce(t, s, own+`"EmailAddress":"late@x.test","SSOOnlyForRegisteredUsers":true`, "Authorization: "+reader)
	require.Equal(t, 200, r.Status, "%s", r.Body)
	account(t, s, s.OrgID, "late@x.test", `{IsAdmin: "admin"}`)
	cookie, _ := tap(t, s, n)
	require.Empty(t, cookie)

	for _, c := range []struct{ name, body string }{
		{"no section", `{"OrgID":"` + s.OrgID + `"}`},
		{"another section", `{"ForSection":"admin","OrgID":"` + s.OrgID + `"}`},
		{"no organisation", `{"ForSection":"dashboard"}`},
		{"one that there is not", `{"ForSection":"dashboard","OrgID":"5e9d9544a1dcd60001d0ed99"}`},
		{"no JSON", `ForSection=dashboard`},
	} {
		r := s.REST(t, "POST", "/admin/sso", c.body)
		require.Equal(t, 400, r.Status, "%s: %s", c.name, r.Body)
		require.Contains(t, r.Get("Message").Str, "Cannot create an SSO session for an invalid payload", c.name)
	}
	require.Equal(t, 200, s.REST(t, "PUT", "/admin/organisations/"+s.OrgID, `{"owner_name":"x","owner_slug":"default","sso_enabled":false}`).Status)
	_, r = nonce(t, s, own+`"EmailAddress":"boss@x.test"`, "Authorization: "+s.AccessKey)
	require.Equal(t, 403, r.Status)
	require.Contains(t, r.Get("Message").Str, "SSO not enabled for org.")
}

func TestNoSecretOfASignInIsInTheAuditLog(t *testing.T) {
	t.Parallel()
	s := apptest.New(t, apptest.WithEnv("TYK_DB_AUDIT_DETAILEDRECORDING=true", "TYK_DB_SSOENABLEUSERLOOKUP=true"))
	account(t, s, s.OrgID, "jo@x.test", `{apis: "read"}`)
	const right, wrong = correct, "a-guessed-secret"
	var secrets []string
	keep := func(cookie string) string {
		_, token, _ := strings.Cut(cookie, "=")
		require.NotEmpty(t, token)
		secrets = append(secrets, token)
		return cookie
	}
	one, _ := logIn(t, s, "jo@x.test", right)
	keep(one)
	logIn(t, s, "jo@x.test", wrong)
	const form = "Content-Type: application/x-www-form-urlencoded"
	keep(cookieOf(t, s.Do(t, "POST", "/login", "username=jo%40x.test&password=correct%20horse", form)))
	s.Do(t, "POST", "/login", "password="+wrong+"&username=jo%40x.test", form)
	keep(cookieOf(t, s.GraphQL(t, `mutation { logIn(email: "jo@x.test", password: "correct horse", newPassword: "a-guessed-secret") { signedIn } }`, nil, "X-None: none")))
	s.GraphQL(t, `mutation($p: String!) { logIn(email: "jo@x.test", password: $p) { signedIn } }`, map[string]any{"p": wrong}, "X-None: none")
	n, _ := nonce(t, s, `"OrgID":"`+s.OrgID+`","EmailAddress":"jo@x.test"`)
	m, _ := nonce(t, s, `"OrgID":"`+s.OrgID+`","EmailAddress":"jo@x.test"`)
	made := s.GraphQL(t, `mutation($org: ID) { createSsoNonce(input: {orgId: $org, email: "jo@x.test"}) }`, map[string]any{"org": s.OrgID})
	require.Len(t, made.Get("data.createSsoNonce").Str, 43, "%s", made.Body)
	secrets = append(secrets, made.Get("data.createSsoNonce").Str, n, m, right, wrong, "correct%20horse")
	cookie, _ := tap(t, s, n)
	keep(cookie)
	tap(t, s, n)
	g := s.GraphQL(t, `mutation($n: String!) { redeemSsoNonce(nonce: $n) { signedIn } }`, map[string]any{"n": m}, "X-None: none")
	keep(cookieOf(t, g))
	s.Do(t, "POST", "/logout", "", one)
	time.Sleep(50 * time.Millisecond) // what was read is recorded behind the answer
	var out strings.Builder
	dumpAll(t, &out, s.Store.AuditRecords, store.AllTenants())
	for _, secret := range secrets {
		if at := strings.Index(out.String(), secret); at >= 0 {
			t.Errorf("%s is in the audit log: %s", secret, out.String()[max(0, at-300):at+len(secret)+50])
		}
	}
	for _, said := range []string{"logIn", "createSsoNonce", "redeemSsoNonce", "logOut"} {
		require.Contains(t, out.String(), said)
	}
}
