package httpserver

import (
	"bytes"
	"io"
	"net/http"

	"gatehouse/internal/core"
)

// SmallBody is the size of bodies up to which ReadSmallBody reads them: of nearly all requests but those with large
// definitions.
const SmallBody = 64 << 10

// firstRead is how much is made ready for a body before any of it came: nobody is given memory for an announcement.
const firstRead = 4 << 10

// ReadSmallBody reads a body of at most SmallBody bytes before the handler runs. net/http notices that a client went,
// and ends the context of its request, only once the body is read; and handlers ask the store who the caller is before
// they read. So without this, while a database hangs, clients that gave up long ago would keep their places in the
// queue for it.
//
// respond answers a body that did not arrive within the time of Timeout, and its status should be 408. Of other
// failures, reading the body tells.
func ReadSmallBody(respond http.HandlerFunc) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			// Who asks whether to send a body waits for an answer that the first read gives, and a refusal is to come in its
			// place.
			if r.Body == nil || r.Body == http.NoBody || r.ContentLength > SmallBody || r.Header.Get("Expect") != "" {
				next.ServeHTTP(w, r)
				return
			}
			read := bytes.NewBuffer(make([]byte, 0, min(firstRead, max(int(r.ContentLength), 0)+bytes.MinRead)))
			// One byte more meets the end of a body, which has to be met.
			_, err := read.ReadFrom(io.LimitReader(r.Body, SmallBody+1))
			if core.CodeOf(err) == core.CodeTimeout {
				w.Header().Set("Connection", "close") // the rest of the body is still under way
				respond(w, r)
				return
			}
			rest := io.Reader(r.Body)
			if err != nil {
				rest = failedRead{err}
			}
			r.Body = readBody{io.MultiReader(read, rest), r.Body}
			next.ServeHTTP(w, r)
		})
	}
}

// readBody is a body of which the beginning was read.
type readBody struct {
	io.Reader
	io.Closer
}

// failedRead is the rest of a body that could not be read.
type failedRead struct{ err error }

// Read implements io.Reader.
func (f failedRead) Read([]byte) (int, error) { return 0, f.err }
