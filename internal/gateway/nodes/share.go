package nodes

import (
	"context"
	"log/slog"

	"gatehouse/internal/confine"
	"gatehouse/internal/core"
	"gatehouse/store"
)

// What is saved names nothing of another organisation. Documents that were saved before that was so, or restored from
// elsewhere, may; and gateways judge rights by the id of an API alone. So what goes to them is confined to the
// organisation of each document. What is stored stays as it is.

// confinedPolicies are the documents of policies as gateways may have them.
func (r *Registry) confinedPolicies(ctx context.Context, page []*core.Policy) ([]core.Document, error) {
	var named store.Ids
	for _, p := range page {
		named.Apis = append(named.Apis, core.NamedApis(p.Document)...)
	}
	owners, err := r.o.Store.OwnersOf(ctx, named)
	if err != nil {
		return nil, err
	}
	out := make([]core.Document, len(page))
	for i, p := range page {
		out[i] = confine.Policy(p, owners.Foreign(p.OrgID))
	}
	return out, nil
}

// confine has the definitions of APIs be as gateways may have them. apis[i] is the API of out[i].
func (r *Registry) confine(ctx context.Context, apis []*core.Api, out [][]byte) error {
	var named store.Ids
	for _, definition := range out {
		named.Policies = append(named.Policies, confine.PoliciesOfDefinition(definition)...)
	}
	owners, err := r.o.Store.OwnersOf(ctx, named)
	if err != nil {
		return err
	}
	for i, a := range apis {
		out[i] = confine.Definition(a, out[i], owners.Foreign(a.OrgID))
	}
	return nil
}

// ownCertificates leaves out of definitions the certificates of other organisations: gateways use whichever is named,
// with its private key. Such names are refused today; this is for those that were saved before, restored from
// elsewhere, or by an organisation that was alone then. What is stored stays as it is. apis[i] is the API of out[i].
func (r *Registry) ownCertificates(ctx context.Context, apis []*core.Api, out [][]byte) error {
	asked := false
	for i, a := range apis {
		own, replaced := core.WithoutForeignCertificates(out[i], a.OrgID)
		if replaced == 0 {
			continue
		}
		if !asked {
			if shared, err := r.o.Store.SharesGateways(ctx, r.o.Shared); err != nil || !shared {
				return err
			}
			asked = true
		}
		out[i] = own
		if seen, _ := r.bounded.ContainsOrAdd(version{a.ID, a.Revision, a.UpdatedAt}, struct{}{}); !seen {
			r.o.Log.WarnContext(
				ctx,
				"a definition names certificates that are not its organisation's: gateways are told of none in their place",
				slog.String("id", a.ID),
				slog.String("org_id", a.OrgID),
				slog.Int("certificates", replaced),
			)
		}
	}
	return nil
}
