package rulebook

import (
	"context"

	"gatehouse/internal/authz"
	"gatehouse/internal/core"
)

// Operation is the operation of a name; ok is false for one that there is not.
func (b *Book) Operation(name string) (op authz.Operation, ok bool) {
	op, ok = b.o.Operations[name]
	return op, ok
}

// Trial is a call that is judged as if it were made, by rules that need not be in force. Nothing is carried out.
type Trial struct {
	Actor authz.Actor
	Call  authz.Call
	// Document is what the call would leave behind, of an operation that leaves a document; nil where it is not known.
	Document core.Document
	// Api reads an API for TykAPIGet, in the place of what is stored now; nil reads what is stored.
	Api func(ctx context.Context, id string) (core.Document, error)
}

// Try judges a trial by a text; "" by the built-in rules. An error of another code than CodeForbidden and
// CodeUnauthenticated means that it could not be judged.
func (b *Book) Try(ctx context.Context, text string, t Trial) error {
	if decided, err := authz.Floor(t.Actor, t.Call); decided {
		return err
	}
	if text == "" {
		return b.o.Default.Check(ctx, t.Actor, t.Call)
	}
	other := *b
	if t.Api != nil {
		other.o.Api = t.Api
	}
	q, err := other.question(authz.With(ctx, t.Actor), t.Actor, t.Call)
	if err != nil {
		return err
	}
	if shape, carries := carried(t.Call.Operation.Name); carries && t.Document != nil {
		q.Body = shape.body(t.Document)
	}
	_, err = other.ask(authz.With(ctx, t.Actor), text, q)
	return err
}

// Carries tells whether a call of an operation leaves a document behind, by which its rules judge.
func Carries(operation string) bool {
	_, carries := carried(operation)
	return carries
}
