package rules

import (
	"container/list"
	"sync"
)

// shelf keeps what was prepared last. Each is prepared by one caller, and others who want the same wait for that.
type shelf struct {
	mu    sync.Mutex
	size  int
	items map[key]*list.Element
	// order has the last used in front.
	order *list.List
}

type key [32]byte

type item struct {
	key  key
	once sync.Once
	made *prepared
	err  error
}

func newShelf(size int) *shelf {
	return &shelf{size: size, items: map[key]*list.Element{}, order: list.New()}
}

// get returns what is kept under a key, or what prepare makes. A text that cannot be used is kept, too: it would be tried
// with every request.
func (s *shelf) get(k key, prepare func() (*prepared, error)) (*prepared, error) {
	s.mu.Lock()
	e, ok := s.items[k]
	if ok {
		s.order.MoveToFront(e)
	} else {
		e = s.order.PushFront(&item{key: k})
		s.items[k] = e
		for s.order.Len() > s.size {
			last := s.order.Back()
			s.order.Remove(last)
			delete(s.items, last.Value.(*item).key)
		}
	}
	it := e.Value.(*item)
	s.mu.Unlock()
	it.once.Do(func() { it.made, it.err = prepare() })
	return it.made, it.err
}

// kept is how many there are.
func (s *shelf) kept() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.order.Len()
}
