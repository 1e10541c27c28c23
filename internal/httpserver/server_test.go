package httpserver

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// serve runs a server until the test ends or stop is called, which returns what Serve returned.
func serve(t *testing.T, o Options) (s *Server, stop func() error) {
	t.Helper()
	o.Address = "127.0.0.1:0"
	s = New(o)
	require.NoError(t, s.Listen())
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	var result error
	ended := false
	stop = func() error {
		if !ended {
			cancel()
			result, ended = <-done, true
		}
		return result
	}
	t.Cleanup(func() { _ = stop() })
	return s, stop
}

func client(t *testing.T, config *tls.Config) *http.Client {
	transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 30 * time.Second}
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	defer r.Body.Close()
	raw, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	return string(raw)
}

func TestServerServesOnAFreePort(t *testing.T) {
	s, stop := serve(t, Options{Handler: answer(200, "hello")})
	assert.NotContains(t, s.Addr(), ":0")
	r, err := client(t, nil).Get("http://" + s.Addr())
	require.NoError(t, err)
	assert.Equal(t, "hello", body(t, r))
	require.NoError(t, stop())
	_, err = net.Dial("tcp", s.Addr())
	assert.Error(t, err, "the port is free again")
}

func TestListenSaysWhichAddressIsTaken(t *testing.T) {
	s, _ := serve(t, Options{Handler: answer(200, "")})
	second := New(Options{Address: s.Addr()})
	assert.ErrorContains(t, second.Listen(), s.Addr())
	assert.Empty(t, second.Addr())
	assert.ErrorContains(t, second.Serve(t.Context()), "Listen first")
}

func TestShutdownLetsARequestFinish(t *testing.T) {
	begun, finish := make(chan struct{}), make(chan struct{})
	s, stop := serve(t, Options{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(begun)
		<-finish
		assert.NoError(t, r.Context().Err(), "its context lives on")
		_, _ = w.Write([]byte("finished"))
	})})
	got, failed := make(chan string, 1), make(chan error, 1)
	c := client(t, nil)
	go func() {
		r, err := c.Get("http://" + s.Addr())
		if err != nil {
			failed <- err
			return
		}
		got <- body(t, r)
	}()
	<-begun
	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()
	require.Eventually(t, func() bool {
		conn, err := net.Dial("tcp", s.Addr())
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	}, 5*time.Second, 5*time.Millisecond, "no more connections are accepted")
	select {
	case <-stopped:
		t.Fatal("the server did not wait")
	case <-time.After(20 * time.Millisecond):
	}
	close(finish)
	select {
	case text := <-got:
		assert.Equal(t, "finished", text)
	case err := <-failed:
		t.Fatal(err)
	}
	assert.NoError(t, <-stopped)
}

func TestShutdownCutsARequestThatTakesTooLong(t *testing.T) {
	begun, ended := make(chan struct{}), make(chan struct{})
	s, stop := serve(t, Options{ShutdownTimeout: 20 * time.Millisecond,
		Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			close(begun)
			<-r.Context().Done()
			close(ended)
			panic(http.ErrAbortHandler) // what a handler that is cut says is no whole answer, even if it is quicker than the cut
		})})
	c := client(t, nil)
	failed := make(chan error, 1)
	go func() {
		_, err := c.Get("http://" + s.Addr())
		failed <- err
	}()
	<-begun
	assert.ErrorContains(t, stop(), "20ms")
	<-ended
	assert.Error(t, <-failed)
}

func TestServerSentEventsOutliveTheTimeOutsAndEndWithTheServer(t *testing.T) {
	events := Chain(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/event-stream")
		w.(http.Flusher).Flush()
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for i := 0; ; i++ {
			select {
			case <-r.Context().Done():
				return
			case <-tick.C:
				_, _ = fmt.Fprintf(w, "data: %d\n\n", i)
				w.(http.Flusher).Flush()
			}
		}
	}), Identify, AccessLog(quiet()), NewMetrics("", "").Middleware, Recover(quiet(), answer(500, "")), Timeout(50*time.Millisecond))

	for name, c := range map[string]struct {
		scheme, method string
		tls            *tls.Config
	}{
		"GET over HTTP/1":  {"http://", "GET", nil},
		"POST over HTTP/1": {"http://", "POST", nil},
		"POST over HTTP/2": {"https://", "POST", &tls.Config{Certificates: []tls.Certificate{certificate(t, "a.test")}}},
	} {
		t.Run(name, func(t *testing.T) {
			s, stop := serve(
				t,
				Options{ReadTimeout: 100 * time.Millisecond, WriteTimeout: 100 * time.Millisecond, Handler: events, TLS: c.tls},
			)
			var send io.Reader
			if c.method == "POST" {
				send = strings.NewReader("subscription")
			}
			r, err := http.NewRequestWithContext(t.Context(), c.method, c.scheme+s.Addr(), send)
			require.NoError(t, err)
			r.Header.Set("Accept", "text/event-stream")
			answer, err := client(t, &tls.Config{InsecureSkipVerify: true}).Do(r)
			require.NoError(t, err)
			defer answer.Body.Close()
			lines := bufio.NewScanner(answer.Body)
			for range 20 { // ten lines in 200 ms
				require.True(t, lines.Scan(), "the stream ended early: %v", lines.Err())
			}
			start := time.Now()
			require.NoError(t, stop())
			assert.Less(t, time.Since(start), 10*time.Second)
			for lines.Scan() {
			}
			assert.NoError(t, lines.Err(), "the stream ends in order")
		})
	}
}

func TestShutdownWaitsForHijackedConnections(t *testing.T) {
	var ended bool
	begun := make(chan struct{})
	s, stop := serve(t, Options{Handler: Chain(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if !assert.NoError(t, err) {
			return
		}
		defer conn.Close()
		close(begun)
		<-r.Context().Done()
		time.Sleep(20 * time.Millisecond)
		ended = true
	}), Identify, AccessLog(quiet()), Timeout(time.Minute))})
	conn, err := net.Dial("tcp", s.Addr())
	require.NoError(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	require.NoError(t, err)
	<-begun
	require.NoError(t, stop())
	assert.True(t, ended)
}

func TestServerRefusesHugeHeaders(t *testing.T) {
	s, _ := serve(t, Options{Handler: answer(200, ""), MaxHeaderBytes: 1000})
	r, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+s.Addr(), nil)
	require.NoError(t, err)
	r.Header.Set("X-Huge", strings.Repeat("x", 10000))
	got, err := client(t, nil).Do(r)
	require.NoError(t, err)
	_ = body(t, got)
	assert.Equal(t, http.StatusRequestHeaderFieldsTooLarge, got.StatusCode)
}

func TestServerCutsAClientThatSendsItsHeadersTooSlowly(t *testing.T) {
	s, _ := serve(t, Options{Handler: answer(200, ""), ReadHeaderTimeout: 20 * time.Millisecond})
	conn, err := net.Dial("tcp", s.Addr())
	require.NoError(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, "GET / HTTP/1.1\r\nHost:")
	require.NoError(t, err)
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(10*time.Second)))
	_, err = io.ReadAll(conn)
	assert.NoError(t, err, "the server closes the connection")
}

// A plain client sends all of its body before it reads, and must see the answer all the same.
func TestAClientThatSendsTooMuchReadsTheAnswer(t *testing.T) {
	s, _ := serve(
		t,
		Options{Handler: Chain(answer(200, ""), Identify, AccessLog(quiet()), LimitBody(1<<20, answer(413, "too large")))},
	)
	const size = 20 << 20
	for range 5 {
		conn, err := net.Dial("tcp", s.Addr())
		require.NoError(t, err)
		_, err = fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", size)
		require.NoError(t, err)
		_, err = conn.Write(bytes.Repeat([]byte("x"), size))
		require.NoError(t, err)
		r, err := http.ReadResponse(bufio.NewReader(conn), nil)
		require.NoError(t, err)
		assert.Equal(t, 413, r.StatusCode)
		assert.Equal(t, "too large", body(t, r))
		require.NoError(t, conn.Close())
	}
}
