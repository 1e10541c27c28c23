package store

import (
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// cache remembers the answers of single-object reads, absence included, for a short while. An answer counts only while
// no write to the collection was acknowledged since before it was read: each write moves the generation on, and an
// entry of an earlier generation is dead. So a reader never meets what was true before an acknowledged write of this
// process; writes of other processes show when the entry is older than the TTL, counted from before the read began.
type cache[T any] struct {
	ttl        time.Duration
	now        func() time.Time
	generation atomic.Uint64
	entries    *lru.Cache[cacheKey, cacheEntry[T]]
}

type cacheKey struct {
	unique string
	within Tenant
	value  string
}

type cacheEntry[T any] struct {
	object     *T
	generation uint64
	read       time.Time
}

// cacheEntries and cacheDocument bound each collection's cache: documents of more bytes are not remembered. Most have
// about 10 KB, so a full cache is some megabytes, and 64 MB at the worst.
const (
	cacheEntries  = 1024
	cacheDocument = 64 << 10
)

func newCache[T any](o options) *cache[T] {
	entries, err := lru.New[cacheKey, cacheEntry[T]](cacheEntries)
	if err != nil {
		panic(err) // only for a size below one
	}
	return &cache[T]{ttl: o.cacheTTL, now: time.Now, entries: entries}
}

// get returns what load returned, now or less than the TTL ago. Errors are not remembered, nor is an object whose
// document, of so many bytes as load says, is too large.
func (c *cache[T]) get(key cacheKey, load func() (*T, int, error)) (*T, error) {
	if c.ttl <= 0 {
		object, _, err := load()
		return object, err
	}
	generation, start := c.generation.Load(), c.now()
	if e, ok := c.entries.Get(key); ok && e.generation == generation && start.Sub(e.read) < c.ttl {
		return e.object, nil
	}
	object, size, err := load()
	if err != nil {
		return nil, err
	}
	if size > cacheDocument {
		return object, nil
	}
	c.entries.Add(key, cacheEntry[T]{object: object, generation: generation, read: start})
	return object, nil
}

// forget makes every entry dead. It is called after a write is durable and before it is acknowledged.
func (c *cache[T]) forget() { c.generation.Add(1) }
