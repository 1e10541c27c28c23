package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"gatehouse/internal/config"
	"gatehouse/internal/gateway/token"
	"gatehouse/store/sql"
)

// clockTolerance is how far clocks may be apart: less than what gateways and the index of keys allow for, and more than
// a slow answer makes.
const clockTolerance = 2 * time.Second

// clock compares the clock of this machine with another's, which asked for it between two moments of ours.
func (d *doctor) clock(of string, theirs, before, after time.Time) {
	apart := time.Duration(0)
	switch {
	case theirs.Before(before):
		apart = before.Sub(theirs)
	case theirs.After(after):
		apart = theirs.Sub(after)
	}
	if apart <= clockTolerance {
		d.add("clock", verdictOK, "this machine and "+of+" agree on the time", "")
		return
	}
	d.add("clock", verdictWarn, fmt.Sprintf("this machine and %s are %s apart", of, apart.Round(time.Second)),
		"have NTP set the clock of each machine: keys end at other times than they say, and changes are ordered wrongly")
}

// databaseClock looks at the clock of the database's server.
func (d *doctor) databaseClock(ctx context.Context, layer config.Layer, log *slog.Logger) {
	before := time.Now()
	theirs, ok, err := sql.Clock(ctx, sqlConfig(layer, log))
	if err == nil && ok {
		d.clock("the server of the database", theirs, before, time.Now())
	}
}

// redisClock looks at the clock of a Redis server.
func (d *doctor) redisClock(ctx context.Context, of string, c *redis.Client) {
	before := time.Now()
	if theirs, err := c.Time(ctx).Result(); err == nil {
		d.clock(of, theirs, before, time.Now())
	}
}

const (
	// sessionPrefix begins the names of sessions in Redis; behind it is the key, or its hash.
	sessionPrefix = "apikey-"
	// sampled is how many names a look at the sessions of a server reads, at least, and sampleCalls in how many calls at
	// most.
	sampled     = 1000
	sampleCalls = 20
)

// sessionNames are how many sessions of a sample lie under their keys, and how many under hashes.
type sessionNames struct{ plain, hashed int }

// sample adds those of one server.
func (n *sessionNames) sample(ctx context.Context, c *redis.Client) error {
	var cursor uint64
	for seen, calls := 0, 0; seen < sampled && calls < sampleCalls; calls++ {
		names, next, err := c.Scan(ctx, cursor, sessionPrefix+"*", sampled).Result()
		if err != nil {
			return err
		}
		for _, name := range names {
			name = strings.TrimPrefix(name, sessionPrefix)
			switch _, malformed := token.Parse(name); {
			case token.LooksHashed(name):
				n.hashed++
			case malformed == nil:
				n.plain++
			}
		}
		seen += len(names)
		if cursor = next; next == 0 {
			return nil
		}
	}
	return nil
}

// hashKeys compares hash_keys with how sessions lie in Redis: gateways that have it otherwise look for keys under other
// names.
func (d *doctor) hashKeys(cfg *config.Config, n sessionNames) {
	const check = "hash_keys"
	on, others, as := "on", n.plain, "as the keys themselves"
	if !cfg.HashKeys {
		on, others, as = "off", n.hashed, "as hashes"
	}
	switch total := n.plain + n.hashed; {
	case total == 0:
	case others == 0:
		d.add(check, verdictOK, fmt.Sprintf("it is %s, and the sessions in Redis say the same", on), "")
	default:
		d.add(
			check,
			verdictWarn,
			fmt.Sprintf("it is %s here, and %d of %d sessions in Redis lie there %s", on, others, total, as),
			"give hash_keys of the gateways' configuration and of this one the same value: otherwise gateways refuse the keys that are made here. Keys of before a change have to be made anew",
		)
	}
}
