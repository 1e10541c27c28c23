package mongo

import (
	"context"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"gatehouse/store"
)

// Bytes returns how long the documents of a tenant are together. See store.Engine. It reads them, a batch at a time:
// the databases that stand in for MongoDB cannot all add up the lengths of texts.
func (e *Engine) Bytes(ctx context.Context, c *store.Collection, t store.Tenant) (total int64, err error) {
	where, err := filter(c, t, nil)
	if err != nil {
		return 0, err
	}
	cursor, err := e.collection(
		c,
	).Find(
		ctx,
		where,
		options.Find().SetProjection(bson.D{{Key: fieldDoc, Value: 1}}).SetBatchSize(50),
	)
	if err != nil {
		return 0, fmt.Errorf("mongo: measure: %w", err)
	}
	defer cursor.Close(ctx) //nolint:errcheck // a cursor that is left ends by itself
	for cursor.Next(ctx) {
		if doc, ok := cursor.Current.Lookup(fieldDoc).StringValueOK(); ok {
			total += int64(len(doc))
		}
	}
	if err := cursor.Err(); err != nil {
		return 0, fmt.Errorf("mongo: measure: %w", err)
	}
	return total, nil
}
