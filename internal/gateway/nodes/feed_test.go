package nodes_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"gatehouse/internal/apptest"
	"gatehouse/internal/core"
	"gatehouse/store"
)

// program runs the whole program, with a gateway that is registered.
func program(t *testing.T, opts ...apptest.Option) (*apptest.Server, *gateway) {
	t.Helper()
	srv := apptest.New(t, append([]apptest.Option{apptest.WithEnv("TYK_DB_NODESECRET=" + secret)}, opts...)...)
	g := newGateway(srv.Handler)
	g.register(t)
	return srv, g
}

const example = `{"name":"n","active":true,"use_keyless":true,"proxy":{"listen_path":"/%s/","target_url":"http://up.test","strip_listen_path":true},` +
	`"x-unheard-of":{"spelled":1.50e3},"version_data":{"not_versioned":true,"versions":{"Default":{"name":"Default"}}}}`

func TestTheFeedHoldsTheActiveApisOfAllOrganisationsWordForWord(t *testing.T) {
	t.Parallel()
	srv, g := program(t)
	_, other := srv.Organisation(t, "other")
	create := func(key, name string, active bool) gjson.Result {
		t.Helper()
		def := strings.Replace(fmt.Sprintf(example, name), `"active":true`, fmt.Sprintf(`"active":%t`, active), 1)
		r := srv.Do(t, "POST", "/api/apis", `{"api_definition":`+def+`,"user_owners":[]}`, "Authorization: "+key)
		require.Equal(t, 200, r.Status, "%s", r.Body)
		return srv.Do(t, "GET", "/api/apis/"+r.Get("ID").Str, "", "Authorization: "+key).Get("api_definition")
	}
	want := map[string]string{}
	for _, def := range []gjson.Result{create(srv.AccessKey, "one", true), create(srv.AccessKey, "two", true), create(other, "three", true)} {
		want[def.Get("api_id").Str] = def.Raw
	}
	create(srv.AccessKey, "off", false)

	_, apis := g.load(t)
	require.Equal(t, "OK", apis.get("Status").Str)
	for _, entry := range apis.get("Message").Array() {
		id := entry.Get("api_definition.api_id").Str
		require.Equal(t, want[id], entry.Get("api_definition").Raw)
		require.Equal(t, "null", entry.Get("oas").Raw)
		require.Len(t, entry.Map(), 2)
		delete(want, id)
	}
	require.Empty(t, want)
	g.beat(t) // the nonce at its end is good

	gateways := srv.GraphQL(
		t,
		`{ gateways { nodes { id hostname state apisServed apisLoadedAt policiesLoadedAt lag tags version } } }`,
		nil,
	)
	require.Equal(t, int64(3), gateways.Get("data.gateways.nodes.0.apisServed").Int(), "%s", gateways.Body)
	require.NotEmpty(t, gateways.Get("data.gateways.nodes.0.apisLoadedAt").Str)
}

func TestTheFeedHoldsPolicies(t *testing.T) {
	t.Parallel()
	srv, g := program(t)
	made := srv.REST(
		t,
		"POST",
		"/api/portal/policies",
		`{"name":"gold","active":true,"state":"active","rate":10,"per":1,"access_rights":{},"x-unheard-of":1.50}`,
	)
	require.Equal(t, 200, made.Status, "%s", made.Body)
	want := srv.REST(t, "GET", "/api/portal/policies/"+made.Get("Message").Str, "")
	policies, _ := g.load(t)
	require.Len(t, policies.get("Message").Array(), 1)
	require.JSONEq(t, string(want.Body), policies.get("Message.0").Raw)
	require.Equal(t, made.Get("Message").Str, policies.get("Message.0._id").Str, "gateways know policies by this")
}

func TestWebhooksAreInTheFeedAsTheyAreNow(t *testing.T) {
	t.Parallel()
	srv, g := program(t)
	hook := `{"name":"h","method":"POST","target_path":"http://hook.test/%s","header_map":{"X-A":"b"}}`
	id := srv.REST(t, "POST", "/api/hooks", fmt.Sprintf(hook, "old")).Get("ID").Str
	require.True(t, core.IsID(id))
	made := srv.REST(t, "POST", "/api/apis", `{"api_definition":`+fmt.Sprintf(example, "hooked")+
		`,"hook_references":[{"event_name":"QuotaExceeded","event_timeout":60,"hook":{"id":"`+id+`"}}]}`)
	require.Equal(t, 200, made.Status, "%s", made.Body)
	handler := func() gjson.Result {
		t.Helper()
		_, apis := g.load(t)
		handlers := apis.get("Message.0.api_definition.event_handlers.events.QuotaExceeded").Array()
		require.Len(t, handlers, 1)
		require.Equal(t, "eh_web_hook_handler", handlers[0].Get("handler_name").Str)
		return handlers[0].Get("handler_meta")
	}
	require.Equal(t, "http://hook.test/old", handler().Get("target_path").Str)
	require.Equal(t, 200, srv.REST(t, "PUT", "/api/hooks/"+id, fmt.Sprintf(hook, "new")).Status)
	require.Eventually(t, func() bool {
		return srv.GraphQL(t, `{ gateways { nodes { lag } } }`, nil).Get("data.gateways.nodes.0.lag").Float() > 0
	}, 10*time.Second, time.Millisecond, "the API changed with its webhook")
	meta := handler()
	require.Equal(t, "http://hook.test/new", meta.Get("target_path").Str)
	require.Equal(t, int64(60), meta.Get("event_timeout").Int())
	require.Equal(t, "b", meta.Get("header_map.X-A").Str)
}

func TestADefinitionThatTakesGatewaysDownIsLeftOutAndTheOthersGoOut(t *testing.T) {
	t.Parallel()
	s := newServer(t, openEngine(t))
	g := newGateway(s)
	g.register(t)
	good := s.api(t, `{"name":"good","active":true,"proxy":{"target_url":"http://up.test"}}`)
	for _, source := range []string{
		`{"kind":"rest","config":{}}`, `{"kind":"","config":{}}`, `{"kind":"REST","config":"x"}`, `{"kind":"REST"}`, `{"kind":"REST","config":{"headers":[]}}`,
		`{"kind":"REST","config":{"url":"http://up.test?a=%zz"}}`, `{"kind":"REST","root_fields":[{"type":"Query","fields":["b"]}],"config":{}}`,
	} {
		bad := s.api(
			t,
			`{"name":"bad","active":true,"proxy":{"target_url":"http://up.test"},"graphql":{"enabled":true,"version":"2","execution_mode":"executionEngine",`+
				`"schema":"type Query { a: String }","engine":{"data_sources":[`+source+`]}}}`,
		)
		_, apis := g.load(t)
		require.Equal(t, `["`+good.ApiID+`"]`, apis.get("Message.#.api_definition.api_id").Raw, source)
		require.Contains(t, s.log.String(), bad.ID)
	}
	_, _ = g.load(t)
	require.Equal(t, 7, strings.Count(s.log.String(), "gateways must not be given a document"), "each is logged once")
}

func TestADocumentThatGatewaysCannotReadIsLeftOut(t *testing.T) {
	t.Parallel()
	s := newServer(t, openEngine(t))
	g := newGateway(s)
	g.register(t)
	s.api(t, `{"name":"good","active":true,"proxy":{"target_url":"http://up.test"}}`)
	bad := s.api(
		t,
		`{"name":"bad","active":true,"proxy":{"target_url":"http://up.test"},"enable_jwt":"yes","session_lifetime":"long"}`,
	)
	count := func() int {
		_, apis := g.load(t)
		return len(apis.get("Message").Array())
	}
	require.Equal(t, 1, count())
	require.Equal(t, 1, count())
	require.Equal(t, 1, strings.Count(s.log.String(), bad.ID), "it is told once: %s", s.log)
	fixed := *bad
	fixed.Definition = bad.Definition.Set("api_definition.enable_jwt", true).Without("api_definition.session_lifetime")
	require.NoError(t, s.store.Apis.Update(t.Context(), &fixed))
	require.Equal(t, 2, count(), "a revision that fits is sent")
}

// failing is an engine that fails a list of APIs or policies when it is told to, after so many that succeed.
type failing struct {
	store.Engine
	left atomic.Int64
}

func (f *failing) List(ctx context.Context, c *store.Collection, q store.Query) (store.Page, error) {
	if (c.Name == "apis" || c.Name == "policies") && f.left.Add(-1) < 0 {
		return store.Page{}, errors.New("the disk is gone")
	}
	return f.Engine.List(ctx, c, q)
}

func TestAFeedThatCannotBeReadIsNeverAShortList(t *testing.T) {
	t.Parallel()
	e := &failing{Engine: openEngine(t)}
	e.left.Store(1 << 30)
	s := newServer(t, e)
	g := newGateway(s)
	g.register(t)
	for range 500 {
		s.api(t, `{"name":"`+strings.Repeat("n", 2000)+`","active":true,"proxy":{"target_url":"http://up.test"}}`)
	}
	e.left.Store(0)
	for _, path := range []string{"/system/apis", "/system/policies"} {
		r := g.ask(t, "GET", path, "")
		require.Equal(t, http.StatusInternalServerError, r.status, "an error before the first byte has its status")
		require.NotContains(t, r.body, "disk")
	}
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	read := func() error {
		req, err := http.NewRequestWithContext(t.Context(), "GET", web.URL+"/system/apis", nil)
		require.NoError(t, err)
		req.Header.Set("authorization", secret)
		req.Header.Set("x-tyk-nodeid", g.id)
		req.Header.Set("x-tyk-nonce", g.nonce)
		resp, err := web.Client().Do(req)
		require.NoError(t, err)
		defer resp.Body.Close()
		require.Equal(t, http.StatusOK, resp.StatusCode)
		raw, err := io.ReadAll(resp.Body)
		if err == nil {
			require.Len(t, gjson.GetBytes(raw, "Message").Array(), 500)
		}
		return err
	}
	e.left.Store(1)
	require.ErrorIs(t, read(), io.ErrUnexpectedEOF)
	require.Nil(t, s.one(t).ApisLoadedAt, "half a feed is not loaded")
	e.left.Store(1 << 30)
	require.NoError(t, read())
	require.Equal(t, 500, s.one(t).ApisServed)
}
