package token

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"slices"

	"github.com/TykTechnologies/murmur3"
)

// The hash functions that a token may name.
const (
	// Murmur32 is what tokens are hashed with that name no function. The gateway's sum leaves out the finishing steps of
	// MurmurHash3, and with them the last bytes when the length is no multiple of four: legacy tokens that differ only
	// there share one name. New tokens should not use it.
	Murmur32  = "murmur32"
	Murmur64  = "murmur64"
	Murmur128 = "murmur128"
	SHA256    = "sha256"

	// Default is the function of new tokens where nothing else is configured.
	Default = Murmur64
)

// Functions lists the hash functions, the default first.
func Functions() []string { return []string{Murmur64, Murmur128, SHA256, Murmur32} }

// IsFunction tells whether gateways know a hash function of that name.
func IsFunction(name string) bool { return slices.Contains(Functions(), name) }

// Hash returns the name, in lower-case hex, under which gateways keep the session of a token when keys are hashed. The
// token itself says which function that takes: the one in its h, and Murmur32 for a token without one or with an
// unknown one. What is configured for new tokens has no part in it.
func Hash(token string) string {
	fn, _ := field(token, "h")
	return HashWith(fn, token)
}

// HashWith returns the sum of s by the function, in lower-case hex. As in the gateway, an unknown or empty function is
// Murmur32.
func HashWith(fn, s string) string {
	var h hash.Hash
	switch fn {
	case SHA256:
		h = sha256.New()
	case Murmur64:
		h = murmur3.New64()
	case Murmur128:
		h = murmur3.New128()
	default:
		h = murmur3.New32()
	}
	_, _ = h.Write([]byte(s)) // hash.Hash never fails
	return hex.EncodeToString(h.Sum(nil))
}

// LooksHashed tells whether s may be what Hash returned: lower-case hex of a length that one of the functions gives. A
// custom key may look so too, so the answer is a hint and no proof.
func LooksHashed(s string) bool {
	switch len(s) {
	case 8, 16, 32, 64:
		return isHex(s, false)
	}
	return false
}

func isHex(s string, upper bool) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'f', upper && c >= 'A' && c <= 'F':
		default:
			return false
		}
	}
	return true
}
