package app_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/apptest"
	"gatehouse/internal/core"
	"gatehouse/store"
	"gatehouse/store/sql"

	"net/http/httptest"

	"golang.org/x/crypto/bcrypt"
)

const correct = "correct horse"

// account makes a user with a password.
func account(t *testing.T, s *apptest.Server, org, email, permissions string) (id string) {
	t.Helper()
	made := s.GraphQL(t, `mutation($org: ID, $email: String!, $password: String!) {
		it: createUser(input: {orgId: $org, email: $email, active: true, password: $password, permissions: `+permissions+`}) { id } }`,
		map[string]any{"org": org, "email": email, "password": correct}, "admin-auth: "+apptest.AdminSecret)
	require.NotEmpty(t, made.Get("data.it.id").Str, "%s", made.Body)
	return made.Get("data.it.id").Str
}

// logIn signs somebody in by REST, and returns the header that the browser sends from then on; "" where it did not work.
func logIn(t *testing.T, s *apptest.Server, email, password string, headers ...string) (cookie string, r apptest.Reply) {
	t.Helper()
	r = s.Do(t, "POST", "/login", fmt.Sprintf(`{"username":%q,"password":%q}`, email, password), headers...)
	return cookieOf(t, r), r
}

// cookieOf is the header with the cookie that an answer sets; "" for none.
func cookieOf(t *testing.T, r apptest.Reply) string {
	t.Helper()
	set := r.Header.Values("Set-Cookie")
	if len(set) == 0 {
		return ""
	}
	require.Len(t, set, 1)
	parsed, err := http.ParseSetCookie(set[0])
	require.NoError(t, err)
	return "Cookie: " + parsed.Name + "=" + parsed.Value
}

// isIn tells whether a header opens both faces, and that they agree.
func isIn(t *testing.T, s *apptest.Server, header string) bool {
	t.Helper()
	r, g := s.Do(t, "GET", "/api/users/me", "", header), s.GraphQL(t, `{ me { id } }`, nil, header)
	require.Equal(t, r.Status == 200, g.Get("data.me.id").Str != "", "%s %s", r.Body, g.Body)
	if r.Status != 200 {
		require.Equal(t, 401, r.Status)
		require.Equal(t, 401, g.Status)
	}
	return r.Status == 200
}

func TestASessionOpensBothFacesUntilItEnds(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	id := account(t, s, s.OrgID, "Jo@x.test", `{apis: "read"}`)
	cookie, r := logIn(t, s, "jo@X.test", correct)
	require.Equal(t, 200, r.Status, "%s", r.Body)
	require.Equal(t, id, r.Get("Meta.user_id").Str)
	require.Regexp(t, `^authorisation=[A-Za-z0-9_-]{43}; Path=/; HttpOnly; SameSite=Lax$`, r.Header.Get("Set-Cookie"))
	require.Equal(t, "no-store", r.Header.Get("Cache-Control"))
	require.True(t, isIn(t, s, cookie))
	me := s.Do(t, "GET", "/api/users/me", "", cookie)
	require.NotEqual(t, "0001-01-01T00:00:00Z", me.Get("last_login_date").Str)
	require.Equal(t, 200, s.Do(t, "GET", "/api/apis", "", cookie).Status)
	require.Equal(t, 403, s.Do(t, "GET", "/api/keys", "", cookie).Status)

	// An access key that comes with it counts alone.
	require.Equal(t, s.UserID, s.Do(t, "GET", "/api/users/me", "", cookie, "Authorization: "+s.AccessKey).Get("id").Str)
	require.Equal(t, 401, s.Do(t, "GET", "/api/users/me", "", cookie, "Authorization: wrong").Status)

	// By GraphQL, the same.
	g := s.GraphQL(t, `mutation { logIn(email: "jo@x.test", password: "correct horse") { user { id } session { current how address } organisations { id } } }`, nil, "X-None: none")
	require.Equal(t, id, g.Get("data.logIn.user.id").Str, "%s", g.Body)
	other := cookieOf(t, g)
	require.NotEqual(t, cookie, other)
	require.True(t, g.Get("data.logIn.session.current").Bool(), "%s", g.Body)
	list := s.GraphQL(t, `{ mySessions { id current how userId agent endsAt lastSeenAt createdAt } }`, nil, other)
	require.Len(t, list.Get("data.mySessions").Array(), 2, "%s", list.Body)
	require.True(t, list.Get("data.mySessions.0.current").Bool())
	require.False(t, list.Get("data.mySessions.1.current").Bool())

	named := s.Do(t, "POST", "/login", `{"email":"jo@x.test","password":"correct horse"}`)
	require.Equal(t, 400, named.Status)
	require.Contains(t, named.Get("Message").Str, "username is required")

	// Signing out ends one, in the store and in the browser.
	out := s.Do(t, "POST", "/logout", "", other)
	require.Equal(t, 200, out.Status)
	require.Contains(t, out.Header.Get("Set-Cookie"), "Max-Age=0")
	require.False(t, isIn(t, s, other))
	require.True(t, isIn(t, s, cookie))
	require.Equal(t, 200, s.Do(t, "POST", "/logout", "", other).Status, "signing out twice is no error")

	// One that signs in again in the same browser leaves the session before.
	again, r := logIn(t, s, "jo@x.test", correct, cookie)
	require.Equal(t, 200, r.Status, "%s", r.Body)
	require.False(t, isIn(t, s, cookie))
	require.True(t, isIn(t, s, again))

	// No token is in the store.
	require.NotContains(t, dumpEverything(t, s.Store), strings.TrimPrefix(again, "Cookie: authorisation="))
	l, err := s.Store.Sessions.List(t.Context(), store.Query{Tenant: store.AllTenants(), Limit: 10})
	require.NoError(t, err)
	for _, held := range l.Objects {
		require.NotContains(t, again, held.TokenHash)
	}
}

func TestAFormSignsInToo(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	account(t, s, s.OrgID, "jo@x.test", `{apis: "read"}`)
	const form = "Content-Type: application/x-www-form-urlencoded"
	r := s.Do(t, "POST", "/login", "username=jo%40x.test&password=correct+horse", form)
	require.Equal(t, 303, r.Status, "%s", r.Body)
	require.Equal(t, "/", r.Header.Get("Location"))
	require.True(t, isIn(t, s, cookieOf(t, r)))
	r = s.Do(t, "POST", "/login", "username=jo%40x.test&password=wrong", form)
	require.Equal(t, 303, r.Status)
	require.Equal(t, "/?fail=true", r.Header.Get("Location"))
	require.Empty(t, r.Header.Get("Set-Cookie"))
}

func TestForgedCookiesOpenNothing(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	account(t, s, s.OrgID, "jo@x.test", `{apis: "read"}`)
	cookie, _ := logIn(t, s, "jo@x.test", correct)
	for name, header := range map[string]string{
		"nothing":                       "Cookie: authorisation=",
		"a text":                        "Cookie: authorisation=admin",
		"a token that nobody was given": "Cookie: authorisation=" + strings.Repeat("A", 43),
		"a token that is cut off":       cookie[:len(cookie)-1],
		"a token with more":             cookie + "A",
		"an access key":                 "Cookie: authorisation=" + s.AccessKey,
		"a token in the other name":     strings.Replace(cookie, "authorisation", "__Host-authorisation", 1),
		"a token as an access key":      "Authorization: " + strings.TrimPrefix(cookie, "Cookie: authorisation="),
	} {
		require.False(t, isIn(t, s, header), name)
	}
	// A stale one stands in nobody's way.
	require.Equal(t, 200, s.GraphQL(t, `{ __typename }`, nil, "Cookie: authorisation="+strings.Repeat("A", 43)).Status)
	_, r := logIn(t, s, "jo@x.test", correct, "Cookie: authorisation="+strings.Repeat("A", 43))
	require.Equal(t, 200, r.Status)
	require.NotContains(t, r.Header.Get("Set-Cookie"), strings.Repeat("A", 43), "a token that came in is never given out")
}

func TestCookiesAreSecureWhereTheServerIs(t *testing.T) {
	t.Parallel()
	s := apptest.New(t, apptest.WithEnv("TYK_DB_HOSTCONFIG_SECURECOOKIES=true"))
	account(t, s, s.OrgID, "jo@x.test", `{apis: "read"}`)
	cookie, r := logIn(t, s, "jo@x.test", correct)
	require.Regexp(t, `^__Host-authorisation=[A-Za-z0-9_-]{43}; Path=/; HttpOnly; Secure; SameSite=Lax$`, r.Header.Get("Set-Cookie"))
	require.True(t, isIn(t, s, cookie))
	require.False(t, isIn(t, s, strings.Replace(cookie, "__Host-", "", 1)), "a neighbouring host could have set it")
}

func TestWhatEndsSessions(t *testing.T) {
	t.Parallel()
	s := apptest.New(t, apptest.WithEnv("TYK_DB_SECURITY_ALLOWADMINRESETPASSWORD=true"))
	admin := "Authorization: " + s.AccessKey
	do := func(t *testing.T, query string, variables map[string]any, header string) {
		t.Helper()
		r := s.GraphQL(t, query, variables, header)
		require.Empty(t, r.Get("errors").Raw, "%s", r.Body)
	}
	for i, c := range []struct {
		name, query string
		ends        bool
	}{
		{"being switched off", `mutation($id: ID!) { updateUser(id: $id, input: {active: false}) { id } }`, true},
		{"being revoked", `mutation($id: ID!) { revokeUser(id: $id) { id } }`, true},
		{"being deleted", `mutation($id: ID!) { deleteUser(id: $id) { id } }`, true},
		{"another access key", `mutation($id: ID!) { resetUserKey(id: $id) { id } }`, true},
		{"another password", `mutation($id: ID!) { setUserPassword(id: $id, newPassword: "another horse") { id } }`, true},
		{"fewer rights", `mutation($id: ID!) { updateUser(id: $id, input: {permissions: {apis: "read"}}) { id } }`, true},
		{"an administrator", `mutation($id: ID!) { endSessions(id: $id) }`, true},
		{"more rights", `mutation($id: ID!) { updateUser(id: $id, input: {permissions: {apis: "write", keys: "write"}}) { id } }`, false},
		{"another name", `mutation($id: ID!) { patchUser(id: $id, patch: {first_name: "x"}) { id } }`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			email := fmt.Sprintf("u%d@x.test", i)
			id := account(t, s, s.OrgID, email, `{apis: "write"}`)
			one, _ := logIn(t, s, email, correct)
			two, _ := logIn(t, s, email, correct)
			require.True(t, isIn(t, s, one) && isIn(t, s, two))
			do(t, c.query, map[string]any{"id": id}, admin)
			require.Equal(t, !c.ends, isIn(t, s, one))
			require.Equal(t, !c.ends, isIn(t, s, two))
			if c.name == "being switched off" {
				do(t, `mutation($id: ID!) { updateUser(id: $id, input: {active: true}) { id } }`, map[string]any{"id": id}, admin)
				require.False(t, isIn(t, s, one), "what ended stays ended")
			}
		})
	}
	t.Run("a group that is left", func(t *testing.T) {
		id := account(t, s, s.OrgID, "member@x.test", `{apis: "read"}`)
		group := s.GraphQL(t, `mutation { it: createUserGroup(input: {name: "g", permissions: {keys: "read"}}) { id } }`, nil).Get("data.it.id").Str
		do(t, `mutation($id: ID!, $group: ID!) { updateUser(id: $id, input: {groupIds: [$group]}) { id } }`, map[string]any{"id": id, "group": group}, admin)
		cookie, _ := logIn(t, s, "member@x.test", correct)
		require.Equal(t, 200, s.Do(t, "GET", "/api/keys", "", cookie).Status)
		// What a group gives changes at once, and the session stays.
		do(t, `mutation($id: ID!) { updateUserGroup(id: $id, input: {active: false}) { id } }`, map[string]any{"id": group}, admin)
		require.Equal(t, 403, s.Do(t, "GET", "/api/keys", "", cookie).Status)
		require.True(t, isIn(t, s, cookie))
		do(t, `mutation($id: ID!) { updateUser(id: $id, input: {groupIds: []}) { id } }`, map[string]any{"id": id}, admin)
		require.False(t, isIn(t, s, cookie))
	})
	t.Run("one's own new password ends the others", func(t *testing.T) {
		id := account(t, s, s.OrgID, "own@x.test", `{apis: "read"}`)
		one, _ := logIn(t, s, "own@x.test", correct)
		two, _ := logIn(t, s, "own@x.test", correct)
		r := s.Do(t, "POST", "/api/users/"+id+"/actions/reset", `{"current_password":"correct horse","new_password":"another horse"}`, one)
		require.Equal(t, 200, r.Status, "%s", r.Body)
		require.True(t, isIn(t, s, one))
		require.False(t, isIn(t, s, two))
		_, r = logIn(t, s, "own@x.test", correct)
		require.Equal(t, 401, r.Status)
	})
	t.Run("an account made anew with the id of one that is gone", func(t *testing.T) {
		id := account(t, s, s.OrgID, "gone@x.test", `{apis: "read"}`)
		cookie, _ := logIn(t, s, "gone@x.test", correct)
		u := found(t, s.Store.Users, id)
		require.NoError(t, s.Store.Users.Delete(t.Context(), u))
		heir := *u
		heir.Meta = core.Meta{ID: id, OrgID: s.OrgID, CreatedAt: time.Now().Add(time.Second)}
		require.NoError(t, s.Store.Users.Create(t.Context(), &heir))
		require.False(t, isIn(t, s, cookie))
	})
	t.Run("the organisation's end", func(t *testing.T) {
		org, _ := s.Organisation(t, "short")
		account(t, s, org, "short@x.test", `{apis: "read"}`)
		cookie, _ := logIn(t, s, "short@x.test", correct)
		require.True(t, isIn(t, s, cookie))
		require.Equal(t, 200, s.REST(t, "DELETE", "/admin/organisations/"+org+"?cascade=true", "").Status)
		require.False(t, isIn(t, s, cookie))
	})
}

func TestWhatOneServerEndsIsOverOnAllAtOnce(t *testing.T) {
	t.Parallel()
	engine, err := sql.OpenMemory(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { _ = engine.Close() })
	one, two := apptest.New(t, apptest.WithEngine(engine)), apptest.New(t, apptest.WithEngine(engine))
	id := account(t, one, one.OrgID, "jo@x.test", `{apis: "read"}`)
	cookie, _ := logIn(t, one, "jo@x.test", correct)
	for range 3 { // also what was read before
		require.True(t, isIn(t, two, cookie))
	}
	require.Equal(t, 200, one.REST(t, "PUT", "/api/users/"+id+"/actions/revoke", "").Status)
	require.False(t, isIn(t, two, cookie))
}

func TestSessionsEndByThemselves(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	now := time.Now()
	pass := func(d time.Duration) { mu.Lock(); now = now.Add(d); mu.Unlock() }
	s := apptest.New(t, apptest.WithEnv("TYK_DB_DASHBOARDSESSIONLIFETIME=30"),
		apptest.WithStore(store.WithClock(func() time.Time { mu.Lock(); defer mu.Unlock(); return now })))
	account(t, s, s.OrgID, "jo@x.test", `{apis: "read"}`)
	cookie, _ := logIn(t, s, "jo@x.test", correct)
	pass(31 * time.Minute)
	require.False(t, isIn(t, s, cookie), "it was left unused")
	cookie, _ = logIn(t, s, "jo@x.test", correct)
	for range 24 { // 12 hours
		require.True(t, isIn(t, s, cookie))
		pass(29*time.Minute + 59*time.Second)
	}
	pass(time.Minute)
	require.False(t, isIn(t, s, cookie), "it is used, and over all the same")
}

func TestAnotherSitesPageWritesNothingWithACookie(t *testing.T) {
	t.Parallel()
	s := apptest.New(t, apptest.WithEnv("GATEHOUSE_ALLOWEDORIGINS=https://portal.example"))
	account(t, s, s.OrgID, "jo@x.test", `{hooks: "write"}`)
	cookie, _ := logIn(t, s, "jo@x.test", correct)
	const hook = `{"name":"%s","method":"GET","target_path":"http://x.test"}`
	mutation := `{"query":"mutation { createWebhook(input: {name: \"n\", method: GET, targetPath: \"http://x.test\"}) { id } }"}`
	for name, headers := range map[string][]string{
		"a form":                       {"Origin: https://evil.test", "Sec-Fetch-Site: cross-site", "Content-Type: text/plain"},
		"a fetch":                      {"Origin: https://evil.test", "Sec-Fetch-Site: cross-site"},
		"a neighbouring host":          {"Origin: https://x.example.com", "Sec-Fetch-Site: same-site"},
		"an old browser":               {"Origin: https://evil.test"},
		"a page without an origin":     {"Origin: null"},
		"an origin allowed for CORS":   {"Origin: https://portal.example", "Sec-Fetch-Site: cross-site"},
		"a host that starts like ours": {"Origin: http://example.com.evil.test"},
	} {
		t.Run(name, func(t *testing.T) {
			headers = append(headers, cookie)
			r := s.Do(t, "POST", "/api/hooks", fmt.Sprintf(hook, "n"), headers...)
			require.Equal(t, 403, r.Status, "%s", r.Body)
			r = s.Do(t, "POST", "/graphql", mutation, headers...)
			require.Equal(t, 403, r.Status, "%s", r.Body)
			require.Equal(t, "FORBIDDEN", r.Get("errors.0.extensions.code").Str, "%s", r.Body)
			r = s.Do(t, "POST", "/login", `{"username":"jo@x.test","password":"correct horse"}`, headers[:len(headers)-1]...)
			require.Equal(t, 403, r.Status, "nobody is signed in as somebody else: %s", r.Body)
			require.Empty(t, r.Header.Get("Set-Cookie"))
			r = s.Do(t, "POST", "/logout", "", headers...)
			require.Equal(t, 403, r.Status)
			// With an access key, who made the request has no say.
			key := append(headers[:len(headers)-1:len(headers)-1], "Authorization: "+s.AccessKey)
			require.Equal(t, 200, s.Do(t, "POST", "/api/hooks", fmt.Sprintf(hook, name), key...).Status)
		})
	}
	require.Equal(t, 200, s.Do(t, "POST", "/api/hooks", fmt.Sprintf(hook, "own"), cookie, "Origin: http://example.com", "Sec-Fetch-Site: same-origin").Status)
	require.Equal(t, 200, s.Do(t, "POST", "/api/hooks", fmt.Sprintf(hook, "script"), cookie).Status, "a program is no page")
	require.Equal(t, 200, s.Do(t, "GET", "/api/hooks", "", cookie, "Origin: https://evil.test", "Sec-Fetch-Site: cross-site").Status, "reading tells the page nothing")
}

func TestAnotherSitesPageOpensNoWebsocketWithACookie(t *testing.T) {
	t.Parallel()
	s := apptest.New(t, apptest.WithEnv("GATEHOUSE_ALLOWEDORIGINS=https://portal.example"))
	account(t, s, s.OrgID, "jo@x.test", `{hooks: "write"}`)
	cookie, _ := logIn(t, s, "jo@x.test", correct)
	server := httptest.NewServer(s.Handler)
	t.Cleanup(server.Close)
	status := 0
	dial := func(origin string) error {
		conn, answer, err := websocket.Dial(t.Context(), server.URL+"/graphql", &websocket.DialOptions{
			Subprotocols: []string{"graphql-transport-ws"},
			HTTPHeader:   http.Header{"Origin": {origin}, "Cookie": {strings.TrimPrefix(cookie, "Cookie: ")}},
		})
		if answer != nil {
			status = answer.StatusCode
			if answer.Body != nil {
				_ = answer.Body.Close()
			}
		}
		if err != nil {
			return err
		}
		defer func() { _ = conn.CloseNow() }()
		if err := conn.Write(t.Context(), websocket.MessageText, []byte(`{"type":"connection_init"}`)); err != nil {
			return err
		}
		_, said, err := conn.Read(t.Context())
		if err != nil {
			return err
		}
		require.JSONEq(t, `{"type":"connection_ack"}`, string(said))
		require.NoError(t, conn.Write(t.Context(), websocket.MessageText,
			[]byte(`{"type":"subscribe","id":"1","payload":{"query":"{ me { email } }"}}`)))
		_, said, err = conn.Read(t.Context())
		require.NoError(t, err)
		require.Contains(t, string(said), "jo@x.test")
		return nil
	}
	require.NoError(t, dial(server.URL))
	require.Error(t, dial("https://evil.test"))
	require.Equal(t, 403, status)
	require.Error(t, dial("https://portal.example"), "it may come with an access key, and not with a cookie")
	require.Equal(t, 403, status)
}

func TestGuessersAreSlowedDownAndLockNobodyOut(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	now := time.Now()
	pass := func(d time.Duration) { mu.Lock(); now = now.Add(d); mu.Unlock() }
	clock := apptest.WithStore(store.WithClock(func() time.Time { mu.Lock(); defer mu.Unlock(); return now }))
	s := apptest.New(t, clock, apptest.WithEnv("GATEHOUSE_TRUSTEDPROXIES=192.0.2.0/24",
		"TYK_DB_SECURITY_LOGINFAILUREUSERNAMELIMIT=3", "TYK_DB_SECURITY_LOGINFAILUREIPLIMIT=20"))
	account(t, s, s.OrgID, "jo@x.test", `{apis: "read"}`)
	account(t, s, s.OrgID, "al@x.test", `{apis: "read"}`)
	from := func(address string) string { return "X-Forwarded-For: " + address }
	status := func(email, password, address string) int {
		_, r := logIn(t, s, email, password, from(address))
		return r.Status
	}
	const guesser, owner = "198.51.100.1", "203.0.113.1"
	for range 3 {
		require.Equal(t, 401, status("jo@x.test", "wrong", guesser))
	}
	require.Equal(t, 429, status("jo@x.test", correct, guesser), "a right password is refused as a wrong one")
	require.Equal(t, 200, status("jo@x.test", correct, owner), "nobody is locked out by others")
	require.Equal(t, 200, status("al@x.test", correct, guesser), "the others of the office get in")
	pass(2 * time.Minute)
	require.Equal(t, 401, status("jo@x.test", "wrong", guesser), "the wait ends")
	require.Equal(t, 429, status("jo@x.test", correct, guesser), "and is longer after each")
	pass(16 * time.Minute)

	// From many addresses: each has one try, and the owner gets in.
	for i := range 3 {
		require.Equal(t, 401, status("jo@x.test", "wrong", fmt.Sprintf("198.51.100.%d", 10+i)))
	}
	require.Equal(t, 401, status("jo@x.test", "wrong", "198.51.100.20"))
	require.Equal(t, 429, status("jo@x.test", correct, "198.51.100.20"))
	require.Equal(t, 200, status("jo@x.test", correct, owner))
	pass(16 * time.Minute)

	// One address that tries many people, one after the other, and people whom there are not count as well.
	for i := range 20 {
		require.Equal(t, 401, status(fmt.Sprintf("nobody%d@x.test", i), "password1", "198.51.100.30"))
	}
	require.Equal(t, 429, status("al@x.test", correct, "198.51.100.30"))
	require.Equal(t, 200, status("al@x.test", correct, owner))

	// In one request of GraphQL, too, and hidden where that is configured.
	hidden := apptest.New(t, clock, apptest.WithEnv("TYK_DB_SECURITY_LOGINFAILUREUSERNAMELIMIT=3", "TYK_DB_SECURITY_HIDELOGINFAILURELIMITERROR=true"))
	account(t, hidden, hidden.OrgID, "jo@x.test", `{apis: "read"}`)
	var all strings.Builder
	for i := range 3 {
		fmt.Fprintf(&all, `a%d: logIn(email: "jo@x.test", password: "wrong") { user { id } } `, i)
	}
	r := hidden.GraphQL(t, "mutation { "+all.String()+` right: logIn(email: "jo@x.test", password: "correct horse") { user { id } } }`, nil, "X-None: none")
	require.Len(t, r.Get("errors").Array(), 4, "%s", r.Body)
	require.Len(t, r.Get(`errors.#(extensions.code=="UNAUTHENTICATED")#`).Array(), 4, "%s", r.Body)
	require.Empty(t, r.Header.Get("Set-Cookie"))
}

func TestNobodyIsToldWhoHasAnAccount(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	account(t, s, s.OrgID, "jo@x.test", `{apis: "read"}`)
	off := account(t, s, s.OrgID, "off@x.test", `{apis: "read"}`)
	require.Equal(t, 200, s.REST(t, "PUT", "/api/users/"+off+"/actions/revoke", "").Status)
	user(t, s, s.OrgID, true, map[string]string{"apis": "read"}) // without a password
	var first apptest.Reply
	for i, c := range [][2]string{
		{"jo@x.test", "wrong"}, {"nobody@x.test", "wrong"}, {"off@x.test", correct}, {"off@x.test", "wrong"}, {"jo@x.test", ""},
		{"no address", correct}, {strings.Repeat("x", 4000) + "@x.test", correct},
	} {
		_, r := logIn(t, s, c[0], c[1])
		if i == 0 {
			first = r
		}
		require.Equal(t, 401, r.Status, "%q", c)
		require.Equal(t, string(first.Body), string(r.Body), "%q", c)
	}
}

func TestPasswordsOfEarlierVersionsAreHashedAgainAtLogIn(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	id := account(t, s, s.OrgID, "jo@x.test", `{apis: "read"}`)
	before := *found(t, s.Store.Users, id)
	old, err := bcrypt.GenerateFromPassword([]byte(correct), bcrypt.MinCost)
	require.NoError(t, err)
	before.Secrets.PasswordHash = string(old)
	require.NoError(t, s.Store.Users.Update(t.Context(), &before))
	_, r := logIn(t, s, "jo@x.test", "wrong")
	require.Equal(t, 401, r.Status)
	require.Equal(t, string(old), found(t, s.Store.Users, id).Secrets.PasswordHash)
	one, r := logIn(t, s, "jo@x.test", correct)
	require.Equal(t, 200, r.Status, "%s", r.Body)
	require.Contains(t, found(t, s.Store.Users, id).Secrets.PasswordHash, "$argon2id$")
	two, _ := logIn(t, s, "jo@x.test", correct)
	require.True(t, isIn(t, s, one) && isIn(t, s, two), "that ends no session")
}

func TestManySignInAtOnce(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	account(t, s, s.OrgID, "jo@x.test", `{apis: "read"}`)
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			_, r := logIn(t, s, "jo@x.test", correct)
			if r.Status != 200 {
				t.Errorf("%d: %s", r.Status, r.Body)
			}
		})
	}
	all.Wait()
}

func TestAnAccountKeepsAHundredSessions(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	account(t, s, s.OrgID, "jo@x.test", `{apis: "read"}`)
	first, _ := logIn(t, s, "jo@x.test", correct)
	for range 100 {
		logIn(t, s, "jo@x.test", correct)
	}
	require.False(t, isIn(t, s, first), "the oldest goes")
	n, err := s.Store.Sessions.Count(t.Context(), store.AllTenants())
	require.NoError(t, err)
	require.Equal(t, 100, n)
}

func TestOneSessionAtATime(t *testing.T) {
	t.Parallel()
	s := apptest.New(t, apptest.WithEnv("TYK_DB_DISABLEPARALLELSESSIONS=true"))
	account(t, s, s.OrgID, "jo@x.test", `{apis: "read"}`)
	one, _ := logIn(t, s, "jo@x.test", correct)
	two, _ := logIn(t, s, "jo@x.test", correct)
	require.False(t, isIn(t, s, one))
	require.True(t, isIn(t, s, two))
}

func TestPeopleOfSeveralOrganisationsChooseAndSwitch(t *testing.T) {
	t.Parallel()
	s := apptest.New(t, apptest.WithEnv("TYK_DB_ENABLEMULTIORGUSERS=true"))
	other, _ := s.Organisation(t, "other")
	third, thirdKey := s.Organisation(t, "third")
	account(t, s, s.OrgID, "jo@x.test", `{apis: "read"}`)
	account(t, s, other, "jo@x.test", `{apis: "read"}`)
	// Somebody else's, with the same address and a password of their own.
	planted := s.Do(t, "POST", "/api/users", `{"email_address":"jo@x.test","active":true,"password":"planted horse","user_permissions":{"apis":"read"}}`, "Authorization: "+thirdKey)
	require.Equal(t, 200, planted.Status, "%s", planted.Body)

	cookie, r := logIn(t, s, "jo@x.test", correct)
	require.Empty(t, cookie)
	require.Equal(t, "Choose an organisation", r.Get("Message").Str, "%s", r.Body)
	require.Len(t, r.Get("Meta.organisations").Array(), 2)
	r = s.Do(t, "POST", "/login", `{"username":"jo@x.test","password":"correct horse","org_id":"`+other+`"}`)
	cookie = cookieOf(t, r)
	orgOf := func(cookie string) string { return s.Do(t, "GET", "/api/users/me", "", cookie).Get("org_id").Str }
	require.Equal(t, other, orgOf(cookie))
	moved := s.Do(t, "POST", "/api/sessions/organisation", `{"org_id":"`+s.OrgID+`"}`, cookie)
	require.Equal(t, 200, moved.Status, "%s", moved.Body)
	require.False(t, isIn(t, s, cookie), "the session before is over")
	cookie = cookieOf(t, moved)
	require.Equal(t, s.OrgID, orgOf(cookie))
	back := s.GraphQL(t, `mutation($org: ID!) { switchOrganisation(organisationId: $org) { user { orgId } } }`, map[string]any{"org": other}, cookie)
	require.Equal(t, other, back.Get("data.switchOrganisation.user.orgId").Str, "%s", back.Body)
	cookie = cookieOf(t, back)

	// Neither way between accounts that one password does not open.
	require.Equal(t, 403, s.Do(t, "POST", "/api/sessions/organisation", `{"org_id":"`+third+`"}`, cookie).Status)
	attacker, r := logIn(t, s, "jo@x.test", "planted horse")
	require.Equal(t, third, orgOf(attacker), "%s", r.Body)
	require.Equal(t, 403, s.Do(t, "POST", "/api/sessions/organisation", `{"org_id":"`+s.OrgID+`"}`, attacker).Status)
	require.Equal(t, 400, s.Do(t, "POST", "/api/sessions/organisation", `{"org_id":"`+other+`"}`, "Authorization: "+thirdKey).Status)

	// Nor to one that was changed since.
	victim := s.Do(t, "GET", "/api/users?q=jo", "", "Authorization: "+s.AccessKey).Get("users.0.id").Str
	require.Equal(t, 200, s.REST(t, "PUT", "/api/users/"+victim+"/actions/key/reset", "").Status)
	require.Equal(t, 403, s.Do(t, "POST", "/api/sessions/organisation", `{"org_id":"`+s.OrgID+`"}`, cookie).Status)
}

func TestSessionsOfOthersAreForThoseWhoManageThem(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	_, foreignKey := s.Organisation(t, "foreign")
	admin := account(t, s, s.OrgID, "admin@x.test", `{IsAdmin: "admin"}`)
	jo := account(t, s, s.OrgID, "jo@x.test", `{apis: "read"}`)
	_, managerKey := user(t, s, s.OrgID, true, map[string]string{"users": "write", "apis": "read"})
	_, readerKey := user(t, s, s.OrgID, true, map[string]string{"users": "read", "apis": "read"})
	adminCookie, _ := logIn(t, s, "admin@x.test", correct)
	joCookie, _ := logIn(t, s, "jo@x.test", correct)
	adminSession := s.Do(t, "GET", "/api/sessions", "", adminCookie).Get("sessions.0.id").Str
	joSession := s.Do(t, "GET", "/api/sessions", "", joCookie).Get("sessions.0.id").Str
	for _, c := range []struct {
		name, key, method, path string
		want                    int
	}{
		{"a foreigner sees none", foreignKey, "GET", "/api/users/" + jo + "/sessions", 404},
		{"a foreigner ends none", foreignKey, "DELETE", "/api/sessions/" + joSession, 404},
		{"nor all", foreignKey, "DELETE", "/api/users/" + jo + "/sessions", 404},
		{"a reader sees them", readerKey, "GET", "/api/users/" + jo + "/sessions", 200},
		{"and ends none", readerKey, "DELETE", "/api/sessions/" + joSession, 403},
		{"nor all", readerKey, "DELETE", "/api/users/" + jo + "/sessions", 403},
		{"a manager ends none of an administrator", managerKey, "DELETE", "/api/sessions/" + adminSession, 403},
		{"nor all", managerKey, "DELETE", "/api/users/" + admin + "/sessions", 403},
		{"a manager ends one of those whom they manage", managerKey, "DELETE", "/api/sessions/" + joSession, 200},
		{"which is over then", managerKey, "DELETE", "/api/sessions/" + joSession, 404},
	} {
		r := s.Do(t, c.method, c.path, "", "Authorization: "+c.key)
		require.Equal(t, c.want, r.Status, "%s: %s", c.name, r.Body)
	}
	require.False(t, isIn(t, s, joCookie))
	require.True(t, isIn(t, s, adminCookie))
	require.Equal(t, 200, s.Do(t, "DELETE", "/api/sessions/"+adminSession, "", adminCookie).Status, "one's own")
	require.False(t, isIn(t, s, adminCookie))
}

func TestAPasswordThatHasToBeChangedOpensNothingBefore(t *testing.T) {
	t.Parallel()
	s := apptest.New(t, apptest.WithEnv("TYK_DB_SECURITY_FORCEFIRSTLOGINPWRESET=true"))
	account(t, s, s.OrgID, "jo@x.test", `{apis: "read"}`)
	_, r := logIn(t, s, "jo@x.test", "wrong")
	require.Equal(t, 401, r.Status, "who does not know it is told nothing")
	cookie, r := logIn(t, s, "jo@x.test", correct)
	require.Equal(t, 403, r.Status)
	require.Contains(t, r.Get("Message").Str, "set one of your own")
	require.Empty(t, cookie)
	set := func(password string) apptest.Reply {
		return s.Do(t, "POST", "/login", `{"username":"jo@x.test","password":"correct horse","new_password":"`+password+`"}`)
	}
	require.Equal(t, 400, set("short").Status)
	require.Equal(t, 400, set(correct).Status)
	r = set("my own horse")
	require.Equal(t, 200, r.Status, "%s", r.Body)
	require.True(t, isIn(t, s, cookieOf(t, r)))
	_, r = logIn(t, s, "jo@x.test", correct)
	require.Equal(t, 401, r.Status)
	cookie, _ = logIn(t, s, "jo@x.test", "my own horse")
	require.True(t, isIn(t, s, cookie))
}
