package limits

import (
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// Allowance lets each of many do something so often in a time, and no more: what is not wrong, as failures of Attempts
// are, but dear. It is safe for use by several goroutines.
type Allowance struct {
	times int
	per   time.Duration
	now   func() time.Time

	mu   sync.Mutex
	used *simplelru.LRU[string, used]
}

// used is what somebody had of an allowance since it began.
type used struct {
	began time.Time
	times int
}

// maxAllowed bounds how many are remembered; the longest unused goes first.
const maxAllowed = 1 << 15

// NewAllowance makes an Allowance of so many times in a time, of which nobody has used any.
func NewAllowance(times int, per time.Duration, now func() time.Time) *Allowance {
	return &Allowance{times: times, per: per, now: now, used: remember[string, used](maxAllowed)}
}

// Take uses one time of who's allowance. Where none is left, it returns how long to wait for the next; otherwise 0. who
// is an address, of which IPv6 addresses of one network of 64 bits are one, or the name of something else.
func (a *Allowance) Take(who string) (wait time.Duration) {
	who = Network(who)
	now := a.now()
	a.mu.Lock()
	defer a.mu.Unlock()
	had, ok := a.used.Get(who)
	if !ok || now.Sub(had.began) >= a.per {
		had = used{began: now}
	}
	if had.times >= a.times {
		return had.began.Add(a.per).Sub(now)
	}
	had.times++
	a.used.Add(who, had)
	return 0
}
