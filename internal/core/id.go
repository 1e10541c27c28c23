package core

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"time"
)

// Meta is what every stored object has. OrgID is "" for objects that belong to no organisation: organisations
// themselves and super users. Revision starts at 1 and grows by one with each change. Times are UTC, to the
// microsecond.
type Meta struct {
	ID        string
	OrgID     string
	Revision  int64
	CreatedAt time.Time
	UpdatedAt time.Time
}

// NewID makes a database id: 24 lower-case hex digits, the first 8 of them the seconds of now, as MongoDB's ObjectIDs
// are, so that ids sort roughly by age.
func NewID(now time.Time) string {
	var b [12]byte
	binary.BigEndian.PutUint32(b[:4], uint32(now.Unix()))
	_, _ = rand.Read(b[4:])
	return hex.EncodeToString(b[:])
}

// NewHex makes 32 random lower-case hex digits: an api_id, an access key, the id of a token.
func NewHex() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// IsID tells whether s is a database id: 24 hex digits, lower case.
func IsID(s string) bool { return len(s) == 24 && isLowerHex(s) }

func isLowerHex(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// Base returns the Meta of whatever embeds it, for code that handles objects of every kind.
func (m *Meta) Base() *Meta { return m }
