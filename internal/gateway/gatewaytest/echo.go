package gatewaytest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"strings"
)

// Echo is the listen path of an API that answers with the request that it got.
const Echo = "/echo/"

// echo answers with the request; /echo/status/<n>/ with another status, and /echo/moved with a redirect.
func echo(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.Header()["Date"] = nil // which differs from run to run
	w.Header().Add("X-Echo", "one")
	w.Header().Add("X-Echo", "two")
	if strings.HasSuffix(r.URL.Path, "/moved") {
		http.Redirect(w, r, "/tyk/keys", http.StatusFound)
		return
	}
	if strings.HasSuffix(r.URL.Path, "/large") {
		_, _ = w.Write(make([]byte, 2<<20))
		return
	}
	if strings.HasSuffix(r.URL.Path, "/text") {
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, "not JSON: <b>")
		return
	}
	r.Header.Del("Content-Length")
	answer(
		w,
		http.StatusOK,
		map[string]any{"method": r.Method, "url": r.URL.RequestURI(), "headers": r.Header, "body": string(body)},
	)
}

// clearCache is DELETE /tyk/cache/{api}. Forgetting key sets is unknown to it, as to gateways of release 5.5.
func clearCache(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]string{"status": "ok", "message": "cache cleared"})
}

// debug is POST /tyk/debug: it has the request answered by echo, and tells of it as a stock gateway does.
func (g *Gateway) debug(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Request struct {
			Method, Path, Body string
			Headers            http.Header
		}
		Spec json.RawMessage
	}
	if json.NewDecoder(r.Body).Decode(&asked) != nil || len(asked.Spec) == 0 {
		fail(w, http.StatusBadRequest, "Request malformed")
		return
	}
	g.debugged = asked.Spec
	made := httptest.NewRequest(asked.Request.Method, asked.Request.Path, strings.NewReader(asked.Request.Body))
	made.Header = asked.Request.Headers
	request, _ := httputil.DumpRequest(made, true)
	recorder := httptest.NewRecorder()
	echo(recorder, made)
	response, _ := httputil.DumpResponse(recorder.Result(), true)
	answer(w, http.StatusOK, map[string]string{"message": "ok",
		"response": "====== Request ======\n" + string(request) + "\n====== Response ======\n" + string(response),
		"logs":     `{"level":"debug","msg":"Started"}` + "\n" + `{"level":"debug","msg":"Finished"}` + "\n"})
}
