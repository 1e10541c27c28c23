package rest

import (
	"cmp"
	"net/http"
	"strings"
	"time"

	"gatehouse/graph/model"
	"gatehouse/internal/core"
	"gatehouse/rest/wire"
)

var statsRoutes = []route{
	{"GET", "/api/system/stats", "systemStats", (*call).systemStats, statsErrors},
	{"GET", "/admin/system/stats", "systemStats", (*call).systemStats, statsErrors},
}

var statsErrors = legacyErrors{core.CodeInvalid: {http.StatusBadRequest, "Request validation failed", true}}

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
		Stats   map[string][]wire.Period `json:"stats"`
	}{"Success", "", map[string][]wire.Period{strings.ReplaceAll(name, ".", "_"): wire.Periods(s.History, period)}}), nil
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
