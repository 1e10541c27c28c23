package mongo

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"

	"gatehouse/store"
)

// schemaVersion is the form of the data that this program writes. It grows when records of an older program have to be
// rewritten; a new index is no reason, since Open makes those that are missing.
const schemaVersion = 1

// schemaID is the id of the one document in the collection of the schema.
const schemaID = "schema"

// migrate refuses a newer database, makes the missing indexes and notes our version, in this order: nothing is touched
// in a database that is not ours to touch.
func (e *Engine) migrate(ctx context.Context) error {
	schema := e.db.Collection(prefix+"schema", options.Collection().SetReadPreference(readpref.Primary()))
	var found struct {
		Version int `bson:"version"`
	}
	err := schema.FindOne(ctx, bson.D{{Key: "_id", Value: schemaID}}).Decode(&found)
	if err != nil && !errors.Is(err, mongo.ErrNoDocuments) {
		return fmt.Errorf("mongo: read the schema version: %w", err)
	}
	if found.Version > schemaVersion {
		return newerSchema(found.Version)
	}
	for _, c := range store.Collections() {
		if err := createIndexes(ctx, e.primary(c).Indexes(), indexes(c)); err != nil {
			return fmt.Errorf("mongo: create the indexes of %s%s: %w", prefix, c.Name, err)
		}
	}
	if found.Version == schemaVersion {
		return nil
	}
	// $max never goes back, so a newer program that started in the meantime keeps its version, and we see it.
	note := func() error {
		return schema.FindOneAndUpdate(ctx, bson.D{{Key: "_id", Value: schemaID}},
			bson.D{{Key: "$max", Value: bson.D{{Key: "version", Value: schemaVersion}}}},
			options.FindOneAndUpdate().SetUpsert(true).SetReturnDocument(options.After)).Decode(&found)
	}
	if err = note(); mongo.IsDuplicateKeyError(err) {
		err = note() // another server inserted the document between our look and our insert
	}
	if err != nil {
		return fmt.Errorf("mongo: note the schema version: %w", err)
	}
	if found.Version > schemaVersion {
		return newerSchema(found.Version)
	}
	return nil
}

// Schema asks a database for the version of its data, and changes nothing: 0 is one without data of ours. newest is the
// version of this program. No error shows the password of the URL.
func Schema(ctx context.Context, config Config) (version, newest int, err error) {
	target, err := parseURL(config.URL)
	if err != nil {
		return 0, schemaVersion, err
	}
	opts, err := clientOptions(target, config)
	if err != nil {
		return 0, schemaVersion, err
	}
	client, err := mongo.Connect(opts)
	if err != nil {
		return 0, schemaVersion, target.hide(err)
	}
	defer client.Disconnect(context.WithoutCancel(ctx)) //nolint:errcheck // nothing was written
	var found struct {
		Version int `bson:"version"`
	}
	err = client.Database(
		target.database,
	).Collection(
		prefix+"schema",
	).FindOne(
		ctx,
		bson.D{{Key: "_id", Value: schemaID}},
	).Decode(
		&found,
	)
	if errors.Is(err, mongo.ErrNoDocuments) {
		err = nil
	}
	if err != nil {
		err = target.hide(err)
	}
	return found.Version, schemaVersion, err
}

// createIndexes makes those of wanted that are missing. An index that another server makes at the same moment is no
// error to MongoDB; they are made one by one, since not every database that stands in for it takes several of which it
// has some.
func createIndexes(ctx context.Context, view mongo.IndexView, wanted []index) error {
	existing, err := view.ListSpecifications(ctx)
	if err != nil {
		return err
	}
	have := map[string]bool{}
	for _, spec := range existing {
		have[spec.Name] = true
	}
	for _, i := range wanted {
		if have[i.name] {
			continue
		}
		model := mongo.IndexModel{Keys: i.keys, Options: options.Index().SetName(i.name)}
		if i.unique {
			model.Options.SetUnique(true)
		}
		if _, err := view.CreateOne(ctx, model); err != nil {
			return err
		}
	}
	return nil
}

func newerSchema(version int) error {
	return fmt.Errorf(
		"%w: it has schema version %d, this program knows up to %d: start the newer program",
		store.ErrNewerSchema,
		version,
		schemaVersion,
	)
}

// index is an index of a collection. Its name says what it is for; one whose keys change gets another name.
type index struct {
	name   string
	keys   bson.D
	unique bool
}

// indexes lists what makes a collection's unique values unique and its queries short. All are plain indexes, not
// partial or sparse ones, which the databases that stand in for MongoDB often lack.
func indexes(c *store.Collection) []index {
	// Within one organisation, in the order of a field.
	inOrder := func(field string) bson.D {
		return bson.D{{Key: fieldOrg, Value: 1}, {Key: field, Value: 1}, {Key: fieldID, Value: 1}}
	}
	out := []index{
		{name: "org_created", keys: inOrder(fieldCreated)},
		{name: "org_updated", keys: inOrder(fieldUpdated)},
		{name: "created", keys: bson.D{{Key: fieldCreated, Value: 1}, {Key: fieldID, Value: 1}}},
	}
	for _, name := range c.Text {
		switch {
		case slices.Contains(c.ByTime, name):
			out = append(out, index{name: textField(name), keys: bson.D{{Key: fieldOrg, Value: 1},
				{Key: textField(name), Value: 1}, {Key: fieldCreated, Value: 1}, {Key: fieldID, Value: 1}}})
		case !slices.Contains(c.Plain, name):
			out = append(out, index{name: textField(name), keys: inOrder(textField(name))})
		}
	}
	for _, name := range c.Int {
		if !slices.Contains(c.Plain, name) {
			out = append(out, index{name: intField(name), keys: inOrder(intField(name))})
		}
	}
	for _, name := range c.Labels {
		out = append(
			out,
			index{name: labelField(name), keys: bson.D{{Key: fieldOrg, Value: 1}, {Key: labelField(name), Value: 1},
				{Key: fieldCreated, Value: -1}, {Key: fieldID, Value: -1}}},
		)
	}
	for _, u := range c.Unique {
		// The value comes first, so that the index also serves a search across organisations.
		keys := bson.D{{Key: uniqueField(u.Name), Value: 1}}
		if !u.Global {
			keys = append(keys, bson.E{Key: fieldOrg, Value: 1})
		}
		out = append(out, index{name: uniqueField(u.Name), keys: keys, unique: true})
	}
	return out
}
