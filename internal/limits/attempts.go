package limits

import (
	"cmp"
	"context"
	"hash/maphash"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/prometheus/client_golang/prometheus"

	"gatehouse/internal/core"
)

// The realms of credentials. Failures in one slow down nobody in another.
const (
	RealmAdmin    = "admin"
	RealmKey      = "key"
	RealmNode     = "node"
	RealmPassword = "password"
	RealmLogIn    = "log-in"
)

const (
	// firstDelay is how long a subject waits after the failure that was one too many; each further one doubles it, up to
	// maxDelay.
	firstDelay = time.Second
	maxDelay   = time.Minute
	// quietTime is after how long without a failure a subject starts anew.
	quietTime = 15 * time.Minute
	// goodTime is how long credentials count as known from an address, since they were last used.
	goodTime = 24 * time.Hour
	// maxSubjects and maxGood bound what is remembered; the longest unused goes first. Both together are some 10 MB.
	maxSubjects = 1 << 16
	maxGood     = 1 << 15
)

// AttemptsOptions are what Attempts are made of.
type AttemptsOptions struct {
	// Failures is how many wrong credentials an address may send before it is slowed down; 0 slows down nobody.
	Failures int
	// Quiet is after how long without a failure a subject starts anew; 0 is a quarter of an hour.
	Quiet time.Duration
	Now   func() time.Time
	Log   *slog.Logger
}

// Attempts slows down those who guess credentials. A subject, such as an address, may fail a number of times; then it
// is refused before its credentials are looked at, for a time that doubles with each failure. So a guess costs a
// minute, and neither the refusal nor how long it took tells whether it was right.
//
// Who shares an address with the guesser keeps working: credentials that nobody can guess, and that held at this
// address before, are not refused. See docs/decisions/0041-guessing-is-slowed-down-by-address.md. It is safe for
// concurrent use.
type Attempts struct {
	failures int
	quiet    time.Duration
	now      func() time.Time
	log      *slog.Logger
	seed     maphash.Seed
	counter  *prometheus.CounterVec

	mu       sync.Mutex
	subjects *simplelru.LRU[string, *subject]
	good     *simplelru.LRU[uint64, time.Time]
}

// subject is somebody who failed, or is being judged.
type subject struct {
	failures int
	// running are the attempts that are being judged.
	running     int
	last, until time.Time
	logged      time.Time
}

// NewAttempts makes Attempts that remember nobody.
func NewAttempts(o AttemptsOptions) *Attempts {
	a := &Attempts{failures: o.Failures, quiet: cmp.Or(o.Quiet, quietTime), now: o.Now, log: o.Log,
		seed: maphash.MakeSeed(),
		counter: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatehouse_credentials_refused_total",
			Help: "Credentials that were refused, by kind: wrong ones, and " +
				"ones that were not looked at since there were too many wrong ones.",
		}, []string{"kind", "reason"}),
		subjects: remember[string, *subject](maxSubjects), good: remember[uint64, time.Time](maxGood)}
	if a.now == nil {
		a.now = time.Now
	}
	if a.log == nil {
		a.log = slog.New(slog.DiscardHandler)
	}
	return a
}

// Collector is for the metrics.
func (a *Attempts) Collector() prometheus.Collector { return a.counter }

// Attempt is one try that was let through. Exactly one of Held, Failed and Dropped ends it.
type Attempt struct {
	of         *Attempts
	realm, key string
	credential uint64
	counted    bool
}

// Begin lets somebody try credentials, or returns core.CodeTooMany with the time to wait. at is an address, or what
// else is to be slowed down; IPv6 addresses of one network of 64 bits are one.
func (a *Attempts) Begin(realm, at, credential string) (Attempt, error) {
	t := Attempt{of: a, realm: realm}
	if a == nil || a.failures <= 0 {
		return t, nil
	}
	t.key = realm + " " + Network(at)
	t.credential = maphash.Comparable(a.seed, [2]string{t.key, credential})
	now := a.now()
	a.mu.Lock()
	defer a.mu.Unlock()
	s, ok := a.subjects.Get(t.key)
	if !ok {
		return t, nil
	}
	if now.Sub(s.last) > a.quiet {
		a.subjects.Remove(t.key)
		return t, nil
	}
	if realm == RealmKey || realm == RealmNode {
		if at, ok := a.good.Get(t.credential); ok && now.Sub(at) <= goodTime {
			return t, nil
		}
	}
	wait := s.until.Sub(now)
	if wait <= 0 && s.running >= max(a.failures-s.failures, 1) {
		wait = time.Second // as many as may fail are being judged
	}
	if wait > 0 {
		a.counter.WithLabelValues(realm, "too_many").Inc()
		return t, &core.Error{Code: core.CodeTooMany, RetryAfter: wait,
			Message: "there were too many wrong credentials from your address: " +
				"wait as long as Retry-After says, and correct them"}
	}
	s.running++
	t.counted = true
	return t, nil
}

// Held says that the credentials are right.
func (t Attempt) Held() {
	a := t.of
	if a == nil || a.failures <= 0 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	t.end()
	if t.realm == RealmKey || t.realm == RealmNode {
		a.good.Add(t.credential, a.now())
	}
}

// Dropped says that nobody knows whether they are: the store did not answer, say.
func (t Attempt) Dropped() {
	if t.counted {
		t.of.mu.Lock()
		defer t.of.mu.Unlock()
		t.end()
	}
}

func (t Attempt) end() {
	if !t.counted {
		return
	}
	if s, ok := t.of.subjects.Get(t.key); ok && s.running > 0 {
		s.running--
	}
}

// Failed says that the credentials are wrong.
func (t Attempt) Failed(ctx context.Context) {
	a := t.of
	if a == nil || a.failures <= 0 {
		return
	}
	a.counter.WithLabelValues(t.realm, "wrong").Inc()
	now := a.now()
	a.mu.Lock()
	t.end()
	a.good.Remove(t.credential)
	s, ok := a.subjects.Get(t.key)
	if !ok {
		s = &subject{}
		a.subjects.Add(t.key, s)
	}
	s.failures++
	s.last = now
	log := false
	if over := s.failures - a.failures; over >= 0 {
		s.until = now.Add(min(firstDelay<<min(over, 10), maxDelay))
		if log = now.Sub(s.logged) > quietTime; log {
			s.logged = now
		}
	}
	failures := s.failures
	a.mu.Unlock()
	if log {
		a.log.WarnContext(
			ctx,
			"too many wrong credentials: who sent them is slowed down; if this is the address of a proxy, name it in gatehouse.trusted_proxies",
			slog.String("kind_and_address", t.key),
			slog.Int("failures", failures),
		)
	}
}

// Fail counts wrong credentials that were let try elsewhere.
func (a *Attempts) Fail(ctx context.Context, realm, at string) {
	if a == nil || a.failures <= 0 {
		return
	}
	Attempt{of: a, realm: realm, key: realm + " " + Network(at)}.Failed(ctx)
}

// Failing tells whether a subject has failed as often as it may, and not been quiet since.
func (a *Attempts) Failing(realm, at string) bool {
	if a == nil || a.failures <= 0 {
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	s, ok := a.subjects.Peek(realm + " " + Network(at))
	return ok && s.failures >= a.failures && a.now().Sub(s.last) <= a.quiet
}

// Network is what an address is counted by: IPv6 customers have whole networks.
func Network(at string) string {
	addr, err := netip.ParseAddr(at)
	if err != nil || !addr.Is6() || addr.Is4In6() {
		return at
	}
	prefix, err := addr.Prefix(64)
	if err != nil {
		return at
	}
	return prefix.String()
}

// remember makes a map that forgets what was not used for longest.
func remember[K comparable, V any](size int) *simplelru.LRU[K, V] {
	m, err := simplelru.NewLRU[K, V](size, nil)
	if err != nil {
		panic("limits: " + err.Error()) // the size is one of ours
	}
	return m
}

// Size is how many subjects, and how many credentials that held, are remembered.
func (a *Attempts) Size() (subjects, good int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.subjects.Len(), a.good.Len()
}
