package resolvers

import (
	"context"
	"errors"

	"gatehouse/internal/core"
	"gatehouse/internal/edit"
	"gatehouse/internal/limits"
	"gatehouse/store"
)

// importer collects what an import writes, to be made in one go: objects that are new, objects over those with the same
// id, and nothing for what is there already as it comes.
type importer struct {
	resolver *Resolver
	kind     *core.Kind
	// list is the name of the list that the elements came in, for errors; "" where there is one alone.
	list     string
	elements []core.ImportElement
	writes   []store.Change
	adds     []limits.Addition
	done     []func(ctx context.Context)
	report   []*core.ImportedItem
	// apply makes the writes; nil is that of the store.
	apply func(ctx context.Context, writes ...store.Change) error
}

// plan adds one object with its document. old is what it replaces, nil for a new one; same tells that the two are equal.
func plan[T any, P edit.Object[T]](
	im *importer,
	repo *store.Repository[T],
	next, old *T,
	same bool,
	doc core.Document,
	item *core.ImportedItem,
) {
	im.elements = append(im.elements, core.ImportElement{ID: P(next).Base().ID, Doc: doc})
	im.report = append(im.report, item)
	kind := core.ChangeUpdated
	switch {
	case old == nil:
		kind = core.ChangeCreated
		im.writes = append(im.writes, repo.Creating(next))
		im.adds = append(im.adds, limits.Addition{
			Org: P(next).Base().OrgID, Kind: im.kind, Objects: 1, Bytes: P(next).Size(),
		})
	case same:
		return
	default:
		im.writes = append(im.writes, repo.Updating(next))
		im.adds = append(im.adds, limits.Addition{Org: P(next).Base().OrgID, Bytes: P(next).Size() - P(old).Size()})
	}
	im.done = append(im.done, func(ctx context.Context) { im.resolver.editor.Changed(ctx, kind, im.kind, P(next).Base()) })
}

// run makes all of the writes or none, announces them, and returns the report.
func (im *importer) run(ctx context.Context) ([]*core.ImportedItem, error) {
	apply := im.apply
	if apply == nil {
		apply = im.resolver.store.Apply
	}
	if len(im.writes) > 0 {
		if err := im.resolver.editor.Within(ctx, im.adds, func() error { return apply(ctx, im.writes...) }); err != nil {
			said := im.resolver.editor.Failed(ctx, im.kind, err)
			if taken := (*store.ConflictError)(nil); errors.As(err, &taken) && im.list != "" {
				said = core.Collision(im.kind, im.list, im.elements, taken.ID, taken.OtherID, said)
			}
			return nil, said
		}
	}
	for _, announce := range im.done {
		announce(ctx)
	}
	if im.report == nil {
		im.report = []*core.ImportedItem{}
	}
	return im.report, nil
}
