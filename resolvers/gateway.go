package resolvers

import (
	"context"
	"net/url"
	"strings"

	"gatehouse/internal/config"
	"gatehouse/internal/core"
)

// edgeEndpoint finds the edge endpoint of the configuration that is on the machine of a gateway; nil for none.
func (r *Resolver) edgeEndpoint(n *core.Node) *config.EdgeEndpoint {
	for i, e := range r.settings.EdgeEndpoints {
		if u, err := url.Parse(withScheme(e.Endpoint)); err == nil && n.Hostname != "" &&
			strings.EqualFold(u.Hostname(), n.Hostname) {
			return &r.settings.EdgeEndpoints[i]
		}
	}
	return nil
}

func withScheme(address string) string {
	if strings.Contains(address, "://") {
		return address
	}
	return "http://" + address
}

// gatewayAddress is where a gateway can be asked about itself: at its edge endpoint, or at the configured gateway when
// it is the only one that is there. "" when neither says where this one is.
func (r *Resolver) gatewayAddress(ctx context.Context, n *core.Node) (string, error) {
	if e := r.edgeEndpoint(n); e != nil {
		return withScheme(e.Endpoint), nil
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
