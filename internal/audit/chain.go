package audit

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"gatehouse/internal/core"
)

// Mark is what a chain says of itself.
type Mark struct {
	// Settled is the place up to which all is decided: each record up to there was kept, or is among Void, the places
	// whose change was not made in the end.
	Settled int64   `json:"settled,omitempty"`
	Void    []int64 `json:"void,omitempty"`
	// Heads are, at the start of a chain, the last places of the others that are known of; and of a retention, the last
	// ones that it took away.
	Heads map[string]int64 `json:"heads,omitempty"`
	// Before is the time up to which a retention took records away.
	Before string `json:"before,omitempty"`
	// Host is the machine of a start.
	Host string `json:"host,omitempty"`
	// Signature is of the key that Chain.Public verifies.
	Signature string `json:"sig,omitempty"`
}

// hashBytes is how much of the HMAC is kept.
const hashBytes = 16

// Keys seal records and sign marks. They are derived from a secret of the installation.
type Keys struct {
	mac    []byte
	signer ed25519.PrivateKey
}

// NewKeys derives the keys from a secret.
func NewKeys(secret string) *Keys {
	derive := func(purpose string) []byte {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte("gatehouse audit: " + purpose))
		return mac.Sum(nil)
	}
	return &Keys{mac: derive("records"), signer: ed25519.NewKeyFromSeed(derive("marks"))}
}

// Public is the key that verifies what was signed, in base64.
func (k *Keys) Public() string {
	public, _ := k.signer.Public().(ed25519.PublicKey)
	return base64.StdEncoding.EncodeToString(public)
}

// Seal gives a record its place in a chain, and makes its document, which ends with the hash: of where it stands, of
// when it was, of whose it is, and of all that is in it.
func (k *Keys) Seal(r *Record, chain string, n int64, prev string) error {
	r.Server, r.N, r.Prev = chain, n, prev
	r.bound()
	if r.Mark != nil {
		r.Mark.Signature = base64.RawStdEncoding.EncodeToString(ed25519.Sign(k.signer, r.signed()))
	}
	text, err := r.text()
	if err != nil {
		return err
	}
	r.Hash = k.hash(&r.Meta, r.at(), text)
	r.Document = core.Document(withHash(text, r.Hash))
	return nil
}

func withHash(text []byte, hash string) []byte {
	out := make([]byte, 0, len(text)+len(hash)+8)
	out = append(out, text[:len(text)-1]...)
	return append(append(append(out, hashStart...), hash...), `"}`...)
}

const hashStart = `,"h":"`

func (k *Keys) hash(m *core.Meta, at int64, text []byte) string {
	mac := hmac.New(sha256.New, k.mac)
	head := m.ID + "\x00" + m.OrgID + "\x00" + strconv.FormatInt(at, 10) + "\x00"
	mac.Write([]byte(head))
	mac.Write(text)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:hashBytes])
}

// signed is what the signature of a mark is of.
func (r *Record) signed() []byte {
	return []byte(strings.Join([]string{"gatehouse audit mark", r.Server, strconv.FormatInt(r.N, 10), r.Prev,
		string(r.Kind), strconv.FormatInt(r.at(), 10)}, "\n"))
}

// errChanged means that a record is not what was written.
var errChanged = errors.New("its contents are not those that were written")

// Check returns an error for a record that is not as Seal left it.
func (k *Keys) Check(r *Record) error {
	doc := string(r.Document)
	at := strings.LastIndex(doc, hashStart)
	if at < 0 || !strings.HasSuffix(doc, `"}`) {
		return errChanged
	}
	hash := strings.TrimSuffix(doc[at+len(hashStart):], `"}`)
	if !hmac.Equal([]byte(hash), []byte(k.hash(&r.Meta, r.at(), []byte(doc[:at]+"}")))) {
		return errChanged
	}
	if r.Mark == nil {
		return nil
	}
	signature, err := base64.RawStdEncoding.DecodeString(r.Mark.Signature)
	public, _ := k.signer.Public().(ed25519.PublicKey)
	if err != nil || !ed25519.Verify(public, r.signed(), signature) {
		return fmt.Errorf("its signature is not of this installation")
	}
	return nil
}

// Checkpoint is what the log says of a mark, for whoever keeps the log elsewhere: the chain, the place, the hash of the
// record before it, and the signature.
func (r *Record) Checkpoint() string {
	return r.Server + ":" + strconv.FormatInt(r.N, 10) + ":" + r.Prev + ":" + r.Hash
}
