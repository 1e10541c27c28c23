package authz_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"gatehouse/internal/authz"
	"gatehouse/internal/core"
)

func actor(id string, active bool, permissions map[string]string) authz.Actor {
	return authz.Actor{User: &core.User{Meta: core.Meta{ID: id, OrgID: "org"}, Active: active, Permissions: permissions}}
}

func TestTheGuard(t *testing.T) {
	read := authz.Operation{Method: "GET", Permission: "apis"}
	write := authz.Operation{Method: "PUT", Permission: "apis"}
	reset := authz.Operation{Method: "POST", Permission: authz.PermissionResetPassword}
	admin := authz.Operation{Method: "GET", Permission: authz.PermissionAdmin, AdminPath: "/admin/x"}
	both := authz.Operation{Method: "GET", Permission: "users", AdminPath: "/admin/users"}
	none := authz.Operation{Method: "GET", Permission: authz.PermissionNone}
	renew := authz.Operation{Method: "PUT", Permission: "users"}
	level := func(l string) authz.Actor { return actor("jo", true, map[string]string{"apis": l}) }
	administrator := func(more ...string) authz.Actor {
		p := map[string]string{"IsAdmin": "admin"}
		for i := 0; i < len(more); i += 2 {
			p[more[i]] = more[i+1]
		}
		return actor("ada", true, p)
	}
	for _, tc := range []struct {
		name  string
		guard authz.Guard
		actor authz.Actor
		op    authz.Operation
		path  string
		want  core.Code
	}{
		{"nobody may read", authz.Guard{}, authz.Actor{}, read, "/api/apis", core.CodeUnauthenticated},
		{"nobody may do what asks for a known caller", authz.Guard{}, authz.Actor{}, none, "/hello", core.CodeUnauthenticated},
		{"everybody known may do that", authz.Guard{}, level("deny"), none, "/hello", ""},
		{"read lets read", authz.Guard{}, level("read"), read, "/api/apis", ""},
		{"read lets nothing be written", authz.Guard{}, level("read"), write, "/api/apis/1", core.CodeForbidden},
		{"write lets read", authz.Guard{}, level("write"), read, "/api/apis", ""},
		{"write lets write", authz.Guard{}, level("write"), write, "/api/apis/1", ""},
		{"admin of a permission lets write", authz.Guard{}, level("admin"), write, "/api/apis/1", ""},
		{"deny lets nothing", authz.Guard{}, level("deny"), read, "/api/apis", core.CodeForbidden},
		{"no permission lets nothing", authz.Guard{}, actor("jo", true, nil), read, "/api/apis", core.CodeForbidden},
		{"an unknown level lets nothing", authz.Guard{}, level("own"), read, "/api/apis", core.CodeForbidden},
		{"an administrator may write", authz.Guard{}, administrator(), write, "/api/apis/1", ""},
		{"deny binds an administrator", authz.Guard{}, administrator("apis", "deny"), read, "/api/apis", core.CodeForbidden},
		{"an inactive administrator may nothing", authz.Guard{}, actor("ada", false, map[string]string{"IsAdmin": "admin"}), none, "/hello", core.CodeForbidden},
		{"a user lacks the admin secret", authz.Guard{}, administrator(), admin, "/admin/x", core.CodeForbidden},
		{"the admin secret opens its operations", authz.Guard{}, authz.Actor{Admin: true}, admin, "/admin/x", ""},
		{"the admin secret opens operations that have a path under it", authz.Guard{}, authz.Actor{Admin: true}, both, "/api/users", ""},
		{"the admin secret opens no other", authz.Guard{}, authz.Actor{Admin: true}, read, "/api/apis", core.CodeUnauthenticated},
		{"one may read oneself", authz.Guard{}, level("deny"), both, "/api/users/jo", ""},
		{"but not another", authz.Guard{}, level("deny"), both, "/api/users/ada", core.CodeForbidden},
		{"but not what lies below oneself", authz.Guard{}, level("deny"), both, "/api/users/jo/../ada", core.CodeForbidden},
		{"one may renew one's own key", authz.Guard{}, level("deny"), renew, "/api/users/jo/actions/key/reset", ""},
		{"but not change oneself", authz.Guard{}, level("deny"), renew, "/api/users/jo", core.CodeForbidden},
		{"one may set one's own password", authz.Guard{}, level("deny"), reset, "/api/users/jo/actions/reset", ""},
		{"an administrator may not set that of another", authz.Guard{}, administrator(), reset, "/api/users/jo/actions/reset", core.CodeForbidden},
		{"an administrator with ResetPassword may", authz.Guard{}, administrator("ResetPassword", "admin"), reset, "/api/users/jo/actions/reset", ""},
		{"an administrator may where the configuration says so", authz.Guard{AllowAdminResetPassword: true}, administrator(), reset, "/api/users/jo/actions/reset", ""},
		{"a denied one may not even then", authz.Guard{AllowAdminResetPassword: true}, administrator("ResetPassword", "deny"), reset, "/api/users/jo/actions/reset", core.CodeForbidden},
		{"ResetPassword alone lets nobody", authz.Guard{}, actor("jo", true, map[string]string{"ResetPassword": "admin"}), reset, "/api/users/ada/actions/reset", core.CodeForbidden},
	} {
		t.Run(tc.name, func(t *testing.T) {
			require.Equal(t, tc.want, core.CodeOf(tc.guard.Check(tc.actor, tc.op, tc.path)))
		})
	}
}

func TestCredentials(t *testing.T) {
	broken := errors.New("the database is gone")
	a := authz.Authenticator{AdminSecret: "secret", FindUser: func(_ context.Context, key string) (*core.User, error) {
		switch key {
		case "known":
			return &core.User{Meta: core.Meta{ID: "jo"}}, nil
		case "broken":
			return nil, broken
		}
		return nil, nil
	}}
	for _, tc := range []struct {
		name, authorization, adminAuth string
		id                             string
		admin                          bool
		err                            core.Code
	}{
		{name: "nothing is nobody"},
		{name: "a bare key", authorization: "known", id: "jo"},
		{name: "a key behind Bearer", authorization: "Bearer known", id: "jo"},
		{name: "Bearer in other capitals and spaces", authorization: " bEARER  known ", id: "jo"},
		{name: "an unknown key", authorization: "unknown", err: core.CodeUnauthenticated},
		{name: "Bearer without a key is an unknown key", authorization: "Bearer ", err: core.CodeUnauthenticated},
		{name: "the secret", adminAuth: "secret", admin: true},
		{name: "a wrong secret", adminAuth: "Secret", err: core.CodeUnauthenticated},
		{name: "both", authorization: "known", adminAuth: "secret", id: "jo", admin: true},
		{name: "a good key does not make up for a wrong secret", authorization: "known", adminAuth: "x", err: core.CodeUnauthenticated},
		{name: "nor the secret for an unknown key", authorization: "x", adminAuth: "secret", err: core.CodeUnauthenticated},
		{name: "a store that fails is no refusal", authorization: "broken", err: core.CodeInternal},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := a.Authenticate(t.Context(), tc.authorization, tc.adminAuth)
			require.Equal(t, tc.err, core.CodeOf(err))
			require.Equal(t, tc.id, got.ID())
			require.Equal(t, tc.admin, got.Admin)
			require.Equal(t, tc.id != "" || tc.admin, got.Known())
		})
	}
}

func TestExpandPutsArgumentsIntoThePathOnce(t *testing.T) {
	arg := func(name string) string { return map[string]string{"id": "{id}", "name": "jo"}[name] }
	for path, want := range map[string]string{"/api/apis": "/api/apis", "/api/x/{name}/y": "/api/x/jo/y", "/{name}/{name}": "/jo/jo", "/}{": "/}{",
		"/api/apis/{id}": "/api/apis/{id}", "/{id}/{name}": "/{id}/jo"} {
		require.Equal(t, want, authz.Operation{}.Expand(path, arg))
	}
}

func TestTheContextCarriesTheActor(t *testing.T) {
	require.False(t, authz.From(t.Context()).Known())
	require.Equal(t, "jo", authz.From(authz.With(t.Context(), actor("jo", true, nil))).ID())
	require.False(t, actor("jo", true, nil).CrossesOrganisations())
	require.True(t, authz.Actor{User: &core.User{}}.CrossesOrganisations(), "a super user")
	require.True(t, authz.Actor{Admin: true}.CrossesOrganisations())
	require.False(t, authz.Actor{}.CrossesOrganisations())
}
