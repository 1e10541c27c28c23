package rest

import (
	"io"
	"net/http"

	"gatehouse/graph/model"
	"gatehouse/internal/core"
)

var organisationRoutes = []route{
	{"GET", "/admin/organisations", "organisations", (*call).listOrganisations, nil},
	{"POST", "/admin/organisations/import", "importOrganisation", (*call).importOrganisation, organisationErrors},
	{"GET", "/admin/organisations/{id}", "organisation", (*call).getOrganisation, organisationErrors},
	{"POST", "/admin/organisations", "createOrganisation", (*call).createOrganisation, organisationErrors},
	{"PUT", "/admin/organisations/{id}", "updateOrganisation", (*call).updateOrganisation, organisationErrors},
	{"PATCH", "/admin/organisations/{id}", "patchOrganisation", (*call).patchOrganisation, organisationErrors},
	{"DELETE", "/admin/organisations/{id}", "deleteOrganisation", (*call).deleteOrganisation, legacyErrors{
		core.CodeNotFound: {http.StatusNotFound, "Could not retrieve org detail", false},
		core.CodeConflict: {http.StatusBadRequest, "Could not delete the org", true},
	}},
}

var organisationErrors = legacyErrors{
	core.CodeNotFound:  {http.StatusNotFound, "Could not retrieve org detail", false},
	core.CodeMalformed: malformed403,
}

// systemRoutes are the endpoints about the server itself.
var systemRoutes = []route{
	{"GET", "/admin/system/reload", "reload", (*call).reload, nil},
	{"GET", "/admin/hello", "version", (*call).health, nil},
}

// listOrganisations answers with all of them unless a page is asked for: the documented request has no parameters.
func (c *call) listOrganisations() (reply, error) {
	c.unpaged = true
	next := func(first *int, after *string) (fetched[core.Organisation], error) {
		l, err := c.Query.Organisations(c.ctx, first, after, c.optional("q"), nil)
		if err != nil {
			return fetched[core.Organisation]{}, err
		}
		return fetched[core.Organisation]{l.Nodes, l.TotalCount, l.PageInfo}, nil
	}
	return listing(c, shape{`{"organisations":[`, `],"pages":`}, next, func(w io.Writer, o *core.Organisation) error {
		_, err := w.Write(o.Document)
		return err
	})
}

func (c *call) getOrganisation() (reply, error) {
	o, err := c.Query.Organisation(c.ctx, c.vars["id"])
	return show(c, o, err, func(o *core.Organisation) (core.Document, error) { return o.Document, nil })
}

func (c *call) createOrganisation() (reply, error) {
	return creating(c, func(doc core.Document) (*core.Organisation, error) {
		return c.Mutation.CreateOrganisation(c.ctx, model.OrganisationInput{Document: doc})
	}, func(o *core.Organisation) (reply, error) { return done("Org created", o.ID), nil })
}

func (c *call) updateOrganisation() (reply, error) {
	return changing(c, func(doc core.Document, revision *int) (*core.Organisation, error) {
		return c.Mutation.UpdateOrganisation(c.ctx, c.vars["id"], model.OrganisationInput{Document: doc}, revision)
	}, always[core.Organisation]("Org updated", ""))
}

func (c *call) patchOrganisation() (reply, error) {
	return changing(c, func(doc core.Document, revision *int) (*core.Organisation, error) {
		return c.Mutation.PatchOrganisation(c.ctx, c.vars["id"], doc, revision)
	}, always[core.Organisation]("Org updated", ""))
}

func (c *call) deleteOrganisation() (reply, error) {
	cascade := c.flag("cascade")
	if _, err := c.Mutation.DeleteOrganisation(c.ctx, c.vars["id"], &cascade); err != nil {
		return nil, err
	}
	return done("Org deleted", ""), nil
}

func (c *call) importOrganisation() (reply, error) {
	doc, err := c.document()
	if err != nil {
		return nil, err
	}
	item, err := c.Mutation.ImportOrganisation(c.ctx, doc)
	if err != nil {
		return nil, err
	}
	return done("Org imported", item.ID), nil
}

// health answers as /hello does.
func (c *call) health() (reply, error) {
	return func(w http.ResponseWriter) { c.Health.ServeHTTP(w, c.request) }, nil
}

func (c *call) reload() (reply, error) {
	if _, err := c.Mutation.Reload(c.ctx); err != nil {
		return nil, err
	}
	return shown(map[string]string{"status": "ok"}), nil
}
