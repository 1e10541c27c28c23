package mongo

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"gatehouse/store"
)

// explain turns the failure of steps[i] into what store.Engine promises: store.ErrStale as it is, a duplicate key as a
// *store.ConflictError, and the rest with the record's name.
func (e *Engine) explain(ctx context.Context, steps []step, i int, err error) error {
	if err == nil || errors.Is(err, store.ErrStale) {
		return err
	}
	s := steps[i]
	if mongo.IsDuplicateKeyError(err) {
		return e.conflict(ctx, steps[:i], s, err)
	}
	return fmt.Errorf("mongo: write %s in %s: %w", s.Record.ID, s.Collection.Name, err)
}

// conflict finds out which value of s is taken, and by whom: the server says neither in a form that all versions share.
// earlier are the steps before s, whose writes a transaction hides from our look.
func (e *Engine) conflict(ctx context.Context, earlier []step, s step, cause error) error {
	out := &store.ConflictError{Collection: s.Collection.Name, ID: s.Record.ID}
	for _, claim := range claims(s) {
		for _, other := range earlier {
			if claim.heldBy(other) {
				out.Unique, out.OtherID = claim.name, other.Record.ID
				return out
			}
		}
		var holder document
		err := e.primary(
			s.Collection,
		).FindOne(
			ctx,
			claim.filter,
			options.FindOne().SetProjection(bson.D{{Key: fieldOrg, Value: 1}}),
		).Decode(
			&holder,
		)
		switch {
		case err == nil:
			out.Unique, out.OtherID = claim.name, holder.ID
			return out
		case !errors.Is(err, mongo.ErrNoDocuments):
			return fmt.Errorf("mongo: look for the cause of a conflict: %w", err)
		}
	}
	// The holder went in the meantime. The server's details name the index that it was in, where it sends any.
	out.Unique = duplicateOf(s, cause)
	return out
}

// claim is a value that a step wants for its record alone.
type claim struct {
	name   string
	filter bson.D // matches another record that holds the value
	step   step
	unique store.Unique
}

// claims lists what a step wants, the id first.
func claims(s step) []claim {
	var out []claim
	if s.create() {
		out = append(out, claim{name: "id", step: s, filter: bson.D{{Key: fieldID, Value: s.Record.ID}}})
	}
	for _, u := range s.Collection.Unique {
		value := s.Record.Unique[u.Name]
		if value == "" {
			continue
		}
		f := bson.D{{Key: uniqueField(u.Name), Value: value}, {Key: fieldID, Value: bson.D{{Key: "$ne", Value: s.Record.ID}}}}
		if !u.Global {
			f = append(f, bson.E{Key: fieldOrg, Value: s.Record.OrgID})
		}
		out = append(out, claim{name: u.Name, step: s, unique: u, filter: f})
	}
	return out
}

// heldBy tells whether another step of the same change has written what is claimed.
func (c claim) heldBy(other step) bool {
	if other.Delete || other.Collection != c.step.Collection {
		return false
	}
	mine, theirs := c.step.Record, other.Record
	if c.name == "id" {
		return mine.ID == theirs.ID
	}
	return mine.ID != theirs.ID && mine.Unique[c.name] == theirs.Unique[c.name] &&
		(c.unique.Global || mine.OrgID == theirs.OrgID)
}

// duplicateOf reads the unique value from the key pattern that a server reports with a duplicate key, and falls back on
// the first thing that the step claims.
func duplicateOf(s step, cause error) string {
	for _, raw := range rawErrors(cause) {
		pattern, ok := raw.Lookup("keyPattern").DocumentOK()
		if !ok {
			continue
		}
		elements, err := pattern.Elements()
		if err != nil || len(elements) == 0 {
			continue
		}
		if name, ok := strings.CutPrefix(elements[0].Key(), uniqueField("")); ok {
			return name
		}
		return "id"
	}
	for _, claim := range claims(s) {
		return claim.name
	}
	return "id"
}

// rawErrors lists what the server said in the driver's error.
func rawErrors(err error) []bson.Raw {
	var write mongo.WriteException
	var command mongo.CommandError
	var out []bson.Raw
	if errors.As(err, &write) {
		for _, one := range write.WriteErrors {
			out = append(out, one.Raw)
		}
	}
	if errors.As(err, &command) {
		out = append(out, command.Raw)
	}
	return out
}
