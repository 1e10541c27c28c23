package rest

import (
	"cmp"
	"net/http"
	"strings"
	"time"

	"gatehouse/graph/model"
	"gatehouse/internal/core"
)

var statsRoutes = []route{
	{"GET", "/api/system/stats", "systemStats", (*call).systemStats, statsErrors},
	{"GET", "/admin/system/stats", "systemStats", (*call).systemStats, statsErrors},
}

var statsErrors = legacyErrors{core.CodeInvalid: {http.StatusBadRequest, "Request validation failed", true}}

// unlimited is the licence entitlement where no licence limits anything.
const unlimited = -1

// statsPeriod is how many there were in a period: a day, or a month.
type statsPeriod struct {
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

func (c *call) systemStats() (reply, error) {
	entities := map[string]model.SystemStatsEntity{
		"apis":                model.SystemStatsEntityAPIS,
		"dataplanes":          model.SystemStatsEntityDataplanes,
		"dataplanes.gateways": model.SystemStatsEntityGateways,
	}
	name := cmp.Or(c.param("entity"), "apis")
	entity, known := entities[name]
	if !known {
		return nil, core.Errorf(core.CodeInvalid, "entity must be apis, dataplanes or dataplanes.gateways")
	}
	period := "2006-01-02"
	switch c.param("resolution") {
	case "":
		period = "2006-01"
	case "day":
	default:
		return nil, core.Errorf(core.CodeInvalid, "resolution must be day, or left out for months")
	}
	from, err := c.day("start_day")
	if err != nil {
		return nil, err
	}
	to, err := c.day("end_day")
	if err != nil {
		return nil, err
	}
	s, err := c.Query.SystemStats(c.ctx, &entity, from, to)
	if err != nil {
		return nil, err
	}
	return shown(struct {
		Status  string                   `json:"status"`
		Message string                   `json:"message"`
		Stats   map[string][]statsPeriod `json:"stats"`
	}{"Success", "", map[string][]statsPeriod{strings.ReplaceAll(name, ".", "_"): statsPeriods(s.History, period)}}), nil
}

// day reads a date among the query parameters, nil when it is absent.
func (c *call) day(name string) (*time.Time, error) {
	given := strings.TrimSpace(c.param(name))
	if given == "" {
		return nil, nil
	}
	day, err := time.Parse("2006-01-02", given)
	if err != nil {
		return nil, core.Errorf(core.CodeInvalid, "%s must be a day such as 2026-01-31", name)
	}
	return &day, nil
}

// statsPeriods sums a history of days up by period, a layout that is the same for all days of one.
func statsPeriods(days []*model.SystemStatsPoint, period string) []statsPeriod {
	out := []statsPeriod{}
	for len(days) > 0 {
		first := days[0]
		u := statsPeriod{
			Date:              first.At.Format("2006-01-02"),
			Min:               first.Total,
			MinActive:         first.Active,
			Entitlement:       unlimited,
			EntitlementActive: unlimited,
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
