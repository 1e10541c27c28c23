package httpserver

import (
	"log/slog"
	"net"
	"net/http"
	"time"
)

// AccessLog writes one line for each request when it ends: method, path, status, bytes of the body, duration
// (nanoseconds in JSON), request id, remote address, and the actor where SetActor named one. Answers of 500 and above
// are warnings, the rest is information; where a handler called Quiet, answers below 400 are for debugging only.
//
// The line holds no header, no body and no query, and key tokens in the path are cut (see maskPath), so it can be kept
// and shared. The remote address is the one that Locate noted, and the peer's without it: a header that anybody can
// send proves nothing.
//
// Give it a logger on a BufferedWriter, so that a request does not wait for the disk.
func AccessLog(logger *slog.Logger) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			start, rec, returned := time.Now(), record(w), false
			defer func() {
				level, status := slog.LevelInfo, rec.final()
				if !returned && rec.status == 0 {
					status = http.StatusInternalServerError // a panic that nobody answered
				}
				if status >= http.StatusInternalServerError {
					level = slog.LevelWarn
				}
				q := requestOf(r.Context())
				if q != nil && q.quiet.Load() && status < http.StatusBadRequest {
					level = slog.LevelDebug
				}
				if !logger.Enabled(r.Context(), level) {
					return
				}
				address := Address(r.Context())
				if address == "" {
					address = remoteIP(r)
				}
				// Past the Logger, which would look up the line of code that logs: always this one.
				end := time.Now()
				line := slog.NewRecord(end, level, "request", 0)
				line.AddAttrs(
					slog.String("method", clip(r.Method, 32)),
					slog.String("path", logPath(r)),
					slog.Int("status", status),
					slog.Int64("bytes", rec.bytes),
					slog.Duration("duration", end.Sub(start)),
					slog.String("request_id", RequestID(r.Context())),
					slog.String("remote_ip", address))
				if q != nil {
					if actor := text(&q.actor); actor != "" {
						line.AddAttrs(slog.String("actor_id", actor))
					}
				}
				if !returned {
					line.AddAttrs(slog.Bool("aborted", true))
				}
				_ = logger.Handler().Handle(r.Context(), line) // a log that cannot be written has nobody to tell
			}()
			next.ServeHTTP(rec, r)
			returned = true
		})
	}
}

func remoteIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
