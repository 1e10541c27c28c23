package storetest

import (
	"strings"
	"testing"
	"time"
)

// documents are JSON objects that a store that parses them would change.
func documents() map[string]string {
	return map[string]string{
		"the empty object":              `{}`,
		"unknown fields":                `{"x_new_field":{"a":[1,null,true]},"name":"n"}`,
		"the order of keys":             `{"z":1,"a":2,"m":{"b":1,"a":2}}`,
		"dollar keys":                   `{"$ref":"#/x","$set":{"$ne":1},"a":{"$oid":"x"}}`,
		"dotted and empty keys":         `{"a.b":1,"a":{"b":2},"":3,".":4,"a..b":5}`,
		"numbers as they are spelled":   `{"a":12345678901234567890123,"b":1.0e3,"c":1E+2,"d":-0,"e":0.10,"f":1e400}`,
		"escapes as they are spelled":   `{"nul":"\u0000","a\u0000b":1,"slash":"\/","e":"\u00e9","pair":"\ud83c\udf89","lone":"\ud800","tab":"\t"}`,
		"letters outside ASCII":         "{\"é\":\"日本語\",\"emoji\":\"🎉👩‍👩‍👧\",\"bom\":\"\ufeff\",\"line\":\"\u2028\",\"plane\":\"\U0010ffff\"}",
		"white space":                   " {\n\t\"a\" :  1 ,\r\n \"b\":[ ] } \n",
		"ids of a document database":    `{"_id":"5e9d9544a1dcd60001d0ed20","id":"other"}`,
		"quotes, percents, backslashes": `{"a":"it's \"q\" 100% \\ _ ? $1 ;--"}`,
		"500 levels":                    strings.Repeat(`{"a":[`, 250) + `1` + strings.Repeat(`]}`, 250),
		"5 MB":                          `{"big":"` + strings.Repeat("0123456789é", 5<<20/12) + `","n":1.0}`,
	}
}

func documentCases() []testCase {
	var cases []testCase
	for name, doc := range documents() {
		cases = append(cases, testCase{"kept byte for byte: " + name, func(t *testing.T, f *fixture) {
			r := record(1, orgA)
			r.Doc, r.Sealed = []byte(doc), []byte(`{"sealed":"é\u0000"}`)
			f.create(t, users, r)
			sameRecord(t, f.one(t, users, r.ID), r)
			r = next(r)
			r.Doc, r.Sealed = []byte(doc), []byte(`{"sealed":2.0}`)
			f.apply(t, updating(users, r))
			sameRecord(t, f.one(t, users, r.ID), r)
		}})
	}
	return append(cases, testCase{"times are kept to the microsecond", func(t *testing.T, f *fixture) {
		for i, at := range []time.Time{
			time.Date(2024, 2, 29, 23, 59, 59, 999999000, time.UTC),
			time.Date(1969, 12, 31, 23, 59, 59, 1000, time.UTC),
			time.Date(9999, 12, 31, 23, 59, 59, 123456000, time.FixedZone("", 3600)),
			time.Unix(0, 0),
		} {
			r := record(i, orgA)
			r.CreatedAt, r.UpdatedAt = at, at.Add(time.Microsecond)
			f.create(t, keys, r)
			sameRecord(t, f.one(t, keys, r.ID), r)
		}
	}}, testCase{"a caller may reuse what it handed over", func(t *testing.T, f *fixture) {
		r := record(1, orgA)
		want := string(r.Doc)
		f.create(t, keys, r)
		copy(r.Doc, "XXXXX")
		got := f.one(t, keys, r.ID)
		if string(got.Doc) != want {
			t.Fatalf("the stored document changed to %s", got.Doc)
		}
		copy(got.Doc, "YYYYY")
		if again := f.one(t, keys, r.ID); string(again.Doc) != want {
			t.Fatalf("the stored document changed to %s", again.Doc)
		}
	}})
}
