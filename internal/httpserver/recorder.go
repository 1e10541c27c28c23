package httpserver

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// recorder is a ResponseWriter that remembers what was answered. It passes on what the server's own writer can do
// besides, since server-sent events flush, websockets hijack and files are sent by ReadFrom.
type recorder struct {
	http.ResponseWriter
	status   int // 0 until the header is written
	bytes    int64
	hijacked bool
	pace     *pace // nil without a Timeout
}

var (
	_ http.Flusher  = (*recorder)(nil)
	_ http.Hijacker = (*recorder)(nil)
	_ io.ReaderFrom = (*recorder)(nil)
)

// record wraps w, unless a middleware further out did already.
func record(w http.ResponseWriter) *recorder {
	if rec, ok := w.(*recorder); ok {
		return rec
	}
	return &recorder{ResponseWriter: w}
}

// retryAfter is when to come again, in seconds, where an answer of 503 does not say so itself.
const retryAfter = "5"

// WriteHeader remembers the first final status; 1xx ones come before it. Every 503 says when to come again.
func (r *recorder) WriteHeader(status int) {
	if status == http.StatusServiceUnavailable && r.Header().Get("Retry-After") == "" {
		r.Header().Set("Retry-After", retryAfter)
	}
	if status >= 200 || status == http.StatusSwitchingProtocols {
		r.begin(status)
	}
	r.ResponseWriter.WriteHeader(status)
}

// begin notes the status, and what the answer is.
func (r *recorder) begin(status int) {
	if r.status != 0 {
		return
	}
	r.status = status
	if r.pace != nil && strings.HasPrefix(r.Header().Get("Content-Type"), "text/event-stream") {
		r.pace.becameStream()
	}
}

// Write counts the bytes of the body.
func (r *recorder) Write(p []byte) (int, error) {
	r.begin(http.StatusOK)
	write := r.ResponseWriter.Write
	if r.pace != nil {
		write = func(p []byte) (int, error) { return r.pace.write(r.ResponseWriter, p) }
	}
	n, err := write(p)
	r.bytes += int64(n)
	return n, err
}

// ReadFrom counts the bytes of the body.
func (r *recorder) ReadFrom(src io.Reader) (int64, error) {
	return io.Copy(struct{ io.Writer }{r}, src)
}

// Flush sends what was written so far.
func (r *recorder) Flush() { _ = r.FlushError() }

// FlushError is Flush, and tells what went wrong; http.ResponseController calls it.
func (r *recorder) FlushError() error {
	r.begin(http.StatusOK)
	if r.pace != nil {
		return r.pace.flush(r.ResponseWriter)
	}
	return http.NewResponseController(r.ResponseWriter).Flush()
}

// SetWriteDeadline leaves the pace of the answer to its handler, which sets the deadlines itself from now on.
func (r *recorder) SetWriteDeadline(deadline time.Time) error {
	if r.pace != nil {
		r.pace.left = true
	}
	return http.NewResponseController(r.ResponseWriter).SetWriteDeadline(deadline)
}

// Hijack hands out the connection, or returns http.ErrNotSupported where there is none, as in HTTP/2.
func (r *recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(r.ResponseWriter).Hijack()
	if err == nil {
		r.hijacked = true
		if r.pace != nil {
			r.pace.becameStream()
		}
		if r.status == 0 {
			r.status = http.StatusSwitchingProtocols
		}
	}
	return conn, rw, err
}

// Unwrap lets http.ResponseController find the server's writer.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// final is the status of the answer once the handler has returned: net/http sends 200 when it wrote nothing.
func (r *recorder) final() int {
	if r.status == 0 {
		return http.StatusOK
	}
	return r.status
}
