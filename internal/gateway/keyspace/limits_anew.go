package keyspace

import (
	"strconv"
	"time"

	"gatehouse/internal/core"
)

// The fields of a session by which gateways know that its limits begin anew: another last_updated begins the rate, and
// quota_renews is when the quota does so by itself.
const (
	lastUpdated = "last_updated"
	quotaRenews = "quota_renews"
)

// Renewed is a session whose limits begin anew.
func Renewed(doc core.Document, at time.Time) core.Document {
	now := at.Unix()
	return doc.
		Set(lastUpdated, strconv.FormatInt(now, 10)).
		Set(quotaRenews, core.After(now, doc.Get("quota_renewal_rate").Int()))
}

// Continued is a session whose limits go on where those of the one that it replaces are.
func Continued(doc, old core.Document) core.Document {
	keep := func(path string) {
		if was := old.Get(path); was.Exists() && was.Raw != doc.Get(path).Raw {
			doc = doc.SetRaw(path, []byte(was.Raw))
		}
	}
	keep(lastUpdated)
	keep(quotaRenews)
	rights := old.Get("access_rights").Map()
	return doc.EachOf("access_rights", func(api string, right core.Document) core.Document {
		was, limit := rights[api].Get("limit."+quotaRenews), right.Get("limit")
		if !limit.IsObject() || !was.Exists() || was.Raw == limit.Get(quotaRenews).Raw {
			return right
		}
		return right.SetRaw("limit", core.Document(limit.Raw).SetRaw(quotaRenews, []byte(was.Raw)))
	})
}
