package changes

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"gatehouse/internal/core"
	"gatehouse/internal/gateway/redisdb"
)

// Channel is the Redis channel on which servers tell each other what changed.
const Channel = "gatehouse.changes"

const (
	// backlog is how many changes wait for Redis at most; of more, the oldest are given up, and the other servers told so.
	backlog = 10_000
	// batch is how many changes one message holds at most.
	batch = 500
	// maxMessage bounds the messages that are read, in bytes; a full batch has a fifth of it.
	maxMessage = 1 << 20
	// retryMin and retryMax are the pauses between attempts to send; parting is the time for what is left when the program
	// ends.
	retryMin, retryMax = 50 * time.Millisecond, time.Second
	parting            = time.Second
)

// BridgeOptions configure a Bridge.
type BridgeOptions struct {
	Redis  redis.UniversalClient
	Broker *Broker
	// Forget is told the type of an object that another server changed, before anybody else hears of the change; "" when
	// any may have changed.
	Forget func(object string)
	Log    *slog.Logger
}

// Bridge joins the brokers of the servers that share a Redis: what one publishes, all hear, the others marked as
// Remote. Changes that Redis was away for are sent when it is back. Listeners that may have missed some all the same
// are cut off, and read anew.
type Bridge struct {
	o BridgeOptions
	// id tells our own messages from those of others.
	id string

	mu     sync.Mutex
	queue  []*core.Change
	missed bool
	wake   chan struct{}
}

// message is what servers send each other.
type message struct {
	Server string `json:"server"`
	// Missed says that changes before these were given up.
	Missed  bool           `json:"missed,omitempty"`
	Changes []*core.Change `json:"changes"`
}

// NewBridge makes a Bridge.
func NewBridge(o BridgeOptions) *Bridge {
	return &Bridge{o: o, id: rand.Text(), wake: make(chan struct{}, 1)}
}

// Run sends and hears changes until ctx ends, and then sends what is left, within a second.
func (b *Bridge) Run(ctx context.Context) {
	defer b.o.Broker.Watch(b.enqueue)()
	var sender sync.WaitGroup
	sender.Go(func() { b.send(ctx) })
	again := false
	redisdb.Listen(ctx, b.o.Redis, Channel, redisdb.Listener{
		Up: func() {
			// At first as well: listeners and caches may be older than the subscription.
			b.mayHaveMissed()
			if again {
				b.o.Log.Info("changes of other servers are heard again")
			}
		},
		Down: func(err error) {
			again = true
			b.o.Log.Warn("changes of other servers are not heard: Redis cannot be reached", "error", err)
		},
		Message: b.receive,
	})
	sender.Wait()
}

func (b *Bridge) enqueue(c *core.Change) {
	if c.Remote {
		return
	}
	b.mu.Lock()
	if len(b.queue) == backlog {
		b.queue, b.missed = b.queue[1:], true
	}
	b.queue = append(b.queue, c)
	b.mu.Unlock()
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// take returns the next message, or nil when there is nothing to say.
func (b *Bridge) take() *message {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := min(len(b.queue), batch)
	if n == 0 {
		return nil
	}
	m := &message{Server: b.id, Missed: b.missed, Changes: b.queue[:n:n]}
	b.queue, b.missed = b.queue[n:], false
	return m
}

func (b *Bridge) send(ctx context.Context) {
	for {
		for m := b.take(); m != nil; m = b.take() {
			text, err := json.Marshal(m)
			if err != nil {
				b.o.Log.Error("a change cannot be told to other servers", "error", err) // of texts and numbers, which cannot fail
				continue
			}
			if !b.publish(ctx, text) {
				b.part(ctx, text)
				return
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-b.wake:
		}
	}
}

// publish tries until it succeeds, or ctx ends.
func (b *Bridge) publish(ctx context.Context, text []byte) bool {
	for pause := retryMin; ; pause = min(2*pause, retryMax) {
		err := b.o.Redis.Publish(ctx, Channel, text).Err()
		if err == nil {
			return true
		}
		if pause == retryMin && ctx.Err() == nil {
			b.o.Log.Warn("a change waits to be told to other servers: Redis does not take it", "error", err)
		}
		if !redisdb.Pause(ctx, pause) {
			return false
		}
	}
}

// part makes one more attempt to send what is left.
func (b *Bridge) part(ctx context.Context, text []byte) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), parting)
	defer cancel()
	for text != nil && b.o.Redis.Publish(ctx, Channel, text).Err() == nil {
		text = nil
		if m := b.take(); m != nil {
			text, _ = json.Marshal(m) // of texts and numbers, which cannot fail
		}
	}
}

func (b *Bridge) receive(payload string) {
	var m message
	switch {
	case len(payload) > maxMessage:
		b.o.Log.Warn("a message of another server is too large, and was left aside", "bytes", len(payload))
		b.mayHaveMissed()
		return
	case json.Unmarshal([]byte(payload), &m) != nil:
		b.o.Log.Warn("a message of another server cannot be read, and was left aside")
		return
	case m.Server == b.id:
		return
	case m.Missed:
		b.mayHaveMissed()
	}
	for _, c := range m.Changes {
		if c == nil {
			continue
		}
		c.Remote = true
		b.o.Forget(c.Object)
		b.o.Broker.Publish(c)
	}
}

// mayHaveMissed makes caches and listeners read anew.
func (b *Bridge) mayHaveMissed() {
	b.o.Forget("")
	b.o.Broker.CutOff()
}
