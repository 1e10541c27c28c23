package resolvers

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/tidwall/gjson"

	"gatehouse/graph/model"
	"gatehouse/internal/core"
	"gatehouse/internal/gateway"
	"gatehouse/internal/gateway/notify"
)

// forget has the gateways drop what they cached for an API of the caller: by a notification where there is a Redis,
// which reaches all of them, and through the REST API of the configured gateway otherwise.
func (r *Resolver) forget(ctx context.Context, apiID string, command notify.Command, path string) (bool, error) {
	a, err := r.findApi(ctx, apiID)
	if err != nil {
		return false, err
	}
	if r.notifier != nil {
		err := r.notifier.Send(ctx, command, a.ApiID)
		return err == nil, err
	}
	if !r.gateway.Configured() {
		return false, core.Errorf(
			core.CodeUnavailable,
			"there is no way to tell gateways: set redis_host, or tyk_api_config.Host, tyk_api_config.Port and tyk_api_config.Secret",
		)
	}
	err = r.gateway.Do(ctx, http.MethodDelete, path+url.PathEscape(a.ApiID), nil, nil)
	if gateway.IsStatus(err, http.StatusNotFound) {
		return false, core.Wrap(
			core.CodeUnavailable,
			err,
			"the gateway is too old to forget these: upgrade it, or restart it",
		)
	}
	return err == nil, gateway.Explain(err)
}

// forwarding is a request to a gateway that somebody made up.
type forwarding struct {
	method string
	target *url.URL
	header http.Header
	body   []byte
}

var (
	forwardedMethods = []string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"}
	headerName       = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$")
	headerValue      = regexp.MustCompile(`^[^\x00-\x08\x0a-\x1f\x7f]*$`)
)

func (r *Resolver) newForwarding(in model.ProxyRequestInput) (*forwarding, error) {
	f := &forwarding{method: http.MethodGet, header: http.Header{}, body: in.Body}
	if in.Method != nil && *in.Method != "" {
		f.method = strings.ToUpper(*in.Method)
	}
	if !contains(forwardedMethods, f.method) {
		return nil, core.InField("method", "must be one of %s", strings.Join(forwardedMethods, ", "))
	}
	if string(f.body) == "null" {
		f.body = nil
	}
	headers := gjson.ParseBytes(in.Headers)
	if in.Headers != nil && !headers.IsObject() && headers.Type != gjson.Null {
		return nil, core.InField("headers", "must be an object of names and values")
	}
	var err error
	headers.ForEach(func(name, value gjson.Result) bool {
		if !headerName.MatchString(name.Str) {
			err = core.InField("headers", "must have names of letters, digits and dashes")
			return false
		}
		for _, v := range value.Array() {
			if v.Type != gjson.String || !headerValue.MatchString(v.Str) {
				err = core.Errorf(core.CodeInvalid, "headers.%s must be a string of one line, or a list of such strings", name.Str)
				return false
			}
			f.header.Add(name.Str, v.Str)
		}
		return true
	})
	if err != nil {
		return nil, err
	}
	f.target, err = r.forwarder.Target(in.URL)
	return f, err
}

// proxy sends the request and shows what came back.
func (r *Resolver) proxy(ctx context.Context, in model.ProxyRequestInput) (*model.ProxyResponse, error) {
	f, err := r.newForwarding(in)
	if err != nil {
		return nil, err
	}
	if in.Debug != nil && *in.Debug {
		return r.debug(ctx, f)
	}
	out, err := r.forwarder.Forward(ctx, f.method, f.target, f.header, f.body)
	if err != nil {
		return nil, err
	}
	return proxyResponse(out, nil), nil
}

// debug has the gateway run the request through the caller's API, as gateways are told it, and tell what it logged.
func (r *Resolver) debug(ctx context.Context, f *forwarding) (*model.ProxyResponse, error) {
	if err := r.gateway.Require(); err != nil {
		return nil, err
	}
	a, err := r.apiAt(ctx, f)
	if err != nil {
		return nil, err
	}
	spec, err := r.nodes.Definition(ctx, a) // within its organisation, as gateways are told it
	if err != nil {
		return nil, err
	}
	if spec == nil {
		return nil, core.Errorf(
			core.CodeInvalid,
			"gateways must not be given the API that listens at this url: %s",
			r.verdicts.Of(a).Fault,
		)
	}
	ask := map[string]any{"spec": spec, "request": map[string]any{
		"method": f.method, "path": f.target.RequestURI(), "body": string(f.body), "headers": gateway.Forwardable(f.header)}}
	var told struct{ Response, Logs string }
	if err := r.gateway.Do(ctx, http.MethodPost, "/tyk/debug", ask, &told); err != nil {
		return nil, gateway.Explain(err)
	}
	out, err := tracedAnswer(told.Response, f)
	if err != nil {
		return nil, err
	}
	return proxyResponse(out, logLines(told.Logs)), nil
}

// tracedAnswer reads the answer out of the gateway's text, which holds request and answer one after the other.
func tracedAnswer(text string, f *forwarding) (*gateway.Forwarded, error) {
	const mark = "\n====== Response ======\n"
	// A body of ours that holds the mark itself does not end the request.
	for range strings.Count(string(f.body), mark) + 1 {
		_, after, found := strings.Cut(text, mark)
		if !found {
			return nil, core.Errorf(core.CodeUnavailable, "the gateway told of no answer: leave debug out")
		}
		text = after
	}
	resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(text)), &http.Request{Method: f.method})
	if err != nil {
		return nil, core.Wrap(core.CodeUnavailable, err, "the gateway told of an answer that is none: leave debug out")
	}
	defer resp.Body.Close()
	return gateway.ReadForwarded(resp)
}

// logLines are the first lines of a log.
func logLines(logs string) []string {
	const most, longest = 1000, 4 << 10
	lines := []string{}
	for line := range strings.Lines(logs) {
		if line = strings.TrimSpace(line); line != "" && len(lines) < most {
			lines = append(lines, strings.ToValidUTF8(line[:min(len(line), longest)], ""))
		}
	}
	return lines
}

// apiAt finds the caller's API that serves a URL: the one with the longest listen path.
func (r *Resolver) apiAt(ctx context.Context, f *forwarding) (*core.Api, error) {
	host := strings.ToLower(f.target.Hostname())
	if named := f.header.Get("Host"); named != "" {
		host = strings.ToLower(named)
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
	}
	const deepest = 32
	var routes []string
	segments := strings.Split(strings.Trim(f.target.Path, "/"), "/")
	for n := range min(len(segments), deepest) + 1 {
		path := "/" + strings.Join(segments[:n], "/")
		for _, domain := range []string{"", host} {
			for _, port := range []string{"0", f.target.Port()} {
				route := domain + ":" + port + path
				routes = append(routes, route, core.OffRoute(route))
			}
		}
	}
	apis, err := r.store.Apis.TopByLabel(ctx, tenant(ctx), "listens", routes, 1)
	if err != nil {
		return nil, err
	}
	var best *core.Api
	for _, found := range apis {
		if len(found) == 0 {
			continue
		}
		a := found[0]
		if best == nil || len(a.ListenPath) > len(best.ListenPath) ||
			len(a.ListenPath) == len(best.ListenPath) &&
				(a.Domain != best.Domain && a.Domain != "" || a.Domain == best.Domain && a.ID < best.ID) {
			best = a
		}
	}
	if best == nil {
		return nil, core.Errorf(
			core.CodeForbidden,
			"no API of your organisation listens at this url: only your own can be debugged",
		)
	}
	return best, nil
}

func proxyResponse(f *gateway.Forwarded, logs []string) *model.ProxyResponse {
	header := make(map[string]string, len(f.Header))
	for name, values := range f.Header {
		header[name] = strings.Join(values, ", ")
	}
	out := &model.ProxyResponse{StatusCode: f.Status, Headers: asJSON(header), Truncated: f.Truncated, Logs: logs}
	body := bytes.TrimSpace(f.Body)
	switch {
	case len(f.Body) == 0:
	case !f.Truncated && json.Valid(body):
		out.Body = body
	default:
		out.Body = asJSON(string(f.Body))
	}
	return out
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
