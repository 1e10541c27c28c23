package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"time"

	"gatehouse/graph/model"
	"gatehouse/internal/authz"
	"gatehouse/internal/core"
	"gatehouse/rest/wire"
)

var certificateRoutes = []route{
	{"GET", "/api/certs", "certificates", (*call).listCertificates, nil},
	{"GET", "/api/certs/details", "certificates", (*call).listCertificateDetails, nil},
	{
		"GET",
		"/api/certs/dependencies/{id}",
		"certificateDependencies",
		(*call).certificateDependencies,
		certificateMissing,
	},
	{
		"DELETE",
		"/api/certs/dependencies/{id}",
		"deleteCertificateDependencies",
		(*call).deleteCertificateDependencies,
		certificateMissing,
	},
	{"GET", "/api/certs/{id}/apis", "certificate", (*call).certificateApis, certificateMissing},
	{"GET", "/api/certs/{id}", "certificate", (*call).getCertificate, legacyErrors{
		core.CodeNotFound: {
			http.StatusNotFound,
			"Could not retrieve certificate details. Certificate with given SHA256 fingerprint not found.",
			false,
		}}},
	{"POST", "/api/certs", "createCertificate", (*call).createCertificate, legacyErrors{
		core.CodeMalformed: {http.StatusInternalServerError, "", false},
		core.CodeInvalid:   {http.StatusNotFound, "", false}, core.CodeConflict: {http.StatusNotFound, "", false}}},
	{"DELETE", "/api/certs/{id}", "deleteCertificate", (*call).deleteCertificate, legacyErrors{
		core.CodeNotFound: {http.StatusNotFound, "Could not delete certificate.", false}}},
}

var certificateMissing = legacyErrors{
	core.CodeNotFound: {http.StatusNotFound, "Certificate not found or access denied", false},
}

func (c *call) listCertificates() (reply, error) {
	filter := &model.CertificateFilter{}
	yes, no := true, false
	switch c.param("filter") {
	case "", "omit":
	case "with_pk":
		filter.HasPrivate = &yes
	case "without_pk":
		filter.HasPrivate = &no
	default:
		return nil, core.Errorf(core.CodeInvalid, "filter must be omit, with_pk or without_pk")
	}
	if c.param("mode") != "detailed" {
		return listing(
			c,
			shape{`{"certs":[`, `],"pages":`},
			c.certificates(filter),
			func(w io.Writer, cert *core.Certificate) error {
				return element(w, cert.ID)
			},
		)
	}
	return listing(
		c,
		shape{`{"cert_basics":[`, `],"pages":`},
		c.certificates(filter),
		func(w io.Writer, cert *core.Certificate) error {
			return element(
				w,
				basics{
					cert.ID,
					cert.IssuerCn,
					cert.SubjectCn,
					cert.DNSNames,
					cert.HasPrivate,
					at(cert.NotBefore),
					at(cert.NotAfter),
					cert.IsCa,
				},
			)
		},
	)
}

// element writes an element of a list.
func element(w io.Writer, v any) error {
	raw, err := json.Marshal(v)
	if err == nil {
		_, err = w.Write(raw)
	}
	return err
}

// basics is a certificate in the detailed list.
type basics struct {
	ID         string    `json:"id"`
	IssuerCn   string    `json:"issuer_cn"`
	SubjectCn  string    `json:"subject_cn"`
	DNSNames   []string  `json:"dns_names"`
	HasPrivate bool      `json:"has_private"`
	NotBefore  time.Time `json:"not_before"`
	NotAfter   time.Time `json:"not_after"`
	IsCa       bool      `json:"is_ca"`
}

// at is a time as the legacy API shows it: what is absent is the first one.
func at(t *time.Time) (out time.Time) {
	if t != nil {
		out = t.UTC()
	}
	return out
}

func (c *call) listCertificateDetails() (reply, error) {
	return listing(
		c,
		shape{`{"certificates":[`, `],"pages":`},
		c.certificates(nil),
		func(w io.Writer, cert *core.Certificate) error {
			_, err := w.Write(cert.Details)
			return err
		},
	)
}

func (c *call) certificates(filter *model.CertificateFilter) fetch[core.Certificate] {
	return func(first *int, after *string) (fetched[core.Certificate], error) {
		l, err := c.Query.Certificates(c.ctx, first, after, filter, nil)
		if err != nil {
			return fetched[core.Certificate]{}, err
		}
		return fetched[core.Certificate]{l.Nodes, l.TotalCount, l.PageInfo}, nil
	}
}

func (c *call) getCertificate() (reply, error) {
	cert, err := c.Query.Certificate(c.ctx, c.vars["id"])
	return show(c, cert, err, func(cert *core.Certificate) (core.Document, error) { return cert.Details, nil })
}

func (c *call) createCertificate() (reply, error) {
	text, err := c.upload()
	if err != nil {
		return nil, notCreated(err)
	}
	cert, err := c.Mutation.CreateCertificate(c.ctx, string(text), c.optional("org_id"))
	if err != nil {
		return nil, notCreated(err)
	}
	c.tag(&cert.Meta)
	return shown(map[string]string{"id": cert.ID, "status": "ok", "message": "Certificate added."}), nil
}

// notCreated puts the legacy words before the reason.
func notCreated(err error) error {
	switch e := core.AsError(err); e.Code {
	case core.CodeConflict: // there is no space in the description
		return core.Wrap(e.Code, err, "Could not create certificate.%s", e.Message)
	case core.CodeInvalid:
		return core.Wrap(e.Code, err, "Could not create certificate: %s", e.Message)
	}
	return err
}

// upload reads the one file of a form, whatever the name of its field; a body of any other kind is the file itself.
func (c *call) upload() ([]byte, error) {
	raw, err := c.body()
	if err != nil {
		return nil, err
	}
	kind, params, err := mime.ParseMediaType(c.request.Header.Get("Content-Type"))
	if err == nil && kind == "multipart/form-data" {
		if raw, err = wire.OnlyFile(multipart.NewReader(bytes.NewReader(raw), params["boundary"])); err != nil {
			return nil, err
		}
	}
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil, core.Errorf(core.CodeMalformed, "Failed to read response body, body empty.")
	}
	return raw, nil
}

func (c *call) deleteCertificate() (reply, error) {
	revision, err := c.revision()
	if err != nil {
		return nil, err
	}
	force := c.flag("force")
	if _, err := c.Mutation.DeleteCertificate(c.ctx, c.vars["id"], &force, revision); err != nil {
		return nil, err
	}
	return shown(map[string]string{"status": "ok", "message": "removed"}), nil
}

// mayReadApis refuses who may not see APIs: GraphQL asks for the same right before it shows those that use a
// certificate.
func (c *call) mayReadApis() error {
	return c.Guard.CheckPermission(c.ctx, authz.From(c.ctx), "apis", authz.Read, c.request.URL.Path)
}

func (c *call) certificateApis() (reply, error) {
	cert, err := found(c.Query.Certificate(c.ctx, c.vars["id"]))
	if err != nil {
		return nil, err
	}
	if err := c.mayReadApis(); err != nil {
		return nil, err
	}
	id, err := json.Marshal(cert.ID)
	if err != nil {
		return nil, err
	}
	sort := model.APISortCreatedAtDesc
	open := `{"cert_id":` + string(id) + `,"apis":[`
	return listing(
		c,
		shape{open, `],"pages":`},
		c.apis(&model.APIFilter{Certificate: &cert.ID, OrgID: &cert.OrgID}, &sort),
		func(w io.Writer, a *core.Api) error {
			return element(w, usage{a.ApiID, a.Name, wire.Uses(a.Certificates()[cert.ID]), wire.Kind(a)})
		},
	)
}

// usage is an API that uses a certificate.
type usage struct {
	ApiID string   `json:"api_id"`
	Name  string   `json:"name"`
	Types []string `json:"usage_type"`
	Kind  string   `json:"tyk_api_type"`
}

func (c *call) certificateDependencies() (reply, error) {
	d, err := c.Query.CertificateDependencies(c.ctx, c.vars["id"])
	if err != nil {
		return nil, err
	}
	if err := c.mayReadApis(); err != nil {
		return nil, err
	}
	view := struct {
		ID            string   `json:"certID"`
		ClientApis    []string `json:"client_cert_apis"`
		ClientNames   []string `json:"client_cert_api_names"`
		UpstreamApis  []string `json:"upstream_cert_apis"`
		UpstreamNames []string `json:"upstream_cert_api_names"`
		Key           string   `json:"key_cert"`
	}{ID: d.ID}
	if view.ClientApis, view.ClientNames, err = c.idsAndNames(d, c.Fields.CertificateDependencies.ClientApis); err != nil {
		return nil, err
	}
	if view.UpstreamApis, view.UpstreamNames, err = c.idsAndNames(d, c.Fields.CertificateDependencies.UpstreamApis); err != nil {
		return nil, err
	}
	if c.Guard.CheckPermission(c.ctx, authz.From(c.ctx), "keys", authz.Read, c.request.URL.Path) == nil {
		keys, err := c.Fields.CertificateDependencies.Keys(c.ctx, d, new(1), nil)
		if err != nil {
			return nil, err
		}
		if len(keys.Nodes) > 0 {
			view.Key = keys.Nodes[0].ID
		}
	}
	return shown(view), nil
}

// idsAndNames are those of all APIs of a relation of a certificate.
func (c *call) idsAndNames(
	d *core.Certificate,
	relation func(ctx context.Context, d *core.Certificate, first *int, after *string) (*model.APIConnection, error),
) (ids, names []string, err error) {
	ids, names = []string{}, []string{}
	err = every(c, func(first *int, after *string) (fetched[core.Api], error) {
		l, err := relation(c.ctx, d, first, after)
		if err != nil {
			return fetched[core.Api]{}, err
		}
		return fetched[core.Api]{l.Nodes, l.TotalCount, l.PageInfo}, nil
	}, func(a *core.Api) error {
		ids, names = append(ids, a.ApiID), append(names, a.Name)
		return nil
	})
	return ids, names, err
}

func (c *call) deleteCertificateDependencies() (reply, error) {
	if _, err := c.Mutation.DeleteCertificateDependencies(c.ctx, c.vars["id"]); err != nil {
		return nil, err
	}
	return done("Certificate dependencies deletion successfully attempted.", nil), nil
}
