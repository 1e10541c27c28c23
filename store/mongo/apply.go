package mongo

import (
	"context"
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"

	"gatehouse/store"
)

// Apply makes all of the writes, or none of them. See store.Engine.
//
// Each write is one compare-and-set on one document, atomic on every server, and acknowledged when it is in the
// journals of a majority. Several writes are one transaction where the deployment has transactions: a replica set or a
// sharded cluster.
//
// A single server without a replica set has none. There the writes are made in order, and when one fails those before
// it are undone in reverse. That guarantees less: others can see the first writes before the last one, and may find
// them undone; a write of theirs on the same document in between is kept, so that it can't be undone, which the error
// then says; and a crash, or a connection that breaks before the answer to a write arrives, can leave the writes made
// so far in place.
func (e *Engine) Apply(ctx context.Context, writes ...store.Write) error {
	steps := make([]step, len(writes))
	for i, w := range writes {
		steps[i] = step{Write: w}
		if w.Delete {
			continue
		}
		var err error
		if w.Surface {
			steps[i].document, err = surface(w.Collection, w.Record)
		} else {
			steps[i].document, err = e.encode(w.Collection, w.Record)
		}
		if err != nil {
			return err
		}
	}
	switch {
	case len(steps) == 0:
		return nil
	case len(steps) == 1:
		return because(ctx, e.explain(ctx, steps, 0, e.make(ctx, steps[0])))
	case e.transactions:
		return because(ctx, e.inTransaction(ctx, steps))
	}
	return because(ctx, e.withUndo(ctx, steps))
}

// step is a write with its document, or the fields of its surface, encoded before anything is written.
type step struct {
	store.Write
	document bson.Raw
}

// update is what changes the stored document, in a step that does not replace it.
func (s step) update() bson.D { return bson.D{{Key: "$set", Value: s.document}} }

// create tells whether the step must find its id free.
func (s step) create() bool { return !s.Delete && s.Was == 0 }

// target is what the stored document must be for a step that changes it.
func (s step) target() bson.D {
	out := bson.D{{Key: fieldID, Value: s.Record.ID}, {Key: fieldOrg, Value: s.Record.OrgID}}
	if s.Was != 0 {
		out = append(out, bson.E{Key: fieldRevision, Value: s.Was})
	}
	return out
}

// make makes one write. It returns store.ErrStale, or the driver's error.
func (e *Engine) make(ctx context.Context, s step) error {
	collection := e.primary(s.Collection)
	switch {
	case s.create():
		_, err := collection.InsertOne(ctx, s.document)
		return err
	case s.Delete:
		done, err := collection.DeleteOne(ctx, s.target())
		if err == nil && done.DeletedCount == 0 {
			return store.ErrStale
		}
		return err
	}
	var done *mongo.UpdateResult
	var err error
	if s.Surface {
		done, err = collection.UpdateOne(ctx, s.target(), s.update())
	} else {
		done, err = collection.ReplaceOne(ctx, s.target(), s.document)
	}
	if err == nil && done.MatchedCount == 0 {
		return store.ErrStale
	}
	return err
}

// inTransaction makes the steps in one transaction. The driver starts it anew when it collides with another one.
func (e *Engine) inTransaction(ctx context.Context, steps []step) error {
	session, err := e.client.StartSession()
	if err != nil {
		return fmt.Errorf("mongo: start a session: %w", err)
	}
	defer session.EndSession(context.WithoutCancel(ctx))
	failed := -1
	_, err = session.WithTransaction(ctx, func(ctx context.Context) (any, error) {
		failed = -1
		for i, s := range steps {
			if err := e.make(ctx, s); err != nil {
				failed = i
				return nil, err
			}
		}
		return nil, nil
	}, options.Transaction().SetWriteConcern(journaled()).SetReadPreference(readpref.Primary()))
	if failed >= 0 {
		return e.explain(ctx, steps, failed, err)
	}
	if err != nil {
		return fmt.Errorf("mongo: commit %d writes: %w", len(steps), err)
	}
	return nil
}

// withUndo makes the steps in order; when one fails it undoes those before it.
func (e *Engine) withUndo(ctx context.Context, steps []step) error {
	before := make([]bson.Raw, len(steps))
	for i, s := range steps {
		var err error
		if before[i], err = e.exchange(ctx, s); err == nil {
			continue
		}
		err = e.explain(ctx, steps, i, err)
		if left := e.undoAll(ctx, steps[:i], before); left != nil {
			e.log.ErrorContext(ctx, "a change was left half-made", "error", left)
			return errors.Join(err, left)
		}
		return err
	}
	return nil
}

// undoAll undoes the steps in reverse, as many as it can, even when the caller has given up meanwhile.
func (e *Engine) undoAll(ctx context.Context, steps []step, before []bson.Raw) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTimeout)
	defer cancel()
	var left []error
	for i := len(steps) - 1; i >= 0; i-- {
		// What a Surface brought follows from the record and does no harm. It has no revision of its own, by which to see
		// whether another server has brought the same since, and counts on it.
		if steps[i].Surface {
			continue
		}
		if err := e.undo(ctx, steps[i], before[i]); err != nil {
			left = append(left, fmt.Errorf("mongo: a write of %s in %s was made and could not be undone: %w",
				steps[i].Record.ID, steps[i].Collection.Name, err))
		}
	}
	return errors.Join(left...)
}

// exchange makes one write like make, and returns the document that it replaced or removed.
func (e *Engine) exchange(ctx context.Context, s step) (before bson.Raw, err error) {
	collection := e.primary(s.Collection)
	switch {
	case s.create(), s.Surface:
		return nil, e.make(ctx, s)
	case s.Delete:
		before, err = collection.FindOneAndDelete(ctx, s.target()).Raw()
	default:
		before, err = collection.FindOneAndReplace(ctx, s.target(), s.document).Raw()
	}
	if errors.Is(err, mongo.ErrNoDocuments) {
		err = store.ErrStale
	}
	return before, err
}

// undo brings back what was before a step, unless somebody has changed it since, which is store.ErrStale.
func (e *Engine) undo(ctx context.Context, s step, before bson.Raw) error {
	reverse := s
	switch {
	case s.create():
		reverse.Delete, reverse.Was = true, s.Record.Revision
	case s.Delete:
		reverse.Delete, reverse.Was, reverse.document = false, 0, before
	default:
		reverse.Was, reverse.document = s.Record.Revision, before
	}
	return e.make(ctx, reverse)
}
