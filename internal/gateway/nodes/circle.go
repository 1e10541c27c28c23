package nodes

import (
	"context"
	"slices"
	"strings"

	"gatehouse/internal/core"
	"gatehouse/store"
)

// maxCircle is how many APIs are looked at to find where requests end that targets and versions hand on.
const maxCircle = 2000

// Circling returns, by database id, those of an organisation's APIs whose requests end nowhere: by its target
// (tyk://...) or a version, each is handed on to an API that hands it back in the end. Gateways bound only loops of
// rewrites; these recurse until the stack of the process is used up, which nothing recovers from. Where there is no end
// within maxCircle APIs, there is none. What apis are is what is judged, whatever the store holds of the same ids.
func Circling(ctx context.Context, s *store.Store, org string, apis []*core.Api) (map[string]bool, error) {
	known := map[string]bool{}
	leads := map[string][]string{} // from where a request is handed on to an id
	open := map[string]int{}       // to how many APIs it is handed on from an id
	for frontier := apis; len(frontier) > 0; {
		var hosts []string
		for _, a := range frontier {
			known[a.ID] = true
			hosts = append(append(hosts, a.Versions...), targetOf(a)...)
		}
		if len(hosts) == 0 {
			break
		}
		targets, err := findTargets(ctx, s, org, hosts)
		if err != nil {
			return nil, err
		}
		for _, a := range apis {
			targets.byID[a.ApiID], targets.byID[a.ID] = a.ID, a.ID
		}
		var next []string
		lead := func(from, to string) {
			if to == core.ZeroID {
				return
			}
			leads[to] = append(leads[to], from)
			open[from]++
			if !known[to] {
				known[to] = true
				next = append(next, to)
			}
		}
		for _, a := range frontier {
			for _, host := range targetOf(a) {
				lead(a.ID, targets.of(host))
			}
			for _, version := range a.Versions {
				if id := targets.byID[version]; id != "" && id != a.ID { // a base may be one of its own versions
					lead(a.ID, id)
				}
			}
		}
		if len(known) > maxCircle {
			for _, id := range next {
				open[id]++ // for all that is known
			}
			break
		}
		frontier = nil
		for ids := range slices.Chunk(next, feedPage) { // documents may be large: what matters of them is kept
			page, err := s.Apis.FindMany(ctx, store.Org(org), "id", ids)
			if err != nil {
				return nil, err
			}
			for _, a := range page {
				frontier = append(frontier, outline(a))
			}
		}
	}
	// What hands nothing on is an end; so is what hands on to ends only.
	var ends []string
	for id := range known {
		if open[id] == 0 {
			ends = append(ends, id)
		}
	}
	for len(ends) > 0 {
		end := ends[len(ends)-1]
		ends = ends[:len(ends)-1]
		delete(known, end)
		for _, from := range leads[end] {
			if open[from]--; open[from] == 0 {
				ends = append(ends, from)
			}
		}
	}
	return known, nil
}

// outline is an API without its document.
func outline(a *core.Api) *core.Api {
	out := &core.Api{Meta: a.Meta, ApiID: strings.Clone(a.ApiID), TargetURL: strings.Clone(a.TargetURL)}
	for _, version := range a.Versions {
		out.Versions = append(out.Versions, strings.Clone(version))
	}
	return out
}

// targetOf is whom the target of an API names; none where it is no loop.
func targetOf(a *core.Api) []string {
	if host, ok := core.LoopHost(a.TargetURL); ok && host != "" {
		return []string{host}
	}
	return nil
}

// cut takes away the targets of APIs whose requests would end nowhere: gateways answer those with an error.
func (r *Registry) cut(ctx context.Context, org string, apis []*core.Api, out [][]byte) error {
	looping := slices.DeleteFunc(slices.Clone(apis), func(a *core.Api) bool { return len(targetOf(a)) == 0 })
	if len(looping) == 0 {
		return nil
	}
	circling, err := Circling(ctx, r.o.Store, org, looping)
	if err != nil {
		return err
	}
	for i, a := range apis {
		if circling[a.ID] && len(targetOf(a)) > 0 {
			out[i] = core.Document(out[i]).Set("proxy.target_url", "tyk://"+core.ZeroID)
		}
	}
	return nil
}
