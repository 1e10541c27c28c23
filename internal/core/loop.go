package core

import "strings"

// LoopHost returns whom a URL names that loops to another API of the gateway, as it is spelled; ok is false for other
// URLs.
func LoopHost(address string) (host string, ok bool) {
	scheme, rest, ok := strings.Cut(strings.TrimSpace(address), "://")
	if !ok || !strings.EqualFold(scheme, "tyk") {
		return "", false
	}
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		rest = rest[:end]
	}
	return rest, true
}

// LoopName is the name by which APIs loop to one of that name, in lower case: without categories, and with a hyphen for
// what is no letter or digit. Gateways compare it without regard to case, and across organisations.
func LoopName(name string) string {
	if i := strings.IndexByte(name, '#'); i > 0 {
		name = name[:i-1]
	}
	var out strings.Builder
	hyphen := false
	for _, r := range name {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			out.WriteRune(r)
			hyphen = false
		} else if !hyphen {
			out.WriteByte('-')
			hyphen = true
		}
	}
	return strings.ToLower(out.String())
}
