package nodes

import (
	"context"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"gatehouse/internal/core"
	"gatehouse/internal/gateway/definition"
	"gatehouse/store"
)

// loop writes into definitions which APIs they hand requests to: loops (tyk://...) and versions. Gateways look for a
// target by id and by name among the APIs of all organisations, and take the first that they find. So what they are
// told is the database id of an API of the same organisation, which is nobody's name; a target that the organisation
// does not have becomes an id that no API has. apis[i] is the API of out[i].
func (r *Registry) loop(ctx context.Context, apis []*core.Api, out [][]byte) error {
	byOrg := map[string][]int{}
	hosts := map[string][]string{}
	for i, a := range apis {
		named := definition.LoopHosts(out[i])
		if versioned(out[i]) {
			named = append(named, a.Versions...)
		}
		if len(named) > 0 {
			byOrg[a.OrgID] = append(byOrg[a.OrgID], i)
			hosts[a.OrgID] = append(hosts[a.OrgID], named...)
		}
	}
	for org, at := range byOrg {
		targets, err := findTargets(ctx, r.o.Store, org, hosts[org])
		if err != nil {
			return err
		}
		for _, i := range at {
			// a base may be one of its own versions
			targets.byID[apis[i].ApiID], targets.byID[apis[i].ID] = apis[i].ID, apis[i].ID
		}
		own, written := make([]*core.Api, len(at)), make([][]byte, len(at))
		for n, i := range at {
			own[n], written[n] = apis[i], out[i]
		}
		if err := r.cut(ctx, org, own, written); err != nil {
			return err
		}
		for n, i := range at {
			out[i] = definition.Relooped(written[n], func(host string) string { return targets.of(host) })
			if versioned(out[i]) {
				out[i] = targets.ownVersions(out[i])
			}
		}
	}
	return nil
}

func versioned(definition []byte) bool {
	return gjson.GetBytes(definition, "definition.enabled").Bool()
}

// loopTargets are the APIs of one organisation that its loops may mean.
type loopTargets struct {
	// byID has both ids, byName the names in lower case; the values are database ids.
	byID, byName map[string]string
}

// of is the database id of the API that a loop means, or one that no API has.
func (t loopTargets) of(host string) string {
	if id := t.byID[host]; id != "" {
		return id
	}
	if id := t.byName[strings.ToLower(nameOf(host))]; id != "" {
		return id
	}
	return core.ZeroID
}

// nameOf is the name that gateways look for, since a rewrite may spell one as people do.
func nameOf(host string) string { return core.LoopName(strings.ReplaceAll(host, "#", "-")) }

// ownVersions leaves of the versions of a definition those that the organisation has; the others lead nowhere.
func (t loopTargets) ownVersions(doc []byte) []byte {
	out := core.Document(doc)
	versions := core.Document(out.Get("definition.versions").Raw)
	foreign := false
	out.Get("definition.versions").ForEach(func(name, id gjson.Result) bool {
		if id.Str != "" && t.byID[id.Str] == "" {
			foreign = true
		}
		return !foreign
	})
	if !foreign {
		return doc
	}
	rewritten := []byte{'{'}
	gjson.ParseBytes(versions).ForEach(func(name, id gjson.Result) bool {
		if len(rewritten) > 1 {
			rewritten = append(rewritten, ',')
		}
		value := id.Raw
		if id.Str != "" && t.byID[id.Str] == "" {
			value = `"` + core.ZeroID + `"`
		}
		rewritten = append(append(append(rewritten, name.Raw...), ':'), value...)
		return true
	})
	return out.SetRaw("definition.versions", append(rewritten, '}'))
}

// maxLoopNames is how many APIs of the names that loops use are looked at; of several with one name the oldest is
// meant.
const maxLoopNames = 1000

func findTargets(ctx context.Context, s *store.Store, org string, hosts []string) (loopTargets, error) {
	t := loopTargets{byID: map[string]string{}, byName: map[string]string{}}
	slices.Sort(hosts)
	hosts = slices.Compact(hosts)
	names, ids := []string{}, []string{}
	for _, host := range hosts {
		names = append(names, strings.ToLower(nameOf(host)))
		if id := strings.ToLower(host); core.IsID(id) {
			ids = append(ids, id)
		}
	}
	for unique, values := range map[string][]string{"api_id": hosts, "id": ids} {
		for some := range slices.Chunk(values, feedPage) { // documents may be large: their ids are kept
			found, err := s.Apis.FindMany(ctx, store.Org(org), unique, some)
			if err != nil {
				return t, err
			}
			for _, a := range found {
				id := strings.Clone(a.ID)
				t.byID[strings.Clone(a.ApiID)], t.byID[id] = id, id
			}
		}
	}
	slices.Sort(names)
	seen := 0
	where := []store.Cond{store.HasLabel("loop", slices.Compact(names)...)}
	for a, err := range s.Apis.All(ctx, store.Query{Tenant: store.Org(org), Where: where, Limit: feedPage}) {
		if err != nil {
			return t, err
		}
		if name := core.LoopName(a.Name); t.byName[name] == "" {
			t.byName[name] = strings.Clone(a.ID)
		}
		if seen++; seen == maxLoopNames {
			break
		}
	}
	return t, nil
}
