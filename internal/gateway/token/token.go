package token

import (
	"encoding/base64"
	"errors"
	"strings"

	"github.com/buger/jsonparser"

	"gatehouse/internal/core"
)

// ErrMalformed means that a text is no token of either form. Its message does not repeat the text, which may be a
// secret.
var ErrMalformed = errors.New("not a key token: it must be the base64 of a JSON object with org, id and h, " +
	"or an organisation id of 24 hex digits with the id of the key behind it")

// orgLength is the length of an organisation id in hex digits, at which a legacy token is cut.
const orgLength = 24

// jsonPrefix is how base64 of a JSON object with a field starts.
const jsonPrefix = "ey"

// Token is what a key token says.
type Token struct {
	// Org is the organisation that the key belongs to; ID is the key's own part, random or chosen.
	Org, ID string
	// Function is the hash function as the token names it, known to us or not; Murmur32 for a legacy token.
	Function string
	// Legacy tells that the token is the organisation id and the id, one behind the other.
	Legacy bool
}

// Generate makes a token with a random id of 32 hex digits. As in the gateway, an unknown function becomes Default;
// so does an empty one.
func Generate(org, fn string) string { return encode(org, core.NewHex(), fn) }

// Custom makes the token of a chosen id: a custom key or a user name of basic authentication. An id that starts with
// the organisation id loses it, and an empty one is replaced by a random one, both as in the gateway, which builds the
// same token out of what its client sends. The id is not escaped, because the gateway does not either.
func Custom(org, id, fn string) string {
	if id = strings.TrimPrefix(id, org); id == "" {
		id = core.NewHex()
	}
	return encode(org, id, fn)
}

// Legacy makes a token of the old form, as gateways without a configured hash function do. An empty id is replaced by a
// random one.
func Legacy(org, id string) string {
	if id = strings.TrimPrefix(id, org); id == "" {
		id = core.NewHex()
	}
	return org + id
}

func encode(org, id, fn string) string {
	if !IsFunction(fn) {
		fn = Default
	}
	return base64.StdEncoding.EncodeToString([]byte(`{"org":"` + org + `","id":"` + id + `","h":"` + fn + `"}`))
}

// Parse reads a token of either form, or returns ErrMalformed. A custom key is no token: it becomes one through Custom.
//
// Gateways before 5.3 take any 24 characters for the organisation of a legacy token; newer ones, and we, only hex
// digits.
func Parse(token string) (Token, error) {
	if org, ok := field(token, "org"); ok {
		id, okID := field(token, "id")
		fn, okFn := field(token, "h")
		if !okID || !okFn {
			return Token{}, ErrMalformed
		}
		return Token{Org: org, ID: id, Function: fn}, nil
	}
	if len(token) > orgLength && isHex(token[:orgLength], true) {
		return Token{Org: token[:orgLength], ID: token[orgLength:], Function: Murmur32, Legacy: true}, nil
	}
	return Token{}, ErrMalformed
}

// field reads a string of the JSON in a token. It has the gateway's own leniency: what follows the field may be broken.
func field(token, name string) (string, bool) {
	if !strings.HasPrefix(token, jsonPrefix) {
		return "", false
	}
	raw, err := base64.StdEncoding.DecodeString(token)
	if err != nil {
		return "", false
	}
	value, err := jsonparser.GetString(raw, name)
	return value, err == nil
}

// Tokens returns the tokens that a person may mean by what they give (a token, a custom key or a user name), the
// likeliest first, each once. A token of the organisation means itself. Anything else is taken for a custom key first,
// under each function that gateways may have been configured with, and then for itself: a key that was imported or
// belongs elsewhere.
func Tokens(org, given string) []string {
	if given == "" {
		return nil
	}
	t, err := Parse(given)
	ours := err == nil && t.Org == org
	if ours && !t.Legacy {
		return []string{given}
	}
	var out []string
	if ours {
		out = append(out, given)
	}
	if id := strings.TrimPrefix(given, org); id != "" {
		for _, fn := range Functions() {
			out = append(out, Custom(org, id, fn))
		}
		if !ours {
			out = append(out, given, Legacy(org, id))
		}
	}
	return out
}
