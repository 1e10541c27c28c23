package storetest

import (
	"context"
	"sync/atomic"

	"gatehouse/store"
)

// Counting is an engine that counts the calls that read, for tests of how often something asks.
type Counting struct {
	store.Engine
	// Of tells by its context whether a call counts; nil counts all. Servers read for themselves, too.
	Of    func(ctx context.Context) bool
	reads atomic.Int64
}

var _ store.Engine = (*Counting)(nil)

// Reads is how often it was asked.
func (c *Counting) Reads() int64 { return c.reads.Load() }

func (c *Counting) count(ctx context.Context) {
	if c.Of == nil || c.Of(ctx) {
		c.reads.Add(1)
	}
}

// Find implements store.Engine.
func (c *Counting) Find(
	ctx context.Context,
	of *store.Collection,
	t store.Tenant,
	field string,
	values []string,
) ([]store.Record, error) {
	c.count(ctx)
	return c.Engine.Find(ctx, of, t, field, values)
}

// List implements store.Engine.
func (c *Counting) List(ctx context.Context, of *store.Collection, q store.Query) (store.Page, error) {
	c.count(ctx)
	return c.Engine.List(ctx, of, q)
}

// Count implements store.Engine.
func (c *Counting) Count(ctx context.Context, of *store.Collection, t store.Tenant, where []store.Cond) (int, error) {
	c.count(ctx)
	return c.Engine.Count(ctx, of, t, where)
}

// TopByLabel implements store.Engine.
func (c *Counting) TopByLabel(
	ctx context.Context,
	of *store.Collection,
	t store.Tenant,
	label string,
	values []string,
	limit int,
) (map[string][]store.Record, error) {
	c.count(ctx)
	return c.Engine.TopByLabel(ctx, of, t, label, values, limit)
}

// CountByLabel implements store.Engine.
func (c *Counting) CountByLabel(
	ctx context.Context,
	of *store.Collection,
	t store.Tenant,
	label string,
	values []string,
) (map[string]int, error) {
	c.count(ctx)
	return c.Engine.CountByLabel(ctx, of, t, label, values)
}
