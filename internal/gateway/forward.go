package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"gatehouse/internal/core"
)

// MaxForwarded is how many bytes are kept of the body of a forwarded request's answer.
const MaxForwarded = 1 << 20

// maxURL is how long a URL may be.
const maxURL = 8 << 10

// Forwarder sends requests that people make up to the gateways, and to nowhere else. It is safe for concurrent use.
type Forwarder struct {
	origins map[string]bool
	http    *http.Client
}

// NewForwarder makes a Forwarder to the gateways at these addresses: a scheme, a host and a port each; what is behind
// them, and addresses that are none, does not count.
func NewForwarder(addresses ...string) *Forwarder {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableCompression = true // what comes is shown as it came
	transport.MaxResponseHeaderBytes = 256 << 10
	f := &Forwarder{origins: map[string]bool{}, http: &http.Client{Transport: transport, Timeout: 30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	for _, a := range addresses {
		if u, err := url.Parse(a); err == nil && u.Host != "" {
			f.origins[origin(u)] = true
		}
	}
	return f
}

// origin is scheme, host and port in one spelling.
func origin(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return u.Scheme + "://" + net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}

// Target reads a URL under a gateway that is known. One elsewhere, and the gateway's own API under /tyk/, are
// CodeForbidden; none known is CodeUnavailable.
func (f *Forwarder) Target(raw string) (*url.URL, error) {
	if len(f.origins) == 0 {
		return nil, core.Errorf(
			core.CodeUnavailable,
			"no gateway is configured: set tyk_api_config.Host and tyk_api_config.Port",
		)
	}
	u, err := url.Parse(raw)
	if err != nil || len(raw) > maxURL {
		return nil, core.Errorf(core.CodeInvalid, "url must be a whole URL, such as http://gateway:8080/listen-path/get")
	}
	if u.User != nil || u.Opaque != "" || !f.origins[origin(u)] {
		return nil, core.Errorf(core.CodeForbidden, "Provided URL is not a recognised gateway URL")
	}
	if reserved(u.Path) {
		return nil, core.Errorf(core.CodeForbidden, "the gateway's own API, under /tyk/, cannot be called here")
	}
	return u, nil
}

// reserved tells whether a path leads to the gateway's own API, by any reading of escapes, dots, slashes and capitals.
func reserved(p string) bool {
	for {
		clean := path.Clean("/" + strings.ReplaceAll(p, `\`, "/"))
		first, _, _ := strings.Cut(clean[1:], "/")
		if strings.EqualFold(first, "tyk") {
			return true
		}
		again, err := url.PathUnescape(p)
		if err != nil || again == p {
			return false
		}
		p = again
	}
}

// Forwarded is what came back.
type Forwarded struct {
	Status int
	Header http.Header
	Body   []byte
	// Truncated tells whether the body was longer than MaxForwarded.
	Truncated bool
}

// Forward sends a request that NewRequest returned. Redirects are not followed. No answer is CodeUnavailable.
func (f *Forwarder) Forward(ctx context.Context, r *Request) (*Forwarded, error) {
	req, err := http.NewRequestWithContext(ctx, r.Method, r.Target.String(), bytes.NewReader(r.Body))
	if err != nil {
		return nil, core.Wrap(core.CodeInvalid, err, "the request cannot be sent: look at its method and url")
	}
	if host := r.Header.Get("Host"); host != "" {
		req.Host = host
	}
	req.Header = Forwardable(r.Header)
	if req.Header.Get("User-Agent") == "" {
		req.Header.Set("User-Agent", "") // none, rather than ours
	}
	resp, err := f.http.Do(req)
	if err != nil {
		return nil, core.Wrap(core.CodeUnavailable, err, "the gateway at %s does not answer", r.Target.Host)
	}
	defer resp.Body.Close()
	return readForwarded(resp)
}

// readForwarded reads an answer, and at most MaxForwarded bytes of its body.
func readForwarded(resp *http.Response) (*Forwarded, error) {
	body, err := io.ReadAll(io.LimitReader(resp.Body, MaxForwarded+1))
	if err != nil {
		return nil, core.Wrap(core.CodeUnavailable, err, "the gateway broke off its answer")
	}
	out := &Forwarded{Status: resp.StatusCode, Header: resp.Header, Body: body}
	if len(body) > MaxForwarded {
		out.Body, out.Truncated = body[:MaxForwarded], true
	}
	return out, nil
}

// kept are headers that are not forwarded: those between two neighbours, those that follow from the rest of the
// request, and the secrets between gateways, their operators and us.
var kept = []string{
	"Connection",
	"Keep-Alive",
	"Proxy-Authenticate",
	"Proxy-Authorization",
	"Proxy-Connection",
	"Te",
	"Trailer",
	"Transfer-Encoding",
	"Upgrade",
	"Host",
	"Content-Length",
	"X-Tyk-Authorization",
	"X-Tyk-Nodeid",
	"X-Tyk-Nonce",
	"Admin-Auth",
}

// Forwardable returns the headers that may be forwarded.
func Forwardable(header http.Header) http.Header {
	named := strings.Split(strings.Join(header.Values("Connection"), ","), ",")
	out := http.Header{}
	for name, values := range header {
		drop := func(other string) bool { return strings.EqualFold(strings.TrimSpace(other), name) }
		if !slices.ContainsFunc(kept, drop) && !slices.ContainsFunc(named, drop) {
			out[name] = slices.Clone(values)
		}
	}
	return out
}

// HeaderJSON are the headers as one object.
func (f *Forwarded) HeaderJSON() core.Document {
	header := make(map[string]string, len(f.Header))
	for name, values := range f.Header {
		header[name] = strings.Join(values, ", ")
	}
	return asJSON(header)
}

// BodyJSON is the body as it is where that is JSON, and as a text otherwise; nil when there is none.
func (f *Forwarded) BodyJSON() core.Document {
	body := bytes.TrimSpace(f.Body)
	switch {
	case len(f.Body) == 0:
		return nil
	case !f.Truncated && json.Valid(body):
		return body
	}
	return asJSON(string(f.Body))
}

func asJSON(v any) core.Document {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil // strings always are JSON
	}
	return bytes.TrimSpace(out.Bytes())
}
