package core

// Kind describes one kind of object, once: whatever has to know of each of them reads it here, and loops over Kinds.
// What of it can be searched is its collection in the store. A new kind is one more of these, with its collection and
// its resolvers; TestKinds says what one lacks.
type Kind struct {
	// Name is that of its type in GraphQL, and in what is told of changes.
	Name string
	// Word is what people call one in a sentence, Plural what they call several.
	Word, Plural string
	// Collection is where the store keeps it. Where each belongs to an organisation, it is also the name of the limit of
	// how many.
	Collection string
	// Owned tells that each belongs to one organisation, and goes with it.
	Owned bool
	// Permission is the one that opens it, and with it what is told of its changes; "" is nobody's.
	Permission string
	// Conflicts say what is wrong where a value of one is another's already, by the name of the unique value.
	Conflicts map[string]Conflict
	// Told is what gateways load that changes with one, by what was done; nil is nothing.
	Told func(ChangeKind) Feeds
}

// Conflict says that a unique value is taken.
type Conflict struct {
	// Message may have one %s for the name of what holds the value.
	Message string
	// Field is that of the document.
	Field string
}

// Feeds are what gateways load.
type Feeds struct {
	Apis, Policies bool
	// IfUsed tells that it is so only where an API uses the object.
	IfUsed bool
	// Certificates are read by gateways when they need them; they read them again when they load everything.
	Certificates bool
}

// Object is one of any kind.
type Object interface {
	// Base is what all have.
	Base() *Meta
	// Size is how many bytes its document has, which count for the organisation that it belongs to.
	Size() int64
}

// Size is the length of the document.
func (a *Api) Size() int64 { return int64(len(a.Definition)) }

// Size is the length of the document.
func (p *Policy) Size() int64 { return int64(len(p.Document)) }

// Size is the length of the document.
func (k *Key) Size() int64 { return int64(len(k.Session)) }

// Size is the length of the document.
func (u *User) Size() int64 { return int64(len(u.Document)) }

// Size is the length of the document.
func (w *Webhook) Size() int64 { return int64(len(w.Document)) }

// Size is the length of the document.
func (c *OauthClient) Size() int64 { return int64(len(c.Document)) }

// Size is the length of the document.
func (c *Certificate) Size() int64 { return int64(len(c.Document())) }

// Size is 0: the document of an organisation counts for nobody.
func (o *Organisation) Size() int64 { return 0 }

// The kinds of objects.
var (
	ApiKind = &Kind{Name: "Api", Word: "API", Plural: "APIs", Collection: "apis", Owned: true, Permission: "apis",
		Conflicts: map[string]Conflict{
			"id":     {"Found API with the same ID: the database id (api_definition.id) is; leave it out", "api_definition.id"},
			"api_id": {"Found API with the same ID", "api_definition.api_id"},
			"slug":   {"the slug is taken by the API %s: give another slug", "api_definition.slug"},
		},
		Told: func(ChangeKind) Feeds { return Feeds{Apis: true} }}
	PolicyKind = &Kind{
		Name:       "Policy",
		Word:       "policy",
		Plural:     "policies",
		Collection: "policies",
		Owned:      true,
		Permission: "policies",
		Conflicts: map[string]Conflict{
			"policy_id": {"another policy has the same ID", "id"},
			"name_key":  {"This policy name has already been used. Enter a unique policy name.", "name"},
		},
		Told: func(ChangeKind) Feeds { return Feeds{Policies: true} },
	}
	KeyKind  = &Kind{Name: "Key", Word: "key", Plural: "keys", Collection: "keys", Owned: true, Permission: "keys"}
	UserKind = &Kind{Name: "User", Word: "user", Plural: "users", Collection: "users", Owned: true, Permission: "users",
		Conflicts: map[string]Conflict{
			"email_key": {"User email already exists for this org.", "email_address"},
		}}
	UserGroupKind = &Kind{
		Name:       "UserGroup",
		Word:       "user group",
		Plural:     "user groups",
		Collection: "user_groups",
		Owned:      true,
		Permission: "user_groups",
	}
	WebhookKind = &Kind{
		Name:       "Webhook",
		Word:       "webhook",
		Plural:     "webhooks",
		Collection: "webhooks",
		Owned:      true,
		Permission: "hooks",
		Conflicts: map[string]Conflict{
			"webhook_id": {"Duplicate webhook_id.", "webhook_id"},
		},
		Told: func(k ChangeKind) Feeds { return Feeds{Apis: k == ChangeUpdated, IfUsed: true} },
	}
	CertificateKind = &Kind{
		Name:       "Certificate",
		Word:       "certificate",
		Plural:     "certificates",
		Collection: "certificates",
		Owned:      true,
		Permission: "certs",
		Told:       func(ChangeKind) Feeds { return Feeds{Certificates: true} },
	}
	OauthClientKind = &Kind{
		Name:       "OauthClient",
		Word:       "OAuth client",
		Plural:     "OAuth clients",
		Collection: "oauth_clients",
		Owned:      true,
		Permission: "oauth",
	}
	PortalKind = &Kind{
		Name:       "PortalDocument",
		Word:       "document of the portal",
		Plural:     "documents of the portal",
		Collection: "portal_documents",
		Owned:      true,
		Permission: "portal",
		Conflicts: map[string]Conflict{
			"portal_key": {"the organisation has one of this e-mail address already: change that", "email"},
			"sso_key":    {"another developer of the organisation has this sso_key", "sso_key"},
		},
	}
	OrganisationKind = &Kind{
		Name:       "Organisation",
		Word:       "organisation",
		Plural:     "organisations",
		Collection: "organisations",
		Permission: "admin",
		Conflicts: map[string]Conflict{
			"slug":  {"another organisation has this owner_slug: give another one, or set enable_duplicate_slugs", "owner_slug"},
			"cname": {"another organisation has this cname", "cname"},
		},
		Told: func(k ChangeKind) Feeds { gone := k == ChangeDeleted; return Feeds{Apis: gone, Policies: gone} },
	}

	// NodeKind are the gateways that registered, SettingKind is what the installation keeps for itself, and AuditKind are
	// the records of who did what, which outlive their organisation. Nobody is told of their changes.
	NodeKind    = &Kind{Name: "Node", Word: "gateway", Plural: "gateways", Collection: "nodes"}
	SettingKind = &Kind{Name: "Setting", Word: "setting", Plural: "settings", Collection: "settings"}
	AuditKind   = &Kind{Name: "AuditRecord", Word: "audit record", Plural: "audit records", Collection: "audit_records"}
	// SessionKind are people who signed in, TicketKind what they may do once. They end with whose they are, and nobody is
	// told of them.
	SessionKind = &Kind{Name: "Session", Word: "session", Plural: "sessions", Collection: "sessions"}
	TicketKind  = &Kind{Name: "Ticket", Word: "ticket", Plural: "tickets", Collection: "tickets"}
)

// Kinds are all kinds. Those that an organisation owns come first, in the order in which limits and summaries name
// them.
func Kinds() []*Kind {
	return []*Kind{
		ApiKind,
		PolicyKind,
		KeyKind,
		UserKind,
		UserGroupKind,
		WebhookKind,
		CertificateKind,
		OauthClientKind,
		PortalKind,
		OrganisationKind,
		NodeKind,
		SettingKind,
		AuditKind,
		SessionKind,
		TicketKind,
	}
}

// KindNamed is the kind whose type in GraphQL has a name; nil for none.
func KindNamed(name string) *Kind {
	for _, k := range Kinds() {
		if k.Name == name {
			return k
		}
	}
	return nil
}

// KindIn is the kind that the store keeps in a collection; nil for none.
func KindIn(collection string) *Kind {
	for _, k := range Kinds() {
		if k.Collection == collection {
			return k
		}
	}
	return nil
}

// Announced are the names of the kinds of whose changes people are told.
func Announced() (names []string) {
	for _, k := range Kinds() {
		if k.Permission != "" {
			names = append(names, k.Name)
		}
	}
	return names
}

// Feeds are what of gateways' loading changes with an object of a kind.
func (k *Kind) Feeds(what ChangeKind) Feeds {
	if k == nil || k.Told == nil {
		return Feeds{}
	}
	return k.Told(what)
}
