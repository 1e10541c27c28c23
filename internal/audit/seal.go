package audit

import (
	"slices"
	"sync"
)

// Chain seals the records of one start of a server, in the order in which they ask for a place. It is safe for
// concurrent use.
type Chain struct {
	keys *Keys
	name string

	mu   sync.Mutex
	n    int64
	prev string
	// undecided are the places of which it is not known yet whether their record is kept, void those whose is not, and
	// which no mark has told yet. marked is the place of the latest mark.
	undecided map[int64]bool
	void      []int64
	marked    int64
}

// NewChain begins a chain; name is one that no other has.
func NewChain(keys *Keys, name string) *Chain {
	return &Chain{keys: keys, name: name, undecided: map[int64]bool{}}
}

// Name is that of the chain.
func (c *Chain) Name() string { return c.name }

// Public is the key that verifies its marks.
func (c *Chain) Public() string { return c.keys.Public() }

// Add seals records. settle has to be called when it is known whether they were kept: those that were not leave a place
// that the next mark explains.
func (c *Chain) Add(records ...*Record) (settle func(kept bool), err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.add(records)
}

func (c *Chain) add(records []*Record) (settle func(kept bool), err error) {
	places := make([]int64, 0, len(records))
	decide := func(kept bool) {
		for _, n := range places {
			delete(c.undecided, n)
			if !kept {
				c.void = append(c.void, n)
			}
		}
	}
	for _, r := range records {
		if err := c.keys.Seal(r, c.name, c.n+1, c.prev); err != nil {
			decide(false)
			return nil, err
		}
		c.n, c.prev = c.n+1, r.Hash
		c.undecided[c.n] = true
		places = append(places, c.n)
	}
	return func(kept bool) {
		c.mu.Lock()
		defer c.mu.Unlock()
		decide(kept)
	}, nil
}

// Unmarked tells whether something was added since the latest mark.
func (c *Chain) Unmarked() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n > c.marked
}

// Mark seals a mark of the chain, which says what is decided, and explains the places that stay empty.
func (c *Chain) Mark(r *Record) (settle func(kept bool), err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	settled := c.n
	for n := range c.undecided {
		settled = min(settled, n-1)
	}
	if r.Mark == nil {
		r.Mark = &Mark{}
	}
	told := slices.Clone(c.void)
	slices.Sort(told)
	r.Mark.Settled, r.Mark.Void = settled, told
	decide, err := c.add([]*Record{r})
	if err != nil {
		return nil, err
	}
	before := c.marked
	c.void, c.marked = nil, c.n
	return func(kept bool) {
		if !kept {
			c.mu.Lock()
			c.void, c.marked = append(c.void, told...), before
			c.mu.Unlock()
		}
		decide(kept)
	}, nil
}
