package rules

import (
	"strings"

	"gatehouse/internal/core"
)

// secretNames are parts of the names of fields whose values are no matter of a log.
var secretNames = []string{
	"password", "secret", "access_key", "hmac_string", "token", "private", "authorization", "cookie",
}

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
