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
	read := authz.Operation{Method: "GET", Path: "/api/apis", Permission: "apis"}
	write := authz.Operation{Method: "PUT", Path: "/api/apis/{id}", Permission: "apis"}
	reset := authz.Operation{
		Method: "POST", Path: "/api/users/{id}/actions/reset", Permission: authz.PermissionResetPassword, Self: "id",
	}
	admin := authz.Operation{Method: "GET", Permission: authz.PermissionAdmin, AdminPath: "/admin/x"}
	both := authz.Operation{
		Method: "GET", Path: "/api/users/{id}", Permission: "users", AdminPath: "/admin/users", Self: "id",
	}
	update := authz.Operation{Method: "PUT", Path: "/api/users/{id}", Permission: "users"}
	none := authz.Operation{Method: "GET", Permission: authz.PermissionNone}
	open := authz.Operation{Method: "POST", Path: "/login", Permission: authz.PermissionOpen}
	renew := authz.Operation{
		Method: "PUT", Path: "/api/users/{id}/actions/key/reset", Permission: "users", Self: "id",
	}
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
		guard authz.Rules
		actor authz.Actor
		op    authz.Operation
		id    string
		want  core.Code
	}{
		{"nobody may read", authz.Rules{}, authz.Actor{}, read, "", core.CodeUnauthenticated},
		{"nobody may do what asks for a known caller", authz.Rules{}, authz.Actor{}, none, "", core.CodeUnauthenticated},
		{"nobody may do what is open", authz.Rules{}, authz.Actor{}, open, "", ""},
		{"and so may who is switched off", authz.Rules{}, actor("jo", false, nil), open, "", ""},
		{"and the admin secret", authz.Rules{}, authz.Actor{Admin: true}, open, "", ""},
		{"everybody known may do that", authz.Rules{}, level("deny"), none, "", ""},
		{"read lets read", authz.Rules{}, level("read"), read, "", ""},
		{"read lets nothing be written", authz.Rules{}, level("read"), write, "1", core.CodeForbidden},
		{"write lets read", authz.Rules{}, level("write"), read, "", ""},
		{"write lets write", authz.Rules{}, level("write"), write, "1", ""},
		{"admin of a permission lets write", authz.Rules{}, level("admin"), write, "1", ""},
		{"deny lets nothing", authz.Rules{}, level("deny"), read, "", core.CodeForbidden},
		{"no permission lets nothing", authz.Rules{}, actor("jo", true, nil), read, "", core.CodeForbidden},
		{"an unknown level lets nothing", authz.Rules{}, level("own"), read, "", core.CodeForbidden},
		{"an administrator may write", authz.Rules{}, administrator(), write, "1", ""},
		{"deny binds an administrator", authz.Rules{}, administrator("apis", "deny"), read, "", core.CodeForbidden},
		{"an inactive administrator may nothing", authz.Rules{}, actor("ada", false, map[string]string{"IsAdmin": "admin"}), none, "", core.CodeForbidden},
		{"a user lacks the admin secret", authz.Rules{}, administrator(), admin, "", core.CodeForbidden},
		{"the admin secret opens its operations", authz.Rules{}, authz.Actor{Admin: true}, admin, "", ""},
		{"the admin secret opens operations that have a path under it", authz.Rules{}, authz.Actor{Admin: true}, both, "", ""},
		{"the admin secret opens no other", authz.Rules{}, authz.Actor{Admin: true}, read, "", core.CodeUnauthenticated},
		{"one may read oneself", authz.Rules{}, level("deny"), both, "jo", ""},
		{"but not another", authz.Rules{}, level("deny"), both, "ada", core.CodeForbidden},
		{"but not what lies below oneself", authz.Rules{}, level("deny"), both, "jo/../ada", core.CodeForbidden},
		{"nor with another's id and one's own behind it", authz.Rules{}, level("deny"), both, "ada/jo", core.CodeForbidden},
		{"nobody is oneself for an operation that is about nobody", authz.Rules{}, actor("", true, nil), update, "", core.CodeForbidden},
		{"one may renew one's own key", authz.Rules{}, level("deny"), renew, "jo", ""},
		{"but not change oneself", authz.Rules{}, level("deny"), update, "jo", core.CodeForbidden},
		{"one may set one's own password", authz.Rules{}, level("deny"), reset, "jo", ""},
		{"an administrator may not set that of another", authz.Rules{}, administrator(), reset, "jo", core.CodeForbidden},
		{"an administrator with ResetPassword may", authz.Rules{}, administrator("ResetPassword", "admin"), reset, "jo", ""},
		{"an administrator may where the configuration says so", authz.Rules{AllowAdminResetPassword: true}, administrator(), reset, "jo", ""},
		{"a denied one may not even then", authz.Rules{AllowAdminResetPassword: true}, administrator("ResetPassword", "deny"), reset, "jo", core.CodeForbidden},
		{"ResetPassword alone lets nobody", authz.Rules{}, actor("jo", true, map[string]string{"ResetPassword": "admin"}), reset, "ada", core.CodeForbidden},
	} {
		t.Run(tc.name, func(t *testing.T) {
			require.Equal(t, tc.want, core.CodeOf(tc.guard.Check(t.Context(), tc.actor, tc.op.Call(func(string) string { return tc.id }))))
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
			got, err := a.Authenticate(t.Context(), authz.Credentials{Authorization: tc.authorization, AdminAuth: tc.adminAuth})
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
		require.Equal(t, want, authz.Operation{Path: path}.Call(arg).Path)
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
