package app_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/apptest"
	"gatehouse/store"
)

// serving counts the goroutines that serve a request, or wait for a database in one's place. Those of the wire are not
// ours.
func serving() int {
	buffer := make([]byte, 4<<20)
	n := 0
	for stack := range strings.SplitSeq(string(buffer[:runtime.Stack(buffer, true)]), "\n\n") {
		if strings.Contains(stack, "lineToDatabase") {
			continue
		}
		if strings.Contains(stack, "httpserver.") || strings.Contains(stack, "pgconn.") || strings.Contains(stack, "mysql.") {
			n++
		}
	}
	return n
}

// connections is how many connections there are to the database.
func (w *lineToDatabase) connections() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.conns) / 2
}

// asking is a client of a server, which asks one of three things.
func asking(t *testing.T, s *apptest.Server) (ask func(ctx context.Context, n int) (*http.Response, error)) {
	t.Helper()
	web := httptest.NewServer(s.Handler)
	t.Cleanup(web.Close)
	return func(ctx context.Context, n int) (*http.Response, error) {
		method, path, body := "GET", "/api/apis", ""
		switch n % 3 {
		case 0:
			method, path, body = "POST", "/graphql", `{"query":"{ apis { totalCount } }"}`
		case 1:
			method, path, body = "PUT", "/api/apis/none", `{"api_definition":{"name":"x"}}`
		}
		r, err := http.NewRequestWithContext(ctx, method, web.URL+path, strings.NewReader(body))
		require.NoError(t, err)
		r.Header.Set("Authorization", s.AccessKey)
		answer, err := web.Client().Do(r)
		if err == nil {
			_, err = io.Copy(io.Discard, answer.Body)
			_ = answer.Body.Close()
		}
		return answer, err
	}
}

func TestWhileADatabaseHangsClientsThatGiveUpLeaveNothingBehind(t *testing.T) {
	const clients, pool = 120, 21 // the pool is that of the engine, with one for Ping
	onEveryServer(t, func(t *testing.T, w *lineToDatabase, e store.Engine) {
		server := func(requestTimeout string) *apptest.Server {
			return apptest.New(
				t,
				apptest.WithEngine(e),
				apptest.WithStore(store.WithCacheTTL(0)),
				apptest.WithEnv("GATEHOUSE_REQUESTTIMEOUT="+requestTimeout),
			)
		}
		ask, askWithin := asking(t, server("30s")), asking(t, server("300ms"))
		works := func() bool {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			answer, err := ask(ctx, 2)
			return err == nil && answer.StatusCode == 200
		}
		require.True(t, works())
		base := serving()

		w.hangs.Store(true)
		var gone, told atomic.Int32
		var running sync.WaitGroup
		for n := range clients {
			running.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
				defer cancel()
				if _, err := ask(ctx, n); err != nil {
					gone.Add(1)
				}
			})
		}
		running.Wait()
		assert.EqualValues(t, clients, gone.Load())
		began := time.Now()
		waitFor(t, "what served those who are gone to end", func() bool { return serving() <= base+2 })
		t.Logf("what served them ended in %s", time.Since(began))

		for n := range clients / 2 {
			running.Go(func() {
				answer, err := askWithin(t.Context(), n)
				if assert.NoError(t, err) && assert.Equal(t, 503, answer.StatusCode) &&
					assert.NotEmpty(t, answer.Header.Get("Retry-After")) {
					told.Add(1)
				}
			})
		}
		running.Wait()
		assert.EqualValues(t, clients/2, told.Load())

		w.hangs.Store(false)
		began = time.Now()
		waitFor(t, "it to work again", works)
		waitFor(t, "connections to be given back", func() bool { return w.connections() <= pool })
		assert.Less(t, time.Since(began), 5*time.Second)
	})
}
