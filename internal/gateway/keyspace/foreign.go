package keyspace

import (
	"context"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/tidwall/gjson"

	"gatehouse/internal/gateway/notify"
)

// The news of keys that others changed: gateways tell each other which sessions to forget, and Redis itself tells of
// writes where notify-keyspace-events asks it to. The names in them are hints: the sessions say what happened.
var events = []string{"__keyevent@*__:set", "__keyevent@*__:del", "__keyevent@*__:expired", "__keyevent@*__:evicted"}

// The bounds of the news. A busy gateway writes a session, and tells of it, with each request of a key that has a
// quota.
const (
	gatherNews = 200 * time.Millisecond
	// newsBatch is how many keys are looked at each time, newsHeld how many wait for it. The next scan finds what is
	// beyond.
	newsBatch = 2 * batch
	newsHeld  = 20 * batch
	// newsPayload is the longest payload that is read, in bytes.
	newsPayload = 1 << 20
)

// listen takes over what others change, soon after they did, until ctx ends.
func (s *Space) listen(ctx context.Context) {
	channel := s.o.Redis.Subscribe(ctx, notify.Channel)
	defer func() { _ = channel.Close() }() // its connection is all there is to give back
	if err := channel.PSubscribe(ctx, events...); err != nil {
		s.o.Log.DebugContext(ctx, "Redis tells no news of its own", "error", err)
	}
	incoming := channel.ChannelWithSubscriptions(redis.WithChannelSize(1000))
	told := map[string]bool{}
	connected := false
	tick := time.NewTicker(gatherNews)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case m, ok := <-incoming:
			if !ok {
				return
			}
			switch m := m.(type) {
			case *redis.Subscription:
				if m.Channel != notify.Channel || m.Kind != "subscribe" {
					continue
				}
				if connected {
					s.Rebuild() // news came while nobody listened
				}
				connected = true
			case *redis.Message:
				for _, id := range named(m) {
					if len(told) < newsHeld && indexable(id) {
						told[id] = true
					}
				}
			}
		case <-tick.C:
			if len(told) > 0 {
				s.takeOver(ctx, told)
			}
		}
	}
}

// takeOver looks at some of the keys that were told of, and strikes them off.
func (s *Space) takeOver(ctx context.Context, told map[string]bool) {
	ids := make([]string, 0, min(len(told), newsBatch))
	for id := range told {
		if len(ids) == newsBatch {
			break
		}
		ids = append(ids, id)
		delete(told, id)
	}
	// Most are news of our own.
	s.flushed(ctx)
	if _, _, err := s.reconcile(ctx, ids, foreign); err != nil && ctx.Err() == nil {
		s.o.Log.DebugContext(ctx, "changed keys wait for the next scan", "keys", len(ids), "error", err)
	}
}

// named are the ids that a message tells of.
func named(m *redis.Message) []string {
	if m.Channel != notify.Channel {
		if id, ok := strings.CutPrefix(m.Payload, sessionPrefix); ok {
			return []string{id}
		}
		return nil
	}
	if len(m.Payload) > newsPayload || !gjson.Valid(m.Payload) ||
		gjson.Get(m.Payload, "command").Str != string(notify.KeySpaceUpdated) {
		return nil
	}
	var ids []string
	for name := range strings.SplitSeq(gjson.Get(m.Payload, "payload").Str, ",") {
		// Behind a colon stand words for gateways that are far away.
		id, _, _ := strings.Cut(name, ":")
		ids = append(ids, id)
	}
	return ids
}
