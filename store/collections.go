package store

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gatehouse/internal/audit"
	"gatehouse/internal/confine"
	"gatehouse/internal/core"
	"gatehouse/internal/gateway/route"
	"gatehouse/internal/portal"
	"gatehouse/internal/usergroup"
)

// Collection declares what of a kind of object can be searched, for all engines at once. The names are column names.
type Collection struct {
	// Name is the table's or the collection's.
	Name string
	// Text are text fields, folded; Int integer fields. Both can be filtered and sorted by.
	Text []string
	Int  []string
	// Unique are values that at most one record may have: in its organisation, or anywhere when Global.
	Unique []Unique
	// Labels are fields with many values, matched as a whole.
	Labels []string
	// Searched are text fields, and "id", of which there may be so many that engines keep an index of their parts for
	// Contains.
	Searched []string
	// Plain are Text and Int fields that no index has: they are compared in records that something else finds. In the
	// order of time, by which lists of ByTime are read, there are those of its fields.
	Plain, ByTime []string
	// Added are the Text, Int and Labels that each later version of the collection brought. They follow from the object
	// alone, so that Reindex can add them to records that an earlier program wrote. One comes again when more objects have
	// it since.
	Added [][]string
}

// Unique declares a value that at most one record may have.
type Unique struct {
	Name   string
	Global bool
}

// The collections.
var (
	organisations = &Collection{
		Name:   "organisations",
		Text:   []string{"name"},
		Unique: []Unique{{"slug", true}, {"cname", true}},
	}
	users = &Collection{Name: "users", Text: []string{"email", "name", "group_id"}, Int: []string{"active"},
		Unique: []Unique{{"email_key", false}, {"access_key", true}}, Labels: []string{"group", "governs"},
		Added: [][]string{{"group", "governs"}}}
	userGroups = &Collection{Name: "user_groups", Text: []string{"name"}, Int: []string{"active"}}
	// The unique value "route" is left empty: earlier versions filled it, but which routes clash is more than one value
	// can say. See "claim".
	apis = &Collection{Name: "apis", Text: []string{"name", "slug_text"}, Int: []string{"active"},
		Unique: []Unique{{"api_id", true}, {"slug", false}, {"route", false}},
		Labels: []string{
			"category",
			"kind",
			"auth",
			"owner",
			"webhook",
			"version",
			"certificate",
			"certificate_use",
			"fault",
			"loop",
			"listens",
			"claim",
			"segment",
			"public",
			"tag",
			"listen_path",
			"domain",
			"target",
			"policy",
			"viewer",
		},
		Added: [][]string{
			{"certificate"},
			{"certificate_use"},
			{"loop"},
			{"listens", "claim", "segment"},
			{"certificate", "certificate_use"},
			{"public"},
			{"tag", "listen_path", "domain", "target"},
			{"policy"},
			{"viewer"},
		}}
	policies = &Collection{Name: "policies", Text: []string{"name", "state"}, Int: []string{"active"},
		Unique: []Unique{{"policy_id", true}, {"name_key", false}}, Labels: []string{"api", "tag", "auth", "known"},
		// The label is as old as the collection; since this version, the ids of policies are reserved as well, which Reindex
		// does along.
		Added: [][]string{{"api"}, {"known"}}}
	keys = &Collection{
		Name: "keys",
		Text: []string{"alias", "oauth_client_id"},
		Int:  []string{"expires", "inactive", "basic_auth"},
		Labels: []string{
			"api",
			"policy",
			"tag",
			"hash",
			"certificate",
		},
		Searched: []string{"id", "alias"},
		Added:    [][]string{{"certificate"}, {"certificate"}},
	}
	webhooks = &Collection{Name: "webhooks", Text: []string{"name"}, Unique: []Unique{{"webhook_id", false}}}
	// The gateways that registered. They belong to no organisation.
	nodes = &Collection{
		Name:   "nodes",
		Text:   []string{"hostname"},
		Int:    []string{"last_seen"},
		Unique: []Unique{{"session", true}},
	}
	oauthClients = &Collection{
		Name:   "oauth_clients",
		Text:   []string{"api_id", "policy_id", "description"},
		Unique: []Unique{{"client_id", true}},
		Labels: []string{"api", "policy"},
		Added:  [][]string{{"policy"}, {"description"}},
	}
	certificates = &Collection{
		Name: "certificates",
		Text: []string{"subject_cn", "fingerprint"},
		Int:  []string{"not_after", "has_private"},
	}
	portalDocuments = &Collection{
		Name:   "portal_documents",
		Text:   []string{"type", "name"},
		Unique: []Unique{{"portal_key", false}, {"sso_key", false}},
	}
	// What the installation keeps for itself, such as how far an index is.
	settings = &Collection{Name: "settings"}
	// What was done, by whom. Records have one object nearly always, which is the text object; those with several have the
	// others as labels.
	auditRecords = &Collection{
		Name:   "audit_records",
		Text:   []string{"actor", "object", "action", "method", "ip", "url"},
		Int:    []string{"status"},
		Labels: []string{"also"},
		Plain:  []string{"action", "method", "ip", "url", "status"},
		ByTime: []string{"actor", "object"},
	}
	// Who signed in, and what may be done once. "ends" is when, in microseconds.
	sessions = &Collection{Name: "sessions", Text: []string{"user_id"}, Int: []string{"ends"},
		Unique: []Unique{{"token", true}}}
	tickets = &Collection{Name: "tickets", Int: []string{"ends"}, Unique: []Unique{{"token", true}}}
)

// Collections lists every collection.
func Collections() []*Collection {
	return []*Collection{
		organisations, users, userGroups, apis, policies, keys, webhooks, nodes, oauthClients, certificates, portalDocuments,
		settings, auditRecords, sessions, tickets,
	}
}

// kind joins a collection with the way its objects become records and back.
type kind[T any] struct {
	*Collection
	of     *core.Kind
	meta   func(*T) *core.Meta
	encode func(*T) Record
	decode func(core.Meta, Record) (*T, error)
	// judge is the version of what judges the objects, and judged the label that it leaves; "" where nothing does.
	judge, judged string
	// also returns what else Reindex has to write for objects of an earlier version; nil is nothing.
	also func(ctx context.Context, s *Store, objects []*T) ([]Change, error)
	// seen is the condition that a viewer sees an object; nil where everybody sees all.
	seen func(v *viewer) Cond
}

func organisationKind(allowDuplicates bool) kind[core.Organisation] {
	return kind[core.Organisation]{
		Collection: organisations, of: core.OrganisationKind,
		meta: func(o *core.Organisation) *core.Meta { return &o.Meta },
		encode: func(o *core.Organisation) Record {
			r := Record{Doc: o.Document, Text: map[string]string{"name": o.Name},
				Unique: map[string]string{"slug": o.Slug, "cname": strings.ToLower(o.Cname)}}
			if allowDuplicates {
				delete(r.Unique, "slug")
			}
			return r
		},
		decode: func(m core.Meta, r Record) (*core.Organisation, error) { return core.NewOrganisation(m, r.Doc), nil },
	}
}

var userKind = kind[core.User]{
	Collection: users, of: core.UserKind,
	meta: func(u *core.User) *core.Meta { return &u.Meta },
	encode: func(u *core.User) Record {
		sealed, err := json.Marshal(u.Secrets)
		if err != nil {
			panic(fmt.Sprintf("store: user secrets: %v", err))
		}
		return Record{Doc: u.Document, Sealed: sealed, Int: map[string]int64{"active": number(u.Active)},
			Text:   map[string]string{"email": u.Email, "name": u.FirstName + " " + u.LastName, "group_id": u.GroupID()},
			Unique: map[string]string{"email_key": u.Email, "access_key": u.Secrets.AccessKeyHash},
			Labels: map[string][]string{"group": u.GroupIDs, "governs": yes(u.Governs())}}
	},
	decode: func(m core.Meta, r Record) (*core.User, error) {
		var secrets core.UserSecrets
		if len(r.Sealed) > 0 {
			if err := json.Unmarshal(r.Sealed, &secrets); err != nil {
				return nil, fmt.Errorf("store: secrets of user %s: %w", m.ID, err)
			}
		}
		return core.NewUser(m, r.Doc, secrets), nil
	},
}

var userGroupKind = kind[usergroup.Group]{
	Collection: userGroups, of: core.UserGroupKind,
	meta: func(g *usergroup.Group) *core.Meta { return &g.Meta },
	encode: func(g *usergroup.Group) Record {
		return Record{
			Doc:  g.Document,
			Text: map[string]string{"name": g.Name},
			Int:  map[string]int64{"active": number(g.Active)},
		}
	},
	decode: func(m core.Meta, r Record) (*usergroup.Group, error) { return usergroup.New(m, r.Doc), nil },
}

func apiKind(allowDuplicates bool, judge Judge) kind[core.Api] {
	return kind[core.Api]{
		Collection: apis, of: core.ApiKind, judge: judge.Version, judged: "fault", seen: (*viewer).seenApis,
		meta: func(a *core.Api) *core.Meta { return &a.Meta },
		encode: func(a *core.Api) Record {
			certificates := a.Certificates()
			owners := a.Owners()
			r := Record{Doc: a.Definition, Int: map[string]int64{"active": number(a.Active)},
				Text:   map[string]string{"name": a.Name, "slug_text": a.Slug},
				Unique: map[string]string{"api_id": a.ApiID, "slug": a.Slug},
				Labels: map[string][]string{"category": a.Categories, "kind": {a.Kind}, "auth": a.AuthTypes,
					"owner": owners, "viewer": viewers(owners), "webhook": webhookIDs(a.Definition), "version": a.Versions,
					"certificate": slices.Sorted(maps.Keys(certificates)), "certificate_use": certificateUses(certificates),
					"claim": route.Claims(a), "segment": route.Segments(a), "listens": {route.Listens(a)},
					// So that it can be asked of many ids which there are, without reading documents.
					"public": {a.ApiID},
					"tag":    a.Tags, "listen_path": {a.ListenPath}, "domain": {strings.ToLower(a.Domain)}, "target": a.TargetHosts(),
					"policy": confine.PoliciesOfDefinition(core.Document(a.Definition.Get("api_definition").Raw))}}
			if name := core.LoopName(a.Name); name != "" {
				r.Labels["loop"] = []string{name}
			}
			if a.Internal {
				r.Labels["kind"] = []string{a.Kind, "internal"}
			}
			if judge.Fault != nil && judge.Fault(a.Definition) != "" {
				r.Labels["fault"] = []string{judge.Version}
			}
			if allowDuplicates {
				delete(r.Unique, "slug")
			}
			return r
		},
		decode: func(m core.Meta, r Record) (*core.Api, error) { return core.NewApi(m, r.Doc), nil },
		also: func(ctx context.Context, s *Store, objects []*core.Api) ([]Change, error) {
			ids := map[string]*Ids{}
			for _, a := range objects {
				if a.ApiID != "" {
					of(ids, a.OrgID).Apis = append(of(ids, a.OrgID).Apis, a.ApiID)
				}
			}
			return reservingAll(ctx, s, ids)
		},
	}
}

// certificateUses are the values of the label that finds the APIs with one use for a certificate: see CertificateUse.
func certificateUses(certificates map[string][]string) []string {
	var out []string
	for id, uses := range certificates {
		for _, use := range uses {
			out = append(out, CertificateUse(use, id))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// CertificateUse is the value of the label certificate_use of an API that has the use for the certificate: client,
// upstream or server; what is pinned for an upstream counts as server there.
func CertificateUse(use, id string) string {
	if use == "pinned" {
		use = "server"
	}
	return use + ":" + id
}

func webhookIDs(doc core.Document) []string {
	var out []string
	for _, id := range doc.Get("hook_references.#.hook.id").Array() {
		if core.IsID(id.Str) {
			out = append(out, id.Str)
		}
	}
	return out
}

var policyKind = kind[core.Policy]{
	Collection: policies, of: core.PolicyKind, seen: (*viewer).seenPolicies,
	meta: func(p *core.Policy) *core.Meta { return &p.Meta },
	encode: func(p *core.Policy) Record {
		return Record{Doc: p.Document, Int: map[string]int64{"active": number(p.Active)},
			Text:   map[string]string{"name": p.Name, "state": p.State},
			Unique: map[string]string{"policy_id": p.PolicyID, "name_key": p.Name},
			Labels: map[string][]string{"api": p.ApiIDs, "tag": p.Tags, "auth": p.AuthTypes,
				// Both ids, as "public" of APIs.
				"known": {p.ID, p.PolicyID}}}
	},
	decode: func(m core.Meta, r Record) (*core.Policy, error) { return core.NewPolicy(m, r.Doc), nil },
	also: func(ctx context.Context, s *Store, objects []*core.Policy) ([]Change, error) {
		ids := map[string]*Ids{}
		for _, p := range objects {
			of(ids, p.OrgID).Policies = append(of(ids, p.OrgID).Policies, p.ID, p.PolicyID)
		}
		return reservingAll(ctx, s, ids)
	},
}

var keyKind = kind[core.Key]{
	Collection: keys, of: core.KeyKind, seen: (*viewer).seenKeys,
	meta: func(k *core.Key) *core.Meta { return &k.Meta },
	encode: func(k *core.Key) Record {
		r := Record{Doc: k.Session, Text: map[string]string{"alias": k.Alias, "oauth_client_id": k.OauthClientID},
			Int: map[string]int64{"inactive": number(k.Inactive), "basic_auth": number(k.BasicAuth)},
			Labels: map[string][]string{
				"api":         k.ApiIDs,
				"policy":      append(append([]string{}, k.PolicyIDs...), k.AppliedIDs...),
				"tag":         k.Tags,
				"hash":        {k.Hash},
				"certificate": k.Certificates(),
			}}
		if !k.Expires.IsZero() {
			r.Int["expires"] = k.Expires.Unix()
		}
		return r
	},
	decode: func(m core.Meta, r Record) (*core.Key, error) { return core.NewKey(m, r.Doc), nil },
}

var webhookKind = kind[core.Webhook]{
	Collection: webhooks, of: core.WebhookKind,
	meta: func(w *core.Webhook) *core.Meta { return &w.Meta },
	encode: func(w *core.Webhook) Record {
		return Record{
			Doc:    w.Document,
			Text:   map[string]string{"name": w.Name},
			Unique: map[string]string{"webhook_id": w.WebhookID},
		}
	},
	decode: func(m core.Meta, r Record) (*core.Webhook, error) { return core.NewWebhook(m, r.Doc), nil },
}

var nodeKind = kind[core.Node]{
	Collection: nodes, of: core.NodeKind,
	meta: func(n *core.Node) *core.Meta { return &n.Meta },
	encode: func(n *core.Node) Record {
		return Record{
			Doc:    n.Document(),
			Text:   map[string]string{"hostname": n.Hostname},
			Int:    map[string]int64{"last_seen": n.LastSeen.UnixMicro()},
			Unique: map[string]string{"session": n.Session},
		}
	},
	decode: func(m core.Meta, r Record) (*core.Node, error) { return core.NewNode(m, r.Doc) },
}

var oauthClientKind = kind[core.OauthClient]{
	Collection: oauthClients, of: core.OauthClientKind, seen: (*viewer).seenClients,
	meta: func(c *core.OauthClient) *core.Meta { return &c.Meta },
	encode: func(c *core.OauthClient) Record {
		return Record{
			Doc:    c.Document,
			Sealed: sealedText(c.Sealed),
			Text:   map[string]string{"api_id": c.ApiID, "policy_id": c.PolicyID, "description": c.Description},
			Unique: map[string]string{"client_id": c.ClientID},
			Labels: map[string][]string{"api": {c.ApiID}, "policy": {c.PolicyID}},
		}
	},
	decode: func(m core.Meta, r Record) (*core.OauthClient, error) {
		sealed, err := unsealedText(m, r)
		return core.NewOauthClient(m, r.Doc, sealed), err
	},
}

var certificateKind = kind[core.Certificate]{
	Collection: certificates, of: core.CertificateKind,
	meta: func(c *core.Certificate) *core.Meta { return &c.Meta },
	encode: func(c *core.Certificate) Record {
		r := Record{
			Doc:    c.Document(),
			Sealed: sealedText(c.Sealed),
			Text:   map[string]string{"subject_cn": c.SubjectCn, "fingerprint": c.Fingerprint},
			Int:    map[string]int64{"has_private": number(c.HasPrivate)},
		}
		if c.NotAfter != nil {
			r.Int["not_after"] = c.NotAfter.Unix()
		}
		return r
	},
	decode: func(m core.Meta, r Record) (*core.Certificate, error) {
		sealed, err := unsealedText(m, r)
		if err != nil {
			return nil, err
		}
		return core.NewCertificate(m, r.Doc, sealed)
	},
}

var portalKind = kind[portal.Document]{
	Collection: portalDocuments, of: core.PortalKind,
	meta: func(d *portal.Document) *core.Meta { return &d.Meta },
	encode: func(d *portal.Document) Record {
		sealed, err := json.Marshal(portalSecrets{d.Type, d.PasswordHash})
		if err != nil {
			panic(fmt.Sprintf("store: portal secrets: %v", err)) // texts always are JSON
		}
		return Record{
			Doc:    d.Document,
			Sealed: sealed,
			Text:   map[string]string{"type": string(d.Type), "name": d.Name},
			Unique: map[string]string{"portal_key": d.Key(), "sso_key": d.SsoKey},
		}
	},
	decode: func(m core.Meta, r Record) (*portal.Document, error) {
		var s portalSecrets
		if len(r.Sealed) > 0 {
			if err := json.Unmarshal(r.Sealed, &s); err != nil {
				return nil, fmt.Errorf("store: what is kept beside the document of the portal %s: %w", m.ID, err)
			}
		}
		return portal.New(m, s.Type, r.Doc, s.PasswordHash), nil
	},
}

// portalSecrets is what is kept of a document of the portal beside it: what it is, which it does not say itself, and
// the password of a developer.
type portalSecrets struct {
	Type         portal.Type `json:"type"`
	PasswordHash string      `json:"password,omitempty"`
}

var settingKind = kind[core.Setting]{
	Collection: settings, of: core.SettingKind,
	meta:   func(s *core.Setting) *core.Meta { return &s.Meta },
	encode: func(s *core.Setting) Record { return Record{Doc: s.Value} },
	decode: func(m core.Meta, r Record) (*core.Setting, error) { return &core.Setting{Meta: m, Value: r.Doc}, nil },
}

var auditKind = kind[audit.Record]{
	Collection: auditRecords, of: core.AuditKind,
	meta: func(r *audit.Record) *core.Meta { return &r.Meta },
	encode: func(r *audit.Record) Record {
		out := Record{Doc: r.Document, Int: map[string]int64{"status": int64(r.Status)},
			Text: map[string]string{"actor": r.Actor.ID, "action": r.Operation, "method": r.Method, "ip": r.IP, "url": r.Path()}}
		if r.Mark != nil {
			out.Text["actor"] = AuditMarks
		}
		if len(r.Objects) > 0 {
			out.Text["object"] = r.Objects[0]
			out.Labels = map[string][]string{"also": r.Objects[1:]}
		}
		return out
	},
	decode: func(m core.Meta, r Record) (*audit.Record, error) { return audit.New(m, r.Doc), nil },
}

// AuditMarks is what is in the place of the actor of records that are marks of a chain.
const AuditMarks = "(mark)"

var sessionKind = kind[core.Session]{
	Collection: sessions, of: core.SessionKind,
	meta: func(s *core.Session) *core.Meta { return &s.Meta },
	encode: func(s *core.Session) Record {
		return Record{
			Doc:    s.Document(),
			Sealed: sealedText(s.TokenHash),
			Text:   map[string]string{"user_id": s.UserID},
			Int:    map[string]int64{"ends": s.Ends().UnixMicro()},
			Unique: map[string]string{"token": s.TokenHash},
		}
	},
	decode: func(m core.Meta, r Record) (*core.Session, error) {
		hash, err := unsealedText(m, r)
		if err != nil {
			return nil, err
		}
		return core.NewSession(m, r.Doc, hash)
	},
}

var ticketKind = kind[core.Ticket]{
	Collection: tickets, of: core.TicketKind,
	meta: func(t *core.Ticket) *core.Meta { return &t.Meta },
	encode: func(t *core.Ticket) Record {
		return Record{
			Doc:    t.Document(),
			Sealed: sealedText(t.TokenHash),
			Int:    map[string]int64{"ends": t.Expires.UnixMicro()},
			Unique: map[string]string{"token": t.TokenHash},
		}
	},
	decode: func(m core.Meta, r Record) (*core.Ticket, error) {
		hash, err := unsealedText(m, r)
		if err != nil {
			return nil, err
		}
		return core.NewTicket(m, r.Doc, hash)
	},
}

// sealedText is one sealed text as the JSON that Record.Sealed holds.
func sealedText(text string) []byte {
	raw, err := json.Marshal(text)
	if err != nil {
		panic(fmt.Sprintf("store: sealed text: %v", err)) // a string always is JSON
	}
	return raw
}

func unsealedText(m core.Meta, r Record) (string, error) {
	var text string
	if len(r.Sealed) == 0 {
		return "", nil
	}
	if err := json.Unmarshal(r.Sealed, &text); err != nil {
		return "", fmt.Errorf("store: what is sealed of %s: %w", m.ID, err)
	}
	return text, nil
}

// yes is the label of what is so.
func yes(b bool) []string {
	if b {
		return []string{"yes"}
	}
	return nil
}

func number(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
