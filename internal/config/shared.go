package config

import (
	"fmt"
	"slices"
	"strings"
)

// SharedGateways bounds what one organisation may have the gateways do that serve others, too.
type SharedGateways struct {
	Apply string   `json:"apply" env:"APPLY" default:"auto" oneof:"auto always never" doc:"When the gateways count as shared: auto is while there is more than one organisation."`
	Deny  []string `json:"deny" env:"DENY" default:"code,files,secrets,storage,discovery,loops" doc:"What an organisation may then not add to its definitions: code (plugins, scripts, bundles), files (templates and certificates on the gateways' disks), secrets (env://, vault:// and the like), storage (auth_provider rpc and ldap), discovery (uptime tests from a service, JSON schemas from an address), loops (tyk:// to what the request says), proxy (proxy_url), trust (ssl_insecure_skip_verify), batch (batch requests), recording (bodies in analytics); none is nothing. Super users and the admin secret may; what is there already stays."`
}

// Denied are the subjects of Deny without those that are none.
func (s SharedGateways) Denied() []string {
	return slices.DeleteFunc(slices.Clone(s.Deny), func(subject string) bool { return subject == "none" || subject == "" })
}

// deniable are the subjects of internal/gateway/definition.
func deniable() []string {
	return []string{"code", "files", "secrets", "storage", "discovery", "loops", "proxy", "trust", "batch", "recording"}
}

func (l *loader) checkShared() {
	for _, subject := range l.Config.Gatehouse.SharedGateways.Denied() {
		if !slices.Contains(deniable(), subject) {
			l.problem(
				"gatehouse.shared_gateways.deny",
				fmt.Sprintf("%q is not allowed; use %s, or none", clip(subject), strings.Join(deniable(), ", ")),
			)
		}
	}
}
