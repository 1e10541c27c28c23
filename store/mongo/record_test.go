package mongo

import (
	"slices"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"gatehouse/store"
)

// stored spells the fields of things as they are kept, so that expectations read like queries.
func stored(s string) string {
	return strings.NewReplacer(`"name":`, `"text_name":`, `"size":`, `"int_size":`, `"tag":`, `"label_tag":`).Replace(s)
}

func TestEncode(t *testing.T) {
	at := time.Date(2024, 2, 29, 23, 59, 59, 123456000, time.UTC)
	e := &Engine{maxDocument: 16 << 20}
	r := store.Record{
		ID:        "1",
		OrgID:     "o",
		Revision:  3,
		CreatedAt: at,
		UpdatedAt: at.Add(time.Microsecond),
		Doc:       []byte(`{"$a.b": 1.0}`),
		Sealed:    []byte(`{}`),
		Text: map[string]string{
			"name": "n",
		},
		Unique: map[string]string{"slug": "s"},
		Labels: map[string][]string{"tag": {"x", "y"}},
	}
	raw, err := e.encode(things, r)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"_id":"1","org_id":"o","revision":3,"created_at":1709251199123456,"updated_at":1709251199123457,"doc":"{\"$a.b\": 1.0}","sealed":"{}",` +
		`"text_name":"n","int_size":0,"unique_code":"\u00001","unique_slug":"s","label_tag":["x","y"]}`
	if got, _ := bson.MarshalExtJSON(raw, false, false); string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	var d document
	if err := bson.Unmarshal(raw, &d); err != nil {
		t.Fatal(err)
	}
	back := d.record()
	if back.ID != r.ID || back.OrgID != r.OrgID || back.Revision != r.Revision || !back.CreatedAt.Equal(r.CreatedAt) ||
		!back.UpdatedAt.Equal(r.UpdatedAt) ||
		string(back.Doc) != string(r.Doc) ||
		string(back.Sealed) != string(r.Sealed) {
		t.Errorf("read back as %+v", back)
	}
}

func TestADocumentOverTheLimitIsRefusedByName(t *testing.T) {
	e := &Engine{maxDocument: 1000}
	_, err := e.encode(things, store.Record{ID: "42", Doc: make([]byte, 1000)})
	if err == nil || !strings.Contains(err.Error(), "42 in things") || !strings.Contains(err.Error(), "at most 1000") {
		t.Errorf("got %v", err)
	}
}

func TestIndexesCoverEveryDeclaredField(t *testing.T) {
	for _, c := range append(store.Collections(), things) {
		found := map[string]bool{}
		for _, index := range indexes(c) {
			if index.keys[0].Key == fieldOrg {
				found[index.keys[1].Key] = true
			} else {
				found[index.keys[0].Key] = index.unique || index.name == "created"
			}
		}
		var want []string
		for _, name := range c.Text {
			if !slices.Contains(c.Plain, name) { // those are compared in what another index finds
				want = append(want, textField(name))
			}
		}
		for _, name := range c.Int {
			if !slices.Contains(c.Plain, name) {
				want = append(want, intField(name))
			}
		}
		for _, name := range c.Labels {
			want = append(want, labelField(name))
		}
		for _, u := range c.Unique {
			want = append(want, uniqueField(u.Name))
		}
		for _, field := range append(want, fieldCreated, fieldUpdated) {
			if !found[field] {
				t.Errorf("%s has no index for %s", c.Name, field)
			}
		}
		if n := len(indexes(c)); n > 63 {
			t.Errorf("%s has %d indexes beside that of its ids, and MongoDB allows 64", c.Name, n)
		}
	}
}
