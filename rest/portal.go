package rest

import (
	"bytes"
	"io"
	"strings"

	"github.com/tidwall/gjson"

	"gatehouse/graph/model"
	"gatehouse/internal/authz"
	"gatehouse/internal/core"
	"gatehouse/internal/portal"
)

var portalRoutes = []route{
	{"GET", "/api/portal/documents", "portalDocuments", portalList(""), nil},
	{"POST", "/api/portal/documents", "createPortalDocument", (*call).createAnyPortal, portalErrors},
	{"GET", "/api/portal/documents/{id}", "portalDocument", portalOne(""), portalErrors},
	{"PUT", "/api/portal/documents/{id}", "updatePortalDocument", portalUpdate(""), portalErrors},
	{"PATCH", "/api/portal/documents/{id}", "patchPortalDocument", portalPatch(""), portalErrors},
	{"DELETE", "/api/portal/documents/{id}", "deletePortalDocument", portalDelete(""), portalErrors},

	{"GET", "/api/portal/catalogue", "portalCatalogue", portalOnly((*call).catalogue), portalErrors},
	{"POST", "/api/portal/catalogue", "createPortalDocument", portalCreate(portal.Catalogue), portalErrors},
	{
		"PUT",
		"/api/portal/catalogue",
		"updatePortalDocument",
		portalSet(portal.Catalogue, (*call).catalogue),
		portalErrors,
	},
	{"GET", "/api/portal/configuration", "portalConfiguration", portalOnly((*call).configuration), portalErrors},
	{"POST", "/api/portal/configuration", "createPortalDocument", portalCreate(portal.Configuration), portalErrors},
	{
		"PUT",
		"/api/portal/configuration",
		"updatePortalDocument",
		portalSet(portal.Configuration, (*call).configuration),
		portalErrors,
	},
	{"PUT", "/api/portal/cname", "setPortalCname", (*call).setPortalCname, portalErrors},

	{"GET", "/api/portal/developers/email/{email}", "portalDocuments", (*call).developerByEmail, portalErrors},
	{"GET", "/api/portal/developers/ssokey/{key}", "portalDocuments", (*call).developerBySsoKey, portalErrors},
}

var portalErrors = legacyErrors{core.CodeMalformed: malformed400}

// portalAreas are the paths of the types of which there can be many.
func portalAreas() (all []route) {
	for _, area := range []struct {
		path string
		of   portal.Type
	}{
		{"/api/portal/documentation", portal.Documentation},
		{"/api/portal/pages", portal.Page},
		{"/api/portal/developers", portal.Developer},
	} {
		all = append(all,
			route{"GET", area.path, "portalDocuments", portalList(area.of), nil},
			route{"POST", area.path, "createPortalDocument", portalCreate(area.of), portalErrors},
			route{"GET", area.path + "/{id}", "portalDocument", portalOne(area.of), portalErrors},
			route{"PUT", area.path + "/{id}", "updatePortalDocument", portalUpdate(area.of), portalErrors},
			route{"PATCH", area.path + "/{id}", "patchPortalDocument", portalPatch(area.of), portalErrors},
			route{"DELETE", area.path + "/{id}", "deletePortalDocument", portalDelete(area.of), portalErrors},
		)
	}
	return all
}

// portalView is a document of the portal as REST shows it: as it is.
func portalView(d *portal.Document) (core.Document, error) { return d.Document, nil }

func portalList(of portal.Type) func(*call) (reply, error) {
	return func(c *call) (reply, error) {
		filter := &model.PortalFilter{}
		if of != "" {
			filter.Type = &of
		}
		next := func(first *int, after *string) (fetched[portal.Document], error) {
			l, err := c.Query.PortalDocuments(c.ctx, first, after, filter, nil)
			if err != nil {
				return fetched[portal.Document]{}, err
			}
			return fetched[portal.Document]{l.Nodes, l.TotalCount, l.PageInfo}, nil
		}
		return listing(c, shape{`{"Data":[`, `],"Pages":`}, next, func(w io.Writer, d *portal.Document) error {
			_, err := w.Write(d.Document)
			return err
		})
	}
}

// portalOf finds a document of a type by its id; "" is any type.
func (c *call) portalOf(of portal.Type) (*portal.Document, error) {
	d, err := found(c.Query.PortalDocument(c.ctx, c.vars["id"]))
	if err == nil && of != "" && d.Type != of {
		return found[portal.Document](nil, nil)
	}
	return d, err
}

func portalOne(of portal.Type) func(*call) (reply, error) {
	return func(c *call) (reply, error) {
		d, err := c.portalOf(of)
		return show(c, d, err, portalView)
	}
}

func (c *call) createPortal(of portal.Type, doc core.Document) (*portal.Document, error) {
	return c.Mutation.CreatePortalDocument(c.ctx, of, model.PortalDocumentInput{Document: doc})
}

// portalCreate answers with the id as the message, as scripts read it.
func portalCreate(of portal.Type) func(*call) (reply, error) {
	return func(c *call) (reply, error) {
		create := func(doc core.Document) (*portal.Document, error) { return c.createPortal(of, doc) }
		return creating(c, create, func(d *portal.Document) (reply, error) { return done(d.ID, nil), nil })
	}
}

// createAnyPortal takes the type from the parameter type.
func (c *call) createAnyPortal() (reply, error) {
	of := portal.Type(strings.ToUpper(c.param("type")))
	if !of.IsKnown() {
		return nil, core.Errorf(core.CodeInvalid, "type must be configuration, catalogue, documentation, page or developer")
	}
	return portalCreate(of)(c)
}

func portalUpdate(of portal.Type) func(*call) (reply, error) {
	return portalChange(of, func(c *call, doc core.Document, revision *int) (*portal.Document, error) {
		return c.Mutation.UpdatePortalDocument(c.ctx, c.vars["id"], model.PortalDocumentInput{Document: doc}, revision)
	})
}

func portalPatch(of portal.Type) func(*call) (reply, error) {
	return portalChange(of, func(c *call, doc core.Document, revision *int) (*portal.Document, error) {
		return c.Mutation.PatchPortalDocument(c.ctx, c.vars["id"], doc, revision)
	})
}

// portalChange changes a document of a type.
func portalChange(
	of portal.Type,
	change func(c *call, doc core.Document, revision *int) (*portal.Document, error),
) func(*call) (reply, error) {
	return func(c *call) (reply, error) {
		return changing(c, func(doc core.Document, revision *int) (*portal.Document, error) {
			if _, err := c.portalOf(of); err != nil {
				return nil, err
			}
			return change(c, doc, revision)
		}, always[portal.Document]("Data updated", nil))
	}
}

func portalDelete(of portal.Type) func(*call) (reply, error) {
	return func(c *call) (reply, error) {
		return c.deleting(func(revision *int) (*model.Deleted, error) {
			if _, err := c.portalOf(of); err != nil {
				return nil, err
			}
			return c.Mutation.DeletePortalDocument(c.ctx, c.vars["id"], revision)
		}, "Data deleted", nil)
	}
}

// portalOnly shows the document of a type of which an organisation has one.
func portalOnly(find func(c *call, org *string) (*portal.Document, error)) func(*call) (reply, error) {
	return func(c *call) (reply, error) {
		d, err := find(c, c.optional("org_id"))
		return show(c, d, err, portalView)
	}
}

func (c *call) catalogue(org *string) (*portal.Document, error) {
	return c.Query.PortalCatalogue(c.ctx, org)
}

func (c *call) configuration(org *string) (*portal.Document, error) {
	return c.Query.PortalConfiguration(c.ctx, org)
}

// portalSet replaces the document of a type of which there is one, or makes it. Scripts send no body to have it made.
func portalSet(
	of portal.Type,
	find func(c *call, org *string) (*portal.Document, error),
) func(*call) (reply, error) {
	return func(c *call) (reply, error) {
		raw, err := c.body()
		if err != nil {
			return nil, err
		}
		empty := len(bytes.TrimSpace(raw)) == 0
		doc := core.Document("{}")
		if !empty {
			if doc, err = core.ParseDocument(raw); err != nil {
				return nil, err
			}
		}
		revision, err := c.revision()
		if err != nil {
			return nil, err
		}
		d, err := find(c, c.portalOrg(doc))
		switch {
		case err != nil:
		case d == nil:
			d, err = c.createPortal(of, doc)
		case !empty:
			d, err = c.Mutation.UpdatePortalDocument(c.ctx, d.ID, model.PortalDocumentInput{Document: doc}, revision)
		}
		if err != nil {
			return nil, err
		}
		c.tag(&d.Meta)
		return done("Data updated", nil), nil
	}
}

// portalOrg is the organisation that a document names, for callers who act in all of them; what others name is passed
// over, as it is where they create something.
func (c *call) portalOrg(doc core.Document) *string {
	if org := c.optional("org_id"); org != nil || !authz.From(c.ctx).CrossesOrganisations() {
		return org
	}
	if org := doc.Text("org_id"); org != "" {
		return &org
	}
	return nil
}

// developer finds the developer whom a filter leads to.
func (c *call) developer(filter model.PortalFilter) (reply, error) {
	of := portal.Developer
	filter.Type = &of
	l, err := c.Query.PortalDocuments(c.ctx, new(1), nil, &filter, nil)
	if err != nil {
		return nil, err
	}
	var d *portal.Document
	if len(l.Nodes) > 0 {
		d = l.Nodes[0]
	}
	return show(c, d, nil, portalView)
}

func (c *call) developerByEmail() (reply, error) {
	return c.developer(model.PortalFilter{Name: new(c.vars["email"])})
}

func (c *call) developerBySsoKey() (reply, error) {
	return c.developer(model.PortalFilter{SsoKey: new(c.vars["key"])})
}

// setPortalCname takes the field in any case, as scripts spell it.
func (c *call) setPortalCname() (reply, error) {
	doc, err := c.document()
	if err != nil {
		return nil, err
	}
	cname := gjson.Result{}
	gjson.ParseBytes(doc).ForEach(func(name, v gjson.Result) bool {
		if strings.EqualFold(name.Str, "cname") {
			cname = v
		}
		return true
	})
	if cname.Type != gjson.String {
		return nil, core.InField("cname", "must be a host name")
	}
	if _, err := c.Mutation.SetPortalCname(c.ctx, cname.Str, c.optional("org_id")); err != nil {
		return nil, err
	}
	return done("Data updated", nil), nil
}
