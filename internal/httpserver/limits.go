package httpserver

import (
	"errors"
	"io"
	"net/http"
	"time"
)

// LimitBody refuses requests with a body of more than max bytes. Where the client announces the size, respond answers
// at once; its status should be 413. Otherwise reading beyond max fails with an error that IsBodyTooLarge recognises. A
// max of 0 or less is no limit.
func LimitBody(max int64, respond http.HandlerFunc) Middleware {
	return func(next http.Handler) http.Handler {
		if max <= 0 {
			return next
		}
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.ContentLength > max {
				w.Header().Set("Connection", "close")
				respond(w, r)
				linger(w, r)
				return
			}
			if r.ContentLength < 0 { // net/http holds a client to the size that it announced
				r.Body = http.MaxBytesReader(serverWriter(w), r.Body, max)
			}
			next.ServeHTTP(w, r)
		})
	}
}

// IsBodyTooLarge tells whether err comes from reading a body over the limit of LimitBody.
func IsBodyTooLarge(err error) bool {
	var e *http.MaxBytesError
	return errors.As(err, &e)
}

// serverWriter finds the writer that MaxBytesReader can tell to close the connection.
func serverWriter(w http.ResponseWriter) http.ResponseWriter {
	for {
		u, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return w
		}
		w = u.Unwrap()
	}
}

const (
	lingerBytes = 64 << 20
	lingerTime  = 2 * time.Second
)

// linger reads on for a while after the answer was sent. Many clients read an answer only when they have sent
// everything, and would see a broken connection in its place.
func linger(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Expect") != "" {
		return // the client waits for our word before it sends, and has got it
	}
	c := http.NewResponseController(w)
	if c.Flush() != nil || c.SetReadDeadline(time.Now().Add(lingerTime)) != nil {
		return
	}
	_, _ = io.CopyN(io.Discard, r.Body, lingerBytes)
}
