package app_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gatehouse/internal/apptest"
)

// stalled is a caller who does not read the answer before it is let.
type stalled struct {
	*httptest.ResponseRecorder
	began, read chan struct{}
}

func (s *stalled) Write(p []byte) (int, error) {
	select {
	case <-s.began:
	default:
		close(s.began)
	}
	<-s.read
	return s.ResponseRecorder.Write(p)
}

func TestOneListAtATimeIsLargerThanAllAnswersMayBe(t *testing.T) {
	t.Parallel()
	srv := apptest.New(t, apptest.WithEnv("GATEHOUSE_GRAPHQL_MAXANSWERSBYTES=1048576"))
	for i := range 3 {
		made := srv.REST(
			t,
			"POST",
			"/api/apis",
			fmt.Sprintf(
				`{"api_definition":{"name":"n%d","proxy":{"listen_path":"/%d/"},"config_data":{"x":%q}}}`,
				i,
				i,
				strings.Repeat("0123456789", 50_000),
			),
		)
		require.Equal(t, 200, made.Status, "%s", made.Body)
	}
	const list = "/api/apis?p=0"
	w := &stalled{httptest.NewRecorder(), make(chan struct{}), make(chan struct{})}
	sent := make(chan struct{})
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, list, nil)
	r.Header.Set("Authorization", srv.AccessKey)
	go func() {
		defer close(sent)
		srv.Handler.ServeHTTP(w, r)
	}()
	<-w.began
	other := srv.REST(t, "GET", list, "")
	require.Equal(t, 503, other.Status, "two of them at once: %.200s", other.Body)
	require.Contains(t, string(other.Body), "too much memory")
	require.NotEmpty(t, other.Header.Get("Retry-After"))
	require.Equal(t, 200, srv.REST(t, "GET", "/api/users", "").Status, "a small one disturbs nobody")
	close(w.read)
	<-sent
	require.Equal(t, 200, w.Code)
	require.Equal(t, 200, srv.REST(t, "GET", list, "").Status, "when the first was sent, the next has its turn")
}
