package httpserver

import (
	"context"
	"net/http"
	"net/netip"
	"strings"
)

// Locate notes the address that each request comes from, for the access log and for Address: the peer's, or, where the
// peer is one of the trusted proxies, the last one in X-Forwarded-For that is no trusted proxy itself. What stands
// before that in the header anybody may have written. It belongs behind Identify.
func Locate(trusted []netip.Prefix) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if q := requestOf(r.Context()); q != nil {
				q.address = locate(r, trusted)
			}
			next.ServeHTTP(w, r)
		})
	}
}

// Address is the address that Locate noted, "" outside of a request. It is an IP address without a zone.
func Address(ctx context.Context) string {
	if q := requestOf(ctx); q != nil {
		return q.address
	}
	return ""
}

func locate(r *http.Request, trusted []netip.Prefix) string {
	at, ok := hop(r.RemoteAddr)
	if !ok {
		return r.RemoteAddr
	}
	lines := r.Header["X-Forwarded-For"]
	for i := len(lines) - 1; i >= 0; i-- {
		for rest := lines[i]; rest != ""; {
			if !contains(trusted, at) {
				return at.String()
			}
			entry := rest
			if comma := strings.LastIndexByte(rest, ','); comma >= 0 {
				rest, entry = rest[:comma], rest[comma+1:]
			} else {
				rest = ""
			}
			before, ok := hop(strings.TrimSpace(entry))
			if !ok {
				return at.String() // a proxy that writes something else has to be taken for the client
			}
			at = before
		}
	}
	return at.String()
}

// hop reads an address, with a port or without.
func hop(text string) (netip.Addr, bool) {
	if withPort, err := netip.ParseAddrPort(text); err == nil {
		return withPort.Addr().Unmap().WithZone(""), true
	}
	addr, err := netip.ParseAddr(strings.Trim(text, "[]"))
	return addr.Unmap().WithZone(""), err == nil
}

func contains(prefixes []netip.Prefix, addr netip.Addr) bool {
	for _, p := range prefixes {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}
