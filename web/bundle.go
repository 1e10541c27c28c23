package web

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"
)

// contentTypes are the files of a bundle that are served, by extension; no other file leaves the folder. The table is
// our own because the one of package mime depends on the machine.
var contentTypes = map[string]string{
	".css":  "text/css; charset=utf-8",
	".html": "text/html; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
	".ttf":  "font/ttf",
}

const (
	indexFile = "index.html"
	// The build puts a hash of the content into the names of the files here, so a name never changes its meaning.
	assetsDir = "assets/"

	cacheForever = "public, max-age=31536000, immutable"
	// Keep a copy, but ask each time whether it still holds: what the page loads changes with each release.
	cacheRevalidate = "no-cache"
)

//go:embed missing.html
var missingPage []byte

// bundle serves the output of a web build: one page and its assets. A file with a .gz beside it is served from that
// to clients that accept gzip.
type bundle struct {
	files  fs.FS
	prefix string // the path of the page, without a slash at the end
	policy string // the Content-Security-Policy
}

func newBundle(files fs.FS, prefix, policy string) *bundle {
	return &bundle{files: files, prefix: prefix, policy: policy}
}

// ServeHTTP serves the page at the prefix, with or without a slash at the end, and the files of the bundle below it.
func (b *bundle) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Security-Policy", b.policy)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "same-origin")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")

	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		header.Set("Allow", "GET, HEAD")
		http.Error(w, "Use GET or HEAD", http.StatusMethodNotAllowed)
		return
	}
	switch rest, ok := strings.CutPrefix(r.URL.Path, b.prefix); {
	case !ok:
		http.NotFound(w, r)
	case rest == "" || rest == "/":
		b.servePage(w, r)
	default:
		b.serveAsset(w, r, rest)
	}
}

func (b *bundle) servePage(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", contentTypes[".html"])
	if b.serveFile(w, r, indexFile) {
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(missingPage))
}

func (b *bundle) serveAsset(w http.ResponseWriter, r *http.Request, rest string) {
	name, ok := strings.CutPrefix(rest, "/")
	contentType := contentTypes[path.Ext(name)]
	// fs.ValidPath refuses every way out of the folder: "..", empty elements, a leading slash.
	if !ok || contentType == "" || !fs.ValidPath(name) {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", contentType)
	if !b.serveFile(w, r, name) {
		http.NotFound(w, r)
	}
}

// serveFile reports whether there is such a file; when there is none it has written nothing.
func (b *bundle) serveFile(w http.ResponseWriter, r *http.Request, name string) bool {
	content, encoding, err := b.read(name, acceptsGzip(r.Header.Values("Accept-Encoding")))
	if err != nil {
		return false
	}
	header := w.Header()
	header.Set("Vary", "Accept-Encoding")
	if encoding != "" {
		header.Set("Content-Encoding", encoding)
	}
	tag := path.Base(name)
	if strings.HasPrefix(name, assetsDir) {
		header.Set("Cache-Control", cacheForever)
	} else {
		sum := sha256.Sum256(content)
		tag = hex.EncodeToString(sum[:16])
		header.Set("Cache-Control", cacheRevalidate)
	}
	// The two forms of a file are different bytes, so they need different tags.
	header.Set("ETag", strconv.Quote(tag+encoding))
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	return true
}

// read returns the content of a file and its Content-Encoding, if any.
func (b *bundle) read(name string, gzip bool) (content []byte, encoding string, err error) {
	if gzip {
		if content, err = fs.ReadFile(b.files, name+".gz"); err == nil {
			return content, "gzip", nil
		}
	}
	content, err = fs.ReadFile(b.files, name)
	return content, "", err
}
