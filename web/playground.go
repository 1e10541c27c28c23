// Package web holds what Gatehouse serves to browsers: built with npm, embedded here, and loaded from no other host.
package web

import (
	"embed"
	"io/fs"
	"net/http"
)

// The folder is never empty, so that a fresh clone builds without Node: until the bundle is built, it holds .keep
// alone.
//
//go:embed all:playground/dist
var playgroundFiles embed.FS

// Playground returns the handler of /playground and everything below it: GraphiQL for /graphql of the same server.
// It answers GET and HEAD, and makes the browser talk to no other host (see playgroundPolicy). When the program was
// built without the bundle, the page says how to build it.
func Playground() http.Handler {
	dist, err := fs.Sub(playgroundFiles, "playground/dist")
	if err != nil {
		panic(err) // The path is a constant: the compiler has found it already.
	}
	return newBundle(dist, "/playground", playgroundPolicy)
}

// playgroundPolicy lets the page load and call its own server and nothing else. Styles may stand inline because the
// editor positions its lines with style attributes and writes its colour themes as style elements; its icons are data:
// images.
const playgroundPolicy = "default-src 'self'; " +
	"style-src 'self' 'unsafe-inline'; " +
	"img-src 'self' data:; " +
	"worker-src 'self'; " +
	"connect-src 'self'; " +
	"object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
