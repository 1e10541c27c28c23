package storetest

import (
	"slices"
	"sort"
	"strings"

	"gatehouse/store"
)

// The model says in plain Go what a query means, so that engines are compared with it over many queries. Its own
// meaning is pinned by the cases of "list" that spell out the ids.

func modelList(all []store.Record, q store.Query) []string {
	var out []store.Record
	for _, r := range all {
		if q.Tenant.Includes(r.OrgID) && modelAll(r, q.Where) {
			out = append(out, r)
		}
	}
	sort.Slice(out, func(i, j int) bool {
		c := modelCompare(out[i], out[j], q.Sort)
		if q.Desc {
			return c > 0
		}
		return c < 0
	})
	return ids(out)
}

func modelCompare(a, b store.Record, field string) int {
	c := 0
	switch {
	case field == "" || field == "created_at":
		c = a.CreatedAt.Compare(b.CreatedAt)
	case field == "updated_at":
		c = a.UpdatedAt.Compare(b.UpdatedAt)
	case field == "id":
	default:
		if c = strings.Compare(a.Text[field], b.Text[field]); c == 0 {
			c = int(a.Int[field]>>1) - int(b.Int[field]>>1)
			if c == 0 {
				c = int(a.Int[field]&1) - int(b.Int[field]&1)
			}
		}
	}
	if c == 0 {
		c = strings.Compare(a.ID, b.ID)
	}
	return c
}

func modelAll(r store.Record, where []store.Cond) bool {
	for _, c := range where {
		if !modelHolds(r, c) {
			return false
		}
	}
	return true
}

func modelHolds(r store.Record, c store.Cond) bool {
	switch c.Op {
	case store.OpIn:
		return slices.Contains(c.Values, modelText(r, c.Field))
	case store.OpContains:
		return strings.Contains(strings.ToLower(modelText(r, c.Field)), c.Values[0])
	case store.OpInt:
		n := r.Int[c.Field]
		switch c.Field {
		case "created_at":
			n = r.CreatedAt.UnixMicro()
		case "updated_at":
			n = r.UpdatedAt.UnixMicro()
		}
		return c.Min <= n && n <= c.Max
	case store.OpLabel:
		return slices.ContainsFunc(r.Labels[c.Field], func(v string) bool { return slices.Contains(c.Values, v) })
	case store.OpAny:
		return slices.ContainsFunc(c.Any, func(c store.Cond) bool { return modelHolds(r, c) })
	case store.OpNot:
		return !slices.ContainsFunc(c.Any, func(c store.Cond) bool { return modelHolds(r, c) })
	}
	panic("storetest: no such operator: " + c.Op.String())
}

func modelText(r store.Record, field string) string {
	switch field {
	case "id":
		return r.ID
	case "org_id":
		return r.OrgID
	}
	return r.Text[field]
}
