package httpserver

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
)

func scrape(m *Metrics) string {
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	return w.Body.String()
}

func TestMetricsCountRequestsByMethodRouteAndClassOfStatus(t *testing.T) {
	m := NewMetrics("1.2.3", "abc")
	status := 200
	h := Chain(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Contains(t, scrape(m), "gatehouse_http_requests_in_flight 1\n")
		if r.URL.Path != "/nowhere" {
			SetRoute(r.Context(), "/api/apis/{id}")
		}
		w.WriteHeader(status)
	}), Identify, m.Middleware)
	do := func(method, path string) {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(method, path, nil))
	}
	do("GET", "/api/apis/1")
	do("GET", "/api/apis/2")
	status = 404
	do("GET", "/api/apis/3")
	do("GET", "/nowhere")
	status = 503
	do("BREW", "/api/apis/4")

	got := scrape(m)
	for _, want := range []string{
		`gatehouse_http_requests_total{method="GET",route="/api/apis/{id}",status="2xx"} 2`,
		`gatehouse_http_requests_total{method="GET",route="/api/apis/{id}",status="4xx"} 1`,
		`gatehouse_http_requests_total{method="GET",route="unmatched",status="4xx"} 1`,
		`gatehouse_http_requests_total{method="other",route="/api/apis/{id}",status="5xx"} 1`,
		`gatehouse_http_request_duration_seconds_count{method="GET",route="/api/apis/{id}"} 3`,
		`gatehouse_http_requests_in_flight 0`,
		`revision="abc",version="1.2.3"} 1`,
		"go_goroutines ", "process_open_fds ",
	} {
		assert.Contains(t, got, want)
	}
	assert.NotContains(t, got, "BREW")
	assert.NotContains(t, got, "nowhere")
}

func TestMetricsCountAPanicAs500AndLeaveNothingInFlight(t *testing.T) {
	m := NewMetrics("", "")
	assert.Panics(t, func() {
		m.Middleware(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("x") })).
			ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	})
	assert.Contains(t, scrape(m), `gatehouse_http_requests_total{method="GET",route="unmatched",status="5xx"} 1`)
	assert.Contains(t, scrape(m), "gatehouse_http_requests_in_flight 0\n")
}

func TestMetricsDoNotTimeStreams(t *testing.T) {
	m := NewMetrics("", "")
	m.Middleware(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	})).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	assert.Contains(t, scrape(m), `gatehouse_http_requests_total{method="GET",route="unmatched",status="2xx"} 1`)
	assert.NotContains(t, scrape(m), "gatehouse_http_request_duration_seconds_count")
}
