package core

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// Cursor is the decoded form of a cursor, the opaque text that says where a page begins. Offset, when
// positive, skips that many records and excludes the rest.
type Cursor struct {
	// Of names the list, in its order, that made the cursor: a place in one list says nothing about another. "" fits all.
	Of     string `json:"l,omitempty"`
	Offset int    `json:"o,omitempty"`
	Text   string `json:"t,omitempty"`
	Int    int64  `json:"n,omitempty"`
	ID     string `json:"i,omitempty"`
}

// Encode makes the opaque form.
func (c Cursor) Encode() string {
	raw, _ := json.Marshal(c)
	return base64.RawURLEncoding.EncodeToString(raw)
}

// OffsetCursor skips the first n records: how page numbers become cursors. 0 is the beginning.
func OffsetCursor(n int) string {
	if n <= 0 {
		return ""
	}
	return Cursor{Offset: n}.Encode()
}

// ParseCursor reads the opaque form; ok is false for anything that Encode did not make. "" is the beginning.
func ParseCursor(s string) (c Cursor, ok bool) {
	if s == "" {
		return c, true
	}
	raw, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || json.Unmarshal(raw, &c) != nil {
		return Cursor{}, false
	}
	return c, c.Offset >= 0 && c.Offset <= maxOffset && isText(c.Of) && isText(c.Text) && isText(c.ID) &&
		(c.Offset > 0 || c.ID != "" || c.Text != "" || c.Int != 0)
}

// isText tells whether every database can hold s as text.
func isText(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

const maxOffset = 1 << 31
