package audit

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

// Redactor takes secrets out of what is recorded. In their place stands a keyed hash, the same for the same secret, so
// that it can be asked where one was used; in the place of passwords, which people choose, nothing that tells them
// apart.
type Redactor struct {
	// lookup is a keyed hash of a text, in hex digits.
	lookup func(string) string
}

// NewRedactor makes a Redactor; lookup is a keyed hash, in hex digits.
func NewRedactor(lookup func(string) string) *Redactor { return &Redactor{lookup} }

// Hidden stands in the place of passwords.
const Hidden = "(hidden)"

// hashed starts what stands in the place of other secrets, and hashDigits is how much of the hash follows.
const (
	hashed     = "hmac:"
	hashDigits = 24
)

// Secret is what stands in the place of a secret; "" for "", and what stands for one already stays.
func (r *Redactor) Secret(value string) string {
	if value == "" || value == Hidden || isHashed(value) {
		return value
	}
	return hashed + r.lookup(value)[:hashDigits]
}

func isHashed(value string) bool {
	digits, ok := strings.CutPrefix(value, hashed)
	return ok && len(digits) == hashDigits && strings.Trim(digits, "0123456789abcdef") == ""
}

// secretNames are the names of fields, headers and parameters that hold a secret, in lower case and without what is no
// letter and no digit.
var secretNames = []string{
	"authorization", "proxyauthorization", "adminauth", "xtykauthorization", "cookie", "setcookie", "nonce", "code",
	"codeverifier", "idtoken", "token", "tokens", "hmacstring", "key", "keyid", "keyhash", "hash", "customid", "jwtsource",
	"sessionid", "sid", "oauthkeys", "ssokey", "assertion",
}

// notSecret are names that have a secret's in them and hold none.
var notSecret = []string{
	"passwordmaxdays", "userpasswordmaxdays", "passwordupdated", "passworddisabled", "passwordresetat", "resetpassword",
	"certificateids", "tokenttl", "expiretokens", "accesstokenexpiry", "storesecrets",
}

// secretParts are in the names of fields that hold a secret, whatever is around them.
var secretParts = []string{
	"password", "passwd", "passphrase", "secret", "privatekey", "accesskey", "apikey", "accesstoken", "refreshtoken",
	"authtoken", "bearertoken", "credential", "privatepem", "hmacsecret", "signingkey", "encryptionkey",
}

// passwordParts are those of secrets that people choose.
var passwordParts = []string{"password", "passwd", "passphrase"}

// folded is a name as secretNames has it.
func folded(name string) string {
	plain := true
	for i := 0; i < len(name); i++ {
		if c := name[i]; c < 'a' || c > 'z' {
			plain = false
			break
		}
	}
	if plain {
		return name
	}
	return strings.Map(func(c rune) rune {
		switch {
		case c >= 'A' && c <= 'Z':
			return c + 'a' - 'A'
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
			return c
		}
		return -1
	}, name)
}

// IsSecret tells whether a field, a header or a parameter of a name holds a secret.
func IsSecret(name string) bool {
	f := folded(name)
	if slices.Contains(notSecret, f) {
		return false
	}
	return slices.Contains(secretNames, f) || containsAny(f, secretParts)
}

func containsAny(name string, parts []string) bool {
	return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(name, part) })
}

// Value is what stands in the place of the value of a field.
func (r *Redactor) Value(name, value string) string {
	switch {
	case !IsSecret(name):
		return r.Text(value)
	case value == "":
		return ""
	case containsAny(folded(name), passwordParts):
		return Hidden
	}
	return r.Secret(value)
}

// Text takes out of a text what shows by itself that it is secret: private keys, credentials in addresses, and those
// of JSON in the text.
func (r *Redactor) Text(value string) string {
	switch {
	case strings.Contains(value, "PRIVATE KEY"):
		return r.Secret(value)
	case strings.Contains(value, "://") && strings.Contains(value, "@"):
		return r.parameters(address(value))
	case strings.Contains(value, "=") && (strings.Contains(value, "://") || strings.HasPrefix(value, "/")):
		return r.parameters(value)
	case strings.HasPrefix(value, "eyJ") && len(value) > 20:
		return r.Secret(value) // a JWT, or a token of a key
	case isRandom(value):
		return r.Secret(value) // a nonce, or the token of a session
	}
	if trimmed := strings.TrimSpace(value); trimmed != "" && (trimmed[0] == '{' || trimmed[0] == '[') &&
		json.Valid([]byte(trimmed)) {
		return string(r.JSON([]byte(trimmed)))
	}
	return value
}

// address is a URL without the password in it.
func address(value string) string {
	u, err := url.Parse(value)
	if err != nil || u.User == nil {
		if err != nil {
			return Hidden
		}
		return value
	}
	u.User = url.User("hidden")
	return u.String()
}

// parameters is a URL without the secrets in its query and behind its #.
func (r *Redactor) parameters(value string) string {
	rest, fragment, marked := strings.Cut(value, "#")
	path, query, asked := strings.Cut(rest, "?")
	if asked {
		path += "?" + r.Query(query)
	}
	if marked {
		path += "#" + r.Query(fragment)
	}
	return path
}

// sentParts are in the names of parameters and headers, which people choose, that hold a secret; sentNames are such.
var (
	sentParts = []string{"token", "signature", "auth", "cookie", "session"}
	sentNames = []string{"sig", "sign", "code", "pass", "pwd", "pw", "jwt", "nonce"}
)

// isSecretSent tells whether a parameter or a header of a name holds a secret, as far as names tell.
func isSecretSent(name string) bool {
	f := folded(name)
	return IsSecret(name) || strings.HasSuffix(f, "key") || slices.Contains(sentNames, f) || containsAny(f, sentParts)
}

// aSecret is a name of a secret, for values whose own names are none.
const aSecret = "secret"

// sent is the name under which a parameter or a header is looked at.
func sent(name string) string {
	if isSecretSent(name) && !IsSecret(name) {
		return aSecret
	}
	return name
}

// isHeaders tells whether a field of a name holds headers.
func isHeaders(name string) bool { return strings.Contains(folded(name), "header") }

// line is a header as it is sent, without its secret.
func (r *Redactor) line(text string) string {
	name, value, found := strings.Cut(text, ":")
	if value = strings.TrimSpace(value); !found || value == "" || !isSecretSent(name) {
		return r.Text(text)
	}
	return name + ": " + r.Value(sent(name), value)
}

// JSON is a JSON value without its secrets, at any depth; what is no JSON is left out as a whole.
func (r *Redactor) JSON(raw []byte) json.RawMessage {
	if len(raw) == 0 {
		return nil
	}
	if !gjson.ValidBytes(raw) {
		return json.RawMessage(`"(no JSON)"`)
	}
	out := make([]byte, 0, len(raw))
	return r.value(out, "", gjson.ParseBytes(raw), 0)
}

// maxDepth bounds how deep values are looked into; what is deeper is left out.
const maxDepth = 600

// value appends a value of a field.
func (r *Redactor) value(out []byte, name string, v gjson.Result, depth int) []byte {
	switch {
	case depth > maxDepth:
		return append(out, `"(too deep)"`...)
	case v.IsObject():
		return r.object(out, name, v, depth)
	case v.IsArray():
		out = append(out, '[')
		first := true
		v.ForEach(func(_, item gjson.Result) bool {
			if !first {
				out = append(out, ',')
			}
			first = false
			out = r.value(out, name, item, depth+1)
			return true
		})
		return append(out, ']')
	case v.Type == gjson.String:
		hidden := r.Value(name, v.Str)
		if hidden == v.Str && isHeaders(name) {
			hidden = r.line(v.Str)
		}
		if hidden != v.Str {
			return appendString(out, hidden)
		}
	case v.Type == gjson.Number && containsAny(folded(name), secretParts) && IsSecret(name):
		return appendString(out, r.Value(name, v.Raw))
	}
	return append(out, v.Raw...)
}

// object appends an object. In those that are a name and a value, such as a header, the name says what the value is.
func (r *Redactor) object(out []byte, name string, v gjson.Result, depth int) []byte {
	called := name
	if !IsSecret(name) {
		for _, field := range []string{"name", "key", "header", "header_name"} {
			if n := v.Get(field); n.Type == gjson.String && isSecretSent(n.Str) && v.Get("value").Exists() {
				called = sent(n.Str)
			}
		}
	}
	pair := v.Get("value").Exists() && v.Get("key").Type == gjson.String
	out = append(out, '{')
	first := true
	v.ForEach(func(key, item gjson.Result) bool {
		if !first {
			out = append(out, ',')
		}
		first = false
		out = append(append(out, r.fieldName(name, key)...), ':')
		field := key.Str
		switch {
		case field == "key" && pair: // the name of a pair, not a secret
			field = ""
		case field == "value" && called != name, IsSecret(name) && !IsSecret(field):
			field = called
		case isHeaders(name):
			field = sent(field)
		}
		out = r.value(out, field, item, depth+1)
		return true
	})
	return append(out, '}')
}

// fieldName is the name of a field as it is recorded: in a map of tokens, the names are secrets.
func (r *Redactor) fieldName(of string, key gjson.Result) []byte {
	if f := folded(of); f == "oauthkeys" || f == "tokens" || isToken(key.Str) {
		return appendString(nil, r.Secret(key.Str))
	}
	return []byte(key.Raw)
}

// isToken tells what looks like the token of a key.
func isToken(s string) bool { return len(s) > 20 && strings.HasPrefix(s, "eyJ") }

// isRandom tells what looks like the random tokens that are made here: 43 characters of base64 for URLs, in both cases.
// Answers have them where no name says what they are.
func isRandom(s string) bool {
	if len(s) != 43 {
		return false
	}
	var lower, upper bool
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z':
			lower = true
		case c >= 'A' && c <= 'Z':
			upper = true
		case (c < '0' || c > '9') && c != '-' && c != '_':
			return false
		}
	}
	return lower && upper
}

func appendString(out []byte, s string) []byte {
	raw, err := json.Marshal(s)
	if err != nil { // a string always is JSON
		return append(out, `""`...)
	}
	return append(out, raw...)
}

// Query is a query string without its secrets.
func (r *Redactor) Query(raw string) string {
	if raw == "" {
		return ""
	}
	parts := strings.Split(raw, "&")
	for i, part := range parts {
		name, value, given := strings.Cut(part, "=")
		plain, err := url.QueryUnescape(name)
		text, err2 := url.QueryUnescape(value)
		if err != nil || err2 != nil {
			parts[i] = Hidden
			continue
		}
		hidden := r.Value(sent(plain), text)
		if plain == "state" { // of a sign-in; in documents it is a word
			hidden = r.Secret(text)
		}
		if given && hidden != text {
			parts[i] = name + "=" + hidden
		}
	}
	return strings.Join(parts, "&")
}

// Path is a path without the tokens in it: what stands behind a part that tokens follow, and what looks like a token
// wherever it is.
func (r *Redactor) Path(path string) string {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		before := ""
		if i > 0 {
			before = parts[i-1]
		}
		plain, err := url.PathUnescape(part)
		if err != nil {
			plain = part
		}
		switch {
		case isWord(part), before == "keys" && i > 1 && parts[i-2] == "org": // sessions of organisations have their ids
		case before == "keys", before == "tokens", before == "ssokey", before == "basic", before == "nonce",
			isToken(plain), len(plain) > longestID:
			parts[i] = r.Secret(plain)
		}
	}
	return strings.Join(parts, "/")
}

// longestID is the longest part of a path that can be an id.
const longestID = 40

// isWord tells the parts of paths that are words of a route where a token might be.
func isWord(part string) bool {
	switch part {
	case "", "basic", "detailed", "preview", "search", "index", "reset-quota", "revoke":
		return true
	}
	return false
}
