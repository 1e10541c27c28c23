package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
)

// MinConfigured is how long, in bytes, a configured encryption key must be.
const MinConfigured = 16

// KeyFile is the name of the file in the data directory that holds the encryption key when none is configured.
const KeyFile = "encryption.key"

// ErrSealed means that a value cannot be opened: it was sealed with another key or for another context, or was changed
// since.
var ErrSealed = errors.New("the value cannot be opened: it was sealed with another encryption key, or changed since; " +
	"start with the key it was sealed with")

// Keyring seals and looks up secrets with keys that are derived from one master key, a separate one for each purpose.
// It is safe for concurrent use.
type Keyring struct {
	seal   cipher.AEAD
	lookup sync.Pool // of hash.Hash: HMACs with their key already mixed in
}

// Load makes the keyring from the configured encryption key, which must have MinConfigured bytes or more. When none is
// configured, the key is read from KeyFile in the data directory; the first start makes it. Processes that start at the
// same time get the same key. A file that others may read is refused.
//
// Who loses the key loses what was sealed with it, and the access keys, which are looked up with it.
func Load(dataDir, configured string) (*Keyring, error) {
	if configured != "" {
		if len(configured) < MinConfigured {
			return nil, fmt.Errorf(
				"the configured encryption key has %d bytes: it needs %d or more",
				len(configured),
				MinConfigured,
			)
		}
		return newKeyring([]byte(configured))
	}
	path := filepath.Join(dataDir, KeyFile)
	text, _, err := loadOrCreate(path, func() string { return hex.EncodeToString(random(32)) })
	if err != nil {
		return nil, fmt.Errorf("encryption key: %w", err)
	}
	master, err := hex.DecodeString(text)
	if err != nil || len(master) != 32 {
		return nil, fmt.Errorf("encryption key: %s does not hold 64 hex digits: restore it from a backup, "+
			"since a new one cannot open what this one sealed", path)
	}
	return newKeyring(master)
}

// Find is Load, but makes no key: without one, it returns nil. generated is the text in KeyFile, "" for a configured
// key.
func Find(dataDir, configured string) (k *Keyring, generated string, err error) {
	if configured == "" {
		generated, err = load(filepath.Join(dataDir, KeyFile))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, "", nil
		}
		if err != nil {
			return nil, "", fmt.Errorf("encryption key: %w", err)
		}
	}
	k, err = Load(dataDir, configured)
	return k, generated, err
}

// Restore brings the text of a KeyFile back to a data directory, where there must be none.
func Restore(dataDir, generated string) error {
	return create(filepath.Join(dataDir, KeyFile), generated)
}

// Parse makes the keyring of the text of a KeyFile.
func Parse(generated string) (*Keyring, error) {
	master, err := hex.DecodeString(generated)
	if err != nil || len(master) != 32 {
		return nil, errors.New("the encryption key must be 64 hex digits")
	}
	return newKeyring(master)
}

// Check tells this keyring from others, and nothing about its key.
func (k *Keyring) Check() string { return k.Lookup("gatehouse: which key this is") }

func newKeyring(master []byte) (*Keyring, error) {
	prk, err := hkdf.Extract(sha256.New, master, []byte("gatehouse keyring"))
	if err != nil {
		return nil, fmt.Errorf("derive keys: %w", err)
	}
	sealKey, err := hkdf.Expand(sha256.New, prk, "seal v1: AES-256-GCM", 32)
	if err != nil {
		return nil, fmt.Errorf("derive keys: %w", err)
	}
	lookupKey, err := hkdf.Expand(sha256.New, prk, "lookup v1: HMAC-SHA256", 32)
	if err != nil {
		return nil, fmt.Errorf("derive keys: %w", err)
	}
	block, err := aes.NewCipher(sealKey)
	if err != nil {
		return nil, fmt.Errorf("derive keys: %w", err)
	}
	k := &Keyring{lookup: sync.Pool{New: func() any { return hmac.New(sha256.New, lookupKey) }}}
	k.seal, err = cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("derive keys: %w", err)
	}
	return k, nil
}

// Lookup returns a keyed hash of a secret, 64 lower-case hex digits: the same for the same secret, and of no use to
// guess it without the key. It is what is stored and indexed in place of the secret.
func (k *Keyring) Lookup(value string) string {
	mac := k.lookup.Get().(hash.Hash)
	defer k.lookup.Put(mac)
	mac.Reset()
	_, _ = mac.Write([]byte(value)) // hash.Hash never fails
	return hex.EncodeToString(mac.Sum(make([]byte, 0, sha256.Size)))
}

// sealedV1 starts what Seal returns, so that a later scheme can be told apart.
const sealedV1 = "v1:"

// Seal encrypts a text with AES-256-GCM and a random nonce, so that equal texts differ when sealed. The context says
// what the text is and whose ("user 5e9d…/access key"); Open needs the same one, so a sealed value cannot be moved to
// another object.
func (k *Keyring) Seal(plain, context string) (string, error) {
	return sealedV1 + base64.RawURLEncoding.EncodeToString(k.seal.Seal(nil, nil, []byte(plain), []byte(context))), nil
}

// Open returns the text that Seal sealed for the context, or ErrSealed.
func (k *Keyring) Open(sealed, context string) (string, error) {
	encoded, ok := strings.CutPrefix(sealed, sealedV1)
	if !ok {
		return "", ErrSealed
	}
	raw, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil {
		return "", ErrSealed
	}
	plain, err := k.seal.Open(nil, nil, raw, []byte(context))
	if err != nil {
		return "", ErrSealed
	}
	return string(plain), nil
}
