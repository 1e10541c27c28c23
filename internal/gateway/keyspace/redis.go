package keyspace

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"gatehouse/internal/core"
)

// batch is how many keys are asked for, or written, at a time.
const batch = 500

// unavailable says that Redis failed.
func unavailable(err error) error {
	return core.Wrap(core.CodeUnavailable, err, "the gateways' Redis does not answer: try again in a while")
}

// sessions reads the raw sessions of ids, in their order; "" where there is none.
func (s *Space) sessions(ctx context.Context, ids []string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, answers)
	defer cancel()
	out := make([]string, 0, len(ids))
	for len(ids) > 0 {
		part := ids[:min(batch, len(ids))]
		ids = ids[len(part):]
		var err error
		if out, err = s.appendSessions(ctx, out, part); err != nil {
			return nil, unavailable(err)
		}
	}
	return out, nil
}

func (s *Space) appendSessions(ctx context.Context, out []string, ids []string) ([]string, error) {
	if _, sharded := s.o.Redis.(*redis.ClusterClient); !sharded {
		names := make([]string, len(ids))
		for i, id := range ids {
			names[i] = sessionName(id)
		}
		values, err := s.o.Redis.MGet(ctx, names...).Result()
		for _, v := range values {
			text, _ := v.(string)
			out = append(out, text)
		}
		return out, err
	}
	// The nodes of a cluster do not answer for each other.
	values := make([]*redis.StringCmd, len(ids))
	_, _ = s.o.Redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, id := range ids {
			values[i] = p.Get(ctx, sessionName(id))
		}
		return nil
	})
	for _, v := range values {
		if err := v.Err(); err != nil && !errors.Is(err, redis.Nil) && !redis.HasErrorPrefix(err, "WRONGTYPE") {
			return nil, err
		}
		out = append(out, v.Val())
	}
	return out, nil
}

// mark is a note in Redis that a key was written and may not be indexed yet. It goes with the writing, and goes away
// when the index is made, or when a server finds that it was left behind.
type mark struct {
	member string
	// generation is the one of the anchor when the key was about to be written.
	generation uint64
}

func (s *Space) newMark(id string) mark { return s.markWith(id, "") }

// newMakingMark is the mark of who makes a key: it tells a key that is made anew from a deleted one that came back.
func (s *Space) newMakingMark(id string) mark { return s.markWith(id, making) }

// making starts what follows the id in the mark of who makes a key.
const making = "+"

// makes tells whether a mark is one of who makes a key.
func makes(member string) bool { return strings.HasPrefix(member[len(idOf(member)):], " "+making) }

func (s *Space) markWith(id, purpose string) mark {
	return mark{id + " " + purpose + s.server + strconv.FormatUint(s.writes.Add(1), 36), s.anchor.age()}
}

// set adds the mark, at a time of this machine: the store's clock may be a test's.
func (m mark) set(ctx context.Context, p redis.Pipeliner) {
	p.ZAdd(ctx, marksName, redis.Z{Score: float64(time.Now().UnixMilli()), Member: m.member})
}

// unmark removes marks. One that stays for want of an answer is seen to later.
func (s *Space) unmark(ctx context.Context, marks ...mark) {
	members := make([]any, len(marks))
	for i, m := range marks {
		members[i] = m.member
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answers)
	defer cancel()
	if err := s.o.Redis.ZRem(ctx, marksName, members...).Err(); err != nil {
		s.o.Log.DebugContext(ctx, "marks of indexed keys stay for now", "error", err)
	}
}

// put writes a session where there is none, and tells whether it did.
func (s *Space) put(ctx context.Context, k *core.Key, m mark) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, answers)
	defer cancel()
	var done *redis.BoolCmd
	_, err := s.o.Redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		m.set(ctx, p)
		done = p.SetNX(ctx, sessionName(k.ID), []byte(k.Session), lifetime(k.Session, s.o.Store.Now()))
		return nil
	})
	if err != nil {
		return false, unavailable(err)
	}
	return done.Val(), nil
}

// swapScript writes a session over the one that was read, "" in ARGV[2] removes it. ARGV[3] is the TTL in milliseconds.
var swapScript = redis.NewScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '' then
  redis.call('DEL', KEYS[1])
elseif ARGV[3] == '0' then
  redis.call('SET', KEYS[1], ARGV[2])
else
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
end
return 1`)

// swap replaces a session, or removes it where next is "", if it is still the one that was read, and tells whether it
// did.
func (s *Space) swap(ctx context.Context, id, was, next string, m mark) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, answers)
	defer cancel()
	if _, err := s.o.Redis.Pipelined(ctx, func(p redis.Pipeliner) error { m.set(ctx, p); return nil }); err != nil {
		return false, unavailable(err)
	}
	ttl := lifetime(core.Document(next), s.o.Store.Now()).Milliseconds()
	n, err := swapScript.Run(ctx, s.o.Redis, []string{sessionName(id)}, was, next, ttl).Int()
	if err != nil {
		return false, unavailable(err)
	}
	return n == 1, nil
}

// idOf is the id of the key in the member of a mark: all before the last space.
func idOf(member string) string { return member[:max(strings.LastIndexByte(member, ' '), 0)] }
