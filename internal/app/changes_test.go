package app_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"gatehouse/internal/apptest"
)

// listen subscribes to changes over server-sent events. The channel gets each change as JSON.
func listen(t *testing.T, url, query string, headers ...string) <-chan gjson.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(
		ctx,
		http.MethodPost,
		url+"/graphql",
		strings.NewReader(fmt.Sprintf(`{"query":%q}`, query)),
	)
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "text/event-stream")
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	answer, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	t.Cleanup(func() { _ = answer.Body.Close() })
	require.Equal(t, 200, answer.StatusCode)
	lines := bufio.NewScanner(answer.Body)
	require.True(t, lines.Scan(), "the stream begins with a comment") // the subscription may still be on its way
	out := make(chan gjson.Result, 100)
	go func() {
		defer close(out)
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				out <- gjson.Parse(data)
			}
		}
	}()
	return out
}

func TestASubscriberHearsOfItsOwnOrganisationOnly(t *testing.T) {
	t.Parallel()
	srv := apptest.New(t)
	orgA, keyA := srv.Organisation(t, "alpha")
	orgB, keyB := srv.Organisation(t, "beta")
	_, policiesOnly := user(t, srv, orgB, true, map[string]string{"policies": "read", "websockets": "read"})
	server := httptest.NewServer(srv.Handler)
	t.Cleanup(server.Close)
	const query = `subscription { changes { kind object id orgId } }`
	listeners := map[string]<-chan gjson.Result{
		"an administrator of beta": listen(t, server.URL, query, "Authorization: "+keyB),
		"a reader of policies":     listen(t, server.URL, query, "Authorization: "+policiesOnly),
		"a listener to APIs": listen(
			t,
			server.URL,
			`subscription { changes(objects: [API]) { kind object id orgId } }`,
			"Authorization: "+keyB,
		),
		"the bearer of the secret":  listen(t, server.URL, query, "admin-auth: "+apptest.AdminSecret),
		"an administrator of alpha": listen(t, server.URL, query, "Authorization: "+keyA),
	}
	create := func(key, path, body string) {
		r := srv.Do(t, "POST", path, body, "Authorization: "+key)
		require.Equal(t, 200, r.Status, "%s", r.Body)
	}
	n := 0
	change := func(key string) {
		n++
		create(key, "/api/hooks", fmt.Sprintf(`{"name":"h%d","method":"GET","target_path":"http://x.test"}`, n))
		create(key, "/api/portal/policies", fmt.Sprintf(`{"name":"p%d"}`, n))
		create(key, "/api/apis", fmt.Sprintf(`{"api_definition":{"name":"a%d","proxy":{"listen_path":"/a%d/"}}}`, n, n))
	}
	// A subscription begins a moment after its stream: both organisations change until every listener has heard of an API,
	// or of a policy, once. Whatever else came by then came first.
	heard := map[string][]gjson.Result{}
	last := map[string]string{"a reader of policies": "POLICY"}
	deadline := time.After(30 * time.Second)
	for name, news := range listeners {
		object := last[name]
		if object == "" {
			object = "API"
		}
		for done := false; !done; {
			change(keyA)
			change(keyB)
			select {
			case c, ok := <-news:
				require.True(t, ok, "%s was cut off", name)
				heard[name] = append(heard[name], c.Get("data.changes"))
				done = c.Get("data.changes.object").Str == object
			case <-time.After(50 * time.Millisecond):
			case <-deadline:
				t.Fatalf("%s hears nothing", name)
			}
		}
		for more := true; more; { // what is there by now
			select {
			case c := <-news:
				heard[name] = append(heard[name], c.Get("data.changes"))
			case <-time.After(100 * time.Millisecond):
				more = false
			}
		}
	}
	all := func(name, field string) map[string]bool {
		out := map[string]bool{}
		for _, c := range heard[name] {
			out[c.Get(field).Str] = true
		}
		return out
	}
	for name, want := range map[string][]string{"an administrator of beta": {orgB}, "a reader of policies": {orgB}, "a listener to APIs": {orgB},
		"an administrator of alpha": {orgA}, "the bearer of the secret": {orgA, orgB}} {
		require.ElementsMatch(t, want, sortedKeys(all(name, "orgId")), name)
	}
	require.Equal(t, []string{"POLICY"}, sortedKeys(all("a reader of policies", "object")))
	require.Equal(t, []string{"API"}, sortedKeys(all("a listener to APIs", "object")))
	require.Equal(t, []string{"API", "POLICY", "WEBHOOK"}, sortedKeys(all("an administrator of beta", "object")))
}

func TestASubscriptionEndsWithWhatGaveTheRightToIt(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(org, user string) (method, path string){
		"the access key is renewed": func(_, user string) (string, string) {
			return "PUT", "/api/users/" + user + "/actions/key/reset"
		},
		"the organisation is deleted": func(org, _ string) (string, string) {
			return "DELETE", "/admin/organisations/" + org + "?cascade=true"
		},
	} {
		t.Run(name, func(t *testing.T) {
			srv := apptest.New(t)
			id, key := user(t, srv, srv.OrgID, true, map[string]string{"hooks": "read", "websockets": "read"})
			server := httptest.NewServer(srv.Handler)
			t.Cleanup(server.Close)
			heard := listen(t, server.URL, `subscription { changes { object } }`, "Authorization: "+key)
			// The subscription begins a moment after its stream: hooks are made until one is heard of.
			require.Eventually(t, func() bool {
				require.Equal(t, 200, srv.REST(t, "POST", "/api/hooks", `{"method":"GET","target_path":"http://x.test"}`).Status)
				select {
				case c := <-heard:
					return c.Get("data.changes.object").Str == "WEBHOOK"
				case <-time.After(10 * time.Millisecond):
					return false
				}
			}, 10*time.Second, time.Millisecond)

			method, path := end(srv.OrgID, id)
			require.Equal(t, 200, srv.REST(t, method, path, "").Status)
			said := ""
			for c := range heard { // ends with the stream
				if message := c.Get("errors.0.message").Str; message != "" {
					said = message
				}
			}
			require.Contains(
				t,
				said,
				"the credentials of this stream ended",
				"a client that is told to subscribe again would, for ever",
			)
		})
	}
}

func TestASubscriptionEndsWhenAGroupThatGaveTheRightChanges(t *testing.T) {
	t.Parallel()
	srv := apptest.New(t)
	made := srv.GraphQL(t, `mutation { it: createUserGroup(input: {name: "g", permissions: {hooks: "read", websockets: "read"}}) { id } }`, nil)
	group := made.Get("data.it.id").Str
	id, key := user(t, srv, srv.OrgID, true, map[string]string{"apis": "read"})
	moved := srv.GraphQL(t, `mutation { updateUser(id: "`+id+`", input: {groupIds: ["`+group+`"]}) { id } }`, nil)
	require.Empty(t, moved.Get("errors").Raw, "%s", moved.Body)
	server := httptest.NewServer(srv.Handler)
	t.Cleanup(server.Close)
	heard := listen(t, server.URL, `subscription { changes { object } }`, "Authorization: "+key)
	require.Eventually(t, func() bool {
		require.Equal(t, 200, srv.REST(t, "POST", "/api/hooks", `{"method":"GET","target_path":"http://x.test"}`).Status)
		select {
		case c := <-heard:
			return c.Get("data.changes.object").Str == "WEBHOOK"
		case <-time.After(10 * time.Millisecond):
			return false
		}
	}, 10*time.Second, time.Millisecond)
	r := srv.GraphQL(t, `mutation { updateUserGroup(id: "`+group+`", input: {permissions: {apis: "read"}}) { id } }`, nil)
	require.Empty(t, r.Get("errors").Raw, "%s", r.Body)
	require.Equal(t, 200, srv.REST(t, "POST", "/api/hooks", `{"method":"GET","target_path":"http://x.test"}`).Status)
	ended := make(chan struct{})
	go func() {
		for range heard { // ends with the stream
		}
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Fatal("who lost the right by their group goes on listening")
	}
}
