package resolvers

import (
	"context"
	"errors"
	"slices"
	"sort"
	"strings"

	"github.com/tidwall/gjson"

	"gatehouse/internal/core"
	"gatehouse/store"
)

// withAccess replaces access rights by all of some APIs; nil leaves them. The names follow in checkRights. The rights
// are written in one go: set one by one, the document would be copied as often as it has rights.
func withAccess(doc core.Document, apiIDs []string) (core.Document, error) {
	if apiIDs == nil {
		return doc, nil
	}
	rights, seen := []byte{'{'}, make(map[string]bool, len(apiIDs))
	for _, id := range apiIDs {
		if !plainID(id) {
			return nil, core.Errorf(
				core.CodeInvalid,
				"apiIds must hold public ids of APIs, not %q",
				clip(id),
			).In(
				"access_rights." + id,
			)
		}
		if seen[id] {
			continue
		}
		if seen[id] = true; len(rights) > 1 {
			rights = append(rights, ',')
		}
		rights = append(rights, `"`+id+`":{"api_id":"`+id+`","api_name":"","versions":["Default"]}`...)
	}
	return doc.SetRaw("access_rights", append(rights, '}')), nil
}

// plainID tells whether an id can stand in JSON text of ours as it is.
func plainID(id string) bool {
	return id != "" && len(id) <= 128 && !strings.ContainsFunc(id, func(c rune) bool {
		return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_')
	})
}

// clip shortens what came from outside for a message.
func clip(s string) string {
	if len(s) > 60 {
		return strings.ToValidUTF8(s[:60], "") + "…"
	}
	return s
}

// checkRights holds for the access rights of policies and keys: the APIs exist in the organisation. Empty names of APIs
// are filled in. It returns the ids of those that do not exist.
func (r *Resolver) checkRights(
	ctx context.Context,
	org string,
	doc core.Document,
	apiIDs []string,
) (core.Document, []string, error) {
	if len(apiIDs) == 0 {
		return doc, nil, nil
	}
	names, err := r.apiNames(ctx, org, apiIDs)
	if err != nil {
		return nil, nil, err
	}
	var missing []string
	for _, id := range apiIDs {
		if _, exists := names[id]; !exists {
			missing = append(missing, id)
		}
	}
	sort.Strings(missing)
	return doc.EachOf("access_rights", func(id string, right core.Document) core.Document {
		name, exists := names[id]
		if given := right.Get("api_name"); !exists || !given.Exists() || given.Type == gjson.String && given.Str != "" {
			return right
		}
		return right.Set("api_name", name)
	}), missing, nil
}

// namesAtOnce is how many APIs are read at a time for their names: no more of their documents are in memory at once.
const namesAtOnce = 200

// apiNames are the names of the APIs that exist, by their public ids. A few of them, which is what a key has, are
// looked up in the read cache.
func (r *Resolver) apiNames(ctx context.Context, org string, apiIDs []string) (map[string]string, error) {
	names := make(map[string]string, len(apiIDs))
	if len(apiIDs) > 10 {
		for chunk := range slices.Chunk(apiIDs, namesAtOnce) {
			apis, err := r.store.Apis.FindMany(ctx, store.Org(org), "api_id", chunk)
			if err != nil {
				return nil, err
			}
			for _, a := range apis {
				names[a.ApiID] = strings.Clone(a.Name)
			}
		}
		return names, nil
	}
	for _, id := range apiIDs {
		a, err := r.store.Apis.FindBy(ctx, store.Org(org), "api_id", id)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		names[a.ApiID] = a.Name
	}
	return names, nil
}

func missingApis(missing []string) error {
	if len(missing) == 0 {
		return nil
	}
	return core.InField(
		"access_rights",
		"name APIs that do not exist in the organisation: %s",
		core.SomeOf(missing),
	).In(
		"access_rights." + missing[0],
	)
}

// checkMetaPolicies holds for policies in the meta data of a session or of an OAuth client: they are the
// organisation's, and so are the APIs that they open. known are APIs of which that was found out.
func (r *Resolver) checkMetaPolicies(ctx context.Context, org string, doc core.Document, known []string) error {
	if err := core.CheckCustomPolicies(org, doc); err != nil {
		return err
	}
	own := setOf(known)
	named := slices.DeleteFunc(core.NamedApis(doc), func(id string) bool { return own[id] })
	if len(named) == 0 {
		return nil
	}
	names, err := r.apiNames(ctx, org, named)
	if err != nil {
		return err
	}
	return missingApis(slices.DeleteFunc(named, func(id string) bool { _, exists := names[id]; return exists }))
}

// policiesFor reads the policies that a key is to apply, by either of their ids, in the order of ids; all must exist in
// the organisation. A few of them, which is what a key has, are looked up in the read cache.
func (r *Resolver) policiesFor(ctx context.Context, org string, ids []string) ([]*core.Policy, error) {
	find := r.lookUpPolicies
	if len(ids) > 10 {
		find = r.readPolicies
	}
	found, err := find(ctx, org, ids)
	if err != nil {
		return nil, err
	}
	var out []*core.Policy
	var missing []string
	for _, id := range ids {
		if p := found[id]; p != nil {
			out = append(out, p)
		} else {
			missing = append(missing, id)
		}
	}
	if len(missing) > 0 {
		return nil, core.InField(
			"apply_policies",
			"names policies that do not exist in the organisation: %s",
			core.SomeOf(missing),
		).In(
			"apply_policies." + missing[0],
		)
	}
	return out, nil
}

// lookUpPolicies finds policies by either id through the read cache, one by one.
func (r *Resolver) lookUpPolicies(ctx context.Context, org string, ids []string) (map[string]*core.Policy, error) {
	out := make(map[string]*core.Policy, len(ids))
	for _, id := range ids {
		p, err := hidden(r.lookUpPolicy(ctx, store.Org(org), id))
		if err != nil {
			return nil, err
		}
		out[id] = p
	}
	return out, nil
}

// readPolicies finds policies by either id, in two calls of the store.
func (r *Resolver) readPolicies(ctx context.Context, org string, ids []string) (map[string]*core.Policy, error) {
	out := make(map[string]*core.Policy, len(ids))
	for _, unique := range []string{"id", "policy_id"} { // an explicit id goes before the database id of another
		found, err := r.store.Policies.FindMany(ctx, store.Org(org), unique, ids)
		if err != nil {
			return nil, err
		}
		for _, p := range found {
			if unique == "id" {
				out[p.ID] = p
			} else {
				out[p.PolicyID] = p
			}
		}
	}
	return out, nil
}
