// Package gatewaytest is a gateway's REST API for tests: OAuth clients and tokens as a stock gateway has them, in
// memory.
package gatewaytest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"gatehouse/internal/gateway"
)

// Secret opens the REST API of every Gateway.
const Secret = "the-gateway-secret"

// expires is when every token ends, in seconds since 1970.
const expires = 4102444800

// Gateway serves the part of a gateway's REST API that is about OAuth. It has loaded every API, unless it is told
// otherwise.
type Gateway struct {
	// URL is where it listens.
	URL string

	mu       sync.Mutex
	clients  map[string]map[string]gateway.OauthClient // by API and id
	tokens   map[string][]gateway.OauthToken           // by client
	calls    []string
	unloaded int
	failure  int
	issued   int
	debugged json.RawMessage
}

// New serves until the test ends.
func New(t testing.TB) *Gateway {
	t.Helper()
	g := &Gateway{}
	g.LoseRedis()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /tyk/oauth/clients/create", g.create)
	mux.HandleFunc("GET /tyk/oauth/clients/{api}", g.list)
	mux.HandleFunc("GET /tyk/oauth/clients/{api}/{client}", g.get)
	mux.HandleFunc("PUT /tyk/oauth/clients/{api}/{client}", g.put)
	mux.HandleFunc("DELETE /tyk/oauth/clients/{api}/{client}", g.delete)
	mux.HandleFunc("GET /tyk/oauth/clients/{api}/{client}/tokens", g.list)
	mux.HandleFunc("POST /tyk/oauth/revoke", g.revoke)
	mux.HandleFunc("POST /tyk/oauth/revoke_all", g.revokeAll)
	mux.HandleFunc("DELETE /tyk/oauth/tokens", g.purge)
	mux.HandleFunc("DELETE /tyk/keys/{key}", g.deleteKey)
	mux.HandleFunc("POST /{listen}/tyk/oauth/authorize-client/{$}", g.authorize)
	mux.HandleFunc("DELETE /tyk/cache/{api}", clearCache)
	mux.HandleFunc("POST /tyk/debug", g.debug)
	open := http.NewServeMux()
	open.Handle("/", g.guarded(mux))
	open.HandleFunc(Echo, echo)
	server := httptest.NewServer(open)
	t.Cleanup(server.Close)
	g.URL = server.URL
	return g
}

// Env is the configuration that makes a server call the gateway, as NAME=value.
func (g *Gateway) Env() []string {
	u, _ := url.Parse(g.URL)
	return []string{
		"TYK_DB_TYKAPI_HOST=http://" + u.Hostname(),
		"TYK_DB_TYKAPI_PORT=" + u.Port(),
		"TYK_DB_TYKAPI_SECRET=" + Secret,
	}
}

// Debugged is the definition that it was last asked to run a request through.
func (g *Gateway) Debugged() json.RawMessage {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.debugged
}

// LoseRedis makes it forget every client and token.
func (g *Gateway) LoseRedis() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.clients, g.tokens = map[string]map[string]gateway.OauthClient{}, map[string][]gateway.OauthToken{}
}

// Unload makes it answer the next calls that need an API, as many as n, as if it had not loaded any.
func (g *Gateway) Unload(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.unloaded = n
}

// Fail makes every call fail with a status; 0 ends that.
func (g *Gateway) Fail(status int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.failure = status
}

// Client returns a client of an API, and whether there is one.
func (g *Gateway) Client(apiID, clientID string) (gateway.OauthClient, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	c, ok := g.clients[apiID][clientID]
	return c, ok
}

// Set makes a client what it is given, past everything.
func (g *Gateway) Set(c gateway.OauthClient) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.set(c)
}

func (g *Gateway) set(c gateway.OauthClient) {
	if g.clients[c.ApiID] == nil {
		g.clients[c.ApiID] = map[string]gateway.OauthClient{}
	}
	g.clients[c.ApiID][c.ClientID] = c
}

// Issue gives a client a token, or what is listed in its place.
func (g *Gateway) Issue(clientID, code string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.tokens[clientID] = append(g.tokens[clientID], gateway.OauthToken{Code: code, Expires: expires})
}

// Calls lists the calls since it was last asked: "METHOD path", and behind it a form.
func (g *Gateway) Calls() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	calls := g.calls
	g.calls = nil
	return calls
}

func (g *Gateway) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.mu.Lock()
		defer g.mu.Unlock()
		if r.Header.Get("Content-Type") == "application/x-www-form-urlencoded" {
			_ = r.ParseForm()
		}
		g.calls = append(g.calls, strings.TrimSpace(r.Method+" "+r.URL.RequestURI()+" "+r.PostForm.Encode()))
		switch {
		case r.Header.Get("x-tyk-authorization") != Secret:
			fail(w, http.StatusForbidden, "Attempted administrative access with invalid or missing key!")
		case g.failure != 0:
			fail(w, g.failure, "the gateway was told to fail")
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func fail(w http.ResponseWriter, status int, message string) {
	answer(w, status, map[string]string{"status": "error", "message": message})
}

// missing tells whether the gateway pretends not to have the API.
func (g *Gateway) missing() bool {
	if g.unloaded > 0 {
		g.unloaded--
		return true
	}
	return false
}

func (g *Gateway) create(w http.ResponseWriter, r *http.Request) {
	var c gateway.OauthClient
	if err := json.NewDecoder(r.Body).Decode(&c); err != nil {
		fail(w, http.StatusInternalServerError, "Unmarshalling failed")
		return
	}
	if g.missing() {
		fail(w, http.StatusBadRequest, "API doesn't exist")
		return
	}
	g.set(c)
	c.ApiID = ""
	answer(w, http.StatusOK, c)
}

// list answers with the clients of an API, or with the tokens of one client.
func (g *Gateway) list(w http.ResponseWriter, r *http.Request) {
	if client := r.PathValue("client"); client != "" {
		answer(w, http.StatusOK, append([]gateway.OauthToken{}, g.tokens[client]...))
		return
	}
	out := []gateway.OauthClient{}
	for _, c := range g.clients[r.PathValue("api")] {
		c.ApiID = ""
		out = append(out, c)
	}
	answer(w, http.StatusOK, out)
}

func (g *Gateway) get(w http.ResponseWriter, r *http.Request) {
	c, ok := g.clients[r.PathValue("api")][r.PathValue("client")]
	if !ok {
		fail(w, http.StatusNotFound, "OAuth Client ID not found")
		return
	}
	c.ApiID = ""
	answer(w, http.StatusOK, c)
}

func (g *Gateway) put(w http.ResponseWriter, r *http.Request) {
	var c gateway.OauthClient
	if err := json.NewDecoder(r.Body).Decode(&c); err != nil {
		fail(w, http.StatusInternalServerError, "Unmarshalling failed")
		return
	}
	have, ok := g.clients[r.PathValue("api")][r.PathValue("client")]
	switch {
	case g.missing():
		fail(w, http.StatusNotFound, "Policy doesn't exist")
		return
	case !ok:
		fail(w, http.StatusNotFound, "OAuth Client ID not found")
		return
	case have.PolicyID != "" && have.PolicyID != c.PolicyID:
		delete(g.tokens, have.ClientID)
	}
	c.ApiID, c.ClientID, c.Secret = have.ApiID, have.ClientID, have.Secret
	g.set(c)
	answer(w, http.StatusOK, c)
}

func (g *Gateway) delete(w http.ResponseWriter, r *http.Request) {
	if g.missing() {
		fail(w, http.StatusNotFound, "OAuth Client ID not found")
		return
	}
	delete(g.clients[r.PathValue("api")], r.PathValue("client"))
	answer(w, http.StatusOK, map[string]string{"key": r.PathValue("client"), "status": "ok", "action": "deleted"})
}

// known finds a client by its id in whatever API.
func (g *Gateway) known(clientID string) (gateway.OauthClient, bool) {
	for _, clients := range g.clients {
		if c, ok := clients[clientID]; ok {
			return c, true
		}
	}
	return gateway.OauthClient{}, false
}

func (g *Gateway) revoke(w http.ResponseWriter, r *http.Request) {
	id, token := r.PostFormValue("client_id"), r.PostFormValue("token")
	if _, ok := g.known(id); !ok {
		fail(w, http.StatusBadRequest, "oauth client doesn't exist")
		return
	}
	var left []gateway.OauthToken
	for _, t := range g.tokens[id] {
		if t.Code != token {
			left = append(left, t)
		}
	}
	g.tokens[id] = left
	answer(w, http.StatusOK, map[string]string{"status": "ok", "message": "token revoked successfully"})
}

func (g *Gateway) revokeAll(w http.ResponseWriter, r *http.Request) {
	c, ok := g.known(r.PostFormValue("client_id"))
	if !ok {
		fail(w, http.StatusNotFound, "oauth client doesn't exist")
		return
	}
	if c.Secret == r.PostFormValue("client_secret") { // a stock gateway keeps silent about a wrong one
		delete(g.tokens, c.ClientID)
	}
	answer(w, http.StatusOK, map[string]string{"status": "ok", "message": "tokens revoked successfully"})
}

func (g *Gateway) purge(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get("scope") != "lapsed" {
		fail(w, http.StatusBadRequest, "unknown scope")
		return
	}
	answer(w, http.StatusOK, map[string]string{"status": "ok", "message": "lapsed tokens purged"})
}

func (g *Gateway) deleteKey(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]string{"status": "ok", "action": "deleted"})
}

func (g *Gateway) authorize(w http.ResponseWriter, r *http.Request) {
	refuse := func(code, description string) {
		answer(w, http.StatusForbidden, map[string]string{"error": code, "error_description": description})
	}
	c, ok := g.known(r.PostFormValue("client_id"))
	redirect := r.PostFormValue("redirect_uri")
	switch kind := r.PostFormValue("response_type"); {
	case kind != "code" && kind != "token":
		refuse(
			"unsupported_response_type",
			"The authorization server does not support obtaining an authorization code using this method.",
		)
	case !ok:
		refuse(
			"server_error",
			"The authorization server encountered an unexpected condition that prevented it from fulfilling the request.",
		)
	case c.RedirectURI == "" || !strings.HasPrefix(redirect, strings.Split(c.RedirectURI, ",")[0]):
		refuse(
			"invalid_request",
			"The request is missing a required parameter, includes an invalid parameter value, includes a parameter more than once, or is otherwise malformed.",
		)
	case kind == "token":
		g.issued++
		token := fmt.Sprintf("token-%d", g.issued)
		g.tokens[c.ClientID] = append(g.tokens[c.ClientID], gateway.OauthToken{Code: token, Expires: expires})
		answer(
			w,
			http.StatusOK,
			map[string]any{
				"access_token": token,
				"expires_in":   3600,
				"token_type":   "bearer",
				"redirect_to":  redirect + "#access_token=" + token,
			},
		)
	default:
		g.issued++
		code := fmt.Sprintf("code-%d", g.issued)
		out := map[string]any{"code": code, "redirect_to": redirect + "?code=" + code}
		if state := r.PostFormValue("state"); state != "" {
			out["state"] = state
		}
		answer(w, http.StatusOK, out)
	}
}
