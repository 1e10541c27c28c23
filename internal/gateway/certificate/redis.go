package certificate

import (
	"context"
	"errors"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"

	"gatehouse/internal/core"
	"gatehouse/store"
)

// How gateways keep certificates: each under its id, and their names in a list for each organisation.
const (
	rawPrefix   = "cert-raw-"
	listElement = "raw-" // before an id in the list
)

func listKey(org string) string { return "cert-" + org + "-index" }

// idLength is the length of an id of an organisation together with a fingerprint.
const idLength = 24 + 64

// owner is the organisation in an id, "" for what is no id of ours: gateways keep certificates of their own, too.
func owner(id string) string {
	if len(id) != idLength || !core.IsID(id[:24]) || strings.Trim(id, "0123456789abcdef") != "" {
		return ""
	}
	return id[:24]
}

// batchSize is how much goes to Redis, or comes from the store, at a time.
const batchSize = 200

// pipelined sends the commands that add makes of each of items, a batch at a time. done sees the items of a batch once
// they are answered; a missing value is no error.
func (s *Shelf) pipelined(
	ctx context.Context,
	items []string,
	size int,
	add func(p redis.Pipeliner, item string),
	done func(items []string, answers []redis.Cmder) error,
) error {
	for len(items) > 0 {
		batch := items[:min(size, len(items))]
		items = items[len(batch):]
		answers, err := s.o.Redis.Pipelined(ctx, func(p redis.Pipeliner) error {
			for _, item := range batch {
				add(p, item)
			}
			return nil
		})
		if err != nil && !errors.Is(err, redis.Nil) {
			return err
		}
		if err := done(batch, answers); err != nil {
			return err
		}
	}
	return nil
}

// write puts certificates into Redis. Those that were deleted from the store meanwhile, here or by another server, are
// taken out again: whoever deletes takes them out after the store, so in the end none is left behind.
func (s *Shelf) write(ctx context.Context, certificates []*core.Certificate) error {
	var ids []string
	for _, c := range certificates {
		b, err := s.bundle(c)
		if err == nil && b.HasPrivate() && s.o.Secret == "" {
			err = errNoSecret
		}
		var text string
		if err == nil {
			text, err = b.ForGateways(s.o.Secret)
		}
		if err != nil {
			s.tell(ctx, "a certificate cannot be handed to the gateways", c.ID, err)
			continue
		}
		if _, err := s.o.Redis.Pipelined(ctx, func(p redis.Pipeliner) error {
			p.Set(ctx, rawPrefix+c.ID, text, 0)
			p.LRem(ctx, listKey(c.OrgID), 0, listElement+c.ID)
			p.RPush(ctx, listKey(c.OrgID), listElement+c.ID)
			return nil
		}); err != nil {
			return err
		}
		ids = append(ids, c.ID)
	}
	kept, err := s.o.Store.Certificates.FindMany(ctx, store.AllTenants(), "id", ids)
	if err != nil {
		return err
	}
	found := map[string]bool{}
	for _, c := range kept {
		found[c.ID] = true
	}
	for _, id := range ids {
		if !found[id] {
			if err := s.drop(ctx, id); err != nil {
				return err
			}
		}
	}
	return nil
}

// drop takes a certificate out of Redis.
func (s *Shelf) drop(ctx context.Context, id string) error {
	_, err := s.o.Redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.Del(ctx, rawPrefix+id)
		p.LRem(ctx, listKey(owner(id)), 0, listElement+id)
		return nil
	})
	return err
}

// missing returns those of ids that Redis lacks.
func (s *Shelf) missing(ctx context.Context, ids []string) (out []string, err error) {
	err = s.pipelined(
		ctx,
		ids,
		batchSize,
		func(p redis.Pipeliner, id string) { p.Exists(ctx, rawPrefix+id) },
		func(ids []string, answers []redis.Cmder) error {
			for i, id := range ids {
				if n, ok := answers[i].(*redis.IntCmd); ok && n.Val() == 0 {
					out = append(out, id)
				}
			}
			return nil
		},
	)
	return out, err
}

// maxValue is how long a certificate in Redis may be: what MaxSize allows, with the encryption and other line ends.
const maxValue = 2 * MaxSize

// values calls use with what Redis holds of each of ids, "" for what it lacks or what is too long to be a certificate.
func (s *Shelf) values(ctx context.Context, ids []string, use func(id, value string) error) error {
	return s.pipelined(
		ctx,
		ids,
		50,
		func(p redis.Pipeliner, id string) { p.GetRange(ctx, rawPrefix+id, 0, maxValue) },
		func(ids []string, answers []redis.Cmder) error {
			for i, id := range ids {
				value := ""
				if text, ok := answers[i].(*redis.StringCmd); ok && len(text.Val()) <= maxValue {
					value = text.Val()
				}
				if err := use(id, value); err != nil {
					return err
				}
			}
			return nil
		},
	)
}

// listed returns the ids in the lists of organisations.
func (s *Shelf) listed(ctx context.Context, orgs []string) (map[string]bool, error) {
	out := map[string]bool{}
	err := s.pipelined(
		ctx,
		orgs,
		20,
		func(p redis.Pipeliner, org string) { p.LRange(ctx, listKey(org), 0, -1) },
		func(_ []string, answers []redis.Cmder) error {
			for _, a := range answers {
				if names, ok := a.(*redis.StringSliceCmd); ok {
					for _, name := range names.Val() {
						out[strings.TrimPrefix(name, listElement)] = true
					}
				}
			}
			return nil
		},
	)
	return out, err
}

// scanned returns the ids of all certificates in Redis that can be an organisation's. It walks through all of the keys.
func (s *Shelf) scanned(ctx context.Context) (map[string]bool, error) {
	out := map[string]bool{}
	var mu sync.Mutex
	scan := func(ctx context.Context, c redis.Cmdable) error {
		it := c.Scan(ctx, 0, rawPrefix+"*", 1000).Iterator()
		for it.Next(ctx) {
			mu.Lock()
			out[strings.TrimPrefix(it.Val(), rawPrefix)] = true
			mu.Unlock()
		}
		return it.Err()
	}
	if cluster, ok := s.o.Redis.(*redis.ClusterClient); ok {
		return out, cluster.ForEachMaster(ctx, func(ctx context.Context, c *redis.Client) error { return scan(ctx, c) })
	}
	return out, scan(ctx, s.o.Redis)
}
