// Package policy makes policies of what callers give and of what is imported, and says what the filters of their lists
// mean.
//
// It guarantees that a policy has the ids that it may have, and access rights that gateways can read. The APIs that it
// names may come later: they are told of, and no error.
package policy

import (
	"cmp"
	"context"
	"log/slog"
	"strconv"
	"time"

	"gatehouse/internal/confine"
	"gatehouse/internal/core"
	"gatehouse/internal/gateway/definition"
	"gatehouse/internal/input"
	"gatehouse/internal/reference"
	"gatehouse/store"
)

// Options are what policies are made with.
type Options struct {
	Store *store.Store
	Names *reference.Names
	// Definitions say what gateways may be given.
	Definitions definition.Rules
	// ExplicitIDs keeps the ids that authors give to policies; UnsafeIDs allows any characters in them.
	ExplicitIDs, UnsafeIDs bool
	Log                    *slog.Logger
}

// Blank is what a policy starts from that comes without a document: what a gateway needs, and what people expect.
const Blank = `{"name":"","active":true,"is_inactive":false,"state":"active","rate":1000,"per":60,"quota_max":-1,` +
	`"quota_renewal_rate":3600,"access_rights":{},"hmac_enabled":false,"key_expires_in":0,"tags":[],` +
	`"partitions":{"quota":false,"rate_limit":false,"acl":false,"complexity":false,"per_api":false}}`

// Policies makes policies. It is safe for concurrent use.
type Policies struct{ o Options }

// New makes Policies.
func New(o Options) *Policies { return &Policies{o} }

// Made is a policy that is about to be written.
type Made struct {
	Policy *core.Policy
	// Old is what it replaces; nil for a new one.
	Old *core.Policy
	// Missing are the APIs that its access rights name and that do not exist.
	Missing []string
}

// Same tells whether nothing changes.
func (m *Made) Same() bool { return m.Old != nil && m.Policy.Document.Equal(m.Old.Document) }

// Warnings are what whoever imports the policy should know.
func (m *Made) Warnings() []string {
	if len(m.Missing) == 0 {
		return nil
	}
	return []string{core.DanglingApis(m.Missing)}
}

// Make makes a policy that is new, with the ids that its document carries where that is allowed.
func (p *Policies) Make(ctx context.Context, org string, doc core.Document) (*Made, error) {
	ids := core.PolicyIDs{}
	if p.o.ExplicitIDs {
		ids = core.GivenPolicyIDs(doc)
	}
	return p.of(ctx, org, doc, ids.Made(core.NewID(p.o.Store.Now())), nil)
}

// Change makes a policy that replaces an earlier one. It keeps that one's explicit id where others are not allowed.
func (p *Policies) Change(ctx context.Context, doc core.Document, old *core.Policy) (*Made, error) {
	ids, err := core.GivenPolicyIDs(doc).Over(old)
	if err != nil {
		return nil, err
	}
	if !p.o.ExplicitIDs {
		ids.Explicit = old.Document.Text("id")
	}
	return p.of(ctx, old.OrgID, doc, ids, old)
}

// Import makes a policy of a document of an import, with the ids that it carries, over old where that is not nil.
func (p *Policies) Import(ctx context.Context, org string, doc core.Document, old *core.Policy) (*Made, error) {
	ids := core.GivenPolicyIDs(doc)
	if old == nil {
		return p.of(ctx, org, doc, ids.Made(core.NewID(p.o.Store.Now())), nil)
	}
	ids, err := ids.Over(old)
	if err != nil {
		return nil, err
	}
	return p.of(ctx, org, doc, ids, old)
}

// of makes a policy of a document that came from outside, with the ids that it shall have.
func (p *Policies) of(
	ctx context.Context,
	org string,
	doc core.Document,
	ids core.PolicyIDs,
	old *core.Policy,
) (*Made, error) {
	draft, err := core.ParsePolicy(core.Meta{}, doc, p.o.UnsafeIDs)
	if err != nil {
		return nil, err
	}
	if doc, err = ids.SetIn(doc, org); err != nil {
		return nil, err
	}
	doc, missing, err := p.o.Names.Described(ctx, org, doc, draft.ApiIDs)
	if err != nil {
		return nil, err
	}
	if err := confine.CheckCustomPolicies(org, doc); err != nil {
		return nil, err
	}
	meta := core.Meta{ID: ids.ID, OrgID: org}
	if old != nil {
		meta = old.Meta
	}
	doc = p.dated(doc, old)
	made, err := core.ParsePolicy(meta, doc, p.o.UnsafeIDs)
	if err != nil {
		return nil, err
	}
	if _, err := p.o.Definitions.CheckPolicy(doc); err != nil {
		return nil, err
	}
	return &Made{Policy: made, Old: old, Missing: missing}, nil
}

// dated is a document with when the policy was made.
func (p *Policies) dated(doc core.Document, old *core.Policy) core.Document {
	created := strconv.Quote(p.o.Store.Now().Format(time.RFC3339))
	if old != nil {
		created = cmp.Or(old.Document.Get("date_created").Raw, `"0001-01-01T00:00:00Z"`)
	}
	f := input.Fields{Doc: doc}
	f.Absent("date_created", created)
	return f.Doc
}

// Replaced is what an import of a document goes over: the policy with either of its ids. It is nil when there is none,
// and core.CodeConflict when another organisation has it.
func (p *Policies) Replaced(ctx context.Context, org string, doc core.Document) (*core.Policy, error) {
	for _, unique := range [][2]string{{"id", doc.Text("_id")}, {"policy_id", doc.Text("id")}} {
		if unique[1] == "" {
			continue
		}
		found, err := p.o.Store.Policies.FindMany(ctx, store.AllTenants(), unique[0], []string{unique[1]})
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			continue
		}
		if found[0].OrgID != org {
			return nil, core.Errorf(
				core.CodeConflict, "a policy with the id %s exists in another organisation", found[0].PolicyID,
			)
		}
		return found[0], nil
	}
	return nil, nil
}

// NoteDangling notes in the log that a policy was kept which newly names APIs that do not exist.
func (p *Policies) NoteDangling(ctx context.Context, m *Made) {
	missing := m.Missing
	if m.Old != nil {
		missing = core.Added(missing, m.Old.ApiIDs)
	}
	if len(missing) > 0 {
		p.o.Log.WarnContext(
			ctx,
			"a policy names APIs that do not exist in its organisation",
			slog.String("policy", m.Policy.PolicyID),
			slog.String("org_id", m.Policy.OrgID),
			slog.String("apis", core.SomeOf(missing)),
		)
	}
}
