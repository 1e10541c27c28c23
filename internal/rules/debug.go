package rules

import (
	"context"
	"log/slog"
	"strings"

	"github.com/open-policy-agent/opa/v1/topdown/print"

	"gatehouse/internal/core"
)

// printer logs what texts print.
type printer struct {
	ctx context.Context
	log *slog.Logger
}

// Print implements print.Hook.
func (p printer) Print(c print.Context, text string) error {
	line := 0
	if c.Location != nil {
		line = c.Location.Row
	}
	p.log.InfoContext(p.ctx, "open policy: print", "line", line, "text", clip(text, maxMessage))
	return nil
}

// secretNames are parts of the names of fields whose values are no matter of a log.
var secretNames = []string{"password", "secret", "access_key", "hmac_string", "token", "private", "authorization", "cookie"}

// redacted is a document without the values of fields that sound like secrets, at any depth.
func redacted(d core.Document) core.Document {
	if d == nil {
		return nil
	}
	return d.EachOf("@this", func(name string, v core.Document) core.Document {
		for _, secret := range secretNames {
			if strings.Contains(strings.ToLower(name), secret) {
				return core.Document(`"redacted"`)
			}
		}
		if trimmed := strings.TrimSpace(string(v)); strings.HasPrefix(trimmed, "{") || strings.HasPrefix(trimmed, "[") {
			return redacted(v)
		}
		return v
	})
}
