package limits

import (
	"sync/atomic"

	"gatehouse/internal/core"
)

// Answers bounds what is read at once for answers that have no bound of their own: the lists of the legacy endpoints
// are whole where nobody asks for a page. While all together are within the limit, each may read what it likes. Beyond
// it, one goes on, so that the largest list can be had; others end once they have read a small part of the limit of
// their own. So no more is held than the limit, one answer, and a small part for each of the rest.
type Answers struct {
	limit  int64
	held   atomic.Int64
	beyond atomic.Pointer[Answer]
}

// NewAnswers makes a bound of so many bytes; 0 is none.
func NewAnswers(limit int64) *Answers { return &Answers{limit: limit} }

// small is the part of the limit that each answer may have whatever the others do.
const small = 16

// Answer is what one answer has read.
type Answer struct {
	of   *Answers
	held atomic.Int64
}

// Open begins an answer. Close it when it was sent.
func (a *Answers) Open() *Answer { return &Answer{of: a} }

// Read counts a document that is read. The error, of CodeUnavailable, says that there is no room for more.
func (w *Answer) Read(bytes int) error {
	own, all := w.held.Add(int64(bytes)), w.of.held.Add(int64(bytes))
	if w.of.limit == 0 || all <= w.of.limit || own <= w.of.limit/small {
		return nil
	}
	if w.of.beyond.Load() == w || w.of.beyond.CompareAndSwap(nil, w) {
		return nil
	}
	return core.Errorf(
		core.CodeUnavailable,
		"the answers that are made right now take up too much memory: try again in a moment, or ask for pages with p",
	)
}

// Close gives back what the answer held.
func (w *Answer) Close() {
	w.of.held.Add(-w.held.Swap(0))
	w.of.beyond.CompareAndSwap(w, nil)
}
