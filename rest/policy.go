package rest

import (
	"io"
	"maps"
	"net/http"
	"slices"

	"github.com/tidwall/gjson"

	"gatehouse/graph/model"
	"gatehouse/internal/core"
)

var policyRoutes = []route{
	{"GET", "/api/portal/policies", "policies", (*call).listPolicies, nil},
	{"GET", "/api/portal/policies/search", "policies", (*call).searchPolicies, nil},
	{"GET", "/api/portal/policies/{id}", "policy", (*call).getPolicy, policyErrors("Could not retrieve portal object.")},
	{"POST", "/api/portal/policies", "createPolicy", (*call).createPolicy, policyErrors("")},
	{
		"PUT",
		"/api/portal/policies/{id}",
		"updatePolicy",
		(*call).updatePolicy,
		policyErrors("Could not retrieve portal object."),
	},
	{
		"PATCH",
		"/api/portal/policies/{id}",
		"patchPolicy",
		(*call).patchPolicy,
		policyErrors("Could not retrieve portal object."),
	},
	{
		"DELETE",
		"/api/portal/policies/{id}",
		"deletePolicy",
		(*call).deletePolicy,
		policyErrors("Could not retrieve object for deletion"),
	},
	{
		"POST",
		"/admin/policies/import",
		"importPolicies",
		(*call).importPolicies,
		legacyErrors{core.CodeMalformed: malformed403},
	},
}

func policyErrors(missing string) legacyErrors {
	return legacyErrors{
		core.CodeMalformed: malformed403,
		core.CodeNotFound:  {http.StatusNotFound, missing, false},
		// A name that is taken is a failed validation there.
		core.CodeConflict: {http.StatusBadRequest, "", false},
	}
}

func (c *call) listPolicies() (reply, error) {
	return c.policies(&model.PolicyFilter{Q: c.optional("q"), Active: c.activeOnly()}, model.PolicySortCreatedAt)
}

func (c *call) searchPolicies() (reply, error) {
	filter := &model.PolicyFilter{
		Q:         c.optional("q"),
		Ids:       c.list("policy_ids"),
		Active:    c.activeOnly(),
		State:     c.optional("state"),
		APIIds:    c.list("api_id"),
		AuthTypes: c.list("auth_type"),
	}
	for _, id := range filter.Ids {
		if !core.IsID(id) {
			return nil, core.Errorf(core.CodeInvalid, "Policy ID is not in hex format.")
		}
	}
	sort := model.PolicySortCreatedAt
	if v := c.param("sort"); v != "" {
		var ok bool
		if sort, ok = policySorts[v]; !ok {
			return nil, core.Errorf(
				core.CodeInvalid,
				"sort must be date_created, name or state, with a - before it to turn it around",
			)
		}
	}
	return c.policies(filter, sort)
}

// policySorts are the values of the parameter sort.
var policySorts = map[string]model.PolicySort{
	"date_created": model.PolicySortCreatedAt, "-date_created": model.PolicySortCreatedAtDesc, "name": model.PolicySortName,
	"-name": model.PolicySortNameDesc, "state": model.PolicySortState, "-state": model.PolicySortStateDesc,
}

// activeOnly reads the parameter active, whose every value means yes.
func (c *call) activeOnly() *bool {
	if c.param("active") == "" {
		return nil
	}
	yes := true
	return &yes
}

func (c *call) policies(filter *model.PolicyFilter, sort model.PolicySort) (reply, error) {
	next := func(first *int, after *string) (fetched[core.Policy], error) {
		l, err := c.Query.Policies(c.ctx, first, after, filter, &sort)
		if err != nil {
			return fetched[core.Policy]{}, err
		}
		return fetched[core.Policy]{l.Nodes, l.TotalCount, l.PageInfo}, nil
	}
	return listing(c, shape{`{"Data":[`, `],"Pages":`}, next, func(w io.Writer, p *core.Policy) error {
		_, err := w.Write(p.Document)
		return err
	})
}

func (c *call) getPolicy() (reply, error) {
	p, err := c.Query.Policy(c.ctx, c.vars["id"])
	return show(c, p, err, func(p *core.Policy) (core.Document, error) { return p.Document, nil })
}

// createPolicy answers with the database id as the message, as scripts read it.
func (c *call) createPolicy() (reply, error) {
	return creating(c, func(doc core.Document) (*core.Policy, error) {
		return c.Mutation.CreatePolicy(c.ctx, model.PolicyInput{Document: doc})
	}, func(p *core.Policy) (reply, error) { return done(p.ID, nil), nil })
}

func (c *call) updatePolicy() (reply, error) {
	return changing(c, func(doc core.Document, revision *int) (*core.Policy, error) {
		return c.Mutation.UpdatePolicy(c.ctx, c.vars["id"], model.PolicyInput{Document: doc}, revision)
	}, always[core.Policy]("Data updated", ""))
}

func (c *call) patchPolicy() (reply, error) {
	return changing(c, func(doc core.Document, revision *int) (*core.Policy, error) {
		return c.Mutation.PatchPolicy(c.ctx, c.vars["id"], doc, revision)
	}, always[core.Policy]("Data updated", ""))
}

func (c *call) deletePolicy() (reply, error) {
	return c.deleting(func(revision *int) (*model.Deleted, error) {
		return c.Mutation.DeletePolicy(c.ctx, c.vars["id"], revision, new(true))
	}, "Data deleted", nil)
}

// policiesToImport reads the policies of an import: Data, as lists of policies show it, or a map of ids to policies, as the
// open-source gateway keeps them in policies.json.
func (c *call) policiesToImport() ([]core.Document, error) {
	doc, err := c.document()
	if err != nil {
		return nil, err
	}
	byID := gjson.ParseBytes(doc).Map()
	if len(byID) == 0 || byID["Data"].IsArray() {
		return elementsOf(doc, "Data")
	}
	var list []core.Document
	for _, id := range slices.Sorted(maps.Keys(byID)) {
		policy := core.Document(byID[id].Raw)
		if !byID[id].IsObject() {
			return nil, core.Errorf(core.CodeMalformed,
				"the body must have Data, an array of policies, or be a map of ids to policies, as policies.json of the gateway")
		}
		if policy.Text("id") == "" {
			policy = policy.Set("id", id)
		}
		list = append(list, policy)
	}
	return list, nil
}

func (c *call) importPolicies() (reply, error) {
	list, err := c.policiesToImport()
	if err != nil {
		return nil, err
	}
	report, err := c.Mutation.ImportPolicies(c.ctx, list)
	if err != nil {
		return nil, err
	}
	return imported("Policies imported", report), nil
}
