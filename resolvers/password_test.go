package resolvers_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/apptest"
	"gatehouse/store"
)

func TestEveryWayToSetAPasswordIsHeldToThePolicy(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(home, "schemas"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(home, "schemas", "password.json"), []byte(`{"minNumeric": 2}`), 0o600))
	strict := apptest.New(t, apptest.WithEnv("TYK_DB_HOMEDIR="+home, "TYK_DB_SECURITY_ALLOWADMINRESETPASSWORD=true"))
	const says = "at least 2 digits"
	in := func(password string) map[string]any {
		return map[string]any{"email": "jo@x.test", "active": true, "permissions": map[string]string{"apis": "read"}, "password": password}
	}
	refused(t, strict.GraphQL(t, makeUser, map[string]any{"in": in("password one")}), "INVALID", says)
	made := must(t, strict.GraphQL(t, makeUser, map[string]any{"in": in("password 12")}))
	id, key := made.Get("data.it.id").Str, made.Get("data.it.accessKey").Str
	refused(t, strict.GraphQL(t, changeUser, map[string]any{"id": id, "in": map[string]any{"password": "password one"}}, admin), "INVALID", says)
	refused(t, strict.GraphQL(t, setPassword, map[string]any{"id": id, "new": "password one"}), "INVALID", says)
	refused(t, strict.GraphQL(t, setPassword, map[string]any{"id": id, "old": "password 12", "new": "password one"}, as(key)), "INVALID", says)
	assert.True(t, hasPassword(t, strict, id, "password 12"))
	must(t, strict.GraphQL(t, setPassword, map[string]any{"id": id, "old": "password 12", "new": "password 34"}, as(key)))
}

func TestStrongPasswordsAreAskedForWhereTheConfigurationSaysSo(t *testing.T) {
	t.Parallel()
	s := apptest.New(t, apptest.WithEnv("GATEHOUSE_STRONGPASSWORDS=true"))
	id, key := person(t, s, "jo@x.test", map[string]string{"apis": "read"})
	for password, says := range map[string]string{"test123": "at least 8 characters", "Password1": "among the most common"} {
		refused(t, s.GraphQL(t, setPassword, map[string]any{"id": id, "old": "password one", "new": password}, as(key)), "INVALID", says)
	}
}

func TestWhatSomebodyElseGaveHasToBecomeAnotherPassword(t *testing.T) {
	t.Parallel()
	s := apptest.New(t, apptest.WithEnv("TYK_DB_SECURITY_FORCEFIRSTLOGINPWRESET=true"))
	id, key := person(t, s, "jo@x.test", map[string]string{"apis": "read"})
	given := func() bool {
		u, err := s.Store.Users.Find(t.Context(), store.AllTenants(), id)
		require.NoError(t, err)
		return u.Secrets.PasswordGiven
	}
	set := func(old, next string) apptest.Reply {
		return s.GraphQL(t, setPassword, map[string]any{"id": id, "old": old, "new": next}, as(key))
	}
	require.True(t, given())
	refused(t, set("password one", "password one"), "INVALID", "another one")
	require.True(t, given())
	must(t, set("password one", "password two"))
	require.False(t, given())
	must(t, s.GraphQL(t, changeUser, map[string]any{"id": id, "in": map[string]any{"password": "password three"}}, admin))
	require.True(t, given(), "a password of the admin secret is somebody else's, too")
}

func TestAPasswordThatIsTooOldHasToBecomeAnotherOne(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s := apptest.New(t, apptest.WithStore(store.WithClock(func() time.Time { return now })))
	group := must(t, s.GraphQL(t, `mutation { it: createUserGroup(input: {name: "g", passwordMaxDays: 30, permissions: {apis: "read"}}) { id } }`, nil))
	id, key := person(t, s, "jo@x.test", map[string]string{"apis": "read"})
	must(t, s.GraphQL(t, changeUser, map[string]any{"id": id, "in": map[string]any{"groupIds": []string{group.Get("data.it.id").Str}}}))
	set := func(old, next string) apptest.Reply {
		return s.GraphQL(t, setPassword, map[string]any{"id": id, "old": old, "new": next}, as(key))
	}
	must(t, set("password one", "password one"))
	now = now.AddDate(0, 0, 30)
	refused(t, set("password one", "password one"), "INVALID", "another one")
	must(t, set("password one", "password two"))
	must(t, s.GraphQL(t, whoAmI, nil, as(key)))
}

// TestBootstrapsOfOthersSetAPasswordOnce does what stock scripts do: a user is made with the admin secret, whose password
// is passed over, and sets one with their own key, without a current one. That works once.
func TestBootstrapsOfOthersSetAPasswordOnce(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	made := s.REST(t, "POST", "/admin/users", `{"org_id":"`+s.OrgID+`","first_name":"Jo","email_address":"jo@x.test","active":true,
		"password":"test123","user_permissions":{"IsAdmin":"admin"}}`)
	require.Equal(t, 200, made.Status, "%s", made.Body)
	id, key := made.Get("Meta.id").Str, made.Get("Message").Str
	require.False(t, hasPassword(t, s, id, "test123"))
	reset := func(body string) apptest.Reply {
		return s.Do(t, "POST", "/api/users/"+id+"/actions/reset", body, as(key))
	}
	first := reset(`{"new_password":"test1234","user_permissions":{"IsAdmin":"admin"}}`)
	require.Equal(t, `{"Status":"OK","Message":"User password updated","Meta":""}`, string(first.Body))
	require.True(t, hasPassword(t, s, id, "test1234"))
	again := reset(`{"new_password":"test12345","user_permissions":{"IsAdmin":"admin"}}`)
	require.Equal(t, 403, again.Status, "%s", again.Body)
	require.True(t, hasPassword(t, s, id, "test1234"))
	require.Equal(t, 200, reset(`{"current_password":"test1234","new_password":"test12345"}`).Status)
}

func TestUsersSayWhenTheirPasswordEnds(t *testing.T) {
	t.Parallel()
	s := apptest.New(t, apptest.WithEnv("TYK_DB_SECURITY_USERPASSWORDMAXDAYS=10", "TYK_DB_SECURITY_FORCEFIRSTLOGINPWRESET=true"))
	const show = `query($id: ID!) { it: user(id: $id) { passwordUpdatedAt passwordEndsAt mustChangePassword } }`
	id, key := person(t, s, "jo@x.test", map[string]string{"apis": "read"})
	r := must(t, s.GraphQL(t, show, map[string]any{"id": id}))
	assert.Equal(t, 10*24*time.Hour, r.Get("data.it.passwordEndsAt").Time().Sub(r.Get("data.it.passwordUpdatedAt").Time()))
	assert.True(t, r.Get("data.it.mustChangePassword").Bool())
	must(t, s.GraphQL(t, setPassword, map[string]any{"id": id, "old": "password one", "new": "password two"}, as(key)))
	assert.False(t, must(t, s.GraphQL(t, show, map[string]any{"id": id})).Get("data.it.mustChangePassword").Bool())
	made := must(t, s.GraphQL(t, makeUser, map[string]any{"in": map[string]any{"email": "al@x.test", "permissions": map[string]string{"apis": "read"}}}))
	none := must(t, s.GraphQL(t, show, map[string]any{"id": made.Get("data.it.id").Str}))
	assert.Equal(t, `{"passwordUpdatedAt":null,"passwordEndsAt":null,"mustChangePassword":false}`, none.Get("data.it").Raw)
}
