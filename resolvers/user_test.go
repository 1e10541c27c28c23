package resolvers_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/apptest"
	"gatehouse/internal/secret"
	"gatehouse/store"
)

const (
	makeUser    = `mutation($in: UserInput!) { it: createUser(input: $in) { id email accessKey isSuper orgId document } }`
	changeUser  = `mutation($id: ID!, $in: UserInput!) { it: updateUser(id: $id, input: $in) { id firstName accessKey document revision } }`
	setPassword = `mutation($id: ID!, $old: String, $new: String!) { it: setUserPassword(id: $id, currentPassword: $old, newPassword: $new) { id } }`
	whoAmI      = `{ it: me { id email } }`
)

var admin = "admin-auth: " + apptest.AdminSecret

// person creates a user with permissions and a password, and returns id and access key.
func person(t *testing.T, s *apptest.Server, email string, permissions map[string]string) (id, accessKey string) {
	t.Helper()
	r := must(
		t,
		s.GraphQL(t, makeUser, map[string]any{"in": map[string]any{"email": email, "active": true, "password": "password one",
			"permissions": permissions, "orgId": s.OrgID}}, admin),
	)
	return r.Get("data.it.id").Str, r.Get("data.it.accessKey").Str
}

// as is the header of an access key.
func as(accessKey string) string { return "Authorization: " + accessKey }

// hasPassword tells whether a password is that of a user.
func hasPassword(t *testing.T, s *apptest.Server, id, password string) bool {
	t.Helper()
	u, err := s.Store.Users.Find(t.Context(), store.AllTenants(), id)
	require.NoError(t, err)
	return secret.CheckPassword(u.Secrets.PasswordHash, password)
}

func TestWhatIsWrongWithANewUserIsSaid(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	person(t, s, "jo@x.test", map[string]string{"apis": "read"})
	for name, c := range map[string]struct {
		in         map[string]any
		code, says string
	}{
		"no e-mail address":            {map[string]any{"permissions": map[string]string{"apis": "read"}}, "INVALID", "email must be an e-mail address"},
		"an address that is none":      {map[string]any{"email": "jo"}, "INVALID", "email must be an e-mail address"},
		"an address that is taken":     {map[string]any{"email": " JO@x.test", "permissions": map[string]string{"apis": "read"}}, "CONFLICT", "already exists"},
		"a short password":             {map[string]any{"email": "b@x.test", "password": "12345"}, "INVALID", "at least 6"},
		"a password without end":       {map[string]any{"email": "b@x.test", "password": strings.Repeat("ab", 129)}, "INVALID", "at most 256"},
		"one character again":          {map[string]any{"email": "b@x.test", "password": "aaaaaaaa"}, "INVALID", "one character repeated"},
		"the address for the password": {map[string]any{"email": "b@x.test", "password": "B@x.test"}, "INVALID", "e-mail address"},
		"a level nobody knows":         {map[string]any{"email": "b@x.test", "permissions": map[string]string{"apis": "maybe"}}, "INVALID", "permissions.apis must be"},
		"no permission at all":         {map[string]any{"email": "b@x.test"}, "INVALID", "at least one permission"},
	} {
		t.Run(name, func(t *testing.T) {
			refused(t, s.GraphQL(t, makeUser, map[string]any{"in": c.in}), c.code, c.says)
			assert.Equal(t, int64(2), s.GraphQL(t, `{ users { totalCount } }`, nil).Get("data.users.totalCount").Int())
		})
	}
	org, _ := s.Organisation(t, "other")
	must(t, s.GraphQL(t, makeUser, map[string]any{"in": map[string]any{"email": "jo@x.test", "orgId": org}}, admin))
}

func TestAnAddressIsOneUsersAtATimeInAnOrganisation(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	super := map[string]any{"in": map[string]any{"email": "root@x.test"}}
	r := must(t, s.GraphQL(t, makeUser, super, admin))
	assert.True(t, r.Get("data.it.isSuper").Bool(), "the admin secret may leave the organisation out")
	refused(t, s.GraphQL(t, makeUser, super, admin), "CONFLICT")
}

func TestSecretsOfAUserAreNeverPartOfTheDocument(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	r := must(t, s.GraphQL(t, makeUser, map[string]any{"in": map[string]any{
		"document": `{"email_address":"jo@x.test","password":"password one","access_key":"my own key","PWHistory":["x"],"user_permissions":{"apis":"read"},"x-unknown":1.0}`}}))
	for _, hidden := range []string{"password", "access_key", "PWHistory"} {
		assert.False(t, r.Get("data.it.document."+hidden).Exists(), hidden)
	}
	assert.Equal(t, "1.0", r.Get("data.it.document.x-unknown").Raw)
	assert.True(t, hasPassword(t, s, r.Get("data.it.id").Str, "password one"))
	assert.Regexp(t, "^[0-9a-f]{32}$", r.Get("data.it.accessKey").Str, "access keys are made, not given")
	for _, spelled := range []string{"Password", "ACCESS_KEY", "pwhistory"} {
		doc := `{"email_address":"al@x.test","` + spelled + `":"would be shown","user_permissions":{"apis":"read"}}`
		refused(t, s.GraphQL(t, makeUser, map[string]any{"in": map[string]any{"document": doc}}), "INVALID", "must be spelled")
	}
}

func TestOnesOwnPasswordNeedsTheCurrentOne(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	id, key := person(t, s, "jo@x.test", map[string]string{"apis": "read"})
	refused(
		t,
		s.GraphQL(t, setPassword, map[string]any{"id": id, "new": "password two"}, as(key)),
		"FORBIDDEN",
		"current password is wrong",
	)
	refused(
		t,
		s.GraphQL(t, setPassword, map[string]any{"id": id, "old": "password two", "new": "password two"}, as(key)),
		"FORBIDDEN",
		"current password is wrong",
	)
	refused(
		t,
		s.GraphQL(t, setPassword, map[string]any{"id": id, "old": "password one", "new": "short"}, as(key)),
		"INVALID",
		"at least 6",
	)
	assert.True(t, hasPassword(t, s, id, "password one"))
	must(t, s.GraphQL(t, setPassword, map[string]any{"id": id, "old": "password one", "new": "password two"}, as(key)))
	assert.True(t, hasPassword(t, s, id, "password two"))
	refused(
		t,
		s.GraphQL(t, changeUser, map[string]any{"id": id, "in": map[string]any{"password": "password three"}}),
		"FORBIDDEN",
		"actions/reset",
	)
	must(t, s.GraphQL(t, changeUser, map[string]any{"id": id, "in": map[string]any{"password": "password three"}}, admin))
	assert.True(t, hasPassword(t, s, id, "password three"))
}

func TestThePasswordsOfOthersTakePermission(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		env         string
		permissions map[string]string
		grant, may  bool
	}{
		"an administrator may not by default":             {"", map[string]string{"IsAdmin": "admin"}, false, false},
		"unless the configuration allows it":              {"TYK_DB_SECURITY_ALLOWADMINRESETPASSWORD=true", map[string]string{"IsAdmin": "admin"}, false, true},
		"or the admin secret granted it":                  {"", map[string]string{"IsAdmin": "admin"}, true, true},
		"somebody who is no administrator may not at all": {"TYK_DB_SECURITY_ALLOWADMINRESETPASSWORD=true", map[string]string{"users": "write"}, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := apptest.New(t, apptest.WithEnv(c.env))
			target, _ := person(t, s, "target@x.test", map[string]string{"apis": "read"})
			id, key := person(t, s, "caller@x.test", c.permissions)
			allow := func(yes bool) {
				must(
					t,
					s.GraphQL(
						t,
						`mutation($id: ID!, $yes: Boolean!) { allowPasswordReset(id: $id, allow: $yes) { id } }`,
						map[string]any{"id": id, "yes": yes},
						admin,
					),
				)
			}
			if c.grant {
				allow(true)
			}
			r := s.GraphQL(t, setPassword, map[string]any{"id": target, "new": "password two"}, as(key))
			assert.Equal(t, c.may, !r.Get("errors").Exists(), "%s", r.Body)
			assert.Equal(t, c.may, hasPassword(t, s, target, "password two"))
			if c.grant {
				allow(false)
				refused(t, s.GraphQL(t, setPassword, map[string]any{"id": target, "new": "password three"}, as(key)), "FORBIDDEN")
			}
		})
	}
}

func TestTheLastPasswordsMayNotComeAgain(t *testing.T) {
	t.Parallel()
	s := apptest.New(t, apptest.WithEnv("TYK_DB_SECURITY_ENFORCEPASSWORDHISTORY=2"))
	id, key := person(t, s, "jo@x.test", map[string]string{"apis": "read"})
	set := func(old, next string) apptest.Reply {
		return s.GraphQL(t, setPassword, map[string]any{"id": id, "old": old, "new": next}, as(key))
	}
	refused(t, set("password one", "password one"), "INVALID", "last 2")
	must(t, set("password one", "password two"))
	refused(t, set("password two", "password one"), "INVALID", "last 2")
	must(t, set("password two", "password three"))
	must(t, set("password three", "password one"))
}

func TestAResetAccessKeyEndsTheOldOne(t *testing.T) {
	t.Parallel()
	const reset = `mutation($id: ID!) { it: resetUserKey(id: $id) { accessKey } }`
	s := apptest.New(t)
	id, old := person(t, s, "jo@x.test", map[string]string{"apis": "read"})
	must(t, s.GraphQL(t, whoAmI, nil, as(old)))
	r := must(t, s.GraphQL(t, reset, map[string]any{"id": id}, as(old)))
	next := r.Get("data.it.accessKey").Str
	assert.NotEqual(t, old, next)
	refused(t, s.GraphQL(t, whoAmI, nil, as(old)), "UNAUTHENTICATED")
	assert.Equal(t, id, must(t, s.GraphQL(t, whoAmI, nil, as(next))).Get("data.it.id").Str)
	assert.Equal(
		t,
		next,
		must(
			t,
			s.GraphQL(t, `query($id: ID!) { it: user(id: $id) { accessKey } }`, map[string]any{"id": id}),
		).Get(
			"data.it.accessKey",
		).Str,
		"an administrator sees it",
	)

	strict := apptest.New(
		t,
		apptest.WithEnv(
			"TYK_DB_SECURITY_FORBIDADMINVIEWACCESSTOKEN=true",
			"TYK_DB_SECURITY_FORBIDADMINRESETACCESSTOKEN=true",
		),
	)
	id, own := person(t, strict, "jo@x.test", map[string]string{"apis": "read"})
	assert.Equal(
		t,
		"null",
		strict.GraphQL(
			t,
			`query($id: ID!) { it: user(id: $id) { accessKey } }`,
			map[string]any{"id": id},
		).Get(
			"data.it.accessKey",
		).Raw,
	)
	refused(t, strict.GraphQL(t, reset, map[string]any{"id": id}), "FORBIDDEN", "forbid_admin_reset_access_token")
	must(t, strict.GraphQL(t, reset, map[string]any{"id": id}, as(own)))
}

func TestARevokedUserMayDoNothing(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	id, key := person(t, s, "jo@x.test", map[string]string{"apis": "read"})
	r := must(
		t,
		s.GraphQL(t, `mutation($id: ID!) { it: revokeUser(id: $id) { active accessKey } }`, map[string]any{"id": id}),
	)
	assert.False(t, r.Get("data.it.active").Bool())
	refused(t, s.GraphQL(t, whoAmI, nil, as(key)), "UNAUTHENTICATED")
	refused(t, s.GraphQL(t, whoAmI, nil, as(r.Get("data.it.accessKey").Str)), "FORBIDDEN", "not active")
}

func TestADeletedUsersAccessKeyEnds(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	id, key := person(t, s, "jo@x.test", map[string]string{"apis": "read"})
	must(t, s.GraphQL(t, whoAmI, nil, as(key)))
	must(t, s.GraphQL(t, `mutation($id: ID!) { deleteUser(id: $id) { id } }`, map[string]any{"id": id}))
	refused(t, s.GraphQL(t, whoAmI, nil, as(key)), "UNAUTHENTICATED")
}

func TestAUserIsChangedWithoutLosingSecretsAndUnknownFields(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	r := must(t, s.GraphQL(t, makeUser, map[string]any{"in": map[string]any{"password": "password one",
		"document": `{"email_address":"jo@x.test","active":true,"user_permissions":{"apis":"read"},"x-unknown":1.0}`}}))
	id, key, before := r.Get("data.it.id").Str, r.Get("data.it.accessKey").Str, r.Get("data.it.document").Raw
	r = must(t, s.GraphQL(t, changeUser, map[string]any{"id": id, "in": map[string]any{"document": before}}))
	assert.Equal(t, before, r.Get("data.it.document").Raw, "a save without an edit changes nothing")
	assert.Equal(t, int64(1), r.Get("data.it.revision").Int())
	r = must(t, s.GraphQL(t, changeUser, map[string]any{"id": id, "in": map[string]any{"firstName": "Jo"}}))
	assert.Equal(t, "Jo", r.Get("data.it.firstName").Str)
	assert.Equal(t, "1.0", r.Get("data.it.document.x-unknown").Raw)
	assert.True(t, hasPassword(t, s, id, "password one"))
	must(t, s.GraphQL(t, whoAmI, nil, as(key)))
}
