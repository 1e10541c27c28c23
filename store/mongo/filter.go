package mongo

import (
	"fmt"
	"regexp"
	"slices"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"

	"gatehouse/store"
)

// nothing is a filter that no document matches.
var nothing = bson.D{{Key: fieldID, Value: bson.D{{Key: "$in", Value: []string{}}}}}

// filter is the tenant and all of the conditions.
func filter(c *store.Collection, t store.Tenant, where []store.Cond) (bson.D, error) {
	out := bson.D{}
	if !t.IsAll() {
		out = append(out, bson.E{Key: fieldOrg, Value: t.OrgID()})
	}
	if len(where) == 0 {
		return out, nil
	}
	all, err := conditions(c, where)
	if err != nil {
		return nil, err
	}
	return append(out, bson.E{Key: "$and", Value: all}), nil
}

func conditions(c *store.Collection, where []store.Cond) ([]bson.D, error) {
	out := make([]bson.D, len(where))
	for i, cond := range where {
		one, err := condition(c, cond)
		if err != nil {
			return nil, err
		}
		out[i] = one
	}
	return out, nil
}

func condition(c *store.Collection, cond store.Cond) (bson.D, error) {
	switch cond.Op {
	case store.OpAny, store.OpNot:
		return combination(c, cond)
	case store.OpLabel:
		if !slices.Contains(c.Labels, cond.Field) {
			return nil, undeclared(c, "label", cond.Field)
		}
		return oneOf(labelField(cond.Field), cond.Values), nil
	}
	field, ok := fieldOf(c, cond.Field)
	if !ok {
		return nil, undeclared(c, "field", cond.Field)
	}
	switch cond.Op {
	case store.OpIn:
		return oneOf(field, cond.Values), nil
	case store.OpContains:
		if len(cond.Values) == 0 {
			return nothing, nil
		}
		return contains(field, store.Fold(cond.Values[0])), nil
	case store.OpInt:
		return bson.D{{Key: field, Value: bson.D{{Key: "$gte", Value: cond.Min}, {Key: "$lte", Value: cond.Max}}}}, nil
	}
	return nil, fmt.Errorf("mongo: unknown condition %v on %s of %s", cond.Op, cond.Field, c.Name)
}

// combination is OpAny and OpNot. MongoDB refuses empty lists: any of nothing never holds, none of nothing always does.
func combination(c *store.Collection, cond store.Cond) (bson.D, error) {
	not := cond.Op == store.OpNot
	switch {
	case len(cond.Any) == 0 && not:
		return bson.D{}, nil
	case len(cond.Any) == 0:
		return nothing, nil
	}
	any, err := conditions(c, cond.Any)
	if err != nil {
		return nil, err
	}
	if not {
		return bson.D{{Key: "$nor", Value: any}}, nil
	}
	return bson.D{{Key: "$or", Value: any}}, nil
}

// oneOf is the condition that a field, or an element of it, is one of values. What is no text is left out: it is never
// stored, and a server may refuse it.
func oneOf(field string, values []string) bson.D {
	texts := make([]string, 0, len(values))
	for _, v := range values {
		if utf8.ValidString(v) {
			texts = append(texts, v)
		}
	}
	if len(texts) == 1 {
		return bson.D{{Key: field, Value: texts[0]}}
	}
	return bson.D{{Key: field, Value: bson.D{{Key: "$in", Value: texts}}}}
}

// contains is the condition that a field holds text, which is folded like the field: plain text without NUL bytes,
// which would end the expression on its way to the server. Ids are not folded, so their case is left to the expression.
func contains(field, text string) bson.D {
	expr := bson.D{{Key: "$regex", Value: regexp.QuoteMeta(text)}}
	if field == fieldID {
		expr = append(expr, bson.E{Key: "$options", Value: "i"})
	}
	return bson.D{{Key: field, Value: expr}}
}

// fieldOf is where a field of a query is kept, and whether c declares it.
func fieldOf(c *store.Collection, name string) (string, bool) {
	switch {
	case name == "id":
		return fieldID, true
	case name == fieldOrg, name == fieldCreated, name == fieldUpdated:
		return name, true
	case slices.Contains(c.Text, name):
		return textField(name), true
	case slices.Contains(c.Int, name):
		return intField(name), true
	}
	return "", false
}

// lookupField is fieldOf with the unique values, for Find.
func lookupField(c *store.Collection, name string) (string, bool) {
	for _, u := range c.Unique {
		if u.Name == name {
			return uniqueField(name), true
		}
	}
	return fieldOf(c, name)
}

// undeclared is a mistake in the program: callers use what the collection declares.
func undeclared(c *store.Collection, what, name string) error {
	return fmt.Errorf("mongo: the collection %s declares no %s %q", c.Name, what, name)
}
