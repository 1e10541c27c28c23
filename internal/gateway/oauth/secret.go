package oauth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"

	"gatehouse/internal/core"
)

// seal seals the secret of the client with an id, a new one where none is given.
func (s *Clients) seal(id, secret string) (string, error) {
	if secret == "" {
		secret = newSecret()
	}
	if err := checkSecret(secret); err != nil {
		return "", err
	}
	return s.o.Keyring.Seal(secret, sealedFor(id))
}

// Secret opens the secret of a client; nil when it was sealed with another encryption key.
func (s *Clients) Secret(ctx context.Context, c *core.OauthClient) *string {
	secret, err := s.open(c)
	if err != nil {
		// Whoever changed the key must still see the client, to delete it or to set a new secret.
		s.o.Log.WarnContext(ctx, "the secret of an OAuth client cannot be opened", "client", c.ClientID, "error", err)
		return nil
	}
	return &secret
}

// prove opens the secret of a client, and refuses a given one that is another.
func (s *Clients) prove(c *core.OauthClient, given *string) (string, error) {
	secret, err := s.open(c)
	if err != nil {
		return "", err
	}
	if given != nil && subtle.ConstantTimeCompare([]byte(*given), []byte(secret)) != 1 {
		return "", core.Errorf(core.CodeForbidden, "client secret is wrong")
	}
	return secret, nil
}

func (s *Clients) open(c *core.OauthClient) (string, error) {
	return s.o.Keyring.Open(c.Sealed, sealedFor(c.ID))
}

func sealedFor(id string) string { return "oauth client " + id + "/secret" }

// newSecret makes a secret of the form that people know: the base64 of a random UUID.
func newSecret() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]))
}
