package rules

import (
	"container/list"
	"sync"
)

// shelf keeps what was prepared last. Each is prepared by one caller, and others who want the same wait for that.
type shelf struct {
	mu    sync.Mutex
	size  int
	items map[string]*list.Element
	// order has the last used in front.
	order *list.List
}

type item struct {
	text string
	once sync.Once
	made *prepared
	err  error
}

func newShelf(size int) *shelf {
	return &shelf{size: size, items: map[string]*list.Element{}, order: list.New()}
}

// get returns what is kept of a text, or what prepare makes. A text that cannot be used is kept, too: it would be tried
// with every request.
func (s *shelf) get(text string, prepare func() (*prepared, error)) (*prepared, error) {
	s.mu.Lock()
	e, ok := s.items[text]
	if ok {
		s.order.MoveToFront(e)
	} else {
		e = s.order.PushFront(&item{text: text})
		s.items[text] = e
		for s.order.Len() > s.size {
			last := s.order.Back()
			s.order.Remove(last)
			delete(s.items, last.Value.(*item).text)
		}
	}
	it := e.Value.(*item)
	s.mu.Unlock()
	it.once.Do(func() { it.made, it.err = prepare() })
	return it.made, it.err
}
