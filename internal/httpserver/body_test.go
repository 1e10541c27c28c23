package httpserver

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/core"
)

func TestAClientThatGoesIsNoticedThoughNobodyReadsItsBody(t *testing.T) {
	small := ReadSmallBody(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusRequestTimeout) })
	for name, headers := range map[string]string{
		"with its size announced": "Content-Length: 5\r\n\r\nhello",
		"in chunks":               "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			began, ended := make(chan struct{}), make(chan struct{})
			s, _ := serve(
				t,
				Options{Handler: Timeout(time.Minute)(small(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
					close(began)
					<-r.Context().Done() // as a store does that hangs
					close(ended)
				})))},
			)
			conn := dial(t, s)
			_, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: gatehouse\r\n"+headers)
			require.NoError(t, err)
			<-began
			require.NoError(t, conn.Close())
			select {
			case <-ended:
			case <-time.After(10 * time.Second):
				t.Fatal("the request outlived its client")
			}
		})
	}
}

func TestABodyIsTheSameWhetherItWasReadBeforeOrNot(t *testing.T) {
	var got string
	var failed error
	h := ReadSmallBody(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusRequestTimeout) })(
		http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			raw, err := io.ReadAll(r.Body)
			got, failed = string(raw), err
		}))
	broken := errors.New("the client broke off")
	for name, c := range map[string]struct {
		body io.Reader
		want string
		err  error
	}{
		"none":                    {http.NoBody, "", nil},
		"a small one":             {strings.NewReader("hello"), "hello", nil},
		"one of the size":         {strings.NewReader(strings.Repeat("x", SmallBody)), strings.Repeat("x", SmallBody), nil},
		"one that is larger":      {strings.NewReader(strings.Repeat("x", SmallBody+1)), strings.Repeat("x", SmallBody+1), nil},
		"a large one, in chunks":  {io.MultiReader(strings.NewReader(strings.Repeat("y", 5*SmallBody))), strings.Repeat("y", 5*SmallBody), nil},
		"one that breaks off":     {io.MultiReader(strings.NewReader("hel"), iotest.ErrReader(broken)), "hel", broken},
		"one that comes bytewise": {iotest.OneByteReader(strings.NewReader("hello")), "hello", nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest("POST", "/", c.body))
			assert.Equal(t, 200, w.Code)
			assert.Equal(t, c.want, got)
			assert.ErrorIs(t, failed, c.err)
		})
	}
	t.Run("one that does not come in time is answered", func(t *testing.T) {
		got = "nothing"
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("POST", "/", iotest.ErrReader(core.Errorf(core.CodeTimeout, "slow"))))
		assert.Equal(t, http.StatusRequestTimeout, w.Code)
		assert.Equal(t, "close", w.Header().Get("Connection"))
		assert.Equal(t, "nothing", got, "and nobody is asked")
	})
}
