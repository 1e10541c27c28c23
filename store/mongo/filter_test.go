package mongo

import (
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"gatehouse/store"
)

// things is a collection with one of everything.
var things = &store.Collection{Name: "things", Text: []string{"name"}, Int: []string{"size"},
	Unique: []store.Unique{{Name: "code", Global: true}, {Name: "slug"}}, Labels: []string{"tag"}}

func TestFilter(t *testing.T) {
	const none = `{"_id":{"$in":[]}}`
	for name, tc := range map[string]struct {
		tenant store.Tenant
		where  []store.Cond
		want   string
	}{
		"an organisation":                         {store.Org("o"), nil, `{"org_id":"o"}`},
		"objects without an organisation":         {store.Org(""), nil, `{"org_id":""}`},
		"all tenants":                             {store.AllTenants(), nil, `{}`},
		"one value":                               {store.Org("o"), []store.Cond{store.In("name", "a")}, `{"org_id":"o","$and":[{"name":"a"}]}`},
		"several values":                          {store.AllTenants(), []store.Cond{store.In("id", "a", "b")}, `{"$and":[{"_id":{"$in":["a","b"]}}]}`},
		"no values match nothing":                 {store.AllTenants(), []store.Cond{store.In("name")}, `{"$and":[{"name":{"$in":[]}}]}`},
		"values that are no text match nothing":   {store.AllTenants(), []store.Cond{store.In("name", "\xff", "a", "b")}, `{"$and":[{"name":{"$in":["a","b"]}}]}`},
		"contained text is taken literally":       {store.AllTenants(), []store.Cond{store.Contains("name", "A.*")}, `{"$and":[{"name":{"$regex":"a\\.\\*"}}]}`},
		"a NUL byte does not end the text":        {store.AllTenants(), []store.Cond{store.Contains("name", "a\x00b")}, `{"$and":[{"name":{"$regex":"a�b"}}]}`},
		"ids are searched whatever their case":    {store.AllTenants(), []store.Cond{store.Contains("id", "AB")}, `{"$and":[{"_id":{"$regex":"ab","$options":"i"}}]}`},
		"contained text is folded":                {store.AllTenants(), []store.Cond{{Op: store.OpContains, Field: "name", Values: []string{"\xffA"}}}, `{"$and":[{"name":{"$regex":"�a"}}]}`},
		"a range":                                 {store.AllTenants(), []store.Cond{store.Between("size", -1, 9)}, `{"$and":[{"size":{"$gte":-1,"$lte":9}}]}`},
		"a range of times":                        {store.AllTenants(), []store.Cond{store.Between("created_at", 1, 2)}, `{"$and":[{"created_at":{"$gte":1,"$lte":2}}]}`},
		"labels":                                  {store.AllTenants(), []store.Cond{store.HasLabel("tag", "a", "b")}, `{"$and":[{"tag":{"$in":["a","b"]}}]}`},
		"any of nothing never holds":              {store.AllTenants(), []store.Cond{store.AnyOf()}, `{"$and":[` + none + `]}`},
		"none of nothing always holds":            {store.AllTenants(), []store.Cond{store.NoneOf()}, `{"$and":[{}]}`},
		"conditions on one field do not override": {store.Org("o"), []store.Cond{store.In("org_id", "p")}, `{"org_id":"o","$and":[{"org_id":"p"}]}`},
		"combinations nest": {store.AllTenants(), []store.Cond{store.AnyOf(store.In("name", "a"), store.NoneOf(store.HasLabel("tag", "b")))},
			`{"$and":[{"$or":[{"name":"a"},{"$nor":[{"tag":"b"}]}]}]}`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := filter(things, tc.tenant, tc.where)
			if err != nil {
				t.Fatal(err)
			}
			raw, err := bson.MarshalExtJSON(got, false, false)
			if err != nil {
				t.Fatal(err)
			}
			if want := stored(tc.want); string(raw) != want {
				t.Errorf("got  %s\nwant %s", raw, want)
			}
		})
	}
}

func TestFilterRefusesWhatIsNotDeclared(t *testing.T) {
	for name, cond := range map[string]store.Cond{
		"an unknown field":       store.In("shoe", "1"),
		"a label as a field":     store.In("tag", "1"),
		"a field as a label":     store.HasLabel("name", "1"),
		"an unknown inner field": store.AnyOf(store.NoneOf(store.Between("shoe", 1, 2))),
		"a field of the server":  store.In("$where", "1"),
		"an unknown operator":    {Op: 99, Field: "name"},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := filter(things, store.AllTenants(), []store.Cond{cond}); err == nil {
				t.Errorf("taken as %v", got)
			}
		})
	}
}
