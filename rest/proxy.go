package rest

import (
	"context"
	"net/http"

	"github.com/tidwall/gjson"

	"gatehouse/graph/model"
	"gatehouse/internal/core"
)

// proxyRoutes are the endpoints that speak to the gateways about APIs, rather than about themselves.
var proxyRoutes = []route{
	{"DELETE", "/api/cache/jwks/{apiId}", "invalidateJwksCache", (*call).invalidateJwksCache, nil},
	{"DELETE", "/api/cache/{apiId}", "invalidateApiCache", (*call).invalidateApiCache, nil},
	{"POST", "/api/proxy", "proxyRequest", (*call).proxyRequest, legacyErrors{
		core.CodeMalformed:   {http.StatusBadRequest, "Invalid proxy request", true},
		core.CodeInvalid:     {http.StatusBadRequest, "Invalid proxy request", true},
		core.CodeUnavailable: {http.StatusInternalServerError, "Failed to process proxy request", true},
	}},
}

func (c *call) invalidateApiCache() (reply, error) {
	return c.invalidate(c.Mutation.InvalidateAPICache)
}

func (c *call) invalidateJwksCache() (reply, error) {
	return c.invalidate(c.Mutation.InvalidateJwksCache)
}

// invalidate answers with names in lower case, as the legacy API does here.
func (c *call) invalidate(forget func(ctx context.Context, apiID string) (*bool, error)) (reply, error) {
	type status struct {
		Status  string `json:"status"`
		Message string `json:"message"`
	}
	_, err := forget(c.ctx, c.vars["apiId"])
	if core.CodeOf(err) == core.CodeNotFound {
		return func(w http.ResponseWriter) {
			writeJSON(w, http.StatusForbidden, status{"error", "Update not allowed, API not owned by user"})
		}, nil
	}
	if err != nil {
		return nil, err
	}
	return shown(status{"OK", "success"}), nil
}

func (c *call) proxyRequest() (reply, error) {
	doc, err := c.document()
	if err != nil {
		return nil, err
	}
	in := model.ProxyRequestInput{Headers: core.Document(doc.Get("headers").Raw)}
	for _, f := range []struct {
		name string
		set  func(string)
	}{{"method", func(s string) { in.Method = &s }}, {"url", func(s string) { in.URL = s }}} {
		switch v := doc.Get(f.name); {
		case v.Type == gjson.String:
			f.set(v.Str)
		case v.Exists() && v.Type != gjson.Null:
			return nil, core.Errorf(core.CodeInvalid, "%s must be a string", f.name)
		}
	}
	if in.URL == "" {
		return nil, core.Errorf(core.CodeInvalid, "url is required")
	}
	if body := doc.Get("body"); body.Type == gjson.String {
		in.Body = core.Document(body.Str)
	} else {
		in.Body = core.Document(body.Raw)
	}
	debug := doc.Get("debug")
	if debug.Exists() && !debug.IsBool() && debug.Type != gjson.Null {
		return nil, core.Errorf(core.CodeInvalid, "debug must be true or false")
	}
	trace := debug.Bool()
	in.Debug = &trace
	out, err := c.Mutation.ProxyRequest(c.ctx, in)
	if err != nil {
		return nil, err
	}
	return shown(struct {
		StatusCode int           `json:"status_code"`
		Headers    core.Document `json:"headers"`
		Body       core.Document `json:"body"`
		Truncated  bool          `json:"truncated,omitempty"`
		Logs       []string      `json:"logs,omitempty"`
	}{out.StatusCode, out.Headers, out.Body, out.Truncated, out.Logs}), nil
}
