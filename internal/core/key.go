package core

import (
	"math"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/tidwall/gjson"
)

// Key is an access key: a session of the gateway with what we know of it. ID is the name of the session in the key
// space: the hash of the token, or the token itself where keys are not hashed.
type Key struct {
	Meta
	// Hash is the hash of the token where ID is the token; otherwise ID is the hash, and this is "".
	Hash string
	// AppliedIDs are the explicit ids of policies that the session names by their database ids. They are known while the
	// key is written, and make it findable by either id.
	AppliedIDs []string
	Alias      string
	Tags       []string
	// ApiIDs are the public ids of the APIs in the access rights; empty for a key of policies alone and for a master key.
	ApiIDs []string
	// PolicyIDs are the policies that the key applies, each once.
	PolicyIDs     []string
	OauthClientID string
	// Expires is when the key ends, at the end of the year 9999 for what ends after that; zero is never.
	Expires  time.Time
	Inactive bool
	// BasicAuth tells whether the key is a user of basic authentication.
	BasicAuth bool
	// Session is the gateway's session document. A password in it is a bcrypt hash.
	Session Document
	// NewToken is the token that a change gave to the key, for the answer to that change alone; "" where the key has the
	// one that it had.
	NewToken string
}

// NewKey reads a Key from its session, which has been through ParseSession once.
func NewKey(meta Meta, session Document) *Key {
	k := &Key{Meta: meta, Session: session}
	d := session.top()
	k.Alias = text(d["alias"])
	k.Tags = texts(d["tags"])
	k.ApiIDs = accessRights(d["access_rights"])
	seen := map[string]bool{}
	for _, id := range append(texts(d["apply_policies"]), text(d["apply_policy_id"])) {
		if id != "" && !seen[id] {
			seen[id] = true
			k.PolicyIDs = append(k.PolicyIDs, id)
		}
	}
	k.OauthClientID = text(d["oauth_client_id"])
	// The gateway reads -1 and 0 as never.
	if at := d["expires"].Int(); at > 0 {
		k.Expires = Moment(at)
	}
	k.Inactive = d["is_inactive"].Bool()
	k.BasicAuth = d["basic_auth_data"].Get("password").Str != ""
	return k
}

// Moment is the moment of so many seconds since 1970, brought within the years that RFC 3339 can spell: sessions hold
// numbers of 64 bits, of which some mean the year 292277026596, and beyond that time.Time itself gives out.
func Moment(seconds int64) time.Time {
	const year0, year9999 = -62167219200, 253402300799
	return time.Unix(min(max(seconds, year0), year9999), 0).UTC()
}

// After is a moment so many seconds after another, both in seconds since 1970, without the overflow of numbers that
// people make up.
func After(seconds, more int64) int64 {
	if more > 0 && seconds > math.MaxInt64-more {
		return math.MaxInt64
	}
	return seconds + more
}

// ParseSession checks a session document that came from outside.
func ParseSession(doc Document) (*Key, error) {
	if err := checkTypes(doc, sessionTypes); err != nil {
		return nil, err
	}
	if err := checkAccessRights(doc); err != nil {
		return nil, err
	}
	k := NewKey(Meta{}, doc)
	if len(k.Alias) > 255 || hasControl(k.Alias) {
		return nil, InField("alias", "must be at most 255 bytes without control characters")
	}
	return k, nil
}

var sessionTypes = []fieldType{
	{
		"org_id",
		isString,
	}, {"alias", isString}, {"rate", isNumber}, {"per", isNumber}, {"allowance", isNumber}, {"expires", isNumber},
	{"quota_max", isNumber}, {"quota_renews", isNumber}, {"quota_remaining", isNumber}, {"quota_renewal_rate", isNumber},
	{
		"access_rights",
		isObject,
	}, {"apply_policies", isTexts}, {"apply_policy_id", isString}, {"tags", isTexts}, {"is_inactive", isBool},
	{
		"hmac_enabled",
		isBool,
	}, {"hmac_string", isString}, {"basic_auth_data", isObject}, {"basic_auth_data.password", isString},
	{
		"basic_auth_data.user",
		isString,
	}, {"meta_data", isObject}, {"throttle_interval", isNumber}, {"throttle_retry_limit", isNumber},
	{
		"max_query_depth",
		isNumber,
	}, {"oauth_client_id", isString}, {"enable_detailed_recording", isBool}, {"jwt_data", isObject},
}

// OpensAll tells whether the key is a master key: gateways let one that has neither access rights nor policies into
// every API, whichever organisation it is of.
func (k *Key) OpensAll() bool { return len(k.PolicyIDs) == 0 && len(NamedApis(k.Session)) == 0 }

// Public returns the session as it may be shown: without the password of a basic-auth user.
func (k *Key) Public() Document {
	if k.Session.Get("basic_auth_data.password").Type == gjson.String {
		return k.Session.Set("basic_auth_data.password", "")
	}
	return k.Session
}

var customKeyPattern = regexp.MustCompile(`^[\x21\x23-\x5b\x5d-\x7e]{1,120}$`)

// CheckCustomKey holds for custom keys: 1 to 120 printable ASCII characters without spaces, quotes and backslashes.
// Callers send them in a header. The token built from it has to fit a database key of 255 bytes, and gateways put the
// name into its JSON as it is.
func CheckCustomKey(what, name string) error {
	if !customKeyPattern.MatchString(name) {
		return InField(what, "must be 1 to 120 printable ASCII characters without spaces, double quotes and backslashes")
	}
	return nil
}

// CheckUserName holds for the names of users of basic authentication, which identity providers may have given: 1 to 120
// bytes of text, on one line and without colons, double quotes and backslashes. Clients send them before a colon, and
// the rest is as for custom keys.
func CheckUserName(name string) error {
	unfit := func(c rune) bool { return !unicode.IsPrint(c) || strings.ContainsRune(`:"\`, c) }
	if name == "" || len(name) > 120 || !utf8.ValidString(name) || strings.ContainsFunc(name, unfit) ||
		strings.TrimSpace(name) != name {
		return InField(
			"the user name",
			"must be 1 to 120 bytes of printable text without colons, double quotes and backslashes, and without spaces around it",
		)
	}
	return nil
}
