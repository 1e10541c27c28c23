package rest

import (
	"io"
	"net/http"

	"gatehouse/internal/core"
)

var organisationSessionRoutes = []route{
	{"GET", "/admin/org/keys", "organisationSessions", (*call).listOrganisationSessions, nil},
	{"POST", "/admin/org/keys", "setOrganisationSession", (*call).createOrganisationSession, organisationSessionErrors},
	{"GET", "/admin/org/keys/{id}", "organisationSession", (*call).getOrganisationSession, legacyErrors{
		core.CodeNotFound: {http.StatusNotFound, "Could not get Org key details", false}}},
	{"PUT", "/admin/org/keys/{id}", "setOrganisationSession", (*call).updateOrganisationSession, organisationSessionErrors},
	{"DELETE", "/admin/org/keys/{id}", "deleteOrganisationSession", (*call).deleteOrganisationSession, organisationSessionErrors},
}

var organisationSessionErrors = legacyErrors{
	core.CodeNotFound:  {http.StatusNotFound, "Org key doesn't exist", false},
	core.CodeMalformed: malformed403,
}

// listOrganisationSessions answers with the ids of the organisations that have a session.
func (c *call) listOrganisationSessions() (reply, error) {
	next := func(first *int, after *string) (fetched[core.OrgSession], error) {
		l, err := c.Query.OrganisationSessions(c.ctx, first, after)
		if err != nil {
			return fetched[core.OrgSession]{}, err
		}
		return fetched[core.OrgSession]{l.Nodes, l.TotalCount, l.PageInfo}, nil
	}
	return listing(c, shape{`{"data":{"keys":[`, `]},"pages":`}, next, func(w io.Writer, s *core.OrgSession) error {
		return writeValue(w, s.OrgID)
	})
}

func (c *call) getOrganisationSession() (reply, error) {
	return c.shownOrganisationSession(c.Query.OrganisationSession(c.ctx, c.vars["id"]))
}

func (c *call) shownOrganisationSession(s *core.OrgSession, err error) (reply, error) {
	if s, err = found(s, err); err != nil {
		return nil, err
	}
	return shown(keyData{ID: s.OrgID, Session: s.Session}), nil
}

// createOrganisationSession takes the organisation from the session.
func (c *call) createOrganisationSession() (reply, error) {
	doc, err := c.document()
	if err != nil {
		return nil, err
	}
	org := doc.Text("org_id")
	if org == "" {
		return nil, core.InField("org_id", "is required: it says whose session it is")
	}
	return c.shownOrganisationSession(c.setOrganisationSession(org, doc))
}

func (c *call) setOrganisationSession(org string, doc core.Document) (*core.OrgSession, error) {
	reset := c.flag("reset_quota")
	return c.Mutation.SetOrganisationSession(c.ctx, org, doc, &reset)
}

func (c *call) updateOrganisationSession() (reply, error) {
	doc, err := c.document()
	if err != nil {
		return nil, err
	}
	if _, err := found(c.Query.OrganisationSession(c.ctx, c.vars["id"])); err != nil {
		return nil, err
	}
	if _, err := c.setOrganisationSession(c.vars["id"], doc); err != nil {
		return nil, err
	}
	return done("Key updated", nil), nil
}

func (c *call) deleteOrganisationSession() (reply, error) {
	if _, err := c.Mutation.DeleteOrganisationSession(c.ctx, c.vars["id"]); err != nil {
		return nil, err
	}
	return done("Key deleted successfully", nil), nil
}
