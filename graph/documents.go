package graph

import (
	"container/list"
	"sync"

	"github.com/vektah/gqlparser/v2/ast"
)

const (
	// cachedText is the longest query text, in bytes, whose document is kept: what applications send again and again is
	// short.
	cachedText = 4 << 10
	// cachedBytes bounds what the kept documents take up in memory, by estimate.
	cachedBytes = 8 << 20
	// bytesPerNode is about what a node of a parsed document takes up, with its position and its part of the list that it
	// is in.
	bytesPerNode = 512
)

// document is a query that was parsed, measured and found valid. It is shared between requests, and nobody changes it.
type document struct {
	text  string
	ast   *ast.QueryDocument
	shape shape
	// strangers tells whether it was within the bounds of callers without credentials.
	strangers bool
}

// size is about what the document takes up in memory.
func (d *document) size() int { return len(d.text) + bytesPerNode*(d.shape.nodes+8) }

// documents keeps the documents that were used last, by their text, up to cachedBytes. It is safe for concurrent use.
type documents struct {
	mu    sync.Mutex
	bytes int
	// order lists the documents, the one that was used last at the front.
	order *list.List
	found map[string]*list.Element
}

func newDocuments() *documents {
	return &documents{order: list.New(), found: map[string]*list.Element{}}
}

// get returns the document of a text, nil when it is not kept.
func (c *documents) get(text string) *document {
	if len(text) > cachedText {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.found[text]
	if e == nil {
		return nil
	}
	c.order.MoveToFront(e)
	return e.Value.(*document)
}

// add keeps a document, unless its text is long, and forgets those that were not used for longest.
func (c *documents) add(d *document) {
	if len(d.text) > cachedText {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.found[d.text]; e != nil {
		c.bytes -= e.Value.(*document).size()
		c.order.Remove(e)
	}
	c.found[d.text] = c.order.PushFront(d)
	for c.bytes += d.size(); c.bytes > cachedBytes; {
		oldest := c.order.Back()
		gone := c.order.Remove(oldest).(*document)
		delete(c.found, gone.text)
		c.bytes -= gone.size()
	}
}
