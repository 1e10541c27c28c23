package graph_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/apptest"
)

// largeAPIs makes n APIs whose definitions have about a megabyte each.
func largeAPIs(t *testing.T, srv *apptest.Server, n int) {
	t.Helper()
	for i := range n {
		r := srv.GraphQL(t, `mutation($in: ApiInput!) { createApi(input: $in) { id } }`, map[string]any{"in": map[string]any{
			"name": fmt.Sprintf("Large %d", i), "definition": map[string]any{"note": strings.Repeat("x", 1<<20)}}})
		require.False(t, r.Get("errors").Exists(), "%.300s", r.Body)
	}
}

func TestTheBytesOfAnAnswerAreBounded(t *testing.T) {
	srv := apptest.New(t, apptest.WithEnv("GATEHOUSE_GRAPHQL_MAXANSWERBYTES=2097152"))
	largeAPIs(t, srv, 6)
	for name, c := range map[string]struct{ query, code string }{
		"one definition":                 {`{ apis(first: 1) { nodes { definition } } }`, ""},
		"more of them than fit":          {`{ apis(first: 3) { nodes { definition } } }`, "LIMIT"},
		"the same one often":             {`{ apis(first: 1) { nodes { a: definition b: definition c: definition } } }`, "LIMIT"},
		"names of more than may be read": {`{ apis(first: 6) { nodes { name } } }`, "LIMIT"},
		"names of fewer":                 {`{ apis(first: 2) { nodes { name } } }`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := srv.GraphQL(t, c.query, nil)
			assert.Equal(t, c.code, r.Get("errors.0.extensions.code").Str, "%.300s", r.Body)
			if c.code == "" {
				return
			}
			assert.Len(t, r.Get("errors").Array(), 1, "said once, not for each field")
			assert.Contains(t, r.Get("errors.0.message").Str, "smaller pages with first")
			assert.Contains(t, r.Get("errors.0.message").Str, "max_answer_bytes")
			assert.Less(t, len(r.Body), 1000)
			assert.Equal(t, http.StatusUnprocessableEntity, r.Status)
		})
	}
	t.Run("a mutation is done whatever its answer", func(t *testing.T) {
		r := srv.GraphQL(
			t,
			`mutation($in: ApiInput!) { createApi(input: $in) { id a: definition b: definition c: definition } }`,
			map[string]any{"in": map[string]any{
				"name": "Made", "definition": map[string]any{"note": strings.Repeat("x", 1<<20)}}},
		)
		assert.Equal(t, "LIMIT", r.Get("errors.0.extensions.code").Str, "%.300s", r.Body)
		assert.Contains(t, r.Get("errors.0.message").Str, "is changed all the same")
		assert.Equal(
			t,
			int64(1),
			srv.GraphQL(t, `{ apis(filter: {q: "Made"}) { totalCount } }`, nil).Get("data.apis.totalCount").Int(),
		)
	})
}

// stuck is a client that takes nothing in until it is let.
type stuck struct {
	http.ResponseWriter
	header  http.Header
	status  int
	written chan struct{}
	resume  chan struct{}
	once    sync.Once
}

func (s *stuck) Header() http.Header    { return s.header }
func (s *stuck) WriteHeader(status int) { s.status = status }
func (s *stuck) Write(p []byte) (int, error) {
	s.once.Do(func() { close(s.written) })
	<-s.resume
	return len(p), nil
}

func TestTheBytesOfAllAnswersAtOnceAreBounded(t *testing.T) {
	srv := apptest.New(
		t,
		apptest.WithEnv("GATEHOUSE_GRAPHQL_MAXANSWERBYTES=8388608", "GATEHOUSE_GRAPHQL_MAXANSWERSBYTES=3300000"),
	)
	largeAPIs(t, srv, 1)
	const query = `{ apis { nodes { definition } } }`
	slow := &stuck{header: http.Header{}, written: make(chan struct{}), resume: make(chan struct{})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		r, _ := http.NewRequestWithContext(t.Context(), "POST", "/graphql", strings.NewReader(`{"query":"`+query+`"}`))
		r.Header.Set("Authorization", srv.AccessKey)
		srv.Handler.ServeHTTP(slow, r)
	}()
	<-slow.written
	// The answer that waits for its client holds what was read for it, and itself.
	r := srv.GraphQL(t, query, nil)
	assert.Equal(t, http.StatusServiceUnavailable, r.Status, "%.200s", r.Body)
	assert.Equal(t, "UNAVAILABLE", r.Get("errors.0.extensions.code").Str)
	assert.NotEmpty(t, r.Header.Get("Retry-After"))
	assert.Equal(t, "test", srv.GraphQL(t, `{ version }`, nil).Get("data.version").Str, "what is small is answered")
	close(slow.resume)
	<-done
	r = srv.GraphQL(t, query, nil)
	assert.Equal(t, http.StatusOK, r.Status, "what was sent is free again: %.200s", r.Body)
}
