package rest

import (
	"gatehouse/graph/model"
	"gatehouse/internal/core"
)

// object is a pointer to a stored type.
type object[T any] interface {
	*T
	Base() *core.Meta
}

// show answers with an object as render makes it a document, and with its ETag.
func show[T any, P object[T]](c *call, o *T, err error, render func(*T) (core.Document, error)) (reply, error) {
	o, err = found(o, err)
	if err != nil {
		return nil, err
	}
	doc, err := render(o)
	if err != nil {
		return nil, err
	}
	c.tag(P(o).Base())
	return document(doc), nil
}

// creating has an object made of the body, and answers with what respond makes of it.
func creating[T any, P object[T]](
	c *call,
	create func(doc core.Document) (*T, error),
	respond func(*T) (reply, error),
) (reply, error) {
	return changing[T, P](c, func(doc core.Document, _ *int) (*T, error) { return create(doc) }, respond)
}

// changing has an object changed by the body, under the revision of If-Match, and answers with what respond makes of
// it.
func changing[T any, P object[T]](
	c *call,
	change func(doc core.Document, revision *int) (*T, error),
	respond func(*T) (reply, error),
) (reply, error) {
	revision, err := c.revision()
	if err != nil {
		return nil, err
	}
	doc, err := c.document()
	if err != nil {
		return nil, err
	}
	o, err := change(doc, revision)
	if err != nil {
		return nil, err
	}
	c.tag(P(o).Base())
	return respond(o)
}

// always answers the same whatever was changed.
func always[T any](message string, meta any) func(*T) (reply, error) {
	return func(*T) (reply, error) { return done(message, meta), nil }
}

// deleting has the object of the path deleted, under the revision of If-Match.
func (c *call) deleting(remove func(revision *int) (*model.Deleted, error), message string, meta any) (reply, error) {
	revision, err := c.revision()
	if err != nil {
		return nil, err
	}
	if _, err := remove(revision); err != nil {
		return nil, err
	}
	return done(message, meta), nil
}
