package app_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"gatehouse/internal/apptest"
)

// racers is how many requests are sent at once.
const racers = 100

// race sends requests at once, and counts the answers by status.
func race(ask func(i int) apptest.Reply) map[int]int {
	var mu sync.Mutex
	var group sync.WaitGroup
	out := map[int]int{}
	start := make(chan struct{})
	for i := range racers {
		group.Go(func() {
			<-start
			r := ask(i)
			mu.Lock()
			defer mu.Unlock()
			out[r.Status]++
		})
	}
	close(start)
	group.Wait()
	return out
}

func TestOneOf100CreatesOfTheSameWins(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, path, body string
		// conflict is the status of those that lose; list and found are where the winner is, and how often.
		conflict    int
		list, found string
	}{
		{"slug", "/api/apis", `{"api_definition":{"name":"n%d","slug":"same","proxy":{"listen_path":"/p%d/"}}}`, 409, "/api/apis?p=0", `apis.#.api_definition.slug`},
		{"public id", "/api/apis", `{"api_definition":{"name":"n%d","api_id":"same","proxy":{"listen_path":"/p%d/"}}}`, 409, "/api/apis?p=0", `apis.#.api_definition.api_id`},
		{"listen path", "/api/apis", `{"api_definition":{"name":"n%d%d","active":true,"proxy":{"listen_path":"/same/"}}}`, 409, "/api/apis?p=0", `apis.#.api_definition.proxy.listen_path`},
		{"policy name", "/api/portal/policies", `{"name":"same","x":"%d%d"}`, 400, "/api/portal/policies?p=0", `Data.#.name`},
		{"e-mail address", "/api/users", `{"email_address":"same@x.test","first_name":"%d%d","user_permissions":{"apis":"read"}}`, 403, "/api/users?p=0", `users.#(email_address=="same@x.test")#.email_address`},
		{"webhook id", "/api/hooks", `{"name":"%d%d","webhook_id":"same","method":"GET","target_path":"http://x.test"}`, 409, "/api/hooks?p=0", `hooks.#.webhook_id`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			srv := apptest.New(t)
			statuses := race(func(i int) apptest.Reply { return srv.REST(t, "POST", tc.path, fmt.Sprintf(tc.body, i, i)) })
			require.Equal(t, map[int]int{200: 1, tc.conflict: racers - 1}, statuses)
			require.Len(t, srv.REST(t, "GET", tc.list, "").Get(tc.found).Array(), 1, "something was half written")
		})
	}
}

func TestOneOf100ChangesOfTheSameRevisionWins(t *testing.T) {
	t.Parallel()
	srv := apptest.New(t)
	v := furnish(t, srv, visitorName)
	srv.AccessKey = v.accessKey
	revision := func() int64 {
		r := srv.GraphQL(t, `query($id: ID!) { api(id: $id) { revision } }`, map[string]any{"id": v.api})
		return r.Get("data.api.revision").Int()
	}
	doc := srv.REST(t, "GET", "/api/apis/"+v.api, "").Body
	seen := revision()
	statuses := race(func(i int) apptest.Reply {
		body := strings.Replace(string(doc), `"target_url":"`, fmt.Sprintf(`"target_url":"http://t%d.test/?`, i), 1)
		return srv.Do(t, "PUT", "/api/apis/"+v.api, body, "Authorization: "+v.accessKey, fmt.Sprintf(`If-Match: "%d"`, seen))
	})
	require.Equal(t, map[int]int{200: 1, 412: racers - 1}, statuses)
	require.Equal(t, seen+1, revision())

	codes := map[string]int{}
	var mu sync.Mutex
	seen = revision()
	race(func(i int) apptest.Reply {
		r := srv.GraphQL(
			t,
			`mutation($id: ID!, $revision: Int, $name: String) { updateApi(id: $id, revision: $revision, input: {targetUrl: $name}) { id } }`,
			map[string]any{"id": v.api, "revision": seen, "name": fmt.Sprintf("http://g%d.test", i)},
		)
		mu.Lock()
		defer mu.Unlock()
		codes[r.Get("errors.0.extensions.code").Str]++
		return r
	})
	require.Equal(t, map[string]int{"": 1, "STALE": racers - 1}, codes)

	// Without a revision nobody is refused, and none of the patches is lost.
	seen = revision()
	statuses = race(func(i int) apptest.Reply {
		return srv.REST(t, "PATCH", "/api/apis/"+v.api, fmt.Sprintf(`{"api_definition":{"x_racers":{"r%d":%d}}}`, i%20, i))
	})
	require.Equal(t, map[int]int{200: racers}, statuses)
	require.Equal(t, seen+racers, revision())
	require.Len(t, gjson.GetBytes(srv.REST(t, "GET", "/api/apis/"+v.api, "").Body, "api_definition.x_racers").Map(), 20)
}
