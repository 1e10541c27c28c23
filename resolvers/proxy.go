package resolvers

import (
	"context"

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
		out, logs, err := r.tryout.Debug(ctx, tenant(ctx), request)
		if err != nil {
			return nil, err
		}
		return proxyResponse(out, logs), nil
	}
	out, err := r.forwarder.Forward(ctx, request)
	if err != nil {
		return nil, err
	}
	return proxyResponse(out, nil), nil
}

func proxyResponse(f *gateway.Forwarded, logs []string) *model.ProxyResponse {
	return &model.ProxyResponse{
		StatusCode: f.Status, Headers: f.HeaderJSON(), Body: f.BodyJSON(), Truncated: f.Truncated, Logs: logs,
	}
}
