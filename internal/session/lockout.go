package session

import (
	"context"
	"log/slog"
	"time"

	"gatehouse/internal/core"
	"gatehouse/internal/limits"
)

// Lockout says how often who signs in may be wrong; 0 is no limit.
type Lockout struct {
	// PerUser is how often from one address with one e-mail address, PerAddress how often from one address with any.
	PerUser, PerAddress int
	// Quiet is after how long without a failure that is forgotten.
	Quiet time.Duration
	// Hidden answers those who have to wait as those who are wrong.
	Hidden bool
}

// lockout slows down who guesses passwords: by address, and by address and e-mail address together, so that nobody
// locks out anybody else. An e-mail address with which many addresses fail is guessed from all of them: then each
// address gets one try, so that its owner still gets in, and somebody with a thousand addresses has a thousand tries,
// and not ten thousand.
type lockout struct {
	hidden                          bool
	byAddress, byPair, once, byName *limits.Attempts
}

func newLockout(o Lockout, now func() time.Time, log *slog.Logger) *lockout {
	counting := func(failures int) *limits.Attempts {
		return limits.NewAttempts(limits.AttemptsOptions{Failures: failures, Quiet: o.Quiet, Now: now, Log: log})
	}
	return &lockout{
		hidden: o.Hidden, byAddress: counting(o.PerAddress), byPair: counting(o.PerUser),
		once: counting(min(o.PerUser, 1)), byName: counting(o.PerUser),
	}
}

// try is a log-in that was let through. Exactly one of its methods ends it.
type try struct {
	of                  *lockout
	name, pair, address string
	attempts            []limits.Attempt
}

// begin lets somebody try, or returns core.CodeTooMany with the time to wait. Whether there is such a user makes no
// difference.
func (l *lockout) begin(name, address, password string) (*try, error) {
	t := &try{of: l, name: name, address: address, pair: name + " from " + limits.Network(address)}
	asked := []struct {
		by *limits.Attempts
		at string
	}{{l.byAddress, address}, {l.byPair, t.pair}}
	if l.byName.Failing(limits.RealmLogIn, name) {
		asked[1].by = l.once
	}
	for _, a := range asked {
		attempt, err := a.by.Begin(limits.RealmLogIn, a.at, password)
		if err != nil {
			t.dropped()
			if l.hidden {
				err = core.Wrap(core.CodeUnauthenticated, err, wrong)
			}
			return nil, err
		}
		t.attempts = append(t.attempts, attempt)
	}
	return t, nil
}

// dropped says that nobody knows whether it was right.
func (t *try) dropped() {
	for _, a := range t.attempts {
		a.Dropped()
	}
}

// held says that it was right.
func (t *try) held() {
	for _, a := range t.attempts {
		a.Held()
	}
}

// failed says that it was wrong.
func (t *try) failed(ctx context.Context) {
	t.dropped()
	t.of.byAddress.Fail(ctx, limits.RealmLogIn, t.address)
	for _, by := range []*limits.Attempts{t.of.byPair, t.of.once} {
		by.Fail(ctx, limits.RealmLogIn, t.pair)
	}
	t.of.byName.Fail(ctx, limits.RealmLogIn, t.name)
}
