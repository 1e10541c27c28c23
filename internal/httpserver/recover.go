package httpserver

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
)

// Recover answers a request whose handler panicked: it logs the panic with its stack and the request id, once, and has
// respond write the answer, whose status should be 500. Where the answer had begun, the connection is cut instead, so
// that the client does not take half of it for the whole. http.ErrAbortHandler passes through.
func Recover(logger *slog.Logger, respond http.HandlerFunc) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			rec := record(w)
			defer func() {
				cause := recover()
				if cause == nil {
					return
				}
				if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
					panic(http.ErrAbortHandler)
				}
				logger.LogAttrs(r.Context(), slog.LevelError, "panic while serving a request",
					slog.String("request_id", RequestID(r.Context())),
					slog.String("method", clip(r.Method, 32)),
					slog.String("path", logPath(r)),
					slog.String("panic", fmt.Sprint(cause)),
					slog.String("stack", string(debug.Stack())))
				if rec.hijacked {
					return
				}
				if rec.status != 0 {
					panic(http.ErrAbortHandler)
				}
				for _, meant := range []string{"Content-Length", "Content-Encoding", "Etag", "Last-Modified", "Cache-Control"} {
					rec.Header().Del(meant) // for the answer that did not come about
				}
				respond(rec, r)
			}()
			next.ServeHTTP(rec, r)
		})
	}
}
