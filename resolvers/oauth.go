package resolvers

import (
	"cmp"
	"context"
	"slices"

	"gatehouse/graph/model"
	"gatehouse/internal/core"
	"gatehouse/internal/input"
	"gatehouse/store"
)

// oauthApi finds the API whose clients a request is about.
func (r *Resolver) oauthApi(ctx context.Context, id string) (*core.Api, error) {
	a, err := r.findApi(ctx, id)
	if core.CodeOf(err) == core.CodeNotFound {
		return nil, core.Errorf(core.CodeInvalid, "API reference not found.")
	}
	return a, err
}

// findOauthClient reads a client of an API, past the read cache, with the API.
func (r *Resolver) findOauthClient(ctx context.Context, apiID, clientID string) (*core.Api, *core.OauthClient, error) {
	a, err := r.oauthApi(ctx, apiID)
	if err != nil {
		return nil, nil, err
	}
	c, err := one(
		ctx,
		core.OauthClientKind,
		r.store.OauthClients.FindMany,
		store.Org(a.OrgID),
		[2]string{"client_id", clientID},
	)
	if err == nil && c.ApiID != a.ApiID {
		return nil, nil, core.NotFound(core.OauthClientKind)
	}
	return a, c, err
}

// ownOauthClient reads a client by its id alone.
func (r *Resolver) ownOauthClient(ctx context.Context, clientID string) (*core.OauthClient, error) {
	return one(ctx, core.OauthClientKind, r.store.OauthClients.FindMany, tenant(ctx), [2]string{"client_id", clientID})
}

func (r *Resolver) listOauthClients(
	ctx context.Context,
	a *core.Api,
	first *int,
	after *string,
) (*model.OauthClientConnection, error) {
	q, err := r.query(ctx, store.Org(a.OrgID), first, after)
	if err != nil {
		return nil, err
	}
	q.Where, q.Desc = []store.Cond{store.HasLabel("api", a.ApiID)}, true
	c, err := list(ctx, r.store.OauthClients, q)
	return (*model.OauthClientConnection)(c), err
}

// oauthClientDocument is the document that an input means, started from the stored one where there is one, and the
// secret in it.
func (r *Resolver) oauthClientDocument(
	in model.OauthClientInput,
	stored core.Document,
) (doc core.Document, secret string, err error) {
	if doc, err = input.Base(in.Document, stored, input.Blank); err != nil {
		return nil, "", err
	}
	if doc, secret, err = core.OauthClientFromLegacy(doc, r.settings.OauthSeparator); err != nil {
		return nil, "", err
	}
	f := input.Fields{Doc: doc}
	f.Text("client_id", in.ClientID)
	f.Texts("redirect_uris", in.RedirectUris)
	f.Text("policy_id", in.PolicyID)
	f.Text("description", in.Description)
	err = f.Object("meta_data", in.MetaData)
	return f.Doc, cmp.Or(deref(in.Secret), secret), err
}

// newOauthClient makes a client of an API of a document that came from outside. An id and a secret that are lacking are
// made, and old ones stay. old is what it replaces, nil for a new one.
func (r *Resolver) newOauthClient(
	ctx context.Context,
	a *core.Api,
	in model.OauthClientInput,
	old *core.OauthClient,
) (*core.OauthClient, error) {
	if old == nil && !a.Definition.Get("api_definition.use_oauth2").Bool() {
		return nil, core.Errorf(
			core.CodeInvalid,
			"API is not OAuth2: set use_oauth2 in its definition, and create clients then",
		)
	}
	meta, id := core.Meta{ID: core.NewID(r.store.Now()), OrgID: a.OrgID}, core.NewHex()
	was, stored := "", core.Document(nil)
	if old != nil {
		was = deref(r.oauth.Secret(ctx, old))
		meta, id, stored = old.Meta, old.ClientID, old.Document
	}
	doc, secret, err := r.oauthClientDocument(in, stored)
	if err != nil {
		return nil, err
	}
	if given := doc.Text("client_id"); old != nil && given != "" && given != id {
		return nil, core.InField("client_id", "is %q, and the client that you are changing has %q", given, id)
	}
	for _, owned := range [][2]string{{"client_id", cmp.Or(doc.Text("client_id"), id)}, {"api_id", a.ApiID}} {
		if doc, err = doc.Owned("", owned[0], owned[1]); err != nil {
			return nil, err
		}
	}
	f := input.Fields{Doc: doc}
	f.Absent("redirect_uris", "[]")
	f.Absent("policy_id", `""`)
	f.Absent("description", `""`)
	if doc, err = r.oauthPolicy(ctx, a, f.Doc, stored); err != nil {
		return nil, err
	}
	// The meta data of a client becomes that of its tokens.
	if err := r.names.MetaPolicies(ctx, a.OrgID, doc, stored, nil); err != nil {
		return nil, err
	}
	sealed := ""
	if old != nil && (secret == "" || secret == was) {
		sealed = old.Sealed
	} else if sealed, err = r.oauth.Seal(meta.ID, secret); err != nil {
		return nil, err
	}
	return core.ParseOauthClient(meta, doc, sealed, r.settings.OauthSeparator)
}

// oauthPolicy holds for the policy that a client names: it exists in the organisation and opens the API. It becomes the
// id under which gateways know it. The one that the stored document names, if there is one, is not judged: it may have
// gone, and the client must be changeable all the same.
func (r *Resolver) oauthPolicy(
	ctx context.Context,
	a *core.Api,
	doc, stored core.Document,
) (core.Document, error) {
	id := doc.Text("policy_id")
	if id == "" || len(stored) > 0 && id == stored.Text("policy_id") {
		return doc, nil
	}
	p, err := r.names.Policy(ctx, store.Org(a.OrgID), id)
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

// oauthKeyRules is the session that an authorisation asks for, checked as that of a key of the organisation.
func (r *Resolver) oauthKeyRules(ctx context.Context, org string, rules core.Document) (core.Document, error) {
	doc, err := core.ParseDocument(rules)
	if err != nil {
		return nil, err
	}
	k, err := r.sessions.Make(ctx, org, "", doc)
	if err != nil {
		e := core.AsError(err)
		if e.Code == core.CodeInternal {
			return nil, err
		}
		return nil, core.Wrap(e.Code, err, "key_rules: %s", e.Message)
	}
	return k.Session, nil
}
