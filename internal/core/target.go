package core

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

// maxTargets is how many targets of a load balancer an API can be found by.
const maxTargets = 100

// TargetHosts are the hosts that the API sends requests to, in lower case, each with its port, where it has one, and
// without: the target URL's, and those of the load balancer, of which the first 100 count.
func (a *Api) TargetHosts() []string {
	targets := []string{a.TargetURL}
	for _, t := range a.Definition.Get("api_definition.proxy.target_list").Array() {
		if len(targets) > maxTargets {
			break
		}
		targets = append(targets, t.String())
	}
	var out []string
	for _, target := range targets {
		u, err := url.Parse(target)
		if err != nil || u.Host == "" {
			continue
		}
		out = append(out, strings.ToLower(u.Host), strings.ToLower(u.Hostname()))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// CheckApiPatch refuses a merge patch that can have no effect: a field of the definition that stands beside
// api_definition, where nothing reads it.
func CheckApiPatch(stored, patch Document) error {
	top, inner := gjson.ParseBytes(stored).Map(), stored.Get("api_definition").Map()
	for _, name := range slices.Sorted(maps.Keys(gjson.ParseBytes(patch).Map())) {
		if !top[name].Exists() && inner[name].Exists() {
			return InField(name, "is a field of api_definition: write it there, as {\"api_definition\": {%q: ...}}", name)
		}
	}
	return nil
}
