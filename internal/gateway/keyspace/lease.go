package keyspace

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"gatehouse/internal/core"
)

// lease is the right of one server among those that share a Redis to scan or to restore.
type lease struct {
	space   *Space
	renewed time.Time
}

// leased is how long a lease lasts that is not renewed: so much later another server takes over from one that died.
const leased = 10 * time.Second

// errLeaseLost means that another server may have taken over.
var errLeaseLost = errors.New("keyspace: the lease of the index was lost")

// lease takes the lease; nil when another server has it.
func (s *Space) lease(ctx context.Context) (*lease, error) {
	ok, err := s.o.Redis.SetNX(ctx, lockName, s.server, leased).Result()
	if err != nil {
		return nil, unavailable(err)
	}
	if !ok {
		return nil, nil
	}
	return &lease{s, time.Now()}, nil
}

var (
	renewScript = redis.NewScript(
		`if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return 0`,
	)
	returnScript = redis.NewScript(
		`if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`,
	)
)

// renew prolongs the lease when it is time to.
func (l *lease) renew(ctx context.Context) error {
	if time.Since(l.renewed) < leased/3 {
		return nil
	}
	n, err := renewScript.Run(ctx, l.space.o.Redis, []string{lockName}, l.space.server, leased.Milliseconds()).Int()
	if err != nil {
		return unavailable(err)
	}
	if n == 0 {
		return core.Wrap(core.CodeUnavailable, errLeaseLost, "another server took over")
	}
	l.renewed = time.Now()
	return nil
}

// end gives the lease back. One that cannot be given back ends by itself.
func (l *lease) end(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answers)
	defer cancel()
	if err := returnScript.Run(ctx, l.space.o.Redis, []string{lockName}, l.space.server).Err(); err != nil {
		l.space.o.Log.DebugContext(ctx, "the lease of the key index ends by itself", "error", err)
	}
}
