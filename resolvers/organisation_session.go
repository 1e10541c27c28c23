package resolvers

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"gatehouse/internal/core"
	"gatehouse/internal/gateway"
	"gatehouse/internal/gateway/keyspace"
	"gatehouse/store"
)

// orgSpace is where the sessions of organisations are, or an error that says what to configure.
func (r *Resolver) orgSpace() (*keyspace.Space, error) {
	if r.space == nil {
		return nil, core.Errorf(core.CodeUnavailable,
			"the sessions of organisations are in the gateways' Redis, and none is configured: set redis_addrs")
	}
	return r.space, nil
}

// orgSession reads the session of an organisation; CodeNotFound for none.
func (r *Resolver) orgSession(ctx context.Context, org string) (*core.OrgSession, error) {
	space, err := r.orgSpace()
	if err != nil {
		return nil, err
	}
	if _, err := r.findOrganisation(ctx, org); err != nil {
		return nil, err
	}
	found, err := space.OrgSessions(ctx, org)
	if err != nil {
		return nil, err
	}
	if found[org] == nil {
		return nil, core.Errorf(core.CodeNotFound, "the organisation has no session")
	}
	return &core.OrgSession{OrgID: org, Session: found[org]}, nil
}

// orgSessions reads the sessions of all organisations, in the order of their ids.
func (r *Resolver) orgSessions(ctx context.Context) ([]*core.OrgSession, error) {
	space, err := r.orgSpace()
	if err != nil {
		return nil, err
	}
	var all []*core.OrgSession
	query := store.Query{Tenant: store.AllTenants(), Sort: "id", IDsOnly: true}
	for page, err := range r.store.Organisations.Pages(ctx, query) {
		if err != nil {
			return nil, err
		}
		ids := make([]string, len(page.Objects))
		for i, o := range page.Objects {
			ids[i] = o.ID
		}
		found, err := space.OrgSessions(ctx, ids...)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			if found[id] != nil {
				all = append(all, &core.OrgSession{OrgID: id, Session: found[id]})
			}
		}
	}
	return all, nil
}

// newOrgSession makes the session of an organisation of a document that came from outside.
func (r *Resolver) newOrgSession(org string, given core.Document) (core.Document, error) {
	doc, err := core.ParseDocument(given)
	if err != nil {
		return nil, err
	}
	if owner := doc.Text("org_id"); owner != "" && owner != org {
		return nil, core.InField("org_id", "is %q, and the session is that of the organisation %q", owner, org)
	}
	if doc, err = doc.Owned("", "org_id", org); err != nil {
		return nil, err
	}
	_, err = r.settings.Rules.CheckSession(doc)
	return doc, err
}

// told is how long a gateway may take to be told of a session.
const told = 5 * time.Second

// tellOrgSession has the configured gateway take over what becomes of the session of an organisation: a gateway that
// found none before looks for none again in APIs that it has loaded, until it is told by its own API. Where that fails,
// gateways find the session when they load an API anew, so it is no error.
func (r *Resolver) tellOrgSession(ctx context.Context, method, org string, session core.Document) {
	if !r.gateway.Configured() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, told)
	defer cancel()
	var body any
	if session != nil {
		body = session
	}
	err := r.gateway.Do(ctx, method, "/tyk/org/keys/"+url.PathEscape(org), body, nil)
	if err != nil && !(method == http.MethodDelete && gateway.IsStatus(err, http.StatusNotFound)) {
		r.log.WarnContext(ctx, "the gateway was not told of the session of an organisation", "organisation", org, "error", err)
	}
}
