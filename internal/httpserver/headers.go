package httpserver

import "net/http"

// SecurityHeaders sets the headers that tell browsers to trust an answer no further than they must: its content type is
// meant, no other site may frame it or share a window with it, and its address is told to no other site. csp is the
// Content-Security-Policy, "" for none. A handler may set others in their place.
func SecurityHeaders(csp string) Middleware {
	type header struct {
		name  string
		value []string
	}
	fixed := []header{
		{"X-Content-Type-Options", []string{"nosniff"}},
		{"X-Frame-Options", []string{"DENY"}},
		{"Referrer-Policy", []string{"same-origin"}},
		{"Cross-Origin-Opener-Policy", []string{"same-origin"}},
	}
	if csp != "" {
		fixed = append(fixed, header{"Content-Security-Policy", []string{csp}})
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h := w.Header()
			for _, f := range fixed {
				h[f.name] = f.value[:1:1] // shared between requests: an Add makes a copy
			}
			next.ServeHTTP(w, r)
		})
	}
}
