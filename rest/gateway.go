package rest

import (
	"slices"
	"strings"
	"time"

	"gatehouse/graph/model"
	"gatehouse/internal/core"
	"gatehouse/rest/wire"
)

var gatewayRoutes = []route{
	{"GET", "/api/gateways", "gateways", (*call).listGateways, nil},
	{"POST", "/api/gateways/reload", "reloadGateways", (*call).reloadGateways, nil},
	{"GET", "/api/gateways/{id}", "gateway", (*call).getGateway, nil},
	{"GET", "/api/system/nodes", "gateways", (*call).listNodes, nil},
	{"GET", "/api/system/node/{id}", "gateway", (*call).getNode, nil},
	{"GET", "/api/system/node/{id}/{hostname}", "gateway", (*call).getNode, nil},
	{"GET", "/admin/gateways", "gateways", (*call).listGateways, nil},
	{"GET", "/admin/gateways/{id}", "gateway", (*call).getGateway, nil},
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
	out, err := c.gateways(state)
	if err != nil {
		return nil, err
	}
	// Those heard of last come first.
	slices.SortStableFunc(out, func(a, b gatewayView) int { return b.LastSeen.Compare(a.LastSeen) })
	return shown(struct {
		Gateways []gatewayView `json:"gateways"`
	}{out}), nil
}

// gateways are all that are in a state; nil for any.
func (c *call) gateways(state *model.GatewayState) ([]gatewayView, error) {
	out := []gatewayView{}
	err := every(c, func(first *int, after *string) (fetched[core.Node], error) {
		l, err := c.Query.Gateways(c.ctx, state, first, after, nil)
		if err != nil {
			return fetched[core.Node]{}, err
		}
		return fetched[core.Node]{l.Nodes, l.TotalCount, l.PageInfo}, nil
	}, func(n *core.Node) error {
		v, err := c.viewGateway(n)
		out = append(out, v)
		return err
	})
	return out, err
}

func (c *call) getGateway() (reply, error) {
	n, err := found(c.Query.Gateway(c.ctx, c.vars["id"]))
	if err != nil {
		return nil, err
	}
	v, err := c.viewGateway(n)
	return shown(v), err
}

// nodesView is the gateways as a licence would count them. None limits them: there is no end, and none to run out.
type nodesView struct {
	Nodes     []nodeView `json:"nodes"`
	Active    int        `json:"active_node_count"`
	Available int        `json:"nodes_available"`
	Remaining int        `json:"nodes_remaining"`
	ValidTo   int        `json:"valid_until"`
}

type nodeView struct {
	ID       string `json:"id"`
	Hostname string `json:"hostname"`
}

// listNodes answers with the gateways that are there.
func (c *call) listNodes() (reply, error) {
	all, err := c.gateways(nil)
	if err != nil {
		return nil, err
	}
	view := nodesView{Nodes: []nodeView{}, Available: wire.Unlimited, Remaining: wire.Unlimited}
	for _, g := range all {
		if g.State == model.GatewayStateAway {
			continue
		}
		view.Nodes = append(view.Nodes, nodeView{g.ID, g.Hostname})
		if g.State == model.GatewayStateActive {
			view.Active++
		}
	}
	return shown(map[string]any{"data": view}), nil
}

// getNode answers with what is known of the configuration of a gateway: the segment tags that ours gives it.
func (c *call) getNode() (reply, error) {
	n, err := found(c.Query.Gateway(c.ctx, c.vars["id"]))
	if err != nil {
		return nil, err
	}
	if host, named := c.vars["hostname"]; named && !strings.EqualFold(host, n.Hostname) {
		return nil, core.Errorf(core.CodeNotFound, "the gateway of this id runs on another host")
	}
	tags, err := c.Fields.Gateway.Tags(c.ctx, n)
	if err != nil {
		return nil, err
	}
	type options struct {
		Segmented bool     `json:"node_is_segmented"`
		Tags      []string `json:"tags"`
	}
	known := options{len(tags) > 0, append([]string{}, tags...)}
	return shown(map[string]any{"data": map[string]any{"db_app_conf_options": known}}), nil
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
