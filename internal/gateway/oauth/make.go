package oauth

import (
	"cmp"
	"context"
	"slices"

	"gatehouse/internal/core"
	"gatehouse/internal/input"
	"gatehouse/store"
)

// Input is what a caller gives of a client, as the schema has it; nil is not given.
type Input struct {
	// Document is a whole client in the form of the legacy API, which the other fields change further.
	Document              core.Document
	ClientID, Secret      *string
	RedirectUris          []string
	PolicyID, Description *string
	MetaData              core.Document
}

// document is the document that an input means, started from the stored one where there is one, and the secret in it.
func (in Input) document(stored core.Document, separator string) (doc core.Document, secret string, err error) {
	if doc, err = input.Base(in.Document, stored, input.Blank); err != nil {
		return nil, "", err
	}
	if doc, secret, err = FromLegacy(doc, separator); err != nil {
		return nil, "", err
	}
	f := input.Fields{Doc: doc}
	f.Text("client_id", in.ClientID)
	f.Texts("redirect_uris", in.RedirectUris)
	f.Text("policy_id", in.PolicyID)
	f.Text("description", in.Description)
	err = f.Object("meta_data", in.MetaData)
	if in.Secret != nil {
		secret = cmp.Or(*in.Secret, secret)
	}
	return f.Doc, secret, err
}

// Make makes a new client of an API. An id and a secret that are lacking are made.
func (s *Clients) Make(ctx context.Context, a *core.Api, in Input) (*core.OauthClient, error) {
	if !a.Definition.Get("api_definition.use_oauth2").Bool() {
		return nil, core.Errorf(
			core.CodeInvalid,
			"API is not OAuth2: set use_oauth2 in its definition, and create clients then",
		)
	}
	doc, secret, err := in.document(nil, s.o.Separator)
	if err != nil {
		return nil, err
	}
	if doc, err = s.checked(ctx, a, doc, nil, cmp.Or(doc.Text("client_id"), core.NewHex())); err != nil {
		return nil, err
	}
	meta := core.Meta{ID: core.NewID(s.o.Store.Now()), OrgID: a.OrgID}
	sealed, err := s.seal(meta.ID, secret)
	if err != nil {
		return nil, err
	}
	return Parse(meta, doc, sealed, s.o.Separator)
}

// Change makes the client of an API that replaces an earlier one, whose id it keeps, and its secret where none is
// given; nil when nothing changes.
func (s *Clients) Change(
	ctx context.Context,
	a *core.Api,
	in Input,
	old *core.OauthClient,
) (*core.OauthClient, error) {
	doc, secret, err := in.document(old.Document, s.o.Separator)
	if err != nil {
		return nil, err
	}
	if given := doc.Text("client_id"); given != "" && given != old.ClientID {
		return nil, core.InField("client_id", "is %q, and the client that you are changing has %q", given, old.ClientID)
	}
	if doc, err = s.checked(ctx, a, doc, old.Document, old.ClientID); err != nil {
		return nil, err
	}
	sealed := old.Sealed
	if was := s.Secret(ctx, old); secret != "" && (was == nil || secret != *was) {
		if sealed, err = s.seal(old.ID, secret); err != nil {
			return nil, err
		}
	}
	next, err := Parse(old.Meta, doc, sealed, s.o.Separator)
	if err != nil || next.Document.Equal(old.Document) && sealed == old.Sealed {
		return nil, err
	}
	return next, nil
}

// checked is the document of a client with what the server owns in it, where the organisation has all that it names;
// stored is what it replaces, nil for nothing.
func (s *Clients) checked(
	ctx context.Context,
	a *core.Api,
	doc, stored core.Document,
	clientID string,
) (core.Document, error) {
	doc, err := input.Owned(doc, [2]string{"client_id", clientID}, [2]string{"api_id", a.ApiID})
	if err != nil {
		return nil, err
	}
	f := input.Fields{Doc: doc}
	f.Absent("redirect_uris", "[]")
	f.Absent("policy_id", `""`)
	f.Absent("description", `""`)
	if doc, err = s.withPolicy(ctx, a, f.Doc, stored); err != nil {
		return nil, err
	}
	// The meta data of a client becomes that of its tokens.
	return doc, s.names.MetaPolicies(ctx, a.OrgID, doc, stored, nil)
}

// withPolicy holds for the policy that a client names: it exists in the organisation and opens the API. It becomes the
// id under which gateways know it. The one that the stored document names, if there is one, is not judged: it may have
// gone, and the client must be changeable all the same.
func (s *Clients) withPolicy(
	ctx context.Context,
	a *core.Api,
	doc, stored core.Document,
) (core.Document, error) {
	id := doc.Text("policy_id")
	if id == "" || len(stored) > 0 && id == stored.Text("policy_id") {
		return doc, nil
	}
	p, err := s.names.Policy(ctx, store.Org(a.OrgID), id)
	if core.CodeOf(err) == core.CodeNotFound {
		return nil, core.InField("policy_id", "names a policy that does not exist in the organisation: %s", id)
	}
	if err != nil {
		return nil, err
	}
	if !slices.Contains(p.ApiIDs, a.ApiID) {
		return nil, core.Errorf(
			core.CodeInvalid,
			"the policy %q gives no access to the API %q: add the API to the access rights of the policy",
			p.Name,
			a.Name,
		)
	}
	return doc.Owned("", "policy_id", p.PolicyID)
}
