package resolvers_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/apptest"
	"gatehouse/internal/mail/mailtest"
	"gatehouse/internal/recovery"
	"gatehouse/store"
)

const (
	forgot = `mutation($email: String!) { it: requestPasswordReset(emailAddress: $email) }`
	reset  = `mutation($token: String!, $new: String!) { it: resetPassword(token: $token, newPassword: $new) }`
	nobody = "X-None: none"
)

// mailing is a server that sends mail, with a user, at a time that the test sets.
type mailing struct {
	*apptest.Server
	mail    *mailtest.Server
	mu      sync.Mutex
	at      time.Time
	id, key string
}

func newMailing(t *testing.T, env ...string) *mailing {
	t.Helper()
	m := &mailing{mail: mailtest.New(t), at: time.Now()}
	m.Server = apptest.New(t, apptest.WithStore(store.WithClock(m.now)), apptest.WithEnv(append(env,
		"TYK_DB_EMAILBACKEND_ENABLEEMAILNOTIFICATIONS=true", "TYK_DB_EMAILBACKEND_CODE=smtp",
		"TYK_DB_EMAILBACKEND_SETTINGS=SMTPAddress:"+m.mail.Address, "TYK_DB_EMAILBACKEND_DEFAULTFROMEMAIL=no-reply@gatehouse.test",
		"TYK_DB_EMAILBACKEND_DASHBOARDHOSTNAME=https://dashboard.test")...))
	m.id, m.key = person(t, m.Server, "jo@x.test", map[string]string{"apis": "read"})
	return m
}

func (m *mailing) now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.at
}

func (m *mailing) wait(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.at = m.at.Add(d)
}

var tokenOf = regexp.MustCompile(`https://dashboard\.test/reset\?token=(\S+)`)

// link asks for a link, and returns the token of the mail that comes.
func (m *mailing) link(t *testing.T, email string) string {
	t.Helper()
	must(t, m.GraphQL(t, forgot, map[string]any{"email": email}, nobody))
	return m.token(t, m.mail.Next(t))
}

func (m *mailing) token(t *testing.T, got mailtest.Message) string {
	t.Helper()
	found := tokenOf.FindStringSubmatch(got.Body)
	require.NotNil(t, found, got.Body)
	token, err := url.QueryUnescape(found[1])
	require.NoError(t, err)
	return token
}

// set tries a token.
func (m *mailing) set(t *testing.T, token, password string) apptest.Reply {
	t.Helper()
	return m.GraphQL(t, reset, map[string]any{"token": token, "new": password}, nobody)
}

// holds that a token changes nothing.
func (m *mailing) useless(t *testing.T, token string) {
	t.Helper()
	before, err := m.Store.Users.Find(t.Context(), store.AllTenants(), m.id)
	require.NoError(t, err)
	refused(t, m.set(t, token, "password of a thief"), "INVALID", "this link does not hold")
	after, err := m.Store.Users.Find(t.Context(), store.AllTenants(), m.id)
	require.NoError(t, err)
	require.Equal(t, before, after)
}

func TestWhoForgotAPasswordSetsOneByMail(t *testing.T) {
	t.Parallel()
	m := newMailing(t)
	must(t, m.GraphQL(t, forgot, map[string]any{"email": " JO@x.test"}, nobody))
	got := m.mail.Next(t)
	assert.Equal(t, "jo@x.test", got.To)
	assert.Equal(t, "no-reply@gatehouse.test", got.From)
	assert.Contains(t, got.Body, "at Default Org.")
	assert.Contains(t, got.Body, "1000 seconds")
	token := m.token(t, got)
	refused(t, m.set(t, token, "short"), "INVALID", "at least 6")
	must(t, m.set(t, token, "password two"))
	assert.True(t, hasPassword(t, m.Server, m.id, "password two"))
	must(t, m.GraphQL(t, whoAmI, nil, as(m.key)))
	m.useless(t, token)
}

func TestALinkHoldsForItsTimeAndNotLonger(t *testing.T) {
	t.Parallel()
	m := newMailing(t)
	token := m.link(t, "jo@x.test")
	m.wait(recovery.Lasts - time.Second)
	refused(t, m.set(t, token, "short"), "INVALID", "at least 6")
	m.wait(time.Second)
	m.useless(t, token)
	must(t, m.set(t, m.link(t, "jo@x.test"), "password two"))
}

func TestATokenThatWasNotSentOpensNothing(t *testing.T) {
	t.Parallel()
	m := newMailing(t)
	other, _ := person(t, m.Server, "al@x.test", map[string]string{"apis": "read"})
	token := m.link(t, "al@x.test")
	_, secret, _ := strings.Cut(token, ".")
	for _, forged := range []string{
		"", ".", m.id, m.id + ".", m.id + "." + secret, token + "A", token[:len(token)-1], strings.ToUpper(token), "../" + token,
		strings.Repeat("x", 1<<14), m.id + ".\x00", "\xff." + secret,
	} {
		m.useless(t, forged)
		assert.True(t, hasPassword(t, m.Server, other, "password one"), "nor that of somebody else")
	}
	must(t, m.set(t, token, "password two"))
	assert.True(t, hasPassword(t, m.Server, other, "password two"))
}

func TestWhatChangesAUserEndsTheirLinks(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(t *testing.T, m *mailing){
		"another password": func(t *testing.T, m *mailing) {
			must(t, m.GraphQL(t, setPassword, map[string]any{"id": m.id, "old": "password one", "new": "password two"}, as(m.key)))
		},
		"the same password anew": func(t *testing.T, m *mailing) {
			must(t, m.GraphQL(t, setPassword, map[string]any{"id": m.id, "old": "password one", "new": "password one"}, as(m.key)))
		},
		"a password of an administrator": func(t *testing.T, m *mailing) {
			must(t, m.GraphQL(t, changeUser, map[string]any{"id": m.id, "in": map[string]any{"password": "password two"}}, admin))
		},
		"another address": func(t *testing.T, m *mailing) {
			must(t, m.GraphQL(t, changeUser, map[string]any{"id": m.id, "in": map[string]any{"email": "new@x.test"}}))
		},
		"switched off": func(t *testing.T, m *mailing) {
			must(t, m.GraphQL(t, changeUser, map[string]any{"id": m.id, "in": map[string]any{"active": false}}))
		},
		"another link": func(t *testing.T, m *mailing) { must(t, m.set(t, m.link(t, "jo@x.test"), "password two")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMailing(t)
			token := m.link(t, "jo@x.test")
			change(t, m)
			m.useless(t, token)
		})
	}
	m := newMailing(t)
	token := m.link(t, "jo@x.test")
	must(t, m.GraphQL(t, `mutation($id: ID!) { deleteUser(id: $id) { id } }`, map[string]any{"id": m.id}))
	refused(t, m.set(t, token, "password two"), "INVALID", "does not hold")
}

func TestALinkOfAStrangerEndsNoOther(t *testing.T) {
	t.Parallel()
	m := newMailing(t)
	first := m.link(t, "jo@x.test")
	for range 2 {
		m.link(t, "jo@x.test")
	}
	// The fourth in the time is not sent, and the answer is the same; those that were sent hold all that time.
	must(t, m.GraphQL(t, forgot, map[string]any{"email": "jo@x.test"}, nobody))
	m.wait(15*time.Minute - time.Second)
	must(t, m.GraphQL(t, forgot, map[string]any{"email": "jo@x.test"}, nobody))
	u, err := m.Store.Users.Find(t.Context(), store.AllTenants(), m.id)
	require.NoError(t, err)
	assert.EqualValues(t, 1, u.Revision, "asking changes no user")
	must(t, m.set(t, first, "password two"))
	assert.Empty(t, m.mail.Messages)
}

func TestNobodyIsToldWhoHasAnAccount(t *testing.T) {
	t.Parallel()
	m := newMailing(t)
	id, _ := person(t, m.Server, "off@x.test", map[string]string{"apis": "read"})
	must(t, m.GraphQL(t, changeUser, map[string]any{"id": id, "in": map[string]any{"active": false}}))
	var answers []string
	for _, email := range []string{"jo@x.test", "nobody@x.test", "off@x.test", "", "no address", strings.Repeat("x", 300) + "@x.test", "jo@x.test\x00"} {
		r := m.GraphQL(t, forgot, map[string]any{"email": email}, nobody)
		answers = append(answers, string(r.Body))
	}
	for _, answer := range answers {
		assert.Equal(t, answers[0], answer)
	}
	assert.Equal(t, "jo@x.test", m.mail.Next(t).To)
	// Requests are served in turn, and by two at once: a second mail tells that those before were seen to.
	m.link(t, "jo@x.test")
	assert.Empty(t, m.mail.Messages)
}

func TestWhoAsksTooOftenFromOneAddressHasToWait(t *testing.T) {
	t.Parallel()
	m := newMailing(t)
	for range 10 {
		must(t, m.GraphQL(t, forgot, map[string]any{"email": "nobody@x.test"}, nobody))
	}
	refused(t, m.GraphQL(t, forgot, map[string]any{"email": "jo@x.test"}, nobody), "TOO_MANY", "Retry-After")
	r := m.Do(t, "POST", "/forgot", `{"email_address":"jo@x.test"}`)
	assert.Equal(t, http.StatusTooManyRequests, r.Status)
	assert.NotEmpty(t, r.Header.Get("Retry-After"))
	m.wait(15 * time.Minute)
	m.link(t, "jo@x.test")
}

func TestEachAccountOfAnAddressGetsItsLink(t *testing.T) {
	t.Parallel()
	m := newMailing(t)
	org, _ := m.Organisation(t, "other")
	made := must(t, m.GraphQL(t, makeUser, map[string]any{"in": map[string]any{"email": "jo@x.test", "active": true, "orgId": org}}, admin))
	other := made.Get("data.it.id").Str
	must(t, m.GraphQL(t, forgot, map[string]any{"email": "jo@x.test"}, nobody))
	bodies := []mailtest.Message{m.mail.Next(t), m.mail.Next(t)}
	for _, got := range bodies {
		if strings.Contains(got.Body, "at other.") {
			must(t, m.set(t, m.token(t, got), "password two"))
		}
	}
	assert.True(t, hasPassword(t, m.Server, other, "password two"), "who has no password yet sets the first")
	assert.True(t, hasPassword(t, m.Server, m.id, "password one"))
}

func TestOneOfManyWhoUseALinkAtOnceGetsIn(t *testing.T) {
	t.Parallel()
	m := newMailing(t)
	token := m.link(t, "jo@x.test")
	var wg sync.WaitGroup
	replies := make([]apptest.Reply, 8)
	for i := range replies {
		wg.Go(func() { replies[i] = m.set(t, token, "password no "+string(rune('a'+i))) })
	}
	wg.Wait()
	in := 0
	for i, r := range replies {
		if !r.Get("errors").Exists() {
			in++
			assert.True(t, hasPassword(t, m.Server, m.id, "password no "+string(rune('a'+i))))
		}
	}
	assert.Equal(t, 1, in)
}

func TestWhatIsKeptOfALinkDoesNotOpenIt(t *testing.T) {
	t.Parallel()
	m := newMailing(t)
	token := m.link(t, "jo@x.test")
	l, err := m.Store.Settings.List(t.Context(), store.Query{Tenant: store.AllTenants(), Sort: "id", Limit: 100})
	require.NoError(t, err)
	_, secret, _ := strings.Cut(token, ".")
	found := false
	for _, s := range l.Objects {
		assert.NotContains(t, string(s.Value), secret)
		found = found || s.ID == "password-reset/"+m.id
	}
	assert.True(t, found)
}

func TestAServerWithoutMailSaysSo(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	refused(t, s.GraphQL(t, forgot, map[string]any{"email": "jo@x.test"}, nobody), "INVALID", "sends no e-mail")
}

func TestThePageOfALinkSetsThePassword(t *testing.T) {
	t.Parallel()
	m := newMailing(t)
	token := m.link(t, "jo@x.test")
	page := m.Do(t, "GET", "/reset?token="+url.QueryEscape(token), "")
	require.Equal(t, 200, page.Status)
	assert.Contains(t, string(page.Body), `value="`+token+`"`)
	assert.Equal(t, "no-store", page.Header.Get("Cache-Control"))
	assert.Equal(t, "no-referrer", page.Header.Get("Referrer-Policy"))
	assert.Contains(t, page.Header.Get("Content-Security-Policy"), "default-src 'none'")
	evil := m.Do(t, "GET", `/reset?token=`+url.QueryEscape(`"><script>alert(1)</script>`), "")
	assert.NotContains(t, string(evil.Body), "<script>")
	send := func(token, password string) apptest.Reply {
		form := url.Values{"token": {token}, "new_password": {password}}.Encode()
		return m.Do(t, "POST", "/reset", form, "Content-Type: application/x-www-form-urlencoded")
	}
	weak := send(token, "short")
	assert.Equal(t, 400, weak.Status)
	assert.Contains(t, string(weak.Body), "at least 6 characters")
	assert.Contains(t, string(weak.Body), token, "and can be tried again")
	done := send(token, "password two")
	assert.Equal(t, 200, done.Status)
	assert.Contains(t, string(done.Body), "Your password is set")
	assert.NotContains(t, string(done.Body), "<form")
	assert.True(t, hasPassword(t, m.Server, m.id, "password two"))
	used := m.Do(t, "POST", "/reset", `{"token":"`+token+`","new_password":"password three"}`)
	assert.Equal(t, 400, used.Status)
	assert.Contains(t, used.Get("Message").Str, "does not hold")
}
