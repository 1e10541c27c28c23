package recovery

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gatehouse/internal/core"
	"gatehouse/store"
)

// notePrefix starts the ids of the settings that are notes of links; the rest is the id of the user. A note is beside
// the user, and not in it, so that strangers who ask for links do not change users.
const notePrefix = "password-reset/"

// note is what is kept of the links of a user.
type note struct {
	// Email is where they were sent, and Password the hash of what is kept of the password of then: when one of the two
	// is another one, the links are over.
	Email    string `json:"email"`
	Password string `json:"password"`
	Links    []link `json:"links"`
}

type link struct {
	Hash string    `json:"hash"`
	Ends time.Time `json:"ends"`
}

func hashOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// holds tells whether the links of a note are those of a user as they are now.
func (n note) holds(u *core.User) bool {
	return u.Active && n.Email == u.Email && n.Password == hashOf(u.Secrets.PasswordHash)
}

// newToken makes what a link carries: the id of the user, and 256 random bits.
func newToken(userID string) string {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails: it ends the program instead
	return userID + "." + base64.RawURLEncoding.EncodeToString(raw)
}

// maxTries is how often a note is written anew that somebody else wrote meanwhile.
const maxTries = 8

// issue makes a link for a user. The last few hold at once: one that a stranger asks for ends none.
func (r *Recovery) issue(ctx context.Context, u *core.User) (token string, err error) {
	token = newToken(u.ID)
	for range maxTries {
		held, old, err := r.find(ctx, u.ID)
		if err != nil {
			return "", err
		}
		if !old.holds(u) {
			old = note{Email: u.Email, Password: hashOf(u.Secrets.PasswordHash)}
		}
		now := r.o.Store.Now()
		links := slices.DeleteFunc(old.Links, func(l link) bool { return !now.Before(l.Ends) })
		links = append(links, link{Hash: hashOf(token), Ends: now.Add(Lasts)})
		old.Links = links[max(0, len(links)-perAccount):]
		value, err := json.Marshal(old)
		if err != nil {
			return "", fmt.Errorf("note a link: %w", err)
		}
		change := r.o.Store.Settings.Creating
		if held == nil {
			held = &core.Setting{Meta: core.Meta{ID: notePrefix + u.ID}}
		} else {
			change = r.o.Store.Settings.Updating
		}
		held.Value = value
		err = r.o.Store.Apply(ctx, change(held))
		if !errors.Is(err, store.ErrStale) && !errors.Is(err, store.ErrConflict) {
			return token, err
		}
	}
	return "", errors.New("note a link: somebody else did so each time")
}

// find finds the note of a user; nil where there is none.
func (r *Recovery) find(ctx context.Context, userID string) (*core.Setting, note, error) {
	found, err := r.o.Store.Settings.FindMany(ctx, store.AllTenants(), "id", []string{notePrefix + userID})
	if err != nil || len(found) == 0 {
		return nil, note{}, err
	}
	var n note
	if err := json.Unmarshal(found[0].Value, &n); err != nil {
		return nil, note{}, fmt.Errorf("read the note of links: %w", err)
	}
	return found[0], n, nil
}

// errNoLink is the answer to every link that does not hold, whatever the reason.
func errNoLink() error {
	return core.Errorf(core.CodeInvalid, "this link does not hold, or not any more: ask for a new one")
}

// opened is whom a token is of, and the note of it.
func (r *Recovery) opened(ctx context.Context, token string) (*core.Setting, *core.User, error) {
	id, _, ok := strings.Cut(token, ".")
	if !ok || !core.IsID(id) || len(token) > 128 {
		return nil, nil, errNoLink()
	}
	held, n, err := r.find(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	want, now := hashOf(token), r.o.Store.Now()
	if !slices.ContainsFunc(n.Links, func(l link) bool {
		return subtle.ConstantTimeCompare([]byte(l.Hash), []byte(want)) == 1 && now.Before(l.Ends)
	}) {
		return nil, nil, errNoLink()
	}
	users, err := r.o.Store.Users.FindMany(ctx, store.AllTenants(), "id", []string{id})
	if err != nil {
		return nil, nil, err
	}
	if len(users) == 0 || !n.holds(users[0]) {
		return nil, nil, errNoLink()
	}
	return held, users[0], nil
}
