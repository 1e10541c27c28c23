package rest

import (
	"time"

	"gatehouse/graph/model"
)

// keyIndexRoutes are the endpoints about the index of the keys. They are this program's own.
var keyIndexRoutes = []route{
	{"GET", "/api/system/key-index", "keyIndex", (*call).keyIndex, nil},
	{"POST", "/api/system/key-index", "rebuildKeyIndex", (*call).rebuildKeyIndex, nil},
	{"GET", "/admin/system/key-index", "keyIndex", (*call).keyIndex, nil},
	{"POST", "/admin/system/key-index", "rebuildKeyIndex", (*call).rebuildKeyIndex, nil},
}

// keyIndexData is how far the index is.
type keyIndexData struct {
	InRedis     bool       `json:"in_redis"`
	Scanning    bool       `json:"scanning"`
	Progress    float64    `json:"progress"`
	Scanned     int        `json:"scanned"`
	Corrected   int        `json:"corrected"`
	Pending     int        `json:"pending"`
	CompletedAt *time.Time `json:"completed_at"`
}

func (c *call) keyIndex() (reply, error) { return keyIndexShown(c.Query.KeyIndex(c.ctx)) }

func (c *call) rebuildKeyIndex() (reply, error) {
	return keyIndexShown(c.Mutation.RebuildKeyIndex(c.ctx))
}

func keyIndexShown(i *model.KeyIndex, err error) (reply, error) {
	if err != nil {
		return nil, err
	}
	return shown(keyIndexData{i.InRedis, i.Scanning, i.Progress, i.Scanned, i.Corrected, i.Pending, i.CompletedAt}), nil
}
