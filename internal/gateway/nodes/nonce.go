package nodes

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"time"
)

const (
	// window is how far behind the highest nonce that a node presented another may be. Its heartbeat and the probe of its
	// health endpoint overlap, with a load between them: each may have read the nonce before the others brought a new one.
	window = 2
	// feedBit is set in the counter that a feed ends with.
	feedBit = 1 << 63
	// macSize is how many bytes of the HMAC are sent: 128 bits, which nobody guesses.
	macSize = 16
)

// signer makes nonces and recognises them. A nonce is a counter and its HMAC for one node, under a key that follows
// from the shared node secret; so there is nothing to look up, and a nonce holds on every server and after a restart.
type signer struct{ key []byte }

func newSigner(secret string) signer {
	key, err := hkdf.Key(sha256.New, []byte(secret), nil, "gatehouse: nonces of nodes", sha256.Size)
	if err != nil {
		panic(fmt.Sprintf("nodes: %v", err)) // only for a key of more than 8 KB
	}
	return signer{key}
}

// sign makes the nonce of a node with a counter.
func (s signer) sign(id string, counter uint64) string {
	raw := binary.BigEndian.AppendUint64(make([]byte, 0, 8+sha256.Size), counter)
	return base64.RawURLEncoding.EncodeToString(s.mac(raw, id)[:8+macSize])
}

// open returns the counter of a nonce; ok is false for one that was not made for the node.
func (s signer) open(id, nonce string) (counter uint64, ok bool) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(nonce)
	if err != nil || len(raw) != 8+macSize {
		return 0, false
	}
	counter = binary.BigEndian.Uint64(raw)
	want := s.mac(append(make([]byte, 0, 8+sha256.Size), raw[:8]...), id)
	return counter, hmac.Equal(raw, want[:8+macSize])
}

// mac appends the HMAC of an id and the counter in raw to raw.
func (s signer) mac(raw []byte, id string) []byte {
	h := hmac.New(sha256.New, s.key)
	h.Write(raw)
	h.Write([]byte(id))
	return h.Sum(raw)
}

// accept judges the counter of a nonce with a valid signature, and remembers the highest.
//
// The one that the last feed ended with is good although heartbeats went on meanwhile: a gateway takes it up only after
// it has worked through all that it loaded, which may take long. Once it was presented, it ages as the others do.
func (n *node) accept(counter uint64) bool {
	fed := counter&feedBit != 0 && counter == n.fed && n.Nonce <= n.fedUntil
	counter &^= feedBit
	if !fed && counter+window < n.Nonce {
		return false
	}
	n.Nonce = max(n.Nonce, counter)
	if fed && n.fedUntil == math.MaxUint64 {
		n.fedUntil = n.Nonce + window
	}
	return true
}

// next returns the counter that an answer carries.
func (n *node) next() uint64 { return n.Nonce + 1 }

// nextOfFeed returns the counter that a feed ends with.
func (n *node) nextOfFeed() uint64 {
	n.fed, n.fedUntil = n.next()|feedBit, math.MaxUint64
	return n.fed
}

// nextOfRegistration returns the counter that a registration begins with: the time in microseconds. Other servers may
// have been presented counters that are in no row yet; none of them grew as fast as this.
func (n *node) nextOfRegistration(now time.Time) uint64 {
	return max(n.next(), uint64(max(0, now.UnixMicro())))
}
