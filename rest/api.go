package rest

import (
	"encoding/json"
	"io"
	"net/http"

	"gatehouse/graph/model"
	"gatehouse/internal/core"
)

var apiRoutes = []route{
	{"GET", "/api/apis", "apis", (*call).listApis, nil},
	{"GET", "/api/apis/search", "apis", (*call).listApis, nil},
	{"GET", "/api/apis/categories", "apiCategories", (*call).apiCategories, nil},
	{"GET", "/api/apis/groups", "apis", (*call).apiGroups, nil},
	{"GET", "/api/apis/keys", "keys", (*call).listKeys, keysUnlistable},
	{
		"GET",
		"/api/apis/{id}",
		"api",
		(*call).getApi,
		legacyErrors{core.CodeNotFound: {http.StatusBadRequest, "Could not retrieve API detail", false}},
	},
	{"POST", "/api/apis", "createApi", (*call).createApi, legacyErrors{core.CodeMalformed: malformed400}},
	{"PUT", "/api/apis/{id}", "updateApi", (*call).updateApi, apiMissing("API definition does not exist")},
	{"PATCH", "/api/apis/{id}", "patchApi", (*call).patchApi, apiMissing("API definition does not exist")},
	{"DELETE", "/api/apis/{id}", "deleteApi", (*call).deleteApi, apiMissing("Could not retrieve API detail")},
	{
		"GET",
		"/api/apis/{id}/url",
		"api",
		(*call).apiURL,
		legacyErrors{core.CodeNotFound: {http.StatusBadRequest, "Could not retrieve API detail", false}},
	},
	{"GET", "/api/apis/{id}/access", "api", (*call).apiAccess, apiMissing("API not found")},
	{"PUT", "/api/apis/{id}/access", "setApiOwners", (*call).setApiAccess, apiMissing("API not found")},
	{"POST", "/admin/apis/import", "importApis", (*call).importApis, legacyErrors{core.CodeMalformed: malformed403}},
}

func apiMissing(message string) legacyErrors {
	return legacyErrors{core.CodeNotFound: {http.StatusNotFound, message, false}, core.CodeMalformed: malformed400}
}

// apiSorts are the values of the parameter sort.
var apiSorts = map[string]model.APISort{
	"name": model.APISortName, "-name": model.APISortNameDesc, "created_at": model.APISortCreatedAt, "-created_at": model.APISortCreatedAtDesc,
	"updated_at": model.APISortUpdatedAt, "-updated_at": model.APISortUpdatedAtDesc,
}

func (c *call) listApis() (reply, error) {
	yes := true
	filter := &model.APIFilter{
		Q:          c.optional("q"),
		Categories: c.list("category"),
		Kind:       c.optional("api_type"),
		AuthTypes:  c.list("auth_type"),
	}
	if filter.Kind != nil && *filter.Kind == "internal" { // beside the kind that such an API has
		filter.Kind, filter.Internal = nil, &yes
	}
	if c.param("base_apis") != "" {
		filter.BaseOnly = &yes
	}
	sort := model.APISortCreatedAtDesc
	if v := c.param("sort"); v != "" {
		var ok bool
		if sort, ok = apiSorts[v]; !ok {
			return nil, core.Errorf(
				core.CodeInvalid,
				"sort must be name, created_at or updated_at, with a - before it to turn it around",
			)
		}
	}
	write := func(w io.Writer, a *core.Api) error { _, err := w.Write(a.Definition); return err }
	if c.flag("compressed") {
		write = writeCompressedApi
	}
	return listing(c, shape{`{"apis":[`, `],"pages":`}, c.apis(filter, &sort), write)
}

func (c *call) apis(filter *model.APIFilter, sort *model.APISort) fetch[core.Api] {
	return func(first *int, after *string) (fetched[core.Api], error) {
		l, err := c.Query.Apis(c.ctx, first, after, filter, sort)
		if err != nil {
			return fetched[core.Api]{}, err
		}
		return fetched[core.Api]{l.Nodes, l.TotalCount, l.PageInfo}, nil
	}
}

// writeCompressedApi writes what a list of APIs needs to show one.
func writeCompressedApi(w io.Writer, a *core.Api) error {
	type proxy struct {
		ListenPath string `json:"listen_path"`
		TargetURL  string `json:"target_url"`
	}
	type definition struct {
		ID       string   `json:"id"`
		ApiID    string   `json:"api_id"`
		OrgID    string   `json:"org_id"`
		Name     string   `json:"name"`
		Slug     string   `json:"slug"`
		Active   bool     `json:"active"`
		Internal bool     `json:"internal"`
		Domain   string   `json:"domain"`
		Protocol string   `json:"protocol"`
		Proxy    proxy    `json:"proxy"`
		Tags     []string `json:"tags"`
	}
	raw, err := json.Marshal(struct {
		Definition definition      `json:"api_definition"`
		CreatedAt  json.RawMessage `json:"created_at,omitempty"`
	}{definition{a.ID, a.ApiID, a.OrgID, a.Name, a.Slug, a.Active, a.Internal, a.Domain, a.Protocol, proxy{a.ListenPath, a.TargetURL},
		append([]string{}, a.Tags...)}, json.RawMessage(a.Definition.Get("created_at").Raw)})
	if err == nil {
		_, err = w.Write(raw)
	}
	return err
}

func (c *call) apiCategories() (reply, error) {
	type category struct {
		Name  string `json:"name"`
		Count int    `json:"count"`
	}
	out := []category{}
	err := every(c, func(first *int, after *string) (fetched[model.CategoryCount], error) {
		l, err := c.Query.APICategories(c.ctx, first, after)
		if err != nil {
			return fetched[model.CategoryCount]{}, err
		}
		return fetched[model.CategoryCount]{l.Nodes, l.TotalCount, l.PageInfo}, nil
	}, func(n *model.CategoryCount) error {
		out = append(out, category{n.Name, n.Count})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return shown(map[string]any{"categories": out}), nil
}

// apiGroups answers with the public ids of the APIs in each category. Those of classic APIs keep their #.
func (c *call) apiGroups() (reply, error) {
	groups := map[string][]string{}
	err := every(c, c.apis(nil, nil), func(a *core.Api) error {
		for _, category := range a.Categories {
			groups["#"+category] = append(groups["#"+category], a.ApiID)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return shown(groups), nil
}

func (c *call) getApi() (reply, error) {
	a, err := c.Query.API(c.ctx, c.vars["id"])
	return show(c, a, err, func(a *core.Api) (core.Document, error) { return a.Definition, nil })
}

func (c *call) createApi() (reply, error) {
	return creating(c, func(doc core.Document) (*core.Api, error) {
		in := model.APIInput{Definition: doc, BaseAPIID: c.optional("base_api_id"),
			BaseVersionName: c.optional("base_api_version_name"), VersionName: c.optional("new_version_name")}
		if c.flag("set_default") {
			yes := true
			in.VersionIsDefault = &yes
		}
		return c.Mutation.CreateAPI(c.ctx, in)
	}, func(a *core.Api) (reply, error) {
		return shown(answer{Status: "OK", Message: "API created", Meta: a.ID, ID: a.ApiID}), nil
	})
}

func (c *call) updateApi() (reply, error) {
	return changing(c, func(doc core.Document, revision *int) (*core.Api, error) {
		return c.Mutation.UpdateAPI(c.ctx, c.vars["id"], model.APIInput{Definition: doc}, revision)
	}, always[core.Api]("Api updated", ""))
}

func (c *call) patchApi() (reply, error) {
	return changing(c, func(doc core.Document, revision *int) (*core.Api, error) {
		return c.Mutation.PatchAPI(c.ctx, c.vars["id"], doc, revision)
	}, always[core.Api]("Api updated", ""))
}

func (c *call) deleteApi() (reply, error) {
	return c.deleting(func(revision *int) (*model.Deleted, error) {
		return c.Mutation.DeleteAPI(c.ctx, c.vars["id"], revision, new(true))
	}, "API deleted", nil)
}

func (c *call) apiURL() (reply, error) {
	a, err := found(c.Query.API(c.ctx, c.vars["id"]))
	if err != nil {
		return nil, err
	}
	u, err := c.Fields.Api.URL(c.ctx, a)
	if err != nil {
		return nil, err
	}
	return shown(map[string]string{"ApiURL": u.APIURL, "BasePath": u.BasePath, "Host": u.Host}), nil
}

type apiAccess struct {
	UserIDs      []string `json:"userIds"`
	UserGroupIDs []string `json:"userGroupIds"`
}

func (c *call) apiAccess() (reply, error) {
	a, err := found(c.Query.API(c.ctx, c.vars["id"]))
	if err != nil {
		return nil, err
	}
	return shown(apiAccess{append([]string{}, a.UserOwners...), append([]string{}, a.UserGroupOwners...)}), nil
}

func (c *call) setApiAccess() (reply, error) {
	doc, err := c.document()
	if err != nil {
		return nil, err
	}
	var in apiAccess
	if err := json.Unmarshal(doc, &in); err != nil {
		return nil, core.Wrap(core.CodeMalformed, err, "userIds and userGroupIds must be arrays of ids")
	}
	if _, err := c.Mutation.SetAPIOwners(c.ctx, c.vars["id"], model.APIOwnersInput{UserIds: in.UserIDs, UserGroupIds: in.UserGroupIDs}); err != nil {
		return nil, err
	}
	return done("API access updated", nil), nil
}

func (c *call) importApis() (reply, error) {
	list, err := c.importList("apis")
	if err != nil {
		return nil, err
	}
	report, err := c.Mutation.ImportApis(c.ctx, list)
	if err != nil {
		return nil, err
	}
	return imported("APIs imported", report), nil
}

// importList reads the list under a name of the body, each element an object as it is.
func (c *call) importList(name string) ([]core.Document, error) {
	doc, err := c.document()
	if err != nil {
		return nil, err
	}
	return elementsOf(doc, name)
}

func elementsOf(doc core.Document, name string) ([]core.Document, error) {
	list := doc.Get(name)
	if !list.IsArray() {
		return nil, core.Errorf(core.CodeMalformed, "%s must be an array of what to import", name)
	}
	var out []core.Document
	for _, element := range list.Array() {
		out = append(out, core.Document(element.Raw))
	}
	return out, nil
}

// imported answers an import with a report: each id and that it is there, and what is worth knowing of it.
func imported(message string, report []*core.ImportedItem) reply {
	meta := make(map[string]bool, len(report))
	warnings := map[string][]string{}
	for _, item := range report {
		meta[item.ID] = true
		if len(item.Warnings) > 0 {
			warnings[item.ID] = item.Warnings
		}
	}
	return shown(struct {
		answer
		Warnings map[string][]string `json:"Warnings,omitempty"`
	}{answer{Status: "OK", Message: message, Meta: meta}, warnings})
}
