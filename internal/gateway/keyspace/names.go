package keyspace

import (
	"strings"
	"time"
	"unicode/utf8"

	"gatehouse/internal/core"
	"gatehouse/internal/gateway/token"
)

// The names of the gateways, and behind them a key's id: the hash of its token, or the token where keys are not hashed.
const (
	sessionPrefix = "apikey-"
	quotaPrefix   = "quota-"
	ratePrefix    = "rate-limit-"
	blockedSuffix = ".BLOCKED"
)

// Our own names in the same Redis.
const (
	markerName = "gatehouse-keyspace"     // which Redis this is, and the time until which it is whole: see restore.go
	marksName  = "gatehouse-index-dirty"  // sorted set, by time: what was written and is not indexed yet
	lockName   = "gatehouse-index-lock"   // held by the server that scans or restores
	statusName = "gatehouse-index-status" // JSON: how far the scan is
)

// maxID is the longest name that the store can keep.
const maxID = 255

// indexable tells whether the store can keep a session of this name.
func indexable(id string) bool {
	return id != "" && len(id) <= maxID && utf8.ValidString(id) && strings.IndexByte(id, 0) < 0
}

func sessionName(id string) string { return sessionPrefix + id }

// quotaName is the counter of a quota; scope "" is the key as a whole.
func quotaName(scope, id string) string {
	if scope == "" {
		return quotaPrefix + id
	}
	return quotaPrefix + scope + "-" + id
}

// rateName is the log of a rate limit. The gateways cut dashes off the ends of its parts.
func rateName(scope, id string) string {
	parts := []string{strings.Trim(ratePrefix, "-")}
	for _, p := range []string{scope, id} {
		if p = strings.Trim(p, "-"); p != "" {
			parts = append(parts, p)
		}
	}
	return strings.Join(parts, "-")
}

// CacheNames are the names under which gateways may have cached the session of a key that somebody gave as given. They
// cache by what their own clients send, which is murmur64 of it where keys are hashed, whatever function the token
// names; a custom key or a user name is sent as it is, or as its token.
func CacheNames(id, given string) []string {
	names := []string{id}
	add := func(sent string) {
		if sent != "" && sent != id {
			names = append(names, token.HashWith(token.Murmur64, sent), sent)
		}
	}
	add(given)
	if t, err := token.Parse(given); err == nil {
		add(t.ID)
	}
	return names
}

// grace is how long a session outlives its end, so that gateways can say that the key expired, and people can prolong
// it.
const grace = 7 * 24 * time.Hour

// lifetime is the TTL with which a session is written; 0 is for ever. What the session itself asks of gateways goes
// first: to go with its end or a while behind it (post_expiry_action), or after a fixed time (session_lifetime).
func lifetime(session core.Document, now time.Time) time.Duration {
	var left time.Duration
	expires := session.Get("expires").Int()
	if expires > 0 {
		left = max(time.Unix(expires, 0).Sub(now), 0)
	}
	after := time.Duration(session.Get("post_expiry_grace_period").Int()) * time.Second
	life := time.Duration(session.Get("session_lifetime").Int()) * time.Second
	switch action := session.Text("post_expiry_action"); {
	case action == "delete" && expires > 0:
		return max(left, time.Second)
	case action == "retain" && after < 0:
		return 0
	case action == "retain" && after > 0 && expires > 0:
		return left + after
	case life > 0:
		return life
	case expires > 0:
		return left + grace
	}
	return 0
}
