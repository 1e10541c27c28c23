// Package tryout has a gateway run a request through an API of an organisation, as gateways are told that API, and tell
// what it logged. It finds the API among those of the organisation alone.
package tryout

import (
	"context"

	"gatehouse/internal/core"
	"gatehouse/internal/gateway"
	"gatehouse/internal/gateway/definition"
	"gatehouse/internal/gateway/nodes"
	"gatehouse/internal/gateway/route"
	"gatehouse/store"
)

// Tryout tries requests. It is safe for concurrent use.
type Tryout struct {
	store    *store.Store
	nodes    *nodes.Registry
	gateway  *gateway.Client
	verdicts *definition.Verdicts
}

// New makes a Tryout of the APIs in a store, at a gateway.
func New(s *store.Store, n *nodes.Registry, g *gateway.Client, v *definition.Verdicts) *Tryout {
	return &Tryout{store: s, nodes: n, gateway: g, verdicts: v}
}

// Debug has the gateway run a request, and returns its answer and what it logged: core.CodeForbidden where no API of
// the organisation listens, core.CodeInvalid where gateways must not be given the one that does.
func (t *Tryout) Debug(
	ctx context.Context,
	within store.Tenant,
	request *gateway.Request,
) (*gateway.Forwarded, []string, error) {
	if err := t.gateway.Require(); err != nil {
		return nil, nil, err
	}
	a, err := t.apiAt(ctx, within, request)
	if err != nil {
		return nil, nil, err
	}
	spec, err := t.nodes.Definition(ctx, a) // within its organisation, as gateways are told it
	if err != nil {
		return nil, nil, err
	}
	if spec == nil {
		return nil, nil, core.Errorf(
			core.CodeInvalid,
			"gateways must not be given the API that listens at this url: %s",
			t.verdicts.Of(a).Fault,
		)
	}
	return t.gateway.Trace(ctx, spec, request)
}

// apiAt finds the API that serves a request: the one with the longest listen path.
func (t *Tryout) apiAt(ctx context.Context, within store.Tenant, request *gateway.Request) (*core.Api, error) {
	routes := route.At(request.Host(), request.Target.Port(), request.Target.Path)
	apis, err := t.store.Apis.TopByLabel(ctx, within, "listens", routes, 1)
	if err != nil {
		return nil, err
	}
	var best *core.Api
	for _, found := range apis {
		if len(found) > 0 && (best == nil || route.Nearer(found[0], best)) {
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
