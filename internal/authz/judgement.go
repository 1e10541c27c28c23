package authz

import (
	"context"
	"sync"

	"gatehouse/internal/core"
	"gatehouse/store"
)

// Judge says what becomes of a document that a call would leave behind: the document as it may be, which rules may have
// changed, or why it may not be.
type Judge func(ctx context.Context, doc core.Document) (core.Document, error)

// pending is what a guard has still to say of a call.
type pending struct {
	mu    sync.Mutex
	judge Judge
	// answers are what was asked in this call already.
	answers map[any]error
	// judged tells that a document was.
	judged bool
}

type pendingKey struct{}

// WithCall returns the context of one call, for a guard that can judge some only by the document that they lead to.
// Such a call writes nothing before Judged has let its document be.
func WithCall(ctx context.Context) context.Context {
	p := &pending{}
	return store.WithBarrier(context.WithValue(ctx, pendingKey{}, p), p.barrier)
}

func (p *pending) barrier() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.judge == nil || p.judged {
		return nil
	}
	return core.Errorf(core.CodeInternal, "a document was about to be written that the rules had not judged")
}

// Leave leaves the judgement of a call to when its document is known; false where the context is not that of a call.
func Leave(ctx context.Context, judge Judge) bool {
	p, ok := ctx.Value(pendingKey{}).(*pending)
	if !ok {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.judge, p.judged = judge, false
	return true
}

// Judged carries out what the guard has left to be said of a call: it returns the document that may be, which has still
// to be checked as any other, or CodeForbidden. Where nothing is left, that is the document itself.
func Judged(ctx context.Context, doc core.Document) (core.Document, error) {
	p, ok := ctx.Value(pendingKey{}).(*pending)
	if !ok {
		return doc, nil
	}
	p.mu.Lock()
	judge := p.judge
	p.mu.Unlock()
	if judge == nil {
		return doc, nil
	}
	out, err := judge(ctx, doc)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	p.judged = true
	p.mu.Unlock()
	return out, nil
}

// Remember asks once in a call, and remembers the answer under a key.
func Remember(ctx context.Context, key any, ask func() error) error {
	p, ok := ctx.Value(pendingKey{}).(*pending)
	if !ok {
		return ask()
	}
	p.mu.Lock()
	err, known := p.answers[key]
	p.mu.Unlock()
	if known {
		return err
	}
	err = ask()
	if err != nil && core.CodeOf(err) != core.CodeForbidden {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.answers == nil {
		p.answers = map[any]error{}
	}
	p.answers[key] = err
	return err
}
