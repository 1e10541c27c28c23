package graph_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"gatehouse/internal/apptest"
	"gatehouse/internal/httpserver"
)

func TestServerSentEventsReportChanges(t *testing.T) {
	srv, web := serve(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "POST", web.URL+"/graphql", strings.NewReader(`{"query":"`+watch+`"}`))
	require.NoError(t, err)
	r.Header = http.Header{
		"Accept":        {"text/event-stream"},
		"Content-Type":  {"application/json"},
		"Authorization": {srv.AccessKey},
	}
	resp, err := web.Client().Do(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, "text/event-stream", resp.Header.Get("Content-Type"))
	var event string
	heard := make(chan error, 1)
	go func() {
		lines := bufio.NewScanner(resp.Body)
		for found := false; !found && lines.Scan(); {
			event, found = strings.CutPrefix(lines.Text(), "data: ")
		}
		heard <- lines.Err()
	}()
	probeUntil(t, srv, heard)
	var p payload
	require.NoError(t, json.Unmarshal([]byte(event), &p))
	assert.Equal(t, "CREATED", p.Data.Changes.Kind)
	assert.Equal(t, "WEBHOOK", p.Data.Changes.Object)
}

// slowReader is a client of server-sent events that reads nothing until it is let.
type slowReader struct {
	*httptest.ResponseRecorder
	begun  chan error
	resume chan struct{}
	once   sync.Once
}

// Write implements http.ResponseWriter. It holds the first event.
func (w *slowReader) Write(p []byte) (int, error) {
	if strings.Contains(string(p), "CREATED") {
		w.once.Do(func() {
			close(w.begun)
			<-w.resume
		})
	}
	return w.ResponseRecorder.Write(p)
}

func TestASubscriberThatFallsBehindIsCutOffAndTold(t *testing.T) {
	srv := apptest.New(t)
	w := &slowReader{ResponseRecorder: httptest.NewRecorder(), begun: make(chan error), resume: make(chan struct{})}
	r := httptest.NewRequestWithContext(t.Context(), "POST", "/graphql", strings.NewReader(`{"query":"`+watch+`"}`))
	r.Header = http.Header{
		"Accept":        {"text/event-stream"},
		"Content-Type":  {"application/json"},
		"Authorization": {srv.AccessKey},
	}
	ended := make(chan struct{})
	go func() {
		srv.Handler.ServeHTTP(w, r)
		close(ended)
	}()
	probeUntil(t, srv, w.begun)
	for range 300 { // more than any queue holds
		probe(t, srv)
	}
	close(w.resume)
	<-ended
	text := w.Body.String()
	assert.Contains(t, text, `"UNAVAILABLE"`)
	assert.Contains(t, text, "subscribe again, and read anew")
	assert.Less(t, strings.Index(text, "CREATED"), strings.Index(text, "UNAVAILABLE"), "what was in the queue comes first")
	assert.True(t, strings.HasSuffix(strings.TrimSpace(text), "event: complete"), "then the stream ends")
}

func TestAShutdownEndsSubscriptionsAndLeavesNothingBehind(t *testing.T) {
	before := goleak.IgnoreCurrent()
	func() {
		srv := apptest.New(t)
		server := httpserver.New(httpserver.Options{Address: "127.0.0.1:0", Handler: srv.Handler})
		require.NoError(t, server.Listen())
		ctx, stop := context.WithCancel(t.Context())
		served := make(chan error, 1)
		go func() { served <- server.Serve(ctx) }()
		url := "http://" + server.Addr()

		var sockets []*socket
		for range 5 {
			s, err := open(t, url, "", map[string]string{"Authorization": srv.AccessKey})
			require.NoError(t, err)
			s.subscribe(t, watch)
			s.listening(t, srv)
			sockets = append(sockets, s)
		}
		r, err := http.NewRequestWithContext(t.Context(), "POST", url+"/graphql", strings.NewReader(`{"query":"`+watch+`"}`))
		require.NoError(t, err)
		r.Header = http.Header{
			"Accept":        {"text/event-stream"},
			"Content-Type":  {"application/json"},
			"Authorization": {srv.AccessKey},
		}
		client := &http.Client{Transport: &http.Transport{}}
		events, err := client.Do(r)
		require.NoError(t, err)

		stop()
		for _, s := range sockets {
			var err error
			for err == nil {
				_, err = s.next()
			}
			assert.Equal(t, websocket.StatusNormalClosure, websocket.CloseStatus(err), "%v", err)
		}
		_, err = io.Copy(io.Discard, events.Body)
		assert.NoError(t, err, "the stream ends, it does not break")
		events.Body.Close()
		client.CloseIdleConnections()
		assert.NoError(t, <-served)
		srv.App.Close()
		require.NoError(t, srv.Store.Close())
	}()
	goleak.VerifyNone(t, before)
}
