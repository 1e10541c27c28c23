package httpserver

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestChainPutsTheFirstMiddlewareOutermost(t *testing.T) {
	var order string
	mark := func(name string) Middleware {
		return func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { order += name; next.ServeHTTP(w, r) })
		}
	}
	Chain(answer(200, ""), mark("a"), mark("b")).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	assert.Equal(t, "ab", order)
}

func TestIdentify(t *testing.T) {
	for name, c := range map[string]struct {
		given string
		kept  bool
	}{
		"keeps a well-formed id":                {"Abc-1.2_3", true},
		"keeps an id of 64 characters":          {strings.Repeat("x", 64), true},
		"replaces an id of 65 characters":       {strings.Repeat("x", 65), false},
		"replaces an id with a space":           {"a b", false},
		"replaces an id that would break a log": {"a\"}\n{", false},
		"replaces an id in another alphabet":    {"é", false},
		"makes an id where there is none":       {"", false},
	} {
		t.Run(name, func(t *testing.T) {
			var seen string
			h := Identify(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = RequestID(r.Context()) }))
			r, w := httptest.NewRequest("GET", "/", nil), httptest.NewRecorder()
			r.Header.Set("X-Request-ID", c.given)
			h.ServeHTTP(w, r)
			assert.Equal(t, seen, w.Header().Get("X-Request-ID"))
			if c.kept {
				assert.Equal(t, c.given, seen)
			} else {
				assert.Regexp(t, "^[0-9a-f]{32}$", seen)
			}
		})
	}
	assert.Empty(t, RequestID(context.Background()))
}

func TestAccessLogHoldsWhatItShouldAndNothingElse(t *testing.T) {
	var l logs
	h := Chain(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		SetActor(r.Context(), "user-1")
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write([]byte("created secret-answer"))
	}), Identify, AccessLog(l.logger()))
	r := httptest.NewRequest("POST", "/api/apis?token=secret-query", strings.NewReader("secret-body"))
	r.Header.Set("Authorization", "secret-header")
	r.Header.Set("X-Request-ID", "id-1")
	r.RemoteAddr = "[2001:db8::1]:1234"
	h.ServeHTTP(httptest.NewRecorder(), r)

	lines := l.lines(t)
	require.Len(t, lines, 1)
	line := lines[0]
	assert.Positive(t, line["duration"])
	assert.NotEmpty(t, line["time"])
	delete(line, "time")
	delete(line, "duration")
	assert.Equal(
		t,
		map[string]any{"level": "INFO", "msg": "request", "method": "POST", "path": "/api/apis", "status": 201.0,
			"bytes": 21.0, "request_id": "id-1", "remote_ip": "2001:db8::1", "actor_id": "user-1"},
		line,
	)
	assert.NotContains(t, l.String(), "secret")
}

func TestAccessLogTellsHowARequestEnded(t *testing.T) {
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		status  float64
		level   string
		aborted any
	}{
		"a handler that writes nothing answers 200":     {func(http.ResponseWriter, *http.Request) {}, 200, "INFO", nil},
		"a handler that only writes a body answers 200": {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("x")) }, 200, "INFO", nil},
		"a mistake of the client is information":        {answer(404, ""), 404, "INFO", nil},
		"a failure of ours is a warning":                {answer(503, ""), 503, "WARN", nil},
		"an early hint is not the answer": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusAccepted)
		}, 202, "INFO", nil},
		"an aborted answer says so": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(200)
			panic(http.ErrAbortHandler)
		}, 200, "INFO", true},
		"a panic that nobody answers is a 500": {func(http.ResponseWriter, *http.Request) { panic("x") }, 500, "WARN", true},
	} {
		t.Run(name, func(t *testing.T) {
			var l logs
			func() {
				defer func() { _ = recover() }()
				Chain(
					c.handler,
					Identify,
					AccessLog(l.logger()),
				).ServeHTTP(
					httptest.NewRecorder(),
					httptest.NewRequest("GET", "/", nil),
				)
			}()
			lines := l.lines(t)
			require.Len(t, lines, 1)
			assert.Equal(t, c.status, lines[0]["status"])
			assert.Equal(t, c.level, lines[0]["level"])
			assert.Equal(t, c.aborted, lines[0]["aborted"])
		})
	}
}

func TestMaskPath(t *testing.T) {
	token := "eyJvcmciOiI1ZTlkOTU0NGExZGNkNjAwMDFkMGVkMjAiLCJpZCI6ImhlbGxvLXdvcmxkIiwiaCI6Im11cm11cjY0In0="
	for name, c := range map[string]struct{ path, want string }{
		"a plain path is shown":                      {"/api/apis/5e9d9544a1dcd60001d0ed20", "/api/apis/5e9d9544a1dcd60001d0ed20"},
		"a public API id is shown":                   {"/api/apis/0123456789abcdef0123456789abcdef", "/api/apis/0123456789abcdef0123456789abcdef"},
		"a token is cut":                             {"/api/keys/" + token, "/api/keys/eyJvcmci…"},
		"a token of an API is cut":                   {"/api/apis/0123456789abcdef0123456789abcdef/keys/" + token + "/", "/api/apis/0123456789abcdef0123456789abcdef/keys/eyJvcmci…/"},
		"a token behind two slashes is cut":          {"/api/keys//" + token, "/api/keys//eyJvcmci…"},
		"half of a short custom key is shown":        {"/api/keys/hunter2", "/api/keys/hun…"},
		"a key of one character is hidden":           {"/api/keys/x/more", "/api/keys/…/more"},
		"a token is cut wherever it stands":          {"/what/" + token + "/ever", "/what/eyJvcmci…/ever"},
		"a short token is cut wherever it stands":    {"/what/eyJvcmciOiI1ZTlkOTU0", "/what/eyJvcmci…"},
		"a legacy token is cut wherever it stands":   {"/what/5e9d9544a1dcd60001d0ed200123456789abcdef0123456789abcdef", "/what/5e9d9544…"},
		"routes below keys are shown":                {"/api/keys/detailed", "/api/keys/detailed"},
		"the list of keys is shown":                  {"/api/keys/", "/api/keys/"},
		"two tokens are both cut":                    {"/keys/abcdefghijklmnopqrst/keys/abcdefghijklmnopqrst", "/keys/abcdefgh…/keys/abcdefgh…"},
		"a character of several bytes is not halved": {"/keys/ééé", "/keys/é…"},
		"an empty path stays empty":                  {"", ""},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, c.want, maskPath(c.path)) })
	}
}

func TestAccessLogLeavesOutWhatIsQuietUnlessItFails(t *testing.T) {
	for status, lines := range map[int]int{200: 0, 302: 0, 403: 1, 503: 1} {
		var l logs
		quiet := func(w http.ResponseWriter, r *http.Request) {
			Quiet(r.Context())
			w.WriteHeader(status)
		}
		Chain(
			http.HandlerFunc(quiet),
			Identify,
			AccessLog(l.logger()),
		).ServeHTTP(
			httptest.NewRecorder(),
			httptest.NewRequest("GET", "/", nil),
		)
		assert.Len(t, l.lines(t), lines, "status %d", status)
	}
}

func TestAccessLogCutsATokenWithAnEscapedSlash(t *testing.T) {
	var l logs
	r := httptest.NewRequest("GET", "/api/keys/eyJvcmciOiJ4%2Ftail-of-the-token", nil)
	Chain(answer(200, ""), AccessLog(l.logger())).ServeHTTP(httptest.NewRecorder(), r)
	assert.NotContains(t, l.String(), "tail")
}

func FuzzMaskPath(f *testing.F) {
	f.Add("/api/keys/eyJvcmciOiI1ZTlkOTU0", "/")
	f.Fuzz(func(t *testing.T, before, after string) {
		const secret = "S3CRET-S3CRET-S3CRET"
		if strings.Contains(maskPath(before+"/keys/"+secret+"/"+after), secret) {
			t.Fatal("the token is shown")
		}
	})
}

func TestRecoverAnswersAPanicAndLogsItOnce(t *testing.T) {
	var l logs
	h := Chain(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		panic(errors.New("boom"))
	}), Identify, Recover(l.logger(), answer(500, `{"Message":"Internal error"}`)))
	r, w := httptest.NewRequest("GET", "/api/keys/abcdefghijklmnopqrstuvwxyz?secret=1", nil), httptest.NewRecorder()
	r.Header.Set("X-Request-ID", "id-1")
	h.ServeHTTP(w, r)
	assert.Equal(t, 500, w.Code)
	assert.JSONEq(t, `{"Message":"Internal error"}`, w.Body.String())
	assert.Empty(t, w.Header().Get("Content-Length"), "headers of the answer that did not come about are gone")
	lines := l.lines(t)
	require.Len(t, lines, 1)
	assert.Equal(t, "ERROR", lines[0]["level"])
	assert.Equal(t, "id-1", lines[0]["request_id"])
	assert.Equal(t, "boom", lines[0]["panic"])
	assert.Equal(t, "/api/keys/abcdefgh…", lines[0]["path"])
	assert.Contains(t, lines[0]["stack"], "middleware_test.go")
	assert.NotContains(t, l.String(), "secret")
}

func TestRecoverCutsAnAnswerThatHadBegun(t *testing.T) {
	var l logs
	h := Recover(l.logger(), answer(500, "late"))(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("half"))
		panic("boom")
	}))
	w := httptest.NewRecorder()
	assert.PanicsWithValue(t, http.ErrAbortHandler, func() { h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil)) })
	assert.Equal(t, "half", w.Body.String())
	assert.Len(t, l.lines(t), 1)
}

func TestRecoverLetsAnAbortPassSilently(t *testing.T) {
	var l logs
	h := Recover(
		l.logger(),
		answer(500, "late"),
	)(
		http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }),
	)
	assert.PanicsWithValue(
		t,
		http.ErrAbortHandler,
		func() { h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)) },
	)
	assert.Empty(t, l.String())
}

func TestLimitBody(t *testing.T) {
	read := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		switch {
		case IsBodyTooLarge(err):
			answer(413, "while reading")(w, r)
		case err != nil:
			answer(400, err.Error())(w, r)
		default:
			assert.LessOrEqual(t, n, int64(10))
			answer(200, "read")(w, r)
		}
	})
	for name, c := range map[string]struct {
		size      int
		announced bool
		status    int
		body      string
	}{
		"a body of the limit passes":                         {10, true, 200, "read"},
		"a body over the limit is refused early":             {11, true, 413, "early"},
		"a body of the limit without a size passes":          {10, false, 200, "read"},
		"a body over the limit without a size fails to read": {11, false, 413, "while reading"},
		"no body passes":                                     {0, true, 200, "read"},
	} {
		t.Run(name, func(t *testing.T) {
			var body io.Reader = bytes.NewReader(make([]byte, c.size))
			if !c.announced {
				body = io.MultiReader(body) // hides the length
			}
			r, w := httptest.NewRequest("POST", "/", body), httptest.NewRecorder()
			LimitBody(10, answer(413, "early"))(read).ServeHTTP(w, r)
			assert.Equal(t, c.status, w.Code)
			assert.Equal(t, c.body, w.Body.String())
		})
	}
	r, w := httptest.NewRequest("POST", "/", strings.NewReader("0123456789")), httptest.NewRecorder()
	LimitBody(0, answer(413, "early"))(read).ServeHTTP(w, r)
	assert.Equal(t, 200, w.Code, "0 is no limit")
	assert.False(t, IsBodyTooLarge(io.ErrUnexpectedEOF))
}

func TestTimeoutEndsTheContextOfASlowRequest(t *testing.T) {
	Timeout(time.Millisecond)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		assert.ErrorIs(t, r.Context().Err(), context.DeadlineExceeded)
	})).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
}

func TestSecurityHeaders(t *testing.T) {
	w := httptest.NewRecorder()
	SecurityHeaders("default-src 'self'")(answer(200, "")).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin",
		"Cross-Origin-Opener-Policy": "same-origin", "Content-Security-Policy": "default-src 'self'"} {
		assert.Equal(t, want, w.Header().Get(name), name)
	}
	w = httptest.NewRecorder()
	h := SecurityHeaders(
		"",
	)(
		http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Add("X-Frame-Options", "mine") }),
	)
	h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	assert.NotContains(t, w.Header(), "Content-Security-Policy")
	w = httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	assert.Equal(
		t,
		[]string{"DENY", "mine"},
		w.Header()["X-Frame-Options"],
		"what one request adds does not reach the next",
	)
}
