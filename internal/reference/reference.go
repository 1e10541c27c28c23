// Package reference finds out what the objects that documents name are, and which of them there are not.
//
// What is named may come later, and may have gone: a policy is kept that names an API which does not exist, and what
// dangles already stands in the way of no save. Names are looked up in the organisation of the document alone, so that
// what is another organisation's is not there, as if nobody had it.
package reference

import (
	"context"
	"errors"
	"slices"
	"sort"
	"strings"

	"github.com/tidwall/gjson"

	"gatehouse/internal/confine"
	"gatehouse/internal/core"
	"gatehouse/store"
)

// Names looks up what documents name. It is safe for concurrent use.
type Names struct{ store *store.Store }

// New returns the names of a store.
func New(s *store.Store) *Names { return &Names{store: s} }

const (
	// few is how many are looked up one by one, in the read cache: what a key has.
	few = 10
	// atOnce is how many APIs are read at a time for their names: no more of their documents are in memory at once.
	atOnce = 200
	// namesAtOnce is how many names are counted at a time.
	namesAtOnce = 1000
)

// Described returns a document whose access rights have the names of their APIs where they are empty, and the ids of
// those that do not exist, sorted.
func (n *Names) Described(
	ctx context.Context,
	org string,
	doc core.Document,
	apiIDs []string,
) (described core.Document, missing []string, err error) {
	if len(apiIDs) == 0 {
		return doc, nil, nil
	}
	names, err := n.apis(ctx, org, apiIDs)
	if err != nil {
		return nil, nil, err
	}
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

// apis are the names of the APIs that exist, by their public ids.
func (n *Names) apis(ctx context.Context, org string, apiIDs []string) (map[string]string, error) {
	names := make(map[string]string, len(apiIDs))
	if len(apiIDs) > few {
		for chunk := range slices.Chunk(apiIDs, atOnce) {
			apis, err := n.store.Apis.FindMany(ctx, store.Org(org), "api_id", chunk)
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
		a, err := n.store.Apis.FindBy(ctx, store.Org(org), "api_id", id)
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

// MetaPolicies holds for policies in the meta data of a session or of an OAuth client: they are the organisation's, and
// so are the APIs that they open. Names that are in before, too, are not judged. known are APIs of which it was found
// out.
func (n *Names) MetaPolicies(ctx context.Context, org string, doc, before core.Document, known []string) error {
	if err := confine.CheckCustomPolicies(org, doc); err != nil {
		return err
	}
	named := core.Added(core.NamedApis(doc), known)
	if len(before) > 0 {
		named = core.Added(named, core.NamedApis(before))
	}
	if len(named) == 0 {
		return nil
	}
	names, err := n.apis(ctx, org, named)
	if err != nil {
		return err
	}
	return core.MissingApis(slices.DeleteFunc(named, func(id string) bool { _, exists := names[id]; return exists }))
}

// Policies reads the policies that a key applies, by either of their ids, in the order of ids, and tells which of the
// ids name none.
func (n *Names) Policies(ctx context.Context, org string, ids []string) (Policies, error) {
	out := Policies{Known: make(map[string]string, len(ids))}
	find := n.lookUp
	if len(ids) > few {
		find = n.read
	}
	found, err := find(ctx, org, ids)
	if err != nil {
		return out, err
	}
	for _, id := range ids {
		if p := found[id]; p != nil {
			out.Found = append(out.Found, p)
			out.Known[id] = p.PolicyID
		} else {
			out.Missing = append(out.Missing, id)
		}
	}
	return out, nil
}

// Policies are what ids of policies name.
type Policies struct {
	Found   []*core.Policy
	Missing []string
	// Known are the ids under which gateways know those that were found, by the ids that were asked for.
	Known map[string]string
}

// lookUp finds policies by either id through the read cache, one by one.
func (n *Names) lookUp(ctx context.Context, org string, ids []string) (map[string]*core.Policy, error) {
	out := make(map[string]*core.Policy, len(ids))
	for _, id := range ids {
		p, err := n.store.Policies.FindBy(ctx, store.Org(org), "policy_id", id)
		if errors.Is(err, store.ErrNotFound) {
			p, err = n.store.Policies.Find(ctx, store.Org(org), id)
		}
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out[id] = p
	}
	return out, nil
}

// read finds policies by either id, in two calls of the store.
func (n *Names) read(ctx context.Context, org string, ids []string) (map[string]*core.Policy, error) {
	out := make(map[string]*core.Policy, len(ids))
	for _, unique := range []string{"id", "policy_id"} { // an explicit id goes before the database id of another
		found, err := n.store.Policies.FindMany(ctx, store.Org(org), unique, ids)
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
