package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// world is one object of every kind, and where REST shows each.
func world(t *testing.T, s *server) (paths []string, tokens secrets) {
	t.Helper()
	api := s.do(
		t,
		200,
		"POST",
		"/api/apis",
		`{"api_definition":{"name":"Weather #public","x-unknown":{"kept":[1,2.50,1e400]},"proxy":{"target_url":"http://upstream.test"}}}`,
	)
	apiID := api.get("ID").Str
	policy := s.do(
		t,
		200,
		"POST",
		"/api/portal/policies",
		`{"name":"Gold","rate":10,"per":1,"access_rights":{"`+apiID+`":{"api_id":"`+apiID+`","versions":["Default"]}}}`,
	).get(
		"Message",
	).Str
	session := `{"apply_policies":["` + policy + `"],"alias":"jo","meta_data":{"kept":1.0}}`
	key := s.do(t, 200, "POST", "/api/keys", session).get("key_id").Str
	custom := s.do(t, 200, "POST", "/api/keys/a-custom-key-of-jo", session).get("key_id").Str
	s.do(
		t,
		200,
		"POST",
		"/api/apis/keys/basic/jo",
		`{"apply_policies":["`+policy+`"],"basic_auth_data":{"password":"a basic password"}}`,
	)
	hook := s.do(
		t,
		200,
		"POST",
		"/api/hooks",
		`{"name":"Told","method":"POST","target_path":"http://told.test"}`,
	).get(
		"ID",
	).Str
	user := s.do(
		t,
		200,
		"POST",
		"/admin/users",
		`{"org_id":"`+s.org+`","first_name":"Jo","email_address":"jo@weather.test","active":true,"password":"a user password","user_permissions":{"apis":"read"}}`,
	)
	org := s.do(t, 200, "POST", "/admin/organisations", `{"owner_name":"Rain","owner_slug":"rain"}`).get("Meta").Str
	paths = []string{
		"/api/apis/" + apiID,
		"/api/portal/policies/" + policy,
		"/api/keys/" + url.PathEscape(key),
		"/api/keys/a-custom-key-of-jo",
		"/api/keys/jo?username=true",
		"/api/hooks/" + hook,
		"/admin/users/" + user.get("Meta.id").Str,
		"/admin/organisations/" + org,
		"/api/apis?p=0",
		"/api/keys/detailed?p=0",
		"/api/users?p=0",
	}
	return paths, secrets{
		"token":               key,
		"custom key's token":  custom,
		"custom key":          "a-custom-key-of-jo",
		"basic-auth password": "a basic password",
		"user's password":     "a user password",
		"user's access key":   user.get("Message").Str,
	}
}

func TestEverythingSurvivesARestart(t *testing.T) {
	s := startNew(t)
	paths, _ := world(t, s)
	before := map[string]string{}
	for _, path := range paths {
		before[path] = s.do(t, 200, "GET", path, "").body
	}
	require.Zero(t, s.terminate(t))
	s = s.again(t)
	for _, path := range paths {
		assert.Equal(t, before[path], s.do(t, 200, "GET", path, "").body, path)
	}
}

func TestNothingAcknowledgedIsLostWhenTheProgramIsKilled(t *testing.T) {
	s := startNew(t)
	var acknowledged sync.Map // id -> name
	for round := range 6 {
		var created atomic.Int64
		writers, _ := errgroup.WithContext(t.Context())
		for w := range 4 {
			writers.Go(func() error {
				for n := 0; ; n++ {
					name := fmt.Sprintf("API %d-%d-%d", round, w, n)
					r, err := s.request("POST", "/api/apis", `{"api_definition":{"name":"`+name+`"}}`, s.credentialFor("/api/apis"))
					if err != nil {
						return nil // the server is dead: this one was not acknowledged
					}
					if r.status != 200 {
						return fmt.Errorf("%s: %d %s", name, r.status, r.body)
					}
					acknowledged.Store(r.get("Meta").Str, name)
					created.Add(1)
				}
			})
		}
		enough := int64(10 + 7*round)
		eventually(t, "acknowledged creates", func() bool { return created.Load() >= enough })
		s.kill()
		require.NoError(t, writers.Wait())
		s = s.again(t)
		acknowledged.Range(func(id, name any) bool {
			got := s.do(t, 200, "GET", "/api/apis/"+id.(string), "")
			return assert.Equal(t, name, got.get("api_definition.name").Str)
		})
	}
	// What was written without an acknowledgement is whole, too.
	for _, a := range s.do(t, 200, "GET", "/api/apis?p=0", "").get("apis").Array() {
		assert.True(t, strings.HasPrefix(a.Get("api_definition.name").Str, "API "), a.Raw)
		assert.NotEmpty(t, a.Get("api_definition.api_id").Str)
	}
}

// slowRequest sends the head and half of the body of a create, and returns what sends the rest.
func slowRequest(t *testing.T, s *server) (finish func() reply) {
	t.Helper()
	half, rest := `{"api_definition":{"name":`, `"Slow"}}`
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://")) //nolint:noctx // of a test
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	_, err = fmt.Fprintf(
		conn,
		"POST /api/apis HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n",
		s.accessKey,
		len(half)+len(rest),
	)
	require.NoError(t, err)
	// The server says 100 when the handler reads the body: from then on the request runs.
	in := bufio.NewReader(conn)
	line, err := in.ReadString('\n')
	require.NoError(t, err)
	require.Contains(t, line, "100 Continue")
	_, err = in.ReadString('\n')
	require.NoError(t, err)
	_, err = io.WriteString(conn, half)
	require.NoError(t, err)
	return func() reply {
		_, err := io.WriteString(conn, rest)
		require.NoError(t, err)
		resp, err := http.ReadResponse(in, nil)
		require.NoError(t, err)
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return reply{resp.StatusCode, resp.Header, string(body)}
	}
}

func TestASIGTERMLetsRequestsFinishAndEndsSubscriptions(t *testing.T) {
	s := startNew(t)
	finish := slowRequest(t, s)

	ws, _, err := websocket.Dial(
		t.Context(),
		s.url+"/graphql",
		&websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}},
	)
	require.NoError(t, err)
	defer ws.CloseNow()
	tell := func(text string) { require.NoError(t, ws.Write(t.Context(), websocket.MessageText, []byte(text))) }
	tell(`{"type":"connection_init","payload":{"Authorization":"` + s.accessKey + `"}}`)
	tell(`{"type":"subscribe","id":"1","payload":{"query":"subscription { changes { id } }"}}`)
	_, ack, err := ws.Read(t.Context())
	require.NoError(t, err)
	require.Contains(t, string(ack), "connection_ack")

	sse, err := http.NewRequestWithContext(
		t.Context(),
		"POST",
		s.url+"/graphql",
		strings.NewReader(`{"query":"subscription { changes { id } }"}`),
	)
	require.NoError(t, err)
	sse.Header = http.Header{
		"Accept":        {"text/event-stream"},
		"Content-Type":  {"application/json"},
		"Authorization": {s.accessKey},
	}
	events, err := http.DefaultClient.Do(sse)
	require.NoError(t, err)
	defer events.Body.Close()
	require.Equal(t, 200, events.StatusCode)

	begin := time.Now()
	require.NoError(t, s.cmd.Process.Signal(interrupt))
	eventually(t, "no new connections", func() bool {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://")) //nolint:noctx // of a test
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	_, err = io.ReadAll(events.Body)
	require.NoError(t, err, "the stream of events ends, it does not break")
	for err == nil {
		_, _, err = ws.Read(t.Context())
	}
	assert.Equal(t, websocket.StatusNormalClosure, websocket.CloseStatus(err), "%v", err)

	created := finish()
	assert.Equal(t, 200, created.status, created.body)
	assert.Equal(t, 0, s.exitCode(t))
	assert.Less(t, time.Since(begin), 15*time.Second, "within the shutdown time-out")
	s.again(t).do(t, 200, "GET", "/api/apis/"+created.get("Meta").Str, "")
}

func TestARequestThatOutstaysTheShutdownTimeoutIsCut(t *testing.T) {
	s := startNew(t, "GATEHOUSE_SHUTDOWNTIMEOUT=300ms")
	slowRequest(t, s)
	assert.Equal(t, 1, s.terminate(t))
	assert.Contains(t, s.errs.String(), "requests were still served after 300ms, and were cut")
}

func TestTwoServersOnOneFileAgreeWithinASecond(t *testing.T) {
	one := startNew(t)
	two := one.again(t)
	id := one.do(t, 200, "POST", "/api/apis", `{"api_definition":{"name":"First"}}`).get("ID").Str
	sees := func(s *server) string { return s.do(t, 200, "GET", "/api/apis/"+id, "").get("api_definition.name").Str }
	for n := range 3 {
		eventually(t, "the API on the other server", func() bool { return sees(two) != "" })
		name := fmt.Sprintf("Changed %d", n)
		one.do(t, 200, "PATCH", "/api/apis/"+id, `{"api_definition":{"name":"`+name+`"}}`)
		acknowledged := time.Now()
		assert.Equal(t, name, sees(one), "the server that wrote knows at once")
		for {
			asked := time.Now()
			if sees(two) == name {
				break
			}
			require.Less(
				t,
				asked.Sub(acknowledged),
				time.Second,
				"the other server answers with the older document for longer than a second",
			)
			time.Sleep(5 * time.Millisecond)
		}
	}
	// Both write: neither loses what the other wrote.
	writers, _ := errgroup.WithContext(t.Context())
	for i, s := range []*server{one, two} {
		writers.Go(func() error {
			for n := range 20 {
				r, err := s.request(
					"POST",
					"/api/apis",
					fmt.Sprintf(`{"api_definition":{"name":"Both %d %d"}}`, i, n),
					s.credentialFor("/api/"),
				)
				if err != nil || r.status != 200 {
					return fmt.Errorf("%w %v", err, r)
				}
			}
			return nil
		})
	}
	require.NoError(t, writers.Wait())
	for _, s := range []*server{one, two} {
		assert.Equal(t, int64(41), s.do(t, 200, "GET", "/api/apis?p=0", "").get("apis.#").Int())
	}
}

func TestHTTPSIsServedWithACertificate(t *testing.T) {
	borrowed := httptest.NewTLSServer(http.NotFoundHandler()) // for its certificate
	defer borrowed.Close()
	s := startNew(
		t,
		"TYK_DB_HTTPSERVEROPTIONS_USESSL=true",
		"TYK_DB_HTTPSERVEROPTIONS_SSLCERTIFICATES="+pemFile(t, borrowed.TLS.Certificates[0]),
	)
	require.True(t, strings.HasPrefix(s.url, "https://"), s.url)
	ask := func(config *tls.Config) (reply, error) {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, "GET", s.url+"/hello", nil)
		require.NoError(t, err)
		transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}
		defer transport.CloseIdleConnections()
		return send(&http.Client{Transport: transport}, r)
	}
	trusting := borrowed.Client().Transport.(*http.Transport).TLSClientConfig
	r, err := ask(trusting)
	require.NoError(t, err)
	assert.Equal(t, "ok", r.get("status").Str)

	old := trusting.Clone()
	old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	_, err = ask(old)
	require.ErrorContains(t, err, "protocol version")
	_, err = ask(&tls.Config{})
	require.ErrorContains(t, err, "certificate")
	plain, err := http.Get("http" + strings.TrimPrefix(s.url, "https") + "/hello") //nolint:noctx // of a test
	require.NoError(t, err)
	plain.Body.Close()
	assert.Equal(t, 400, plain.StatusCode)
}
