package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gatehouse/internal/apptest"
	"gatehouse/internal/core"
	"gatehouse/store"
)

// marker is in every name and secret of the organisation that others must not see, and nowhere else.
const marker = "sesame"

// tenant is an organisation with one object of every kind.
type tenant struct {
	id, accessKey, userID, api, apiID, policy, key, token, webhook, email, developer, group string
	// spare is an API that probes never change, for access rights to name.
	spare string
}

// furnish makes one object of every kind in an organisation, over REST as its users would; name is in all of their
// names.
func furnish(t testing.TB, srv *apptest.Server, name string) tenant {
	t.Helper()
	var o tenant
	o.id, o.accessKey = srv.Organisation(t, name)
	o.email = "jo@" + name + ".test"
	rest := func(method, path, body, id string) string {
		r := srv.Do(t, method, path, body, "Authorization: "+o.accessKey)
		require.Equal(t, 200, r.Status, "%s %s: %s", method, path, r.Body)
		return r.Get(id).String()
	}
	o.webhook = rest(
		"POST",
		"/api/hooks",
		fmt.Sprintf(
			`{"name":"%s hook","webhook_id":"%s-hook","method":"POST","target_path":"http://%s.test/hook","header_map":{"X":"%s header"}}`,
			name,
			name,
			name,
			name,
		),
		"ID",
	)
	o.group = rest(
		"POST",
		"/api/usergroups",
		fmt.Sprintf(`{"name":"%s group","description":"%s people","user_permissions":{"apis":"read"}}`, name, name),
		"Meta",
	)
	o.userID = rest(
		"POST",
		"/api/users",
		fmt.Sprintf(
			`{"first_name":"%s jo","email_address":"%s","active":true,"user_permissions":{"apis":"read"},"group_id":"%s"}`,
			name,
			o.email,
			o.group,
		),
		"ID",
	)
	o.apiID = rest(
		"POST",
		"/api/apis",
		fmt.Sprintf(
			`{"api_definition":{"name":"%s api #%scategory","slug":"%s-slug","proxy":{"listen_path":"/%s/","target_url":"http://%s.test"},"tags":["%s-tag"]},
		"user_owners":["%s"],"hook_references":[{"event_name":"QuotaExceeded","event_timeout":60,"hook":{"id":"%s"}}]}`,
			name,
			name,
			name,
			name,
			name,
			name,
			o.userID,
			o.webhook,
		),
		"ID",
	)
	o.api = rest("GET", "/api/apis/"+o.apiID, "", "api_definition.id")
	o.spare = rest(
		"POST",
		"/api/apis",
		fmt.Sprintf(`{"api_definition":{"name":"%s spare","proxy":{"listen_path":"/%s-spare/"}}}`, name, name),
		"ID",
	)
	o.policy = rest(
		"POST",
		"/api/portal/policies",
		fmt.Sprintf(
			`{"name":"%s policy","tags":["%s-tag"],"access_rights":{"%s":{"api_id":"%s","api_name":"","versions":["Default"]}}}`,
			name,
			name,
			o.apiID,
			o.apiID,
		),
		"Message",
	)
	created := srv.Do(
		t,
		"POST",
		"/api/keys",
		fmt.Sprintf(
			`{"alias":"%s key","tags":["%s-tag"],"apply_policies":["%s"],"access_rights":{"%s":{"api_id":"%s","versions":["Default"]}},
		"basic_auth_data":{"password":"%s password"}}`,
			name,
			name,
			o.policy,
			o.apiID,
			o.apiID,
			name,
		),
		"Authorization: "+o.accessKey,
	)
	require.Equal(t, 200, created.Status, "%s", created.Body)
	o.key, o.token = created.Get("key_hash").Str, created.Get("key_id").Str
	rest(
		"POST",
		"/api/keys/"+name+"-custom",
		fmt.Sprintf(`{"alias":"%s custom","access_rights":{"%s":{"versions":["Default"]}}}`, name, o.apiID),
		"key_id",
	)
	o.developer = rest(
		"POST",
		"/api/portal/developers",
		fmt.Sprintf(`{"email":"dev@%s.test","sso_key":"%s-sso","fields":{"X":"%s field"}}`, name, name, name),
		"Message",
	)
	return o
}

// identifiers is everything by which the objects of a tenant can be named, each with a word for it.
func (o tenant) identifiers(name string) map[string]string {
	return map[string]string{
		"organisation": o.id, "user": o.userID, "database id of the API": o.api, "public id of the API": o.apiID, "policy": o.policy,
		"key hash": o.key, "token": o.token, "webhook": o.webhook, "access key": o.accessKey, "e-mail address": o.email,
		"custom key": name + "-custom", "webhook id": name + "-hook", "slug": name + "-slug", "name": name + " api",
		"tag": name + "-tag", "group": o.group, "listen path": "/" + name + "/",
		"document of the portal": o.developer, "developer's key": name + "-sso",
	}
}

// dump is everything that an organisation owns, with the organisation itself.
func dump(t testing.TB, s *store.Store, org string) string {
	t.Helper()
	var out strings.Builder
	o, err := s.Organisations.FindMany(context.Background(), store.AllTenants(), "id", []string{org})
	require.NoError(t, err)
	write(t, &out, o)
	tenant := store.Org(org)
	dumpAll(t, &out, s.Users, tenant)
	dumpAll(t, &out, s.UserGroups, tenant)
	dumpAll(t, &out, s.Apis, tenant)
	dumpAll(t, &out, s.Policies, tenant)
	dumpAll(t, &out, s.Keys, tenant)
	dumpAll(t, &out, s.Webhooks, tenant)
	dumpAll(t, &out, s.PortalDocuments, tenant)
	return out.String()
}

// dumpEverything is everything in the store.
func dumpEverything(t testing.TB, s *store.Store) string {
	t.Helper()
	var out strings.Builder
	all := store.AllTenants()
	dumpAll(t, &out, s.Organisations, all)
	dumpAll(t, &out, s.Users, all)
	dumpAll(t, &out, s.UserGroups, all)
	dumpAll(t, &out, s.Apis, all)
	dumpAll(t, &out, s.Policies, all)
	dumpAll(t, &out, s.Keys, all)
	dumpAll(t, &out, s.Webhooks, all)
	dumpAll(t, &out, s.PortalDocuments, all)
	return out.String()
}

func dumpAll[T any](t testing.TB, out *strings.Builder, repo *store.Repository[T], within store.Tenant) {
	t.Helper()
	for after := ""; ; {
		l, err := repo.List(context.Background(), store.Query{Tenant: within, Sort: "id", Limit: 500, After: after})
		require.NoError(t, err)
		write(t, out, l.Objects)
		if !l.More {
			return
		}
		after = l.Cursors[len(l.Cursors)-1]
	}
}

func write(t testing.TB, out *strings.Builder, v any) {
	t.Helper()
	raw, err := json.MarshalIndent(v, "", " ")
	require.NoError(t, err)
	out.Write(raw)
	out.WriteByte('\n')
}

// user makes a user of an organisation with just these permissions, and returns the id and the access key.
func user(
	t testing.TB,
	srv *apptest.Server,
	org string,
	active bool,
	permissions map[string]string,
) (id, accessKey string) {
	t.Helper()
	raw, err := json.Marshal(permissions)
	require.NoError(t, err)
	r := srv.REST(
		t,
		"POST",
		"/admin/users",
		fmt.Sprintf(
			`{"org_id":%q,"email_address":"u%s@example.org","active":%t,"user_permissions":%s}`,
			org,
			core.NewHex(),
			active,
			raw,
		),
	)
	require.Equal(t, 200, r.Status, "%s", r.Body)
	return r.Get("Meta.id").Str, r.Get("Message").Str
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
