package secret

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"sync"

	"golang.org/x/crypto/bcrypt"
)

// PasswordCost is the bcrypt cost of new password hashes, the one that the legacy dashboard and the gateway use.
const PasswordCost = bcrypt.DefaultCost

// HashPassword returns the bcrypt hash of a password at a cost. bcrypt reads 72 bytes; a longer password is an error.
func HashPassword(password string, cost int) (string, error) {
	hash, err := bcrypt.GenerateFromPassword([]byte(password), cost)
	if err != nil {
		return "", fmt.Errorf("hash a password: %w", err)
	}
	return string(hash), nil
}

// CheckPassword tells whether a password is the one of a bcrypt hash. A hash that is none never matches, and takes as
// long.
func CheckPassword(hash, password string) bool {
	if _, err := bcrypt.Cost([]byte(hash)); err != nil {
		CheckNoPassword()
		return false
	}
	return bcrypt.CompareHashAndPassword([]byte(hash), []byte(password)) == nil
}

// CheckNoPassword takes as long as CheckPassword. It is called for an unknown user, so that the time of the answer does
// not tell which users exist.
func CheckNoPassword() {
	_ = bcrypt.CompareHashAndPassword(nobody(), []byte("nobody's password"))
}

// nobody is a hash that no password is known for.
var nobody = sync.OnceValue(func() []byte {
	hash, err := bcrypt.GenerateFromPassword(random(16), PasswordCost)
	if err != nil {
		panic(err) // only for a bad cost or more than 72 bytes
	}
	return hash
})

// Equal tells whether two secrets are the same in a time that depends on neither's content nor on where they differ,
// and hides how long the expected one is.
func Equal(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// NewSecret makes a secret for programs: 32 lower-case hex digits, 128 random bits.
func NewSecret() string { return hex.EncodeToString(random(16)) }

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
