package resolvers

import (
	"context"

	"gatehouse/internal/core"
)

// gatewayAddress is where a gateway can be asked about itself: at its edge endpoint, or at the configured gateway when
// it is the only one that is there. "" when neither says where this one is.
func (r *Resolver) gatewayAddress(ctx context.Context, n *core.Node) (string, error) {
	if e := r.settings.EdgeEndpoints.On(n.Hostname); e != nil {
		return e.URL(), nil
	}
	if r.gateway.URL() == "" {
		return "", nil
	}
	only, err := r.nodes.OnlyActive(ctx)
	if err != nil || only != n.ID {
		return "", err
	}
	return r.gateway.URL(), nil
}
