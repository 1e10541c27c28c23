package rest

import (
	"bytes"
	"io"
	"strings"

	"github.com/tidwall/gjson"

	"gatehouse/graph/model"
	"gatehouse/internal/core"
)

var portalRoutes = []route{
	{"GET", "/api/portal/documents", "portalDocuments", portalList(""), nil},
	{"POST", "/api/portal/documents", "createPortalDocument", (*call).createAnyPortal, portalErrors},
	{"GET", "/api/portal/documents/{id}", "portalDocument", portalOne(""), portalErrors},
	{"PUT", "/api/portal/documents/{id}", "updatePortalDocument", portalUpdate(""), portalErrors},
	{"DELETE", "/api/portal/documents/{id}", "deletePortalDocument", portalDelete(""), portalErrors},

	{"GET", "/api/portal/catalogue", "portalCatalogue", (*call).getCatalogue, portalErrors},
	{"POST", "/api/portal/catalogue", "createPortalDocument", portalCreate(core.PortalCatalogue), portalErrors},
	{"PUT", "/api/portal/catalogue", "updatePortalDocument", portalSet(core.PortalCatalogue), portalErrors},
	{"GET", "/api/portal/configuration", "portalDocuments", (*call).getPortalConfiguration, portalErrors},
	{"POST", "/api/portal/configuration", "createPortalDocument", portalCreate(core.PortalConfiguration), portalErrors},
	{"PUT", "/api/portal/configuration", "updatePortalDocument", portalSet(core.PortalConfiguration), portalErrors},
	{"PUT", "/api/portal/cname", "setPortalCname", (*call).setPortalCname, portalErrors},

	{"GET", "/api/portal/developers/email/{email}", "portalDocuments", (*call).developerByEmail, portalErrors},
	{"GET", "/api/portal/developers/ssokey/{key}", "portalDocuments", (*call).developerBySsoKey, portalErrors},
}

var portalErrors = legacyErrors{core.CodeMalformed: malformed400}

// portalAreas are the paths of the types of which there can be many.
func portalAreas() (all []route) {
	for _, area := range []struct {
		path string
		of   core.PortalType
	}{
		{"/api/portal/documentation", core.PortalDocumentation},
		{"/api/portal/pages", core.PortalPage},
		{"/api/portal/developers", core.PortalDeveloper},
	} {
		all = append(all,
			route{"GET", area.path, "portalDocuments", portalList(area.of), nil},
			route{"POST", area.path, "createPortalDocument", portalCreate(area.of), portalErrors},
			route{"GET", area.path + "/{id}", "portalDocument", portalOne(area.of), portalErrors},
			route{"PUT", area.path + "/{id}", "updatePortalDocument", portalUpdate(area.of), portalErrors},
			route{"DELETE", area.path + "/{id}", "deletePortalDocument", portalDelete(area.of), portalErrors},
		)
	}
	return all
}

// portalView is a document of the portal as REST shows it: as it is.
func portalView(d *core.PortalDocument) (core.Document, error) { return d.Document, nil }

func portalList(of core.PortalType) func(*call) (reply, error) {
	return func(c *call) (reply, error) {
		filter := &model.PortalFilter{}
		if of != "" {
			filter.Type = &of
		}
		next := func(first *int, after *string) (fetched[core.PortalDocument], error) {
			l, err := c.Query.PortalDocuments(c.ctx, first, after, filter)
			if err != nil {
				return fetched[core.PortalDocument]{}, err
			}
			return fetched[core.PortalDocument]{l.Nodes, l.TotalCount, l.PageInfo}, nil
		}
		return listing(c, shape{`{"Data":[`, `],"Pages":`}, next, func(w io.Writer, d *core.PortalDocument) error {
			_, err := w.Write(d.Document)
			return err
		})
	}
}

// portalOf finds a document of a type by its id; "" is any type.
func (c *call) portalOf(of core.PortalType) (*core.PortalDocument, error) {
	d, err := found(c.Query.PortalDocument(c.ctx, c.vars["id"]))
	if err == nil && of != "" && d.Type != of {
		return found[core.PortalDocument](nil, nil)
	}
	return d, err
}

func portalOne(of core.PortalType) func(*call) (reply, error) {
	return func(c *call) (reply, error) {
		d, err := c.portalOf(of)
		return show(c, d, err, portalView)
	}
}

func (c *call) createPortal(of core.PortalType, doc core.Document) (*core.PortalDocument, error) {
	return c.Mutation.CreatePortalDocument(c.ctx, of, model.PortalDocumentInput{Document: doc})
}

// portalCreate answers with the id as the message, as scripts read it.
func portalCreate(of core.PortalType) func(*call) (reply, error) {
	return func(c *call) (reply, error) {
		return creating(c, func(doc core.Document) (*core.PortalDocument, error) { return c.createPortal(of, doc) },
			func(d *core.PortalDocument) (reply, error) { return done(d.ID, nil), nil })
	}
}

// createAnyPortal takes the type from the parameter type.
func (c *call) createAnyPortal() (reply, error) {
	of := core.PortalType(strings.ToUpper(c.param("type")))
	if !of.IsKnown() {
		return nil, core.Errorf(core.CodeInvalid, "type must be configuration, catalogue, documentation, page or developer")
	}
	return portalCreate(of)(c)
}

func portalUpdate(of core.PortalType) func(*call) (reply, error) {
	return func(c *call) (reply, error) {
		return changing(c, func(doc core.Document, revision *int) (*core.PortalDocument, error) {
			if _, err := c.portalOf(of); err != nil {
				return nil, err
			}
			return c.Mutation.UpdatePortalDocument(c.ctx, c.vars["id"], model.PortalDocumentInput{Document: doc}, revision)
		}, always[core.PortalDocument]("Data updated", nil))
	}
}

func portalDelete(of core.PortalType) func(*call) (reply, error) {
	return func(c *call) (reply, error) {
		return c.deleting(func(revision *int) (*model.Deleted, error) {
			if _, err := c.portalOf(of); err != nil {
				return nil, err
			}
			return c.Mutation.DeletePortalDocument(c.ctx, c.vars["id"], revision)
		}, "Data deleted", nil)
	}
}

// onePortal finds the only document that fits a filter.
func (c *call) onePortal(filter model.PortalFilter) (*core.PortalDocument, error) {
	l, err := c.Query.PortalDocuments(c.ctx, new(1), nil, &filter)
	if err != nil || len(l.Nodes) == 0 {
		return nil, err
	}
	return l.Nodes[0], nil
}

// portalSet replaces the document of a type of which there is one, or makes it. Scripts send no body to have it made.
func portalSet(of core.PortalType) func(*call) (reply, error) {
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
		d, err := c.onePortal(model.PortalFilter{Type: &of})
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

func (c *call) getCatalogue() (reply, error) {
	d, err := c.Query.PortalCatalogue(c.ctx, c.optional("org_id"))
	return show(c, d, err, portalView)
}

func (c *call) getPortalConfiguration() (reply, error) {
	of := core.PortalConfiguration
	d, err := c.onePortal(model.PortalFilter{Type: &of})
	return show(c, d, err, portalView)
}

func (c *call) developerByEmail() (reply, error) {
	of, email := core.PortalDeveloper, c.vars["email"]
	d, err := c.onePortal(model.PortalFilter{Type: &of, Name: &email})
	return show(c, d, err, portalView)
}

func (c *call) developerBySsoKey() (reply, error) {
	of, key := core.PortalDeveloper, c.vars["key"]
	d, err := c.onePortal(model.PortalFilter{Type: &of, SsoKey: &key})
	return show(c, d, err, portalView)
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
