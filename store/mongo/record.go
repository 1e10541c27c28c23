package mongo

import (
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"gatehouse/store"
)

// The fields of a document. Times are microseconds since 1970, whole numbers, as BSON's own dates hold milliseconds
// only.
const (
	fieldID       = "_id"
	fieldOrg      = "org_id"
	fieldRevision = "revision"
	fieldCreated  = "created_at"
	fieldUpdated  = "updated_at"
	fieldDoc      = "doc"
	fieldSealed   = "sealed"
)

// The searchable fields lie at the top of the document, not in objects of their own, as not every database that stands
// in for MongoDB can group by an inner field.
func textField(name string) string   { return "text_" + name }
func intField(name string) string    { return "int_" + name }
func uniqueField(name string) string { return "unique_" + name }
func labelField(name string) string  { return "label_" + name }

// encode makes the document of a record. Every declared field is there, so that an absent value and an empty one sort
// and match alike, as they do in SQL. It returns an error when the document is over the limit of the database.
func (e *Engine) encode(c *store.Collection, r store.Record) (bson.Raw, error) {
	doc := bson.D{
		{Key: fieldID, Value: r.ID}, {Key: fieldOrg, Value: r.OrgID}, {Key: fieldRevision, Value: r.Revision},
		{Key: fieldCreated, Value: r.CreatedAt.UnixMicro()}, {Key: fieldUpdated, Value: r.UpdatedAt.UnixMicro()},
		{Key: fieldDoc, Value: string(r.Doc)}, {Key: fieldSealed, Value: string(r.Sealed)},
	}
	for _, name := range c.Text {
		doc = append(doc, bson.E{Key: textField(name), Value: r.Text[name]})
	}
	for _, name := range c.Int {
		doc = append(doc, bson.E{Key: intField(name), Value: r.Int[name]})
	}
	for _, u := range c.Unique {
		doc = append(doc, bson.E{Key: uniqueField(u.Name), Value: uniqueValue(r, u.Name)})
	}
	for _, name := range c.Labels {
		values := r.Labels[name]
		if values == nil {
			values = []string{}
		}
		doc = append(doc, bson.E{Key: labelField(name), Value: values})
	}
	raw, err := bson.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("mongo: encode %s of %s: %w", r.ID, c.Name, err)
	}
	if len(raw) > e.maxDocument {
		return nil, fmt.Errorf(
			"mongo: the document of %s in %s takes %d bytes, and MongoDB keeps at most %d: make it smaller",
			r.ID,
			c.Name,
			len(raw),
			e.maxDocument,
		)
	}
	return raw, nil
}

// surface is the fields that a write of the query surface alone sets.
func surface(c *store.Collection, r store.Record) (bson.Raw, error) {
	doc := bson.D{}
	for _, name := range c.Text {
		if v, ok := r.Text[name]; ok {
			doc = append(doc, bson.E{Key: textField(name), Value: v})
		}
	}
	for _, name := range c.Int {
		if v, ok := r.Int[name]; ok {
			doc = append(doc, bson.E{Key: intField(name), Value: v})
		}
	}
	for _, name := range c.Labels {
		if values, ok := r.Labels[name]; ok {
			doc = append(doc, bson.E{Key: labelField(name), Value: append([]string{}, values...)})
		}
	}
	if len(doc) == 0 {
		// $set takes no empty document.
		doc = bson.D{{Key: fieldOrg, Value: r.OrgID}}
	}
	raw, err := bson.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("mongo: encode the surface of %s of %s: %w", r.ID, c.Name, err)
	}
	return raw, nil
}

// uniqueValue is what the unique index sees. An empty value is filled with something that only this record can have: no
// value holds a NUL byte, see store.Exact.
func uniqueValue(r store.Record, name string) string {
	if v := r.Unique[name]; v != "" {
		return v
	}
	return "\x00" + r.ID
}

// document is what we read of a record. Sorted is there when the projection asks for a further field, to sort by.
type document struct {
	ID       string         `bson:"_id"`
	OrgID    string         `bson:"org_id"`
	Revision int64          `bson:"revision"`
	Created  int64          `bson:"created_at"`
	Updated  int64          `bson:"updated_at"`
	Doc      string         `bson:"doc"`
	Sealed   string         `bson:"sealed"`
	Sorted   map[string]any `bson:",inline"`
}

func (d document) record() store.Record {
	r := store.Record{ID: d.ID, OrgID: d.OrgID, Revision: d.Revision,
		CreatedAt: time.UnixMicro(d.Created).UTC(), UpdatedAt: time.UnixMicro(d.Updated).UTC()}
	if d.Doc != "" {
		r.Doc = []byte(d.Doc)
	}
	if d.Sealed != "" {
		r.Sealed = []byte(d.Sealed)
	}
	return r
}

// projection asks for what record needs, for the field that a list is sorted by, and for the contents unless idsOnly.
func projection(sort string, idsOnly bool) bson.D {
	out := bson.D{
		{Key: fieldOrg, Value: 1},
		{Key: fieldRevision, Value: 1},
		{Key: fieldCreated, Value: 1},
		{Key: fieldUpdated, Value: 1},
	}
	switch sort {
	case fieldID, fieldOrg, fieldCreated, fieldUpdated:
	default:
		out = append(out, bson.E{Key: sort, Value: 1})
	}
	if !idsOnly {
		out = append(out, bson.E{Key: fieldDoc, Value: 1}, bson.E{Key: fieldSealed, Value: 1})
	}
	return out
}
