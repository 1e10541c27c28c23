package reference

import (
	"context"
	"slices"
	"sync"

	"gatehouse/internal/batch"
	"gatehouse/internal/confine"
	"gatehouse/internal/core"
	"gatehouse/store"
)

// warned is how many of the ids that a document names of each kind are looked up for its warnings.
const warned = 100

// whole is how long an id may be to stand whole in a warning: those that Gatehouse makes are, of certificates too.
const whole = 100

// Missing finds what objects name that there is not, for all siblings at once. It lives as long as one operation, and
// remembers what it found for it. Ids are looked up in the organisation of the object alone, and no document is read.
type Missing struct {
	may    May
	absent map[*core.Kind]*batch.Absent
}

// NewMissing makes one over a store. Of an API it says nothing of kinds that may not be read: a document is saved
// whatever users it names as owners, and who could try ids would learn which there are.
func NewMissing(s *store.Store, may May) *Missing {
	return &Missing{may: may, absent: map[*core.Kind]*batch.Absent{
		core.ApiKind:         absentUnder(s.Apis, "public"),
		core.PolicyKind:      absentUnder(s.Policies, "known"),
		core.UserKind:        absentIn(s.Users),
		core.CertificateKind: absentIn(s.Certificates),
		core.WebhookKind:     absentIn(s.Webhooks),
	}}
}

// absentUnder finds which ids nothing has under a label.
func absentUnder(of Counter, label string) *batch.Absent {
	return batch.NewAbsent(func(ctx context.Context, org string, ids []string) (map[string]int, error) {
		return There(ctx, store.Org(org), of, label, ids)
	})
}

// absentIn finds which database ids nothing has.
func absentIn[T any, P interface {
	*T
	core.Object
}](of *store.Repository[T]) *batch.Absent {
	return batch.NewAbsent(func(ctx context.Context, org string, ids []string) (map[string]int, error) {
		there := make(map[string]int, len(ids))
		for chunk := range slices.Chunk(ids, namesAtOnce) {
			found, err := of.List(ctx, store.Query{
				Tenant:  store.Org(org),
				Where:   []store.Cond{store.In("id", chunk...)},
				Sort:    "id",
				Limit:   len(chunk),
				IDsOnly: true,
			})
			if err != nil {
				return nil, err
			}
			for _, o := range found.Objects {
				there[P(o).Base().ID] = 1
			}
		}
		return there, nil
	})
}

// naming is what an object names of one kind, and how it is said that there is not all of it.
type naming struct {
	of    *core.Kind
	ids   []string
	words func(ids []string) string
}

// namedByApi is what an API names. What gateways put in is not judged as if it were the id, and of certificates only
// what can be one of the organisation is: the others are told of by what judges definitions.
func namedByApi(a *core.Api) []naming {
	var certificates []string
	for _, ref := range a.CertificateRefs() {
		if ref.Of(a.OrgID) == core.CertificateOwn {
			certificates = append(certificates, ref.ID)
		}
	}
	policies := confine.PoliciesOfDefinition(core.Document(a.Definition.Get("api_definition").Raw))
	return []naming{
		{core.UserKind, given(a.UserOwners), saying("user_owners name users that do")},
		{core.WebhookKind, given(core.HookIDs(a.Definition)), saying("hook_references name webhooks that do")},
		{core.CertificateKind, given(certificates), saying("the definition names certificates that do")},
		{core.ApiKind, given(a.Versions), saying("the definition names versions that do")},
		{core.PolicyKind, given(policies), saying("the definition names policies that do")},
	}
}

func namedByPolicy(p *core.Policy) []naming {
	return []naming{{core.ApiKind, p.ApiIDs, core.DanglingApis}}
}

func namedByKey(k *core.Key) []naming {
	return []naming{{core.ApiKind, k.ApiIDs, core.DanglingApis}, {core.PolicyKind, k.PolicyIDs, core.DanglingPolicies}}
}

func namedByClient(c *core.OauthClient) []naming {
	return []naming{
		{core.ApiKind, given([]string{c.ApiID}), saying("api_id names an API that does")},
		{core.PolicyKind, given([]string{c.PolicyID}), saying("policy_id names a policy that does")},
	}
}

// given are those of ids that stand for themselves, each once.
func given(ids []string) []string {
	out, seen := make([]string, 0, len(ids)), map[string]bool{"": true}
	for _, id := range ids {
		if !seen[id] && !core.Deferred(id) {
			out = append(out, id)
		}
		seen[id] = true
	}
	return out
}

func saying(what string) func(ids []string) string {
	return func(ids []string) string {
		clipped := make([]string, len(ids))
		for i, id := range ids {
			clipped[i] = id
			if len(id) > whole {
				clipped[i] = core.Clip(id)
			}
		}
		return what + " not exist in the organisation: " + core.SomeOf(clipped)
	}
}

// Expect announces an object of which a sibling will ask for warnings. What it names is read from its document when
// one does.
func (m *Missing) Expect(o core.Object) {
	org := o.Base().OrgID
	switch o := o.(type) {
	case *core.Api:
		read := sync.OnceValue(func() []naming { return namedByApi(o) })
		for kind, absent := range m.absent {
			absent.ExpectLater(org, func() []string {
				var ids []string
				for _, n := range read() {
					if n.of == kind {
						ids = append(ids, n.ids...)
					}
				}
				return ids
			})
		}
	case *core.Policy:
		m.expect(org, namedByPolicy(o))
	case *core.Key:
		m.expect(org, namedByKey(o))
	case *core.OauthClient:
		m.expect(org, namedByClient(o))
	}
}

func (m *Missing) expect(org string, named []naming) {
	for _, n := range named {
		m.absent[n.of].Expect(org, n.ids...)
	}
}

// OfApi are sentences about what an API names that there is not, of each kind the first hundred ids. What before names,
// too, is left out; nil names nothing.
func (m *Missing) OfApi(ctx context.Context, a, before *core.Api) ([]string, error) {
	named := slices.DeleteFunc(namedByApi(a), func(n naming) bool { return !m.may(ctx, n.of.Name) })
	if before != nil {
		had := namedByApi(before)
		for i, n := range named {
			at := slices.IndexFunc(had, func(h naming) bool { return h.of == n.of })
			named[i].ids = core.Added(n.ids, had[at].ids)
		}
	}
	return m.of(ctx, a.OrgID, named)
}

// OfPolicy does so for a policy.
func (m *Missing) OfPolicy(ctx context.Context, p *core.Policy) ([]string, error) {
	return m.of(ctx, p.OrgID, namedByPolicy(p))
}

// OfKey does so for a key, after what else it should not be.
func (m *Missing) OfKey(ctx context.Context, k *core.Key) ([]string, error) {
	out, err := m.of(ctx, k.OrgID, namedByKey(k))
	return append(k.Warnings(), out...), err
}

// OfClient does so for an OAuth client.
func (m *Missing) OfClient(ctx context.Context, c *core.OauthClient) ([]string, error) {
	return m.of(ctx, c.OrgID, namedByClient(c))
}

func (m *Missing) of(ctx context.Context, org string, named []naming) ([]string, error) {
	out := []string{}
	for _, n := range named {
		if len(n.ids) == 0 {
			continue
		}
		missing, err := m.absent[n.of].Of(ctx, org, n.ids, warned)
		if err != nil {
			return nil, err
		}
		if len(missing) > 0 {
			out = append(out, n.words(missing))
		}
	}
	return out, nil
}
