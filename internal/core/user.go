package core

import (
	"net/mail"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"gatehouse/internal/permission"
)

// User is a person or a script that signs in. OrgID "" makes a super user, who acts in every organisation.
// Document is what REST shows, without password and access key.
type User struct {
	Meta
	FirstName string
	LastName  string
	Email     string
	Active    bool
	// GroupIDs are the user groups, the first of which the legacy API knows alone (group_id).
	GroupIDs []string
	// Permissions are the user's own, without those of their groups.
	Permissions permission.Set
	Document    Document
	Secrets     UserSecrets
}

// UserSecrets is the part of a user that is never part of an answer as it is.
type UserSecrets struct {
	// PasswordHash is argon2id, or bcrypt as earlier versions had it; "" before a password is set.
	PasswordHash string `json:"password,omitempty"`
	// AccessKeyHash finds the user: a keyed hash. AccessKeySealed is the access key, encrypted.
	AccessKeyHash   string    `json:"access_key_hash,omitempty"`
	AccessKeySealed string    `json:"access_key_sealed,omitempty"`
	PasswordUpdated time.Time `json:"password_updated,omitzero"`
	// PasswordHistory holds the hashes of earlier passwords, the latest first.
	PasswordHistory []string `json:"password_history,omitempty"`
	// PasswordGiven tells that somebody else chose the password.
	PasswordGiven bool `json:"password_given,omitempty"`
	// Epoch grows when all sessions of the user end: it is in the same write as what ends them.
	Epoch int64 `json:"epoch,omitempty"`
	// LastLogin is when the user last signed in.
	LastLogin time.Time `json:"last_login,omitzero"`
}

// NewUser reads a User from its document, which has been through ParseUser once.
func NewUser(meta Meta, doc Document, secrets UserSecrets) *User {
	u := &User{Meta: meta, Document: doc, Secrets: secrets}
	u.FirstName = doc.Text("first_name")
	u.LastName = doc.Text("last_name")
	u.Email = NormalEmail(doc.Text("email_address"))
	u.Active = doc.Get("active").Bool()
	u.GroupIDs = groupIDs(doc)
	u.Permissions = Permissions(doc)
	return u
}

// groupIDs are the groups that a document names, each once: group_id first, then those of group_ids.
func groupIDs(doc Document) (ids []string) {
	for _, id := range append([]string{doc.Text("group_id")}, texts(doc.Get("group_ids"))...) {
		if id != "" && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// MaxPasswordDays bounds how old a password may be, in days: a hundred years.
const MaxPasswordDays = 36500

// PasswordMaxDays is how old the password of the user may be, in days; 0 is as the groups and the configuration say.
func (u *User) PasswordMaxDays() int {
	return int(min(max(u.Document.Get("password_max_days").Int(), 0), MaxPasswordDays))
}

// GroupID is the first user group; "" for none.
func (u *User) GroupID() string {
	if len(u.GroupIDs) == 0 {
		return ""
	}
	return u.GroupIDs[0]
}

// Permissions are those that the user_permissions of a document grant.
func Permissions(doc Document) permission.Set {
	given := map[string]string{}
	doc.Get("user_permissions").ForEach(func(k, v gjson.Result) bool {
		given[k.Str] = v.String()
		return true
	})
	return permission.Of(given)
}

// CheckPermissions holds for the user_permissions of a document that came from outside: each has a level. An
// administrator may be told by true, too, and anybody else by false.
func CheckPermissions(doc Document) (err error) {
	doc.Get("user_permissions").ForEach(func(k, v gjson.Result) bool {
		level := v.String()
		admin := k.Str == permission.IsAdmin && (level == "true" || level == "false")
		if !admin && (v.Type != gjson.String || !permission.IsLevel(level)) {
			err = InField("user_permissions."+excerpt(k.Str), "must be admin, write, read or deny, not %s", excerpt(level))
		}
		if err == nil && (k.Str == "" || len(k.Str) > 128 || hasControl(k.Str)) {
			err = InField("user_permissions", "must name permissions by 1 to 128 bytes without control characters")
		}
		return err == nil
	})
	if err != nil {
		return err
	}
	return atMost("user_permissions", doc.Get("user_permissions"), maxValues, "permissions")
}

// IsAdmin tells whether the user may do everything in the organisation that nothing denies.
func (u *User) IsAdmin() bool { return u.Permissions.IsAdmin() }

// Governs tells whether the user is an administrator who can give rights to others.
func (u *User) Governs() bool { return u.IsAdmin() && !u.Permissions.Denies("users") }

// IsSuper tells whether the user belongs to no organisation and so to all.
func (u *User) IsSuper() bool { return u.OrgID == "" }

// NormalEmail is the form in which e-mail addresses are compared: lower case, without spaces around.
func NormalEmail(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

// ParseUser checks a document that came from outside; password and access key have been taken out of it.
func ParseUser(meta Meta, doc Document, secrets UserSecrets) (*User, error) {
	if err := checkTypes(doc, userTypes); err != nil {
		return nil, err
	}
	u := NewUser(meta, doc, secrets)
	if len(u.Email) > 254 {
		return nil, InField("email_address", "must be at most 254 bytes")
	}
	if addr, err := mail.ParseAddress(u.Email); err != nil || addr.Address != u.Email {
		return nil, InField("email_address", "must be an e-mail address such as jo@example.org")
	}
	for _, f := range []struct{ field, value string }{{"first_name", u.FirstName}, {"last_name", u.LastName}} {
		if len(f.value) > 255 || hasControl(f.value) {
			return nil, InField(f.field, "must be at most 255 bytes without control characters")
		}
	}
	if len(u.GroupIDs) > maxGroups {
		return nil, InField("group_ids", "must hold at most %d user groups, not %d", maxGroups, len(u.GroupIDs))
	}
	if err := CheckPermissions(doc); err != nil {
		return nil, err
	}
	return u, nil
}

// maxGroups is how many user groups one user may belong to: each is read with every request of theirs.
const maxGroups = 20

var userTypes = []fieldType{
	{"id", isString}, {"org_id", isString}, {"first_name", isString}, {"last_name", isString}, {"email_address", isString},
	{"active", isBool}, {"group_id", isString}, {"group_ids", isTexts}, {"user_permissions", isObject}, {"password_max_days", isNumber},
	// These have been taken out; in another spelling they would stay, for everybody to read.
	{"password", isString}, {"access_key", isString}, {"PWHistory", isArray},
}

// MinPasswordLength and MaxPasswordLength bound a password, in bytes. The first is the documented one of the legacy
// API; bcrypt, which gateways and the classic portal read, reads no more than the second. Passwords of users are
// hashed otherwise, and may be longer.
const (
	MinPasswordLength     = 6
	MaxPasswordLength     = 72
	MaxUserPasswordLength = 256
)

// CheckPassword tells what is wrong with a new password of a user, or of somebody else where u is nil: too short or
// long, one character repeated, or the user's own name.
func CheckPassword(password string, u *User) error {
	longest := MaxPasswordLength
	if u != nil {
		longest = MaxUserPasswordLength
	}
	switch {
	case len(password) < MinPasswordLength:
		return Errorf(CodeInvalid, "the password must have at least %d characters", MinPasswordLength)
	case len(password) > longest:
		return Errorf(CodeInvalid, "the password must have at most %d bytes", longest)
	case strings.Count(password, password[:1]) == len(password):
		return Errorf(CodeInvalid, "the password must not be one character repeated")
	case u != nil && u.Email != "" && strings.EqualFold(password, u.Email):
		return Errorf(CodeInvalid, "the password must not be the e-mail address")
	}
	return nil
}

// AccessKeyContext is the context that the user's access key is sealed for.
func (u *User) AccessKeyContext() string { return "user " + u.ID + "/access key" }
