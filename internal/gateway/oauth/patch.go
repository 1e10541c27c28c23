package oauth

import (
	"gatehouse/internal/core"
)

// Patched makes the change that a JSON merge patch of a client, in the form of the legacy API, means: what the client
// shall be of what it is. Whatever of the patch could have no effect is refused.
func (s *Clients) Patched(patch core.Document) (func(old *core.OauthClient) (Input, error), error) {
	given, err := core.ParsePatch(patch)
	if err != nil {
		return nil, err
	}
	if given.Get("redirect_uri").Exists() && given.Get("redirect_uris").Exists() {
		return nil, core.InField("redirect_uris", "says the same as redirect_uri: give one of them")
	}
	doc, secret, err := FromLegacy(given, s.o.Separator)
	if err != nil {
		return nil, err
	}
	var in Input
	if given.Get("secret").Exists() {
		if secret == "" {
			return nil, core.InField("secret", "cannot be taken away: give another one, or leave it out")
		}
		in.Secret = &secret
	}
	return func(old *core.OauthClient) (Input, error) {
		for _, owned := range [][2]string{{"client_id", old.ClientID}, {"api_id", old.ApiID}} {
			if field, stays := owned[0], owned[1]; doc.Get(field).Exists() && doc.Text(field) != stays {
				return Input{}, core.InField(field, "cannot be changed: leave it out, or give %q", stays)
			}
		}
		in := in
		in.Document = old.Document.MergePatch(doc)
		return in, nil
	}, nil
}
