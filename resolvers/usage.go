package resolvers

import (
	"context"

	"gatehouse/graph/model"
	"gatehouse/internal/core"
	"gatehouse/internal/reference"
	"gatehouse/resolvers/connection"
)

// usedBy is a page of what names an object, of the kinds that the caller may read.
func (r *Resolver) usedBy(ctx context.Context, of core.Object, first *int, after *string) (*model.UsageConnection, error) {
	limit, err := r.settings.Pages.Of(first)
	if err != nil {
		return nil, err
	}
	asks, c := connection.AskedOf(ctx), &connection.Of[*reference.Namer]{}
	uses := r.loaders(ctx).Uses
	if asks.Page {
		nodes, info, err := uses.Page(ctx, of, limit, after)
		if err != nil {
			return nil, err
		}
		c.Nodes, c.PageInfo = nodes, model.PageInfo(info)
	}
	if asks.Total {
		c.TotalCount, err = uses.Count(ctx, of)
	}
	out, err := connection.Mapped(c, err, func(n *reference.Namer) *model.Usage {
		return &model.Usage{Kind: model.UsageKind(n.Spelled()), ID: n.ID, Name: n.Name}
	})
	return (*model.UsageConnection)(out), err
}
