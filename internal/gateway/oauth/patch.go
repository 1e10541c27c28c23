package oauth

import (
	"gatehouse/internal/core"
)

// Patched is what a client shall be with a JSON merge patch, in the form of the legacy API, that came from outside.
// Whatever of the patch could have no effect is refused.
func (s *Clients) Patched(old *core.OauthClient, patch core.Document) (in Input, err error) {
	given, err := core.ParsePatch(patch)
	if err != nil {
		return in, err
	}
	if given.Get("redirect_uri").Exists() && given.Get("redirect_uris").Exists() {
		return in, core.InField("redirect_uris", "says the same as redirect_uri: give one of them")
	}
	doc, secret, err := FromLegacy(given, s.o.Separator)
	if err != nil {
		return in, err
	}
	if given.Get("secret").Exists() {
		if secret == "" {
			return in, core.InField("secret", "cannot be taken away: give another one, or leave it out")
		}
		in.Secret = &secret
	}
	for _, owned := range [][2]string{{"client_id", old.ClientID}, {"api_id", old.ApiID}} {
		if field, stays := owned[0], owned[1]; doc.Get(field).Exists() && doc.Text(field) != stays {
			return in, core.InField(field, "cannot be changed: leave it out, or give %q", stays)
		}
	}
	in.Document = old.Document.MergePatch(doc)
	return in, nil
}
