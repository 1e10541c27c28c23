package mongo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"golang.org/x/sync/errgroup"

	"gatehouse/store"
)

// Find returns the records whose field is one of values. See store.Engine.
func (e *Engine) Find(
	ctx context.Context,
	c *store.Collection,
	t store.Tenant,
	field string,
	values []string,
) ([]store.Record, error) {
	at, ok := lookupField(c, field)
	if !ok {
		return nil, undeclared(c, "field", field)
	}
	where, err := filter(c, t, nil)
	if err != nil {
		return nil, err
	}
	found, err := e.find(
		ctx,
		c,
		append(where, oneOf(at, values)...),
		options.Find().SetProjection(projection(fieldID, false)),
	)
	if err != nil {
		return nil, err
	}
	return records(found), nil
}

// List returns one page of the records that match q. See store.Engine.
func (e *Engine) List(ctx context.Context, c *store.Collection, q store.Query) (store.Page, error) {
	order, err := sorting(c, q)
	if err != nil {
		return store.Page{}, err
	}
	conds, err := e.led(ctx, c, q.Tenant, q.Where)
	if err != nil {
		return store.Page{}, err
	}
	where, err := filter(c, q.Tenant, conds)
	if err != nil {
		return store.Page{}, err
	}
	var page store.Page
	if q.Total {
		n, err := e.collection(c).CountDocuments(ctx, where)
		if err != nil {
			return store.Page{}, because(ctx, fmt.Errorf("mongo: count: %w", err))
		}
		page.Total = int(n)
	}
	opts := options.Find().SetSort(
		order.sort(),
	).SetLimit(
		int64(q.Limit) + 1,
	).SetProjection(
		projection(order.field, q.IDsOnly),
	)
	if order.after.Offset > 0 {
		opts.SetSkip(int64(order.after.Offset))
	} else if q.After != "" {
		where = bson.D{{Key: "$and", Value: []bson.D{where, order.behind()}}}
	}
	found, err := e.find(ctx, c, where, opts)
	if err != nil {
		return store.Page{}, err
	}
	if page.More = len(found) > q.Limit; page.More {
		found = found[:q.Limit]
	}
	page.Records = records(found)
	page.Cursors = make([]string, len(found))
	for i, d := range found {
		cursor := order.cursor(d)
		cursor.Of = q.ListOf(c)
		page.Cursors[i] = cursor.Encode()
	}
	return page, nil
}

// Count returns how many records match where. See store.Engine.
func (e *Engine) Count(ctx context.Context, c *store.Collection, t store.Tenant, where []store.Cond) (int, error) {
	where, err := e.led(ctx, c, t, where)
	if err != nil {
		return 0, err
	}
	f, err := filter(c, t, where)
	if err != nil {
		return 0, err
	}
	n, err := e.collection(c).CountDocuments(ctx, f)
	if err != nil {
		return 0, because(ctx, fmt.Errorf("mongo: count: %w", err))
	}
	return int(n), nil
}

// topAtOnce is how many of the finds of TopByLabel run at the same time: few enough to leave connections to others.
const topAtOnce = 8

// TopByLabel returns the newest records of each value. See store.Engine. It makes one find per value, some at a time:
// each reads just limit documents off the label's index, on every server, where one aggregation would either read all
// that carry the values, or need stages that the databases that stand in for MongoDB lack. So the values are not read
// at one instant.
func (e *Engine) TopByLabel(
	ctx context.Context,
	c *store.Collection,
	t store.Tenant,
	label string,
	values []string,
	limit int,
) (map[string][]store.Record, error) {
	out := make(map[string][]store.Record, len(values))
	if limit <= 0 || len(values) == 0 {
		return out, nil
	}
	values = slices.Compact(slices.Sorted(slices.Values(values)))
	tops := make([][]string, len(values))
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(topAtOnce)
	for i, value := range values {
		group.Go(func() error {
			where, err := filter(c, t, []store.Cond{store.HasLabel(label, value)})
			if err != nil {
				return err
			}
			newest := bson.D{{Key: fieldCreated, Value: -1}, {Key: fieldID, Value: -1}}
			found, err := e.find(
				within,
				c,
				where,
				options.Find().SetSort(newest).SetLimit(int64(limit)).SetProjection(projection(fieldID, true)),
			)
			for _, d := range found {
				tops[i] = append(tops[i], d.ID)
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	// Each record is read once, however many of the values it carries.
	ids := slices.Compact(slices.Sorted(slices.Values(slices.Concat(tops...))))
	found, err := e.Find(ctx, c, t, "id", ids)
	if err != nil {
		return nil, err
	}
	byID := make(map[string]store.Record, len(found))
	for _, r := range found {
		byID[r.ID] = r
	}
	for i, value := range values {
		for _, id := range tops[i] {
			if r, ok := byID[id]; ok { // one that was deleted in between is not
				out[value] = append(out[value], r)
			}
		}
	}
	return out, nil
}

// CountByLabel returns how many records carry each of values. See store.Engine.
func (e *Engine) CountByLabel(
	ctx context.Context,
	c *store.Collection,
	t store.Tenant,
	label string,
	values []string,
) (map[string]int, error) {
	var conds []store.Cond
	if len(values) > 0 {
		conds = []store.Cond{store.HasLabel(label, values...)}
	}
	where, err := filter(c, t, conds)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(c.Labels, label) {
		return nil, undeclared(c, "label", label)
	}
	field := "$" + labelField(label)
	cursor, err := e.collection(c).Aggregate(ctx, mongo.Pipeline{
		{{Key: "$match", Value: where}},
		{{Key: "$unwind", Value: field}},
		{{Key: "$group", Value: bson.D{{Key: fieldID, Value: field}, {Key: "n", Value: bson.D{{Key: "$sum", Value: 1}}}}}},
	})
	if err != nil {
		return nil, because(ctx, fmt.Errorf("mongo: count by label: %w", err))
	}
	var groups []struct {
		Value string `bson:"_id"`
		N     int    `bson:"n"`
	}
	if err := cursor.All(ctx, &groups); err != nil {
		return nil, because(ctx, fmt.Errorf("mongo: count by label: %w", err))
	}
	asked := make(map[string]bool, len(values))
	for _, v := range values {
		asked[v] = true
	}
	out := make(map[string]int, len(groups))
	for _, g := range groups {
		// A record that matches carries other labels too.
		if len(values) == 0 || asked[g.Value] {
			out[g.Value] = g.N
		}
	}
	return out, nil
}

func (e *Engine) find(
	ctx context.Context,
	c *store.Collection,
	where bson.D,
	opts *options.FindOptionsBuilder,
) ([]document, error) {
	if e.batch > 0 {
		opts.SetBatchSize(e.batch)
	}
	cursor, err := e.collection(c).Find(ctx, where, opts)
	if err != nil {
		return nil, because(ctx, fmt.Errorf("mongo: find: %w", err))
	}
	defer cursor.Close(context.WithoutCancel(ctx)) //nolint:errcheck // a cursor that is left ends by itself
	var found []document
	for cursor.Next(ctx) {
		var d document
		if err := cursor.Decode(&d); err != nil {
			return nil, because(ctx, fmt.Errorf("mongo: find: %w", err))
		}
		if err := store.Metered(ctx, len(d.Doc)+len(d.Sealed)); err != nil {
			return nil, err
		}
		found = append(found, d)
	}
	if err := cursor.Err(); err != nil {
		return nil, because(ctx, fmt.Errorf("mongo: find: %w", err))
	}
	return found, nil
}

func records(found []document) []store.Record {
	out := make([]store.Record, len(found))
	for i, d := range found {
		out[i] = d.record()
	}
	return out
}

// order is the order of a list and where in it the page begins.
type order struct {
	field string // where the field of the query is kept
	text  bool   // whether it is a text field
	desc  bool
	after store.Cursor
}

func sorting(c *store.Collection, q store.Query) (order, error) {
	if q.Limit <= 0 {
		return order{}, errors.New("mongo: the size of a page must be positive")
	}
	name := cmp.Or(q.Sort, fieldCreated)
	field, ok := fieldOf(c, name)
	if !ok || field == fieldOrg {
		return order{}, undeclared(c, "field to sort by,", name)
	}
	o := order{field: field, text: slices.Contains(c.Text, name), desc: q.Desc}
	if o.after, ok = store.ParseCursor(q.After); !ok {
		return order{}, errors.New("mongo: the cursor is none that a list returned")
	}
	return o, nil
}

func (o order) sort() bson.D {
	direction := 1
	if o.desc {
		direction = -1
	}
	if o.field == fieldID {
		return bson.D{{Key: fieldID, Value: direction}}
	}
	return bson.D{{Key: o.field, Value: direction}, {Key: fieldID, Value: direction}}
}

// behind is the condition that a document comes after the cursor.
func (o order) behind() bson.D {
	beyond := "$gt"
	if o.desc {
		beyond = "$lt"
	}
	byID := bson.E{Key: fieldID, Value: bson.D{{Key: beyond, Value: o.after.ID}}}
	if o.field == fieldID {
		return bson.D{byID}
	}
	var value any = o.after.Int
	if o.text {
		value = o.after.Text
	}
	// The first line says nothing new, and lets the server start in the index where the page starts.
	return bson.D{
		{Key: o.field, Value: bson.D{{Key: beyond + "e", Value: value}}},
		{Key: "$or", Value: []bson.D{
			{{Key: o.field, Value: bson.D{{Key: beyond, Value: value}}}},
			{{Key: o.field, Value: value}, byID},
		}},
	}
}

// cursor is the place of a document in the order.
func (o order) cursor(d document) store.Cursor {
	out := store.Cursor{ID: d.ID}
	switch {
	case o.field == fieldID:
	case o.field == fieldCreated:
		out.Int = d.Created
	case o.field == fieldUpdated:
		out.Int = d.Updated
	case o.text:
		out.Text, _ = d.Sorted[o.field].(string)
	default:
		out.Int, _ = d.Sorted[o.field].(int64)
	}
	return out
}
