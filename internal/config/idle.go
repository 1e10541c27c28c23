package config

import (
	"fmt"
	"slices"
	"strings"
)

// idle is a group of settings that say how something is done which a switch turns on: what is wrong with one of them
// stops nothing while the switch is off.
type idle struct {
	// keys of the settings; one that ends in a dot or an underscore stands for all that begin with it.
	keys []string
	// but are those among them which are judged always: the switches.
	but []string
	off func(*Config) bool
	why string
}

// idles are all groups. Redis is not switched on by a setting of its own: its addresses do that, so they are judged
// always, and so are redis_master_name and enable_cluster, which say that a Redis is meant.
func idles() []idle {
	return []idle{
		{
			keys: []string{"http_server_options."}, but: []string{"http_server_options.use_ssl"},
			off: func(c *Config) bool { return !c.HTTPServerOptions.UseSSL },
			why: "http_server_options.use_ssl is off",
		},
		{
			keys: []string{"mongo_", "storage.main.mongo."}, but: []string{"mongo_url"},
			off: func(c *Config) bool { return c.Storage.Main.Type != Mongo },
			why: "storage.main.type is not mongo",
		},
		{
			keys: []string{"mongo_ssl_"},
			off:  func(c *Config) bool { return !c.MongoUseSSL },
			why:  "mongo_use_ssl is off",
		},
		{
			keys: []string{"storage.main.postgres."},
			off:  func(c *Config) bool { return c.Storage.Main.Type != Postgres },
			why:  "storage.main.type is not postgres",
		},
		{
			keys: []string{"redis_", "notify_on_change", "gatehouse.key_index_interval", "private_key_path"},
			but:  []string{"redis_host", "redis_hosts", "redis_addrs", "redis_master_name"},
			off:  func(c *Config) bool { return len(c.RedisAddresses()) == 0 },
			why:  "no Redis is configured",
		},
		{
			keys: []string{"redis_ca_", "redis_cert_", "redis_key_", "redis_ssl_", "redis_tls_"},
			off:  func(c *Config) bool { return !c.RedisUseSSL },
			why:  "redis_use_ssl is off",
		},
		{
			keys: []string{"storage.analytics.", "storage.logs.", "storage.uptime."},
			off:  func(*Config) bool { return true },
			why:  "this version keeps everything in storage.main",
		},
		{
			keys: []string{"email_backend."}, but: []string{"email_backend.enable_email_notifications"},
			off: func(c *Config) bool { return !c.EmailBackend.EnableEmailNotifications },
			why: "email_backend.enable_email_notifications is off",
		},
		{
			keys: []string{"tyk_api_config.Port"},
			off:  func(c *Config) bool { return c.TykAPI.Host == "" },
			why:  "tyk_api_config.Host is not set",
		},
		{
			keys: []string{"gatehouse.shared_gateways.deny"},
			off:  func(c *Config) bool { return c.Gatehouse.SharedGateways.Apply == "never" },
			why:  "gatehouse.shared_gateways.apply is never",
		},
	}
}

func (i idle) has(key string) bool {
	return !slices.Contains(i.but, key) && slices.ContainsFunc(i.keys, func(k string) bool {
		return k == key || strings.HasPrefix(key, k) && strings.ContainsAny(k[len(k)-1:], "._")
	})
}

// idle tells why what is wrong with a setting stops nothing; "" when it does stop the start. A switch that could not be
// read, or that is at fault itself, is not off.
func (l *loader) idle(key string) string {
	if f, ok := l.byKey[strings.ToLower(key)]; ok && !f.HasEffect() && f.Protects == "" {
		return "this version does nothing with it"
	}
	for _, group := range idles() {
		if group.has(key) && group.off(&l.Config) {
			return group.why
		}
	}
	return ""
}

// passOver takes the problems that stop nothing out of those that do. A layer that is not used and lacks something is
// that of main, as every layer is that nothing is said of.
func (l *loader) passOver() {
	l.problems = slices.DeleteFunc(l.problems, func(p problem) bool {
		why := l.idle(p.key)
		if why == "" {
			return false
		}
		l.Idle = append(l.Idle, p.key+": "+p.text+"; it is passed over, since "+why)
		for _, name := range layerNames() {
			if name != LayerMain && strings.HasPrefix(p.key, "storage."+string(name)+".") {
				*l.Config.Storage.layer(name) = Layer{}
			}
		}
		return true
	})
	slices.Sort(l.Idle)
}

// Unprotected says, a line for each, what is not protected although a setting asks for it: this version cannot. The
// lines are for people who rely on it and would not find out otherwise.
func (l *Loaded) Unprotected() []string {
	var out []string
	for _, f := range Fields() {
		if f.Protects != "" && !isEmpty(f.in(&l.Config)) {
			out = append(out, f.Key+": "+f.Protects)
		}
	}
	return out
}

// checkProtection refuses words for gatehouse.without_protection that no version knew.
func (l *loader) checkProtection() {
	const ownership = "enable_ownership"
	for _, name := range l.Config.Gatehouse.WithoutProtection {
		if name != ownership {
			l.problem(
				"gatehouse.without_protection",
				fmt.Sprintf("%q is not allowed; use %s, or leave it out", clip(name), ownership),
			)
		}
	}
}
