package rest

import (
	"net/http"

	"gatehouse/internal/core"
)

// assetRoutes are about templates of APIs, of which there are none yet. Tools ask for them before they go on with APIs,
// and are guarded as those who list APIs.
var assetRoutes = []route{
	{"GET", "/api/assets", "apis", (*call).listAssets, legacyErrors{core.CodeInvalid: {http.StatusBadRequest, "", false}}},
}

func (c *call) listAssets() (reply, error) {
	if kind := c.param("kind"); kind != "" && kind != "oas-template" {
		return nil, core.Errorf(core.CodeInvalid, "unsupported asset kind: '%s'", clip(kind))
	}
	return shown([]any{}), nil
}

// clip is what a message repeats of a text that somebody sent.
func clip(text string) string {
	const most = 64
	if len(text) > most {
		return text[:most]
	}
	return text
}
