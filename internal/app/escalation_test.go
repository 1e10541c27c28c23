package app_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gatehouse/internal/apptest"
)

func TestNobodyGainsWhatTheyDoNotHave(t *testing.T) {
	t.Parallel()
	srv := apptest.New(t)
	org := srv.OrgID
	admin, adminKey := user(t, srv, org, true, map[string]string{"IsAdmin": "admin"})
	manager, managerKey := user(t, srv, org, true, map[string]string{"users": "write", "apis": "read", "policies": "deny"})
	reader, readerKey := user(t, srv, org, true, map[string]string{"users": "read"})
	_, keeperKey := user(t, srv, org, true, map[string]string{"user_groups": "write", "apis": "read"})
	group := func(permissions string) string {
		r := srv.GraphQL(t, `mutation { it: createUserGroup(input: {name: "g", permissions: `+permissions+`}) { id } }`, nil)
		return r.Get("data.it.id").Str
	}
	strong, alike := group(`{keys: "write"}`), group(`{apis: "read"}`)
	asleep := group(`{keys: "write"}`)
	off := srv.GraphQL(t, `mutation { updateUserGroup(id: "`+asleep+`", input: {active: false}) { active } }`, nil)
	require.Equal(t, "false", off.Get("data.updateUserGroup.active").Raw, "%s", off.Body)
	require.NotEmpty(t, strong)
	equal, equalKey := user(t, srv, org, true, map[string]string{"apis": "read"})

	for _, tc := range []struct {
		name, key, query string
	}{
		{"a manager of users creates no administrator", managerKey, `mutation { createUser(input: {email: "a1@x.test", permissions: {IsAdmin: "admin"}}) { id } }`},
		{"a manager of users creates nobody who may do more", managerKey, `mutation { createUser(input: {email: "a2@x.test", permissions: {apis: "write"}}) { id } }`},
		{"a manager of users grants no permission of which they have none", managerKey, `mutation { createUser(input: {email: "a3@x.test", permissions: {keys: "read"}}) { id } }`},
		{"a manager of users grants nothing that is denied to them", managerKey, `mutation { createUser(input: {email: "a4@x.test", permissions: {policies: "read"}}) { id } }`},
		{"a manager of users does not make themselves administrator", managerKey, `mutation { updateUser(id: "` + manager + `", input: {permissions: {IsAdmin: "admin"}}) { id } }`},
		{"a manager of users does not raise their own permission", managerKey, `mutation { updateUser(id: "` + manager + `", input: {permissions: {users: "write", apis: "write"}}) { id } }`},
		{"a manager of users does not take an administrator's rights away", managerKey, `mutation { updateUser(id: "` + admin + `", input: {permissions: {apis: "read"}}) { id } }`},
		{"a manager of users does not change an administrator's address", managerKey, `mutation { updateUser(id: "` + admin + `", input: {email: "mine@x.test"}) { id } }`},
		{"a manager of users does not delete an administrator", managerKey, `mutation { deleteUser(id: "` + admin + `") { id } }`},
		{"a manager of users does not renew an administrator's key", managerKey, `mutation { resetUserKey(id: "` + admin + `") { accessKey } }`},
		{"a manager of users does not switch an administrator off", managerKey, `mutation { revokeUser(id: "` + admin + `") { id } }`},
		{"a manager of users does not set the password of another", managerKey, `mutation { setUserPassword(id: "` + equal + `", newPassword: "a-new-password") { id } }`},
		{"a manager of users sets no password by an update", managerKey, `mutation { updateUser(id: "` + equal + `", input: {password: "a-new-password"}) { id } }`},
		{"a manager of users does not allow themselves to reset passwords", managerKey, `mutation { allowPasswordReset(id: "` + manager + `", allow: true) { id } }`},
		{"an administrator does not let themselves set passwords", adminKey, `mutation { patchUser(id: "` + admin + `", patch: {user_permissions: {ResetPassword: "admin"}}) { id } }`},
		{"nor anybody else", adminKey, `mutation { createUser(input: {email: "a7@x.test", permissions: {IsAdmin: "admin", ResetPassword: "admin"}}) { id } }`},
		{"an administrator does not either", adminKey, `mutation { allowPasswordReset(id: "` + admin + `", allow: true) { id } }`},
		{"an administrator without ResetPassword sets nobody's password", adminKey, `mutation { setUserPassword(id: "` + equal + `", newPassword: "a-new-password") { id } }`},
		{"an administrator makes no super user", adminKey, `mutation { createUser(input: {orgId: "", email: "a5@x.test", permissions: {IsAdmin: "admin"}}) { id } }`},
		{"a manager of users puts nobody into a group that may do more", managerKey, `mutation { updateUser(id: "` + equal + `", input: {groupIds: ["` + strong + `"]}) { id } }`},
		{"nor by a patch", managerKey, `mutation { patchUser(id: "` + equal + `", patch: {group_ids: ["` + alike + `", "` + strong + `"]}) { id } }`},
		{"nor into one that is switched off", managerKey, `mutation { updateUser(id: "` + equal + `", input: {groupIds: ["` + asleep + `"]}) { id } }`},
		{"nor makes one in it", managerKey, `mutation { createUser(input: {email: "a6@x.test", permissions: {apis: "read"}, groupId: "` + strong + `"}) { id } }`},
		{"a manager of users does not join a group, whatever it gives", managerKey, `mutation { updateUser(id: "` + manager + `", input: {groupIds: ["` + alike + `"]}) { id } }`},
		{"a keeper of groups makes none that may do more", keeperKey, `mutation { createUserGroup(input: {name: "x", permissions: {keys: "read"}}) { id } }`},
		{"a keeper of groups raises none above themselves", keeperKey, `mutation { patchUserGroup(id: "` + alike + `", patch: {user_permissions: {apis: "write"}}) { id } }`},
		{"a keeper of groups does not change one that may do more", keeperKey, `mutation { updateUserGroup(id: "` + strong + `", input: {name: "x"}) { id } }`},
		{"nor delete it", keeperKey, `mutation { deleteUserGroup(id: "` + strong + `", force: true) { id } }`},
		{"a reader of users changes nobody", readerKey, `mutation { updateUser(id: "` + equal + `", input: {firstName: "x"}) { id } }`},
		{"a reader of users does not raise themselves", readerKey, `mutation { updateUser(id: "` + reader + `", input: {permissions: {users: "write"}}) { id } }`},
		{"a user without users does not read others", equalKey, `query { user(id: "` + admin + `") { id } }`},
		{"nor list them", equalKey, `query { users { nodes { id } } }`},
		{"nor reach them with an id that has a path in it", equalKey, `query { user(id: "` + equal + `/../` + admin + `") { id } }`},
		{"nor with one that ends in a path", equalKey, `mutation { resetUserKey(id: "` + admin + `/../` + equal + `") { id } }`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			before := dump(t, srv.Store, org)
			r := srv.GraphQL(t, tc.query, nil, "Authorization: "+tc.key)
			require.Equal(t, "FORBIDDEN", r.Get("errors.0.extensions.code").Str, "%s", r.Body)
			same(t, before, dump(t, srv.Store, org), "a refused operation changed something")
		})
	}
}

func TestAccessKeysAreShownToTheirOwnersAndToAdministratorsOnly(t *testing.T) {
	t.Parallel()
	srv := apptest.New(t)
	other, otherKey := user(t, srv, srv.OrgID, true, map[string]string{"apis": "read"})
	for _, tc := range []struct {
		name        string
		permissions map[string]string
		shown       bool
	}{
		{"a reader of users", map[string]string{"users": "read"}, false},
		{"a manager of users", map[string]string{"users": "write"}, false},
		{"an administrator", map[string]string{"IsAdmin": "admin"}, true},
	} {
		id, key := user(t, srv, srv.OrgID, true, tc.permissions)
		header := "Authorization: " + key
		for _, answer := range []apptest.Reply{
			srv.GraphQL(t, `query($id: ID!) { user(id: $id) { accessKey document } }`, map[string]any{"id": other}, header),
			srv.GraphQL(t, `query { users { nodes { accessKey document } } }`, nil, header),
			srv.GraphQL(t, `query { me { organisation { users { nodes { accessKey document } } } } }`, nil, header),
			srv.Do(t, "GET", "/api/users/"+other, "", header),
			srv.Do(t, "GET", "/api/users?p=0", "", header),
			srv.Do(t, "POST", "/api/users/search", `{"filters":{"query":""}}`, header),
		} {
			require.Equal(t, 200, answer.Status, "%s: %s", tc.name, answer.Body)
			require.Equal(t, tc.shown, strings.Contains(string(answer.Body), otherKey), "%s reads %s", tc.name, answer.Body)
		}
		for _, own := range []apptest.Reply{
			srv.GraphQL(t, `query { me { accessKey } }`, nil, header), srv.Do(t, "GET", "/api/users/"+id, "", header), srv.Do(t, "GET", "/api/users/me", "", header),
		} {
			require.Contains(t, string(own.Body), key, "%s does not see their own key", tc.name)
		}
	}
	// With the key goes no hash, and no password.
	all := srv.REST(t, "GET", "/api/users?p=0", "")
	stored := dumpEverything(t, srv.Store)
	require.Contains(t, stored, "$argon2id$")
	require.NotContains(t, string(all.Body), "$argon2id$")
	require.NotContains(t, stored, otherKey, "the store holds an access key that can be read")
}

func TestADeniedPermissionBindsAdministratorsToo(t *testing.T) {
	t.Parallel()
	srv := apptest.New(t)
	_, key := user(t, srv, srv.OrgID, true, map[string]string{"IsAdmin": "admin", "ResetPassword": "deny", "apis": "deny"})
	victim, _ := user(t, srv, srv.OrgID, true, map[string]string{"apis": "read"})
	for path, want := range map[string]int{"/api/apis": 403, "/api/portal/policies": 200, "/api/keys": 200, "/api/users": 200} {
		r := srv.Do(t, "GET", path, "", "Authorization: "+key)
		require.Equal(t, want, r.Status, "%s: %s", path, r.Body)
	}
	r := srv.Do(
		t,
		"POST",
		fmt.Sprintf("/api/users/%s/actions/reset", victim),
		`{"new_password":"a-new-password"}`,
		"Authorization: "+key,
	)
	require.Equal(t, 403, r.Status, "%s", r.Body)
}
