package organisation

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"gatehouse/internal/core"
	"gatehouse/internal/gateway"
	"gatehouse/store"
)

// Session reads the session of an organisation; core.CodeNotFound where there is none.
func (s *Organisations) Session(ctx context.Context, org string) (*core.OrgSession, error) {
	if err := s.mayHaveSession(ctx, org); err != nil {
		return nil, err
	}
	found, err := s.o.Keys.OrgSessions(ctx, org)
	if err != nil {
		return nil, err
	}
	if found[org] == nil {
		return nil, core.Errorf(core.CodeNotFound, "the organisation has no session")
	}
	return &core.OrgSession{OrgID: org, Session: found[org]}, nil
}

// Sessions reads the sessions of all organisations, in the order of their ids.
func (s *Organisations) Sessions(ctx context.Context) (all []*core.OrgSession, err error) {
	if err := s.inRedis(); err != nil {
		return nil, err
	}
	query := store.Query{Tenant: store.AllTenants(), Sort: "id", IDsOnly: true}
	for page, err := range s.o.Store.Organisations.Pages(ctx, query) {
		if err != nil {
			return nil, err
		}
		ids := make([]string, len(page.Objects))
		for i, o := range page.Objects {
			ids[i] = o.ID
		}
		found, err := s.o.Keys.OrgSessions(ctx, ids...)
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

// SetSession writes the session of an organisation in the place of the one that it has: what was sent, with the
// organisation's id in it.
func (s *Organisations) SetSession(ctx context.Context, org string, given core.Document) (*core.OrgSession, error) {
	if err := s.mayHaveSession(ctx, org); err != nil {
		return nil, err
	}
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
	if _, err := s.o.Rules.CheckSession(doc); err != nil {
		return nil, err
	}
	s.tell(ctx, http.MethodPut, org, doc)
	// The gateway has written what it read of it; what is kept is what was sent.
	return &core.OrgSession{OrgID: org, Session: doc}, s.o.Keys.SetOrgSession(ctx, org, doc)
}

// ResetQuota has the quota of an organisation's session begin anew.
func (s *Organisations) ResetQuota(ctx context.Context, org string) error {
	return s.o.Keys.ResetOrgQuota(ctx, org)
}

// DeleteSession takes the session of an organisation away; core.CodeNotFound where there is none.
func (s *Organisations) DeleteSession(ctx context.Context, org string) error {
	if _, err := s.Session(ctx, org); err != nil {
		return err
	}
	s.tell(ctx, http.MethodDelete, org, nil)
	return s.o.Keys.DeleteOrgSession(ctx, org)
}

// inRedis says what to configure where there is no Redis.
func (s *Organisations) inRedis() error {
	if s.o.Keys == nil {
		return core.Errorf(core.CodeUnavailable,
			"the sessions of organisations are in the gateways' Redis, and none is configured: set redis_addrs")
	}
	return nil
}

// mayHaveSession refuses an organisation that is none.
func (s *Organisations) mayHaveSession(ctx context.Context, org string) error {
	if err := s.inRedis(); err != nil {
		return err
	}
	_, err := s.o.Store.Organisations.Find(ctx, store.AllTenants(), org)
	if errors.Is(err, store.ErrNotFound) {
		return core.Errorf(core.CodeNotFound, "there is no such organisation")
	}
	return err
}

// tellTime is how long a gateway may take to be told of a session.
const tellTime = 5 * time.Second

// tell has the configured gateway take over what becomes of the session of an organisation: a gateway that found none
// does not look again in APIs that it has loaded, until its own API tells it. Where that fails, gateways find the
// session when they load an API anew, so it is no error.
func (s *Organisations) tell(ctx context.Context, method, org string, session core.Document) {
	if !s.o.Gateway.Configured() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, tellTime)
	defer cancel()
	var body any
	if session != nil {
		body = session
	}
	err := s.o.Gateway.Do(ctx, method, "/tyk/org/keys/"+url.PathEscape(org), body, nil)
	if err != nil && !(method == http.MethodDelete && gateway.IsStatus(err, http.StatusNotFound)) {
		s.o.Log.WarnContext(ctx, "the gateway was not told of the session of an organisation",
			"organisation", org, "error", err)
	}
}
