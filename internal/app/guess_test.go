package app_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gatehouse/internal/apptest"
)

// from sends a request from an address.
func from(
	t *testing.T,
	srv *apptest.Server,
	address, method, target, body string,
	headers ...string,
) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	r.RemoteAddr = address + ":1234"
	r.Header.Set("Content-Type", "application/json")
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	srv.Handler.ServeHTTP(w, r)
	return w
}

func TestGuessersOfCredentialsAreSlowedDownOnEveryFace(t *testing.T) {
	t.Parallel()
	var log lines
	srv := apptest.New(
		t,
		apptest.WithEnv(
			"GATEHOUSE_MAXFAILEDCREDENTIALS=3",
			"TYK_DB_NODESECRET=the-node-secret",
			"GATEHOUSE_TRUSTEDPROXIES=10.0.0.0/8",
		),
		apptest.WithLog(slog.New(slog.NewTextHandler(&log, nil))),
	)
	const version = `{"query":"{ version }"}`
	for i, tc := range []struct{ name, method, target, body, wrong, right string }{
		{"access keys by REST", "GET", "/api/apis", "", "Authorization: wrong-key-of-somebody", "Authorization: " + srv.AccessKey},
		{"the admin secret by REST", "GET", "/admin/organisations", "", "admin-auth: wrong-key-of-somebody", "admin-auth: " + apptest.AdminSecret},
		{"access keys by GraphQL", "POST", "/graphql", version, "Authorization: Bearer wrong-key-of-somebody", "Authorization: " + srv.AccessKey},
		{"the admin secret by GraphQL", "POST", "/graphql", version, "admin-auth: wrong-key-of-somebody", "admin-auth: " + apptest.AdminSecret},
		{"the secret of the gateways", "GET", "/register/node", "", "Authorization: wrong-key-of-somebody", "Authorization: the-node-secret"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			address := "198.51.100." + string(rune('1'+i))
			for range 3 {
				w := from(t, srv, address, tc.method, tc.target, tc.body, tc.wrong)
				require.Contains(t, []int{http.StatusUnauthorized, http.StatusForbidden}, w.Code, w.Body.String())
			}
			for _, credentials := range []string{tc.wrong, tc.right} {
				w := from(t, srv, address, tc.method, tc.target, tc.body, credentials)
				require.Equal(t, http.StatusTooManyRequests, w.Code, w.Body.String())
				require.Equal(t, "1", w.Header().Get("Retry-After"))
				require.Contains(t, w.Body.String(), "too many wrong credentials")
				// What a client writes into the header does not get it another address.
				w = from(t, srv, address, tc.method, tc.target, tc.body, credentials, "X-Forwarded-For: 203.0.113.7")
				require.Equal(t, http.StatusTooManyRequests, w.Code)
				// Behind a proxy, each client has an address of its own.
				w = from(t, srv, "10.1.1.1", tc.method, tc.target, tc.body, credentials, "X-Forwarded-For: 203.0.113.9, "+address)
				require.Equal(t, http.StatusTooManyRequests, w.Code)
			}
			require.Equal(
				t,
				http.StatusOK,
				from(t, srv, "10.1.1.1", tc.method, tc.target, tc.body, tc.right, "X-Forwarded-For: 203.0.113.9").Code,
			)
		})
	}
	require.Equal(t, 5, strings.Count(log.String(), "too many wrong credentials"), log.String())
	require.NotContains(t, log.String(), "wrong-key-of-somebody")
	metrics := srv.Do(t, "GET", "/metrics", "")
	require.Contains(t, string(metrics.Body), `gatehouse_credentials_refused_total{kind="admin",reason="wrong"} 6`)
}

func TestNobodyGuessesThePasswordOfAUserWhoseKeyTheyHave(t *testing.T) {
	t.Parallel()
	srv := apptest.New(t, apptest.WithEnv("GATEHOUSE_MAXFAILEDCREDENTIALS=3"))
	set := func(current, next string) apptest.Reply {
		return srv.REST(
			t,
			"POST",
			"/api/users/"+srv.UserID+"/actions/reset",
			`{"current_password":"`+current+`","new_password":"`+next+`"}`,
		)
	}
	reset := srv.GraphQL(t, `mutation($id: ID!, $p: String!) { setUserPassword(id: $id, newPassword: $p) { id } }`,
		map[string]any{"id": srv.UserID, "p": "First-password-1"}, "admin-auth: "+apptest.AdminSecret)
	require.Equal(t, 200, reset.Status, "%s", reset.Body)
	for range 3 {
		r := set("wrong", "Second-password-2")
		require.Equal(t, http.StatusForbidden, r.Status, "%s", r.Body)
	}
	r := set("First-password-1", "Second-password-2")
	require.Equal(t, http.StatusTooManyRequests, r.Status, "%s", r.Body)
	require.NotEmpty(t, r.Header.Get("Retry-After"))
	g := srv.GraphQL(
		t,
		`mutation($id: ID!) { setUserPassword(id: $id, currentPassword: "First-password-1", newPassword: "Second-password-2") { id } }`,
		map[string]any{"id": srv.UserID},
	)
	require.Equal(t, "TOO_MANY", g.Get("errors.0.extensions.code").Str, "%s", g.Body)
	require.Positive(t, g.Get("errors.0.extensions.retryAfter").Int())
}
