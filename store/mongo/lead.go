package mongo

import (
	"context"
	"fmt"
	"slices"

	"gatehouse/store"
)

// led are conditions, those among them that lead to other collections as what they lead to now: MongoDB has no
// condition that does.
func (e *Engine) led(
	ctx context.Context, c *store.Collection, t store.Tenant, where []store.Cond,
) ([]store.Cond, error) {
	out := slices.Clone(where)
	for i, cond := range where {
		var err error
		switch cond.Op {
		case store.OpAny, store.OpNot:
			out[i].Any, err = e.led(ctx, c, t, cond.Any)
		case store.OpLead:
			out[i], err = e.lead(ctx, c, t, cond)
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// lead is the condition on a label that one which leads elsewhere comes to: that it has one of the values there.
func (e *Engine) lead(ctx context.Context, c *store.Collection, t store.Tenant, cond store.Cond) (store.Cond, error) {
	to := cond.Lead.Collection
	if !slices.Contains(to.Labels, cond.Lead.Label) {
		return cond, undeclared(to, "label", cond.Lead.Label)
	}
	where, err := e.led(ctx, to, t, []store.Cond{cond.Lead.Where})
	if err != nil {
		return cond, err
	}
	f, err := filter(to, t, where)
	if err != nil {
		return cond, err
	}
	var values []string
	if err := e.collection(to).Distinct(ctx, labelField(cond.Lead.Label), f).Decode(&values); err != nil {
		return cond, because(ctx, fmt.Errorf("mongo: follow %s of %s: %w", cond.Field, c.Name, err))
	}
	return store.HasLabel(cond.Field, values...), nil
}
