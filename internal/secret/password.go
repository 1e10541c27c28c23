package secret

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"

	"gatehouse/internal/core"
)

// PasswordCost is the bcrypt cost of password hashes that gateways and the classic portal read, the one that the legacy
// dashboard and the gateway use.
const PasswordCost = bcrypt.DefaultCost

// HashPassword returns the bcrypt hash of a password at a cost, for those who read no other. bcrypt reads 72 bytes; a
// longer password is an error.
func HashPassword(password string, cost int) (string, error) {
	hash, err := bcrypt.GenerateFromPassword([]byte(password), cost)
	if err != nil {
		return "", fmt.Errorf("hash a password: %w", err)
	}
	return string(hash), nil
}

// Hashing is what one hash of argon2id costs.
type Hashing struct {
	// Memory is in KiB, Passes is how often it is gone through.
	Memory, Passes uint32
}

// DefaultHashing is what OWASP recommends first: 19 MiB, twice.
func DefaultHashing() Hashing { return Hashing{Memory: 19 << 10, Passes: 2} }

// hashedAtOnce is how many passwords are hashed at the same time: what is more waits, since each takes its memory.
const hashedAtOnce = 4

// Hasher hashes passwords of people with argon2id, and checks those and the bcrypt ones of before. However many ask at
// once, it takes the memory of a handful; the others wait until their context ends. It is safe for concurrent use.
type Hasher struct {
	hashing Hashing
	slots   chan struct{}
	nobody  func() string
	work    atomic.Int64
}

// NewHasher makes a Hasher whose new hashes cost what is said.
func NewHasher(h Hashing) *Hasher {
	if h.Memory == 0 || h.Passes == 0 {
		h = DefaultHashing()
	}
	out := &Hasher{hashing: h, slots: make(chan struct{}, hashedAtOnce)}
	out.nobody = sync.OnceValue(func() string { return h.hash(hex.EncodeToString(random(16))) })
	return out
}

// Hash returns the hash of a password, of any length. It fails with core.CodeUnavailable where its turn did not come.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	leave, err := h.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	return h.hashing.hash(password), nil
}

// Check tells whether a password is the one of a hash. A hash that is none, as that of somebody who is not there, never
// matches, and takes the same work. It fails with core.CodeUnavailable where its turn did not come.
func (h *Hasher) Check(ctx context.Context, hash, password string) (bool, error) {
	leave, err := h.enter(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	if !isHash(hash) {
		check(h.nobody(), password)
		return false, nil
	}
	return check(hash, password), nil
}

// Work is how many passwords were hashed so far, for tests: what is the same work takes the same time.
func (h *Hasher) Work() int64 { return h.work.Load() }

// IsCurrent tells whether a hash is one that Hash would make today; one that is not is made again when its password
// comes.
func (h *Hasher) IsCurrent(hash string) bool {
	return strings.HasPrefix(hash, h.hashing.prefix())
}

func (h *Hasher) enter(ctx context.Context) (leave func(), err error) {
	select {
	case h.slots <- struct{}{}:
		h.work.Add(1)
		return func() { <-h.slots }, nil
	case <-ctx.Done():
		return nil, core.Wrap(core.CodeUnavailable, ctx.Err(), "too many people sign in at this moment: try again")
	}
}

const argonPrefix = "$argon2id$v=19$"

func (h Hashing) prefix() string {
	return fmt.Sprintf("%sm=%d,t=%d,p=1$", argonPrefix, h.Memory, h.Passes)
}

func (h Hashing) hash(password string) string {
	salt := random(16)
	key := argon2.IDKey([]byte(password), salt, h.Passes, h.Memory, 1, 32)
	return h.prefix() + base64.RawStdEncoding.EncodeToString(salt) + "$" + base64.RawStdEncoding.EncodeToString(key)
}

// isHash tells whether a text is a hash that check reads.
func isHash(hash string) bool {
	if strings.HasPrefix(hash, argonPrefix) {
		return true
	}
	_, err := bcrypt.Cost([]byte(hash))
	return err == nil
}

// CheckPassword tells whether a password is the one of a hash, of bcrypt or of argon2id. A hash that is none never
// matches. It neither waits nor hides that; Hasher.Check does.
func CheckPassword(hash, password string) bool { return isHash(hash) && check(hash, password) }

func check(hash, password string) bool {
	if !strings.HasPrefix(hash, argonPrefix) {
		matches := bcrypt.CompareHashAndPassword([]byte(hash), []byte(password)) == nil
		return matches && len(password) <= 72 // it reads no more
	}
	var memory, passes uint32
	var threads uint8
	parts := strings.Split(hash, "$")
	if len(parts) != 6 {
		return false
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &memory, &passes, &threads); err != nil {
		return false
	}
	if memory > 1<<18 || passes < 1 || passes > 16 || threads < 1 {
		return false // none of ours
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil {
		return false
	}
	want, err := base64.RawStdEncoding.DecodeString(parts[5])
	if err != nil || len(want) != 32 {
		return false
	}
	return subtle.ConstantTimeCompare(argon2.IDKey([]byte(password), salt, passes, memory, threads, 32), want) == 1
}

// Equal tells whether two secrets are the same in a time that depends on neither's content nor on where they differ,
// and hides how long the expected one is.
func Equal(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// NewSecret makes a secret for programs: 32 lower-case hex digits, 128 random bits.
func NewSecret() string { return hex.EncodeToString(random(16)) }

// NewToken makes a secret for browsers and links: 43 characters that need no escaping, 256 random bits.
func NewToken() string { return base64.RawURLEncoding.EncodeToString(random(32)) }

// HashToken is what is kept of a token of NewToken: it finds the token, and nobody finds the token by it. Tokens are
// random, so that the hash needs neither key nor salt.
func HashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// IsToken tells whether a text has the form of a token of NewToken.
func IsToken(text string) bool {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	return err == nil && len(raw) == 32
}

// readable are 32 characters that people do not take for one another: no 0 and O, no 1 and I.
const readable = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"

// NewPassword makes a password for people: 16 characters that read well, 80 random bits.
func NewPassword() string {
	raw := random(16)
	for i, b := range raw {
		raw[i] = readable[int(b)%len(readable)] // 32 divides 256, so all are as likely
	}
	return string(raw)
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: it ends the program instead
	return b
}
