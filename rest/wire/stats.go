package wire

import "gatehouse/graph/model"

// Unlimited is the licence entitlement where no licence limits anything.
const Unlimited = -1

// Period is how many there were in a period: a day, or a month.
type Period struct {
	Date              string `json:"date"`
	Avg               int    `json:"avg_usage"`
	Max               int    `json:"max_usage"`
	Min               int    `json:"min_usage"`
	AvgActive         int    `json:"avg_active_usage"`
	MaxActive         int    `json:"max_active_usage"`
	MinActive         int    `json:"min_active_usage"`
	Entitlement       int    `json:"license_entitlement"`
	EntitlementActive int    `json:"license_entitlement_active"`
}

// Periods sums a history of days up by period, a layout that is the same for all days of one.
func Periods(days []*model.SystemStatsPoint, period string) []Period {
	out := []Period{}
	for len(days) > 0 {
		first := days[0]
		u := Period{
			Date:              first.At.Format("2006-01-02"),
			Min:               first.Total,
			MinActive:         first.Active,
			Entitlement:       Unlimited,
			EntitlementActive: Unlimited,
		}
		n := 0
		for n < len(days) && days[n].At.Format(period) == first.At.Format(period) {
			d := days[n]
			u.Avg, u.AvgActive = u.Avg+d.Total, u.AvgActive+d.Active
			u.Max, u.MaxActive = max(u.Max, d.Total), max(u.MaxActive, d.Active)
			u.Min, u.MinActive = min(u.Min, d.Total), min(u.MinActive, d.Active)
			n++
		}
		u.Avg, u.AvgActive = (u.Avg+n/2)/n, (u.AvgActive+n/2)/n
		out, days = append(out, u), days[n:]
	}
	return out
}
