package rest

import (
	"slices"
	"time"

	"gatehouse/graph/model"
	"gatehouse/internal/core"
)

var gatewayRoutes = []route{
	{"GET", "/api/gateways", "gateways", (*call).listGateways, nil},
	{"POST", "/api/gateways/reload", "reloadGateways", (*call).reloadGateways, nil},
	{"GET", "/admin/gateways", "gateways", (*call).listGateways, nil},
	{"POST", "/admin/gateways/reload", "reloadGateways", (*call).reloadGateways, nil},
}

// gatewayView is a gateway as these endpoints show it.
type gatewayView struct {
	ID               string             `json:"id"`
	Hostname         string             `json:"hostname"`
	Address          string             `json:"address"`
	Version          *string            `json:"version"`
	State            model.GatewayState `json:"state"`
	Tags             []string           `json:"tags"`
	RegisteredAt     time.Time          `json:"registered_at"`
	LastSeen         time.Time          `json:"last_seen"`
	ApisLoadedAt     *time.Time         `json:"apis_loaded_at"`
	PoliciesLoadedAt *time.Time         `json:"policies_loaded_at"`
	ApisServed       int                `json:"apis_served"`
	Lag              float64            `json:"lag"`
}

func (c *call) listGateways() (reply, error) {
	var state *model.GatewayState
	if v := c.optional("state"); v != nil {
		s := model.GatewayState(*v)
		if !s.IsValid() {
			return nil, core.Errorf(core.CodeInvalid, "state must be ACTIVE, STALE or AWAY")
		}
		state = &s
	}
	out := []gatewayView{}
	err := every(c, func(first *int, after *string) (fetched[core.Node], error) {
		l, err := c.Query.Gateways(c.ctx, state, first, after)
		if err != nil {
			return fetched[core.Node]{}, err
		}
		return fetched[core.Node]{l.Nodes, l.TotalCount, l.PageInfo}, nil
	}, func(n *core.Node) error {
		v, err := c.viewGateway(n)
		out = append(out, v)
		return err
	})
	if err != nil {
		return nil, err
	}
	// Those heard of last come first.
	slices.SortStableFunc(out, func(a, b gatewayView) int { return b.LastSeen.Compare(a.LastSeen) })
	return shown(struct {
		Gateways []gatewayView `json:"gateways"`
	}{out}), nil
}

func (c *call) viewGateway(n *core.Node) (v gatewayView, err error) {
	v = gatewayView{
		ID:               n.ID,
		Hostname:         n.Hostname,
		Address:          n.Address,
		RegisteredAt:     n.RegisteredAt(),
		LastSeen:         n.LastSeen,
		ApisLoadedAt:     n.ApisLoadedAt,
		PoliciesLoadedAt: n.PoliciesLoadedAt,
		ApisServed:       n.ApisServed,
	}
	f := c.Fields.Gateway
	if v.Version, err = f.Version(c.ctx, n); err != nil {
		return v, err
	}
	if v.State, err = f.State(c.ctx, n); err != nil {
		return v, err
	}
	if v.Tags, err = f.Tags(c.ctx, n); err != nil {
		return v, err
	}
	v.Lag, err = f.Lag(c.ctx, n)
	return v, err
}

func (c *call) reloadGateways() (reply, error) {
	if _, err := c.Mutation.ReloadGateways(c.ctx); err != nil {
		return nil, err
	}
	return done("Gateways were told to reload", nil), nil
}
