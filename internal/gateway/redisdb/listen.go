package redisdb

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// pulse is how long a subscription may be silent before it is asked whether it lives, and how long it has to answer.
	pulse = 2 * time.Second
	// backoffMin and backoffMax are the pauses between attempts to subscribe again.
	backoffMin, backoffMax = 50 * time.Millisecond, time.Second
)

// Listener hears what a subscription brings. Its functions are called one at a time; nil ones are left out.
type Listener struct {
	// Up is called whenever the subscription begins, at first and after each Down. What is published from now on is heard.
	Up func()
	// Down is called when the connection breaks, and when the first one cannot be made; not again before the next Up.
	Down func(error)
	// Message gets what is published.
	Message func(payload string)
}

// Listen subscribes to a channel and stays subscribed until ctx ends: when the connection breaks, or is silent in spite
// of being asked, it makes another, after a pause of a second at most. What is published meanwhile is lost.
func Listen(ctx context.Context, client redis.UniversalClient, channel string, l Listener) {
	down, pause := false, backoffMin
	for ctx.Err() == nil {
		err := listen(ctx, client, channel, l.Message, func() {
			down, pause = false, backoffMin
			if l.Up != nil {
				l.Up()
			}
		})
		if ctx.Err() != nil {
			return
		}
		if l.Down != nil && !down {
			l.Down(err)
		}
		down = true
		if !Pause(ctx, pause) {
			return
		}
		pause = min(2*pause, backoffMax)
	}
}

// listen is one connection of Listen. It returns why it ended.
func listen(ctx context.Context, client redis.UniversalClient, channel string, message func(string), up func()) error {
	ps := client.Subscribe(ctx, channel)
	defer ps.Close() //nolint:errcheck // of a connection that nobody needs any more
	// Reading does not look at ctx; closing the connection ends it.
	defer context.AfterFunc(ctx, func() { ps.Close() })() //nolint:errcheck // as above
	for asked := false; ; {
		got, err := ps.ReceiveTimeout(ctx, pulse)
		switch {
		case err != nil && isTimeout(err) && !asked:
			asked = true
			if err := ps.Ping(ctx); err != nil {
				return err
			}
			continue
		case err != nil && isTimeout(err):
			return errors.New("the subscription is silent")
		case err != nil:
			return err
		}
		asked = false
		switch m := got.(type) {
		case *redis.Subscription:
			up()
		case *redis.Message:
			if message != nil {
				message(m.Payload)
			}
		}
	}
}

// Pause waits, and tells whether ctx goes on.
func Pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
