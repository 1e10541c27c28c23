package httpserver

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/core"
)

// reader reads the whole body and answers as the faces do.
var reader = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	switch _, err := io.ReadAll(r.Body); core.CodeOf(err) {
	case core.CodeTimeout:
		w.WriteHeader(http.StatusRequestTimeout)
	case "":
	default:
		w.WriteHeader(http.StatusBadRequest)
	}
})

func dial(t *testing.T, s *Server) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", s.Addr())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
	return conn
}

func TestABodyThatTricklesIsCutAtTheLimit(t *testing.T) {
	s, _ := serve(
		t,
		Options{
			Handler: Timeout(
				150 * time.Millisecond,
			)(
				ReadSmallBody(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusRequestTimeout) })(reader),
			),
		},
	)
	for name, c := range map[string]struct{ headers, piece string }{
		"with a small size announced":     {"Content-Length: 1000\r\n", "x"},
		"with its size announced":         {"Content-Length: 1000000\r\n", "x"},
		"in chunks":                       {"Transfer-Encoding: chunked\r\n", "1\r\nx\r\n"},
		"that claims to ask for events":   {"Content-Length: 1000000\r\nAccept: text/event-stream\r\n", "x"},
		"that claims to be a websocket":   {"Content-Length: 1000000\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n", "x"},
		"of which nothing comes":          {"Content-Length: 1000000\r\n", ""},
		"that waits to be told to go on ": {"Content-Length: 1000000\r\nExpect: 100-continue\r\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := dial(t, s)
			_, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: gatehouse\r\n"+c.headers+"\r\n")
			require.NoError(t, err)
			stop := make(chan struct{})
			defer close(stop)
			go func() {
				for {
					select {
					case <-stop:
						return
					case <-time.After(10 * time.Millisecond):
						_, _ = io.WriteString(conn, c.piece)
					}
				}
			}()
			in := bufio.NewReader(conn)
			answer, err := http.ReadResponse(in, nil)
			require.NoError(t, err)
			if answer.StatusCode == http.StatusContinue {
				answer, err = http.ReadResponse(in, nil)
				require.NoError(t, err)
			}
			assert.Equal(t, http.StatusRequestTimeout, answer.StatusCode)
			assert.True(t, answer.Close, "the rest of the body must not be taken for the next request")
		})
	}
}

func TestABodyThatTricklesIsCutOnHTTP2(t *testing.T) {
	s, _ := serve(
		t,
		Options{
			Handler: Timeout(150 * time.Millisecond)(reader),
			TLS:     &tls.Config{Certificates: []tls.Certificate{certificate(t, "a.test")}},
		},
	)
	body, feed := io.Pipe()
	t.Cleanup(func() { _ = feed.Close() })
	go func() {
		for {
			if _, err := feed.Write([]byte("x")); err != nil {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	answer, err := client(t, &tls.Config{InsecureSkipVerify: true}).Post("https://"+s.Addr(), "text/plain", body)
	require.NoError(t, err)
	defer answer.Body.Close()
	assert.Equal(t, 2, answer.ProtoMajor)
	assert.Equal(t, http.StatusRequestTimeout, answer.StatusCode)
}

func TestABodyThatCameInTimeLeavesNoDeadlineBehind(t *testing.T) {
	s, _ := serve(
		t,
		Options{Handler: Timeout(100 * time.Millisecond)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			if r.URL.Path == "/slow" { // past the limit, without looking at the context
				time.Sleep(150 * time.Millisecond)
			}
			_, _ = io.WriteString(w, "done")
		}))},
	)
	conn := dial(t, s)
	in := bufio.NewReader(conn)
	for _, path := range []string{"/slow", "/", "/"} {
		_, err := io.WriteString(conn, "POST "+path+" HTTP/1.1\r\nHost: gatehouse\r\nContent-Length: 2\r\n\r\nab")
		require.NoError(t, err)
		answer, err := http.ReadResponse(in, nil)
		require.NoError(t, err, path)
		assert.Equal(t, "done", body(t, answer))
	}
}

func TestTheLimitIsLiftedForWhatBecameAStream(t *testing.T) {
	const limit = 100 * time.Millisecond
	for name, c := range map[string]struct {
		headers map[string]string
		become  func(http.ResponseWriter)
		ends    bool
	}{
		"a request is bounded":                             {nil, nil, true},
		"another upgrade is bounded":                       {map[string]string{"Upgrade": "h2c"}, nil, true},
		"one that claims to ask for events is bounded":     {map[string]string{"Accept": "text/event-stream"}, nil, true},
		"one that claims to be a websocket is bounded":     {map[string]string{"Upgrade": "WebSocket"}, nil, true},
		"one that answers JSON is bounded":                 {map[string]string{"Accept": "text/event-stream"}, becomes("application/json"), true},
		"server-sent events are not":                       {map[string]string{"Accept": "text/event-stream"}, becomes("text/event-stream"), false},
		"a hijacked connection is not":                     {map[string]string{"Upgrade": "websocket"}, hijack, false},
		"events that nobody asked for are bounded as ever": {nil, becomes("text/event-stream"), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ended := make(chan bool, 1)
			s, stop := serve(t, Options{Handler: Timeout(limit)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if c.become != nil {
					c.become(w)
				}
				select {
				case <-r.Context().Done():
					ended <- true
					return
				case <-time.After(3 * limit):
					ended <- false
				}
				<-r.Context().Done() // with the shutdown
			}))})
			conn := dial(t, s)
			var headers strings.Builder
			for k, v := range c.headers {
				fmt.Fprintf(&headers, "%s: %s\r\n", k, v)
			}
			_, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: gatehouse\r\n"+headers.String()+"\r\n")
			require.NoError(t, err)
			assert.Equal(t, c.ends, <-ended)
			require.NoError(t, stop(), "the server ends the stream when it stops")
		})
	}
}

func becomes(kind string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", kind)
		_, _ = io.WriteString(w, ":\n\n")
		w.(http.Flusher).Flush()
	}
}

func hijack(w http.ResponseWriter) { _, _, _ = http.NewResponseController(w).Hijack() }

func TestAReaderThatStallsIsCut(t *testing.T) {
	failed := make(chan error, 1)
	s, _ := serve(
		t,
		Options{Handler: Timeout(150 * time.Millisecond)(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, err := w.Write(make([]byte, 64<<20))
			failed <- err
		}))},
	)
	conn := dial(t, s)
	_, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: gatehouse\r\n\r\n")
	require.NoError(t, err)
	select {
	case err := <-failed:
		assert.Error(t, err)
	case <-time.After(10 * time.Second):
		t.Fatal("the answer still waits for its reader")
	}
}

func TestASteadyReaderGetsAnAnswerThatTakesLongerThanTheLimit(t *testing.T) {
	const limit, size = 500 * time.Millisecond, 64 << 20
	var ended, streaming error
	var took time.Duration
	done := make(chan struct{})
	s, _ := serve(t, Options{Handler: Timeout(limit)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(done)
		start, ctx := time.Now(), Streaming(r.Context())
		piece := make([]byte, 1<<20)
		for range size >> 20 {
			if _, err := w.Write(piece); err != nil {
				return
			}
		}
		took, ended, streaming = time.Since(start), r.Context().Err(), ctx.Err()
	}))})
	conn := dial(t, s)
	require.NoError(t, conn.(*net.TCPConn).SetReadBuffer(64<<10))
	_, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: gatehouse\r\n\r\n")
	require.NoError(t, err)
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	got := 0
	for {
		n, err := io.CopyN(io.Discard, answer.Body, 1<<20)
		got += int(n)
		if err != nil {
			require.ErrorIs(t, err, io.EOF)
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	assert.Equal(t, size, got)
	<-done
	assert.Greater(t, took, limit, "else this says nothing")
	assert.Error(t, ended, "the request is over its limit")
	assert.NoError(t, streaming, "the answer goes on")
}

// drip is a connection that takes a while for every write.
type drip struct {
	*httptest.ResponseRecorder
	cut bool
}

func (d *drip) Write(p []byte) (int, error) {
	time.Sleep(10 * time.Millisecond)
	return d.ResponseRecorder.Write(p)
}

func (d *drip) SetWriteDeadline(at time.Time) error {
	d.cut = d.cut || at.Before(time.Now())
	return nil
}

func TestAReaderThatTakesAByteNowAndThenIsCut(t *testing.T) {
	w := &drip{ResponseRecorder: httptest.NewRecorder()}
	Timeout(50*time.Millisecond)(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for range 100 {
			if _, err := w.Write([]byte("x")); err != nil {
				assert.ErrorIs(t, err, errSlowReader)
				return
			}
		}
		t.Error("it was never cut")
	})).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	assert.True(t, w.cut, "what is left is not sent as if it were whole")
}

func TestAStreamedAnswerEndsWhenNothingMovesAndWhenTheClientGoes(t *testing.T) {
	Timeout(30*time.Millisecond)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		ctx := Streaming(r.Context())
		<-ctx.Done()
		assert.ErrorIs(t, context.Cause(ctx), context.DeadlineExceeded)
	})).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))

	gone, leave := context.WithCancelCause(t.Context())
	left := errors.New("gone")
	Timeout(time.Minute)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		ctx := Streaming(r.Context())
		leave(left)
		<-ctx.Done()
		assert.ErrorIs(t, context.Cause(ctx), left)
	})).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil).WithContext(gone))
	assert.Equal(t, t.Context(), Streaming(t.Context()), "outside of a request there is no limit")
}

func TestALimitOfZeroBoundsNoRequest(t *testing.T) {
	Timeout(0)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, bounded := r.Context().Deadline()
		assert.False(t, bounded)
		assert.NoError(t, Streaming(r.Context()).Err())
		_, err := w.Write([]byte("x"))
		assert.NoError(t, err)
	})).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/", strings.NewReader("x")))
}

func TestAHandlerThatSetsDeadlinesOfItsOwnKeepsThem(t *testing.T) {
	failed := make(chan time.Duration, 1)
	s, _ := serve(t, Options{Handler: Timeout(time.Minute)(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		start := time.Now()
		_ = http.NewResponseController(w).SetWriteDeadline(start.Add(100 * time.Millisecond))
		_, err := w.Write(make([]byte, 64<<20))
		assert.Error(t, err)
		failed <- time.Since(start)
	}))})
	conn := dial(t, s)
	_, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: gatehouse\r\n\r\n")
	require.NoError(t, err)
	assert.Less(t, <-failed, 20*time.Second)
}
