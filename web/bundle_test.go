package web

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	page   = "<!doctype html><title>page</title>"
	script = "console.log('a script')"
)

func builtBundle(t *testing.T) http.Handler {
	t.Helper()
	file := func(content string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(content)} }
	return newBundle(fstest.MapFS{
		".keep":                      file(""),
		"index.html":                 file(page),
		"index.html.gz":              file(gzipped(t, page)),
		"gatehouse.svg":              file("<svg/>"),
		"assets/main-Ab12cd34.js":    file(script),
		"assets/main-Ab12cd34.js.gz": file(gzipped(t, script)),
		"assets/main-Ef56ab78.css":   file("body{}"),
		"assets/icons-Gh90.ttf":      file("\x00\x01\x00\x00"),
		"assets/notes.txt":           file("not of the page"),
	}, "/playground", playgroundPolicy)
}

func TestBundleServesWhatThePageNeedsAndNothingElse(t *testing.T) {
	tests := []struct {
		name        string
		path        string
		status      int
		contentType string
		cache       string
		body        string
	}{
		{"the page at its path", "/playground", 200, "text/html; charset=utf-8", cacheRevalidate, page},
		{"the page with a slash at the end", "/playground/", 200, "text/html; charset=utf-8", cacheRevalidate, page},
		{
			"the page by the name of its file",
			"/playground/index.html",
			200,
			"text/html; charset=utf-8",
			cacheRevalidate,
			page,
		},
		{
			"a script, for ever",
			"/playground/assets/main-Ab12cd34.js",
			200,
			"text/javascript; charset=utf-8",
			cacheForever,
			script,
		},
		{
			"a style sheet, for ever",
			"/playground/assets/main-Ef56ab78.css",
			200,
			"text/css; charset=utf-8",
			cacheForever,
			"body{}",
		},
		{"a font, for ever", "/playground/assets/icons-Gh90.ttf", 200, "font/ttf", cacheForever, "\x00\x01\x00\x00"},
		{
			"an image whose name has no hash, asked for again",
			"/playground/gatehouse.svg",
			200,
			"image/svg+xml",
			cacheRevalidate,
			"<svg/>",
		},
		{"no script that is not there", "/playground/assets/gone.js", 404, "", "", ""},
		{"no folder", "/playground/assets/", 404, "", "", ""},
		{"no hidden file", "/playground/.keep", 404, "", "", ""},
		{"no file of an unknown kind", "/playground/assets/notes.txt", 404, "", "", ""},
		{"no packed file by its own name", "/playground/assets/main-Ab12cd34.js.gz", 404, "", "", ""},
		{"no way up out of the folder", "/playground/assets/../../bundle.go/../index.html", 404, "", "", ""},
		{"no way to the root of the machine", "/playground//etc/a.js", 404, "", "", ""},
		{"no file outside the prefix", "/assets/main-Ab12cd34.js", 404, "", "", ""},
		{"no path that only begins like the prefix", "/playgroundassets/main-Ab12cd34.js", 404, "", "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			answer := get(builtBundle(t), test.path, nil)

			require.Equal(t, test.status, answer.Code)
			assert.Equal(t, "nosniff", answer.Header().Get("X-Content-Type-Options"))
			if test.status != http.StatusOK {
				assert.Equal(t, "text/plain; charset=utf-8", answer.Header().Get("Content-Type"))
				assert.Empty(t, answer.Header().Get("Cache-Control"), "a miss must not be kept")
				return
			}
			assert.Equal(t, test.contentType, answer.Header().Get("Content-Type"))
			assert.Equal(t, test.cache, answer.Header().Get("Cache-Control"))
			assert.Equal(t, test.body, answer.Body.String())
		})
	}
}

func TestBundleSendsThePackedFormToThoseWhoAcceptIt(t *testing.T) {
	const path = "/playground/assets/main-Ab12cd34.js"
	plain := get(builtBundle(t), path, nil)
	packed := get(builtBundle(t), path, http.Header{"Accept-Encoding": {"gzip, deflate, br"}})

	assert.Empty(t, plain.Header().Get("Content-Encoding"))
	assert.Equal(t, "gzip", packed.Header().Get("Content-Encoding"))
	assert.Equal(t, "text/javascript; charset=utf-8", packed.Header().Get("Content-Type"))
	reader, err := gzip.NewReader(packed.Body)
	require.NoError(t, err)
	unpacked, err := io.ReadAll(reader)
	require.NoError(t, err)
	assert.Equal(t, script, string(unpacked))

	for _, answer := range []*httptest.ResponseRecorder{plain, packed} {
		assert.Equal(t, "Accept-Encoding", answer.Header().Get("Vary"))
	}
	assert.NotEqual(t, plain.Header().Get("ETag"), packed.Header().Get("ETag"), "different bytes need different tags")

	unpackable := get(builtBundle(t), "/playground/assets/main-Ef56ab78.css", http.Header{"Accept-Encoding": {"gzip"}})
	assert.Empty(t, unpackable.Header().Get("Content-Encoding"), "a file without a packed form is sent plain")
	assert.Equal(t, "body{}", unpackable.Body.String())
}

func TestBundleAnswersNotModifiedToThoseWhoHaveIt(t *testing.T) {
	for _, path := range []string{"/playground", "/playground/assets/main-Ab12cd34.js", "/playground/gatehouse.svg"} {
		t.Run(path, func(t *testing.T) {
			tag := get(builtBundle(t), path, nil).Header().Get("ETag")
			require.NotEmpty(t, tag)

			same := get(builtBundle(t), path, http.Header{"If-None-Match": {tag}})
			assert.Equal(t, http.StatusNotModified, same.Code)
			assert.Empty(t, same.Body.String())

			other := get(builtBundle(t), path, http.Header{"If-None-Match": {`"older"`}})
			assert.Equal(t, http.StatusOK, other.Code)
		})
	}
}

func TestBundleOnlyReads(t *testing.T) {
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete} {
		answer := httptest.NewRecorder()
		builtBundle(t).ServeHTTP(answer, httptest.NewRequest(method, "/playground", nil))
		assert.Equal(t, http.StatusMethodNotAllowed, answer.Code, method)
		assert.Equal(t, "GET, HEAD", answer.Header().Get("Allow"), method)
	}

	answer := httptest.NewRecorder()
	builtBundle(t).ServeHTTP(answer, httptest.NewRequest(http.MethodHead, "/playground", nil))
	assert.Equal(t, http.StatusOK, answer.Code)
	assert.Empty(t, answer.Body.String())
}

func TestBundleThatIsNotBuiltSaysHowToBuildIt(t *testing.T) {
	unbuilt := newBundle(fstest.MapFS{".keep": {}}, "/playground", playgroundPolicy)

	answer := get(unbuilt, "/playground", nil)
	assert.Equal(t, http.StatusOK, answer.Code)
	assert.Equal(t, "text/html; charset=utf-8", answer.Header().Get("Content-Type"))
	assert.Equal(t, "no-store", answer.Header().Get("Cache-Control"), "the next build must be seen at once")
	assert.Contains(t, answer.Body.String(), "make web")

	assert.Equal(t, http.StatusNotFound, get(unbuilt, "/playground/assets/main.js", nil).Code)
}

func TestAcceptsGzip(t *testing.T) {
	tests := []struct {
		name   string
		values []string
		want   bool
	}{
		{"no header: plain", nil, false},
		{"named", []string{"gzip"}, true},
		{"named among others", []string{"br, GZIP;q=0.8, deflate"}, true},
		{"named in a second header line", []string{"br", "gzip"}, true},
		{"under its old name", []string{"x-gzip"}, true},
		{"covered by the star", []string{"*"}, true},
		{"refused", []string{"gzip;q=0"}, false},
		{"refused although the star allows the rest", []string{"*, gzip;q=0"}, false},
		{"allowed although the star refuses the rest", []string{"*;q=0, gzip"}, true},
		{"with a weight that is no number", []string{"gzip;q=much"}, false},
		{"other codings only", []string{"br, zstd"}, false},
		{"identity only", []string{"identity"}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, test.want, acceptsGzip(test.values))
		})
	}
}

func get(handler http.Handler, path string, header http.Header) *httptest.ResponseRecorder {
	request := httptest.NewRequest(http.MethodGet, "/", nil)
	// Set here, since NewRequest would refuse or clean some of the paths that a client can send.
	request.URL.Path = path
	if header != nil {
		request.Header = header
	}
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, request)
	return answer
}

func gzipped(t *testing.T, content string) string {
	t.Helper()
	var packed bytes.Buffer
	writer := gzip.NewWriter(&packed)
	_, err := writer.Write([]byte(content))
	require.NoError(t, err)
	require.NoError(t, writer.Close())
	return packed.String()
}
