package httpserver

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// nowhere is a ResponseWriter that costs nothing itself.
type nowhere struct{ header http.Header }

func (n *nowhere) Header() http.Header         { return n.header }
func (n *nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (n *nowhere) WriteHeader(int)             {}

// BenchmarkStack measures what all middlewares together add to a request, with the log written to a file.
func BenchmarkStack(b *testing.B) {
	file, err := os.CreateTemp(b.TempDir(), "access-*.log")
	require.NoError(b, err)
	defer file.Close()
	buffered := NewBufferedWriter(file, 0)
	defer buffered.Close()
	for _, c := range []struct {
		name string
		log  io.Writer
	}{{"buffered log", buffered}, {"unbuffered log", file}} {
		b.Run(c.name, func(b *testing.B) {
			h := Chain(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				SetActor(r.Context(), "5e9d9544a1dcd60001d0ed20")
				SetRoute(r.Context(), "/api/apis/{id}")
				w.WriteHeader(http.StatusOK)
			}), Identify, AccessLog(slog.New(slog.NewJSONHandler(c.log, nil))), NewMetrics("", "").Middleware,
				Recover(quiet(), answer(500, "")), SecurityHeaders(""), Timeout(time.Minute), LimitBody(1<<20, answer(413, "")))
			r := httptest.NewRequest("GET", "/api/apis/0123456789abcdef0123456789abcdef", nil)
			b.ReportAllocs()
			for b.Loop() {
				h.ServeHTTP(&nowhere{header: http.Header{}}, r)
			}
		})
	}
}

func BenchmarkMaskPath(b *testing.B) {
	for b.Loop() {
		maskPath("/api/apis/0123456789abcdef0123456789abcdef")
	}
}
