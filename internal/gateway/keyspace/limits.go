package keyspace

import (
	"context"
	"slices"

	"github.com/tidwall/gjson"

	"gatehouse/internal/core"
	"gatehouse/store"
)

// limit is what a key may do, as gateways see it: quotaMax per renewal seconds, rate per seconds.
type limit struct {
	quotaMax, renewal int64
	rate, per         float64
}

func limitOf(r gjson.Result) limit {
	return limit{
		quotaMax: r.Get("quota_max").Int(),
		renewal:  r.Get("quota_renewal_rate").Int(),
		rate:     core.Number(r.Get("rate")),
		per:      core.Number(r.Get("per")),
	}
}

// isSet tells whether a limit of one API was given at all. Gateways take one that is all zero for none.
func isSet(r gjson.Result) bool {
	for _, name := range []string{"rate", "per", "throttle_interval", "throttle_retry_limit", "max_query_depth",
		"quota_max", "quota_renews", "quota_remaining", "quota_renewal_rate"} {
		if core.Number(r.Get(name)) != 0 {
			return true
		}
	}
	return false
}

// widen takes over the quota, or the rate, of a policy where it allows more. -1 is no limit.
func (l *limit) widen(p limit, quota, rate bool) {
	if quota {
		if l.quotaMax != -1 && (p.quotaMax == -1 || p.quotaMax > l.quotaMax) {
			l.quotaMax = p.quotaMax
		}
		l.renewal = max(l.renewal, p.renewal)
	}
	if rate && (l.rate <= 0 || l.per <= 0 || p.rate <= 0 || p.rate*l.per > l.rate*p.per) {
		l.rate, l.per = p.rate, p.per
	}
}

// scoped is a limit with the scope that its counters are named by.
type scoped struct {
	scope string
	limit
}

// right is the access to one API while policies are put together.
type right struct {
	scoped
	// from is the policy, or the API, that set it.
	from        string
	quota, rate bool
}

// limits are the limits that gateways count a key's requests against, as they put them together of its session and its
// policies at each request: the key's own first, under the scope "", then those of each API or policy with counters of
// its own.
func limits(session core.Document, policies []*core.Policy) []scoped {
	own := limitOf(gjson.ParseBytes(session))
	rights := map[string]*right{}
	session.Get("access_rights").ForEach(func(api, r gjson.Result) bool {
		if l := r.Get("limit"); isSet(l) && len(policies) == 0 {
			rights[api.Str] = &right{scoped: scoped{api.Str, limitOf(l)}}
		}
		return true
	})
	for i, p := range policies {
		all := gjson.ParseBytes(p.Document)
		whole := limitOf(all)
		part := p.Partitions
		every := !part.Quota && !part.RateLimit && !part.Acl && !part.Complexity
		quota, rate := every || part.Quota, every || part.RateLimit
		if i == 0 && quota {
			own.quotaMax, own.renewal = 0, 0
		}
		if i == 0 && rate {
			own.rate, own.per = 0, 0
		}
		if !part.PerApi {
			first := own.rate == 0 && own.per == 0
			own.widen(whole, quota, rate && !first)
			if rate && first {
				own.rate, own.per = whole.rate, whole.per
			}
		}
		var ofApis map[string]gjson.Result
		if part.PerApi {
			ofApis = all.Get("access_rights").Map()
		}
		for _, api := range p.ApiIDs {
			r := rights[api]
			if r == nil {
				r = &right{}
				rights[api] = r
			}
			if !part.PerApi {
				if every || part.Acl {
					r.from = p.PolicyID
				}
				r.quota, r.rate = r.quota || quota, r.rate || rate
				continue
			}
			scope, l := api, ofApis[api].Get("limit")
			if !isSet(l) {
				scope, l = p.PolicyID, all
			}
			*r = right{scoped{scope, limitOf(l)}, scope, true, true}
		}
	}
	return merge(own, rights)
}

// merge makes one limit of those that share counters.
func merge(own limit, rights map[string]*right) []scoped {
	sources := map[string]bool{}
	for _, r := range rights {
		if r.from != "" {
			sources[r.from] = true
		}
	}
	out, known := []scoped{{"", own}}, map[string]bool{"": true}
	for _, r := range rights {
		// With rights from several policies, each has counters of its own.
		if r.scope == "" && len(sources) > 1 {
			r.scoped = scoped{r.from, own}
		}
		if !known[r.scope] {
			known[r.scope] = true
			out = append(out, r.scoped)
		}
	}
	slices.SortFunc(out[1:], func(a, b scoped) int {
		if a.scope < b.scope {
			return -1
		}
		return 1
	})
	return out
}

// policiesOf reads the policies that a key applies, in its order, those that exist.
func (s *Space) policiesOf(ctx context.Context, k *core.Key) ([]*core.Policy, error) {
	if len(k.PolicyIDs) == 0 {
		return nil, nil
	}
	var found []*core.Policy
	for _, unique := range []string{"policy_id", "id"} {
		more, err := s.o.Store.Policies.FindMany(ctx, store.Org(k.OrgID), unique, k.PolicyIDs)
		if err != nil {
			return nil, err
		}
		found = append(found, more...)
	}
	byID := make(map[string]*core.Policy, 2*len(found))
	for i := len(found) - 1; i >= 0; i-- { // the first of found counts: those that have the id as their own
		byID[found[i].ID], byID[found[i].PolicyID] = found[i], found[i]
	}
	var out []*core.Policy
	for _, id := range k.PolicyIDs {
		if p := byID[id]; p != nil {
			out = append(out, p)
		}
	}
	return out, nil
}
