package httpserver

import (
	"net/http"
	"strings"
)

const (
	// maxLogPath bounds a path in the log, in bytes.
	maxLogPath = 512
	// shownOfToken is how many characters of a token the log shows: enough to tell tokens apart.
	shownOfToken = 8
	// longestID is the longest path segment that is shown whole wherever it stands: ids have 24 or 32 characters, UUIDs
	// 36, and tokens more.
	longestID = 40
)

// logPath is the path of a request as the log shows it. Where the client escaped a slash, the escaped form keeps a
// token with a slash in it one segment.
func logPath(r *http.Request) string {
	path := r.URL.Path
	if r.URL.RawPath != "" {
		path = r.URL.RawPath
	}
	return clip(maskPath(path), maxLogPath)
}

// maskPath cuts the path segments that are, or may be, key tokens: whatever stands behind a segment "keys" or
// "ssokey", what is longer than any id, and what starts like the base64 of a JSON object. The first 8 characters are
// shown, of short ones half.
func maskPath(path string) string {
	var out strings.Builder
	copied, afterKeys := 0, false
	for start := 0; start < len(path); {
		end := strings.IndexByte(path[start:], '/')
		if end < 0 {
			end = len(path)
		} else {
			end += start
		}
		segment := path[start:end]
		if (afterKeys && !isWord(segment)) || len(segment) > longestID ||
			(len(segment) >= 20 && strings.HasPrefix(segment, "ey")) {
			shown := min(shownOfToken, len(segment)/2)
			out.WriteString(path[copied:start])
			out.WriteString(strings.ToValidUTF8(segment[:shown], ""))
			out.WriteString("…")
			copied = end
		}
		if segment != "" {
			afterKeys = segment == "keys" || segment == "ssokey"
		}
		start = end + 1
	}
	if copied == 0 {
		return path
	}
	out.WriteString(path[copied:])
	return out.String()
}

// isWord tells the segments behind "keys" that are part of a route.
func isWord(segment string) bool {
	switch segment {
	case "", "basic", "detailed", "preview", "search":
		return true
	}
	return false
}

func clip(s string, n int) string {
	if len(s) > n {
		return strings.ToValidUTF8(s[:n], "") + "…"
	}
	return s
}
