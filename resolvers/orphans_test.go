package resolvers_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/apptest"
	"gatehouse/internal/gateway/gatewaytest"
	"gatehouse/store"
	"gatehouse/store/sql"
)

// orderly is an engine that has something happen right before the writes that a test waits for are made.
type orderly struct {
	store.Engine
	before atomic.Pointer[intervention]
}

type intervention struct {
	meets func(store.Write) bool
	do    func()
}

// Apply implements store.Engine.
func (o *orderly) Apply(ctx context.Context, writes ...store.Write) error {
	if next := o.before.Load(); next != nil && slices.ContainsFunc(writes, next.meets) &&
		o.before.CompareAndSwap(next, nil) {
		next.do()
	}
	return o.Engine.Apply(ctx, writes...)
}

func TestNothingIsMadeInAnOrganisationThatIsBeingDeleted(t *testing.T) {
	t.Parallel()
	memory, err := sql.OpenMemory(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { _ = memory.Close() })
	engine, gateway := &orderly{Engine: memory}, gatewaytest.New(t)
	s := apptest.New(t, apptest.WithEngine(engine), apptest.WithEnv(gateway.Env()...))
	certificate, _ := pemOf(t, "new.test", -time.Hour, 400*day)
	api := `{"api_definition":{"name":"New","proxy":{"listen_path":"/%s/","target_url":"http://up.test"}}}`
	for name, c := range map[string]struct{ collection, path, body string }{
		"an API":              {"apis", "/api/apis", fmt.Sprintf(api, "api")},
		"a policy":            {"policies", "/api/portal/policies", `{"name":"New","access_rights":{"%[1]s":{"api_id":"%[1]s","versions":["Default"]}},"state":"active"}`},
		"a key":               {"keys", "/api/keys", `{"access_rights":{"%[1]s":{"api_id":"%[1]s","versions":["Default"]}}}`},
		"a user":              {"users", "/api/users", `{"first_name":"A","last_name":"B","email_address":"new@new.test","user_permissions":{"IsAdmin":"admin"}}`},
		"a webhook":           {"webhooks", "/api/hooks", `{"name":"New","method":"GET","target_path":"http://w.test"}`},
		"a certificate":       {"certificates", "/api/certs", certificate},
		"an OAuth client":     {"oauth_clients", "/api/apis/oauth/%s", `{"client_id":"c"}`},
		"a version of an API": {"apis", "/api/apis?base_api_id=%s&base_api_version_name=v1&new_version_name=v2", fmt.Sprintf(api, "version")},
	} {
		for order, first := range map[string]string{"committed first": "object", "committed last": "organisation"} {
			t.Run(name+" "+order, func(t *testing.T) {
				org := s.REST(t, "POST", "/admin/organisations", `{"owner_name":"`+name+`"}`).Get("Meta").Str
				admin := s.REST(
					t,
					"POST",
					"/admin/users",
					`{"org_id":"`+org+`","first_name":"A","last_name":"B","email_address":"a@a.test","active":true,"user_permissions":{"IsAdmin":"admin"}}`,
				)
				require.Equal(t, 200, admin.Status, "%s", admin.Body)
				as := "Authorization: " + admin.Get("Message").Str
				made := s.Do(
					t,
					"POST",
					"/api/apis",
					`{"api_definition":{"name":"Old","use_oauth2":true,"proxy":{"listen_path":"/`+org+`/","target_url":"http://up.test"}}}`,
					as,
				)
				require.Equal(t, 200, made.Status, "%s", made.Body)
				id := made.Get("Meta").Str
				apiID := s.Do(t, "GET", "/api/apis/"+id, "", as).Get("api_definition.api_id").Str
				filled := func(text string) string {
					return strings.NewReplacer("%[1]s", apiID, "%s", apiID).Replace(text)
				}
				create := func() apptest.Reply { return s.Do(t, "POST", filled(c.path), filled(c.body), as) }
				drop := func() {
					require.Equal(t, 200, s.REST(t, "DELETE", "/admin/organisations/"+org+"?cascade=true", "").Status)
				}
				if first == "object" {
					// The deletion has listed what there is, and is about to remove it.
					engine.before.Store(&intervention{
						meets: func(w store.Write) bool { return w.Collection.Name == "organisations" && w.Delete },
						do: func() {
							r := create()
							assert.Equal(t, 200, r.Status, "%s", r.Body)
						},
					})
					drop()
				} else {
					engine.before.Store(&intervention{
						meets: func(w store.Write) bool { return w.Collection.Name == c.collection && !w.Delete && w.Was == 0 },
						do:    drop,
					})
					r := create()
					assert.GreaterOrEqual(t, r.Status, 400, "%s", r.Body)
					assert.Less(t, r.Status, 500, "%s", r.Body)
					assert.Contains(t, r.Get("Message").Str, "organisation")
				}
				require.Nil(t, engine.before.Load(), "the order was another one")
				left := map[string]func(context.Context, store.Tenant, ...store.Cond) (int, error){
					"APIs": s.Store.Apis.Count, "policies": s.Store.Policies.Count, "keys": s.Store.Keys.Count, "users": s.Store.Users.Count,
					"webhooks": s.Store.Webhooks.Count, "certificates": s.Store.Certificates.Count, "OAuth clients": s.Store.OauthClients.Count,
					"reserved ids": s.Store.Settings.Count,
				}
				for what, count := range left {
					n, err := count(t.Context(), store.Org(org))
					require.NoError(t, err)
					assert.Zero(t, n, what)
				}
				_, there := gateway.Client(apiID, "c")
				assert.False(t, there)
			})
		}
	}
	t.Run("one that was deleted long ago", func(t *testing.T) {
		r := s.REST(
			t,
			"POST",
			"/admin/users",
			`{"org_id":"`+anID+`","first_name":"A","last_name":"B","email_address":"late@new.test"}`,
		)
		assert.NotEqual(t, 200, r.Status)
		assert.Contains(t, r.Get("Message").Str, "organisation")
	})
}
