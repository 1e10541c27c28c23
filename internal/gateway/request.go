package gateway

import (
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"gatehouse/internal/core"
)

// Request is a request to a gateway that somebody made up.
type Request struct {
	Method string
	Target *url.URL
	Header http.Header
	Body   []byte
}

var (
	forwardedMethods = []string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"}
	headerName       = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$")
	headerValue      = regexp.MustCompile(`^[^\x00-\x08\x0a-\x1f\x7f]*$`)
)

// NewRequest makes a request of what somebody gave: a method, "" for GET; the address, see Target; headers, an object
// of texts and of lists of them, or nil; and a body, whose null is none.
func (f *Forwarder) NewRequest(method, address string, headers, body []byte) (*Request, error) {
	r := &Request{Method: http.MethodGet, Body: body}
	if method != "" {
		r.Method = strings.ToUpper(method)
	}
	if !slices.Contains(forwardedMethods, r.Method) {
		return nil, core.InField("method", "must be one of %s", strings.Join(forwardedMethods, ", "))
	}
	if string(body) == "null" {
		r.Body = nil
	}
	var err error
	if r.Header, err = readHeader(headers); err != nil {
		return nil, err
	}
	r.Target, err = f.Target(address)
	return r, err
}

func readHeader(raw []byte) (http.Header, error) {
	given := gjson.ParseBytes(raw)
	if raw != nil && !given.IsObject() && given.Type != gjson.Null {
		return nil, core.InField("headers", "must be an object of names and values")
	}
	out := http.Header{}
	var err error
	given.ForEach(func(name, value gjson.Result) bool {
		if !headerName.MatchString(name.Str) {
			err = core.InField("headers", "must have names of letters, digits and dashes")
			return false
		}
		for _, v := range value.Array() {
			if v.Type != gjson.String || !headerValue.MatchString(v.Str) {
				err = core.Errorf(core.CodeInvalid, "headers.%s must be a string of one line, or a list of such strings", name.Str)
				return false
			}
			out.Add(name.Str, v.Str)
		}
		return true
	})
	return out, err
}

// Host is the host that the request is for, in lower case and without its port.
func (r *Request) Host() string {
	host := strings.ToLower(r.Target.Hostname())
	if named := r.Header.Get("Host"); named != "" {
		host = strings.ToLower(named)
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
	}
	return host
}
