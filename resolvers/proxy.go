package resolvers

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"

	"gatehouse/graph/model"
	"gatehouse/internal/core"
	"gatehouse/internal/gateway"
	"gatehouse/internal/gateway/notify"
)

// forget has the gateways drop what they cached for an API of the caller: by a notification where there is a Redis,
// which reaches all of them, and through the REST API of the configured gateway otherwise.
func (r *Resolver) forget(ctx context.Context, apiID string, command notify.Command, path string) error {
	a, err := r.findApi(ctx, apiID)
	if err != nil {
		return err
	}
	if r.notifier != nil {
		return r.notifier.Send(ctx, command, a.ApiID)
	}
	if !r.gateway.Configured() {
		return core.Errorf(
			core.CodeUnavailable,
			"there is no way to tell gateways: set redis_host, or tyk_api_config.Host, tyk_api_config.Port and tyk_api_config.Secret",
		)
	}
	return r.gateway.Forget(ctx, path, a.ApiID)
}

// proxy sends the request and shows what came back.
func (r *Resolver) proxy(ctx context.Context, in model.ProxyRequestInput) (*model.ProxyResponse, error) {
	request, err := r.forwarder.NewRequest(deref(in.Method), in.URL, in.Headers, in.Body)
	if err != nil {
		return nil, err
	}
	if in.Debug != nil && *in.Debug {
		return r.debug(ctx, request)
	}
	out, err := r.forwarder.Forward(ctx, request)
	if err != nil {
		return nil, err
	}
	return proxyResponse(out, nil), nil
}

// debug has the gateway run the request through the caller's API, as gateways are told it, and tell what it logged.
func (r *Resolver) debug(ctx context.Context, request *gateway.Request) (*model.ProxyResponse, error) {
	if err := r.gateway.Require(); err != nil {
		return nil, err
	}
	a, err := r.apiAt(ctx, request)
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
	out, logs, err := r.gateway.Trace(ctx, spec, request)
	if err != nil {
		return nil, err
	}
	return proxyResponse(out, logs), nil
}

// apiAt finds the caller's API that serves a request: the one with the longest listen path.
func (r *Resolver) apiAt(ctx context.Context, request *gateway.Request) (*core.Api, error) {
	routes := core.RoutesAt(request.Host(), request.Target.Port(), request.Target.Path)
	apis, err := r.store.Apis.TopByLabel(ctx, tenant(ctx), "listens", routes, 1)
	if err != nil {
		return nil, err
	}
	var best *core.Api
	for _, found := range apis {
		if len(found) > 0 && (best == nil || found[0].Nearer(best)) {
			best = found[0]
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
