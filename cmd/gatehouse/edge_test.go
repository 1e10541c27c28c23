package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// interrupt is what a service manager sends to end a program.
const interrupt = syscall.SIGTERM

// pemFile writes a certificate and its key into one file.
func pemFile(t *testing.T, cert tls.Certificate) string {
	t.Helper()
	switch cert.PrivateKey.(type) {
	case *rsa.PrivateKey, *ecdsa.PrivateKey:
	default:
		require.Fail(t, "an unknown kind of key")
	}
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	require.NoError(t, err)
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]})
	text = append(text, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})...)
	path := filepath.Join(t.TempDir(), "server.pem")
	require.NoError(t, os.WriteFile(path, text, 0o600))
	return path
}

func TestNoSecretIsEverLogged(t *testing.T) {
	s := startNew(t, "GATEHOUSE_LOGLEVEL=debug")
	paths, secret := world(t, s)
	secret["administrator's password"], secret["administrator's access key"], secret["admin secret"] = s.password, s.accessKey, s.adminSecret
	secret["password of a broken request"], secret["wrong access key"], secret["wrong admin secret"] = "a broken password", "no-such-access-key", "no-such-admin-secret"
	secret["password in a query"], secret["new password"] = "a queried password", "an even newer password"
	for _, path := range paths {
		s.do(t, 200, "GET", path, "")
	}
	token := url.PathEscape(secret["token"])
	me := s.do(t, 200, "GET", "/api/users/me", "").get("id").Str
	s.do(
		t,
		200,
		"PUT",
		"/api/keys/"+token,
		`{"alias":"anew","apply_policies":["`+s.do(t, 200, "GET", "/api/portal/policies", "").get("Data.0._id").Str+`"]}`,
	)
	s.do(t, 200, "GET", "/api/keys?q="+token, "")
	s.do(t, 200, "DELETE", "/api/keys/"+token, "")
	s.do(
		t,
		200,
		"POST",
		"/api/users/"+me+"/actions/reset",
		`{"current_password":"`+s.password+`","new_password":"an even newer password"}`,
	)

	broken := `{"query":"mutation { createBasicAuthUser(username: \"x\", password: \"a broken password\"`
	for _, accept := range []string{"application/json", "text/event-stream"} {
		for _, body := range []string{broken, broken + `"}`} {
			_, err := s.request(
				"POST",
				"/graphql",
				body,
				"Content-Type: application/json",
				"Accept: "+accept,
				"Authorization: "+s.accessKey,
			)
			require.NoError(t, err)
		}
	}
	for _, c := range []struct{ method, target, body, header string }{
		{"GET", "/graphql?query=" + url.QueryEscape(`{ key(id: "`+secret["token"]+`") { id } x(password: "a queried password") }`), "", "Authorization: " + s.accessKey},
		{"POST", "/api/users", `{"email_address":"x","password":"a broken password"`, "Authorization: " + s.accessKey},
		{"POST", "/admin/users", `{"email_address":["a broken password"],"password":"a broken password"}`, "admin-auth: " + s.adminSecret},
		{"GET", "/api/apis", "", "Authorization: Bearer no-such-access-key"},
		{"GET", "/admin/organisations", "", "admin-auth: no-such-admin-secret"},
		{"GET", "/graphql", "", "Upgrade: websocket"},
	} {
		_, err := s.request(c.method, c.target, c.body, c.header)
		require.NoError(t, err)
	}
	require.Zero(t, s.terminate(t)) // the access log is written to its end
	log := s.errs.String()
	for _, want := range []string{"method=GET", "path=/api/users/me", "request_id=", "status=401", "actor_id=" + me} {
		assert.Contains(t, log, want)
	}
	assert.Regexp(t, "path=/graphql .*actor_id="+me, log, "who asked over GraphQL is logged, too")
	secret.requireAbsent(t, log)
	assert.NotContains(t, log, url.QueryEscape(secret["token"]))
	assert.NotContains(t, log, token)
}

func TestTheEdgeOfTheServer(t *testing.T) {
	s := startNew(t, "GATEHOUSE_MAXBODYBYTES=4096")
	get := func(t *testing.T, method, target, body string, headers ...string) reply {
		r, err := s.request(method, target, body, headers...)
		require.NoError(t, err)
		return r
	}
	t.Run("the health names status, version and dependencies, to anybody", func(t *testing.T) {
		r := get(t, "GET", "/hello", "")
		assert.Equal(t, 200, r.status)
		assert.Equal(t, "ok", r.get("status").Str)
		assert.Equal(t, "pass", r.get("details.store.status").Str)
		assert.NotEmpty(t, r.get("version").Str)
	})
	t.Run("the metrics count requests by route, never by id", func(t *testing.T) {
		id := s.do(t, 200, "POST", "/api/apis", `{"api_definition":{"name":"Measured"}}`).get("ID").Str
		s.do(t, 200, "GET", "/api/apis/"+id, "")
		r := get(t, "GET", "/metrics", "")
		assert.Equal(t, 200, r.status)
		assert.Contains(t, r.body, "/api/apis/{id}")
		assert.Contains(t, r.body, "go_goroutines")
		assert.NotContains(t, r.body, id)
		assert.NotContains(t, r.body, s.accessKey)
	})
	t.Run("a request id is kept when it is well formed and made when not", func(t *testing.T) {
		assert.Equal(t, "my-id.1", get(t, "GET", "/hello", "", "X-Request-ID: my-id.1").header.Get("X-Request-ID"))
		assert.Regexp(
			t,
			"^[0-9a-f]{32}$",
			get(t, "GET", "/hello", "", "X-Request-ID: not well formed").header.Get("X-Request-ID"),
		)
		assert.Regexp(t, "^[0-9a-f]{32}$", get(t, "GET", "/api/nothing", "").header.Get("X-Request-ID"))
	})
	t.Run("headers of more than 64 KiB are answered with 431", func(t *testing.T) {
		assert.Equal(t, 431, get(t, "GET", "/hello", "", "X-Long: "+strings.Repeat("x", 80<<10)).status)
	})
	t.Run("a body over the limit is answered with 413 on every face", func(t *testing.T) {
		long := `{"query":"` + strings.Repeat(" ", 5000) + `"}`
		legacy := get(t, "POST", "/api/apis", long, s.credentialFor("/api/"))
		assert.Equal(t, 413, legacy.status)
		assert.Equal(t, "Error", legacy.get("Status").Str)
		assert.Contains(t, legacy.get("Message").Str, "max_body_bytes")
		graphql := get(t, "POST", "/graphql", long, s.credentialFor("/api/"), "Content-Type: application/json")
		assert.Equal(t, 413, graphql.status)
		assert.Equal(t, "TOO_LARGE", graphql.get("errors.0.extensions.code").Str)
	})
	t.Run("a connection is kept for the next request, also after errors", func(t *testing.T) {
		client := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1}}
		defer client.CloseIdleConnections()
		for i, target := range []string{"/hello", "/api/apis", "/api/nothing", "/graphql", "/playground", "/metrics"} {
			reused := false
			ctx := httptrace.WithClientTrace(
				context.Background(),
				&httptrace.ClientTrace{GotConn: func(c httptrace.GotConnInfo) { reused = c.Reused }},
			)
			r, err := http.NewRequestWithContext(ctx, "GET", s.url+target, nil)
			require.NoError(t, err)
			_, err = send(client, r)
			require.NoError(t, err)
			assert.Equal(t, i > 0, reused, target)
		}
	})
	t.Run("the root leads to the playground", func(t *testing.T) {
		r := get(t, "GET", "/", "")
		assert.Equal(t, 200, r.status)
		assert.Contains(t, r.header.Get("Content-Type"), "text/html")
		assert.Contains(t, r.header.Get("Content-Security-Policy"), "default-src")
	})
}
