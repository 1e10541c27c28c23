// Package resolvers is the application: one method per use case, called by GraphQL and, through the same generated
// interfaces, by the legacy REST endpoints. <area>.resolvers.go holds the use cases of graph/schema/<area>.graphqls;
// what they share with each other lies beside them in <area>.go.
package resolvers

import (
	"context"
	"log/slog"
	"time"

	"gatehouse/internal/authz"
	"gatehouse/internal/changes"
	"gatehouse/internal/config"
	"gatehouse/internal/credential"
	"gatehouse/internal/edit"
	"gatehouse/internal/gateway"
	"gatehouse/internal/gateway/api"
	"gatehouse/internal/gateway/certificate"
	"gatehouse/internal/gateway/claim"
	"gatehouse/internal/gateway/definition"
	"gatehouse/internal/gateway/key"
	"gatehouse/internal/gateway/keyspace"
	"gatehouse/internal/gateway/nodes"
	"gatehouse/internal/gateway/notify"
	"gatehouse/internal/gateway/oauth"
	"gatehouse/internal/gateway/organisation"
	"gatehouse/internal/gateway/owner"
	"gatehouse/internal/gateway/policy"
	"gatehouse/internal/gateway/sharing"
	"gatehouse/internal/gateway/tryout"
	"gatehouse/internal/gateway/webhook"
	"gatehouse/internal/limits"
	"gatehouse/internal/page"
	"gatehouse/internal/permission"
	"gatehouse/internal/recovery"
	"gatehouse/internal/reference"
	"gatehouse/internal/rulebook"
	"gatehouse/internal/secret"
	"gatehouse/internal/session"
	"gatehouse/internal/trail"
	"gatehouse/internal/user"
	"gatehouse/store"
)

// Settings are the parts of the configuration that change what use cases do.
type Settings struct {
	Version string
	// PasswordCost is the bcrypt cost of new passwords that gateways and the classic portal read.
	PasswordCost int
	// Pages say how many objects a page has.
	Pages page.Sizes
	// Keys say what may be done with keys.
	Keys key.Rules
	// Routes say which routes APIs may have beside those of others.
	Routes claim.Rules
	// Sharing says what organisations that share gateways may not have them do.
	Sharing sharing.Options
	// ExplicitPolicyIDs keeps the ids that authors give to policies; UnsafePolicyIDs allows any characters in them.
	ExplicitPolicyIDs, UnsafePolicyIDs bool
	// ForbidViewAccessKey and ForbidResetAccessKey keep administrators from the access keys of others.
	ForbidViewAccessKey, ForbidResetAccessKey bool
	// Ownership keeps from users what is owned by others (enable_ownership).
	Ownership bool
	// GatewayURL is the scheme, host and port of the gateways, for the addresses of APIs without a domain of their own.
	GatewayURL string
	// CertificateWarning is how long before its end a certificate counts as expiring.
	CertificateWarning time.Duration
	// Gateways are the addresses that requests of people may be sent to.
	Gateways []string
	// EdgeEndpoints are the gateways that the configuration names, beside tyk_api_config.
	EdgeEndpoints config.EdgeEndpoints
	// Rules say what gateways may be given.
	Rules definition.Rules
	// RulesOpen lets administrators read and change the rules of their organisation
	// (security.open_policy.enable_api).
	RulesOpen bool
	// AdditionalPermissions are those of organisations that have none of their own.
	AdditionalPermissions permission.Additional
}

// Resolver has what the use cases need. It implements generated.ResolverRoot.
type Resolver struct {
	store    *store.Store
	keys     key.Space
	guard    authz.Guard
	rules    *rulebook.Book
	keyring  *secret.Keyring
	broker   *changes.Broker
	log      *slog.Logger
	settings Settings
	claims   *claim.Claims
	names    *reference.Names
	sessions *key.Sessions
	apis     *api.Apis
	policies *policy.Policies
	webhooks *webhook.Webhooks
	users    *user.Users
	groups   user.Groups
	verdicts *definition.Verdicts
	sharing  *sharing.Judge

	space        *keyspace.Space
	notifier     *notify.Notifier
	nodes        *nodes.Registry
	gateway      *gateway.Client
	forwarder    *gateway.Forwarder
	tryout       *tryout.Tryout
	oauth        *oauth.Clients
	certificates *certificate.Shelf
	credentials  *credential.Credentials
	recovery     *recovery.Recovery
	// people are those who are signed in.
	people *session.Sessions
	// shares hold organisations to how often they call.
	shares *limits.Organisations
	// organisations go with all that is theirs.
	organisations *organisation.Organisations
	// editor makes all changes.
	editor *edit.Editor
	// sight is what people see where APIs have owners.
	sight *owner.Sight
	// records are those of the audit log.
	records trail.Search
}

// Dependencies are what the use cases stand on.
type Dependencies struct {
	Store *store.Store
	// Keyring finds and opens access keys, and seals what is secret.
	Keyring *secret.Keyring
	// Broker hears of every change.
	Broker *changes.Broker
	Guard  authz.Guard
	// Rules are the guard's, to be read and changed.
	Rules    *rulebook.Book
	Log      *slog.Logger
	Settings Settings
	// Space is where keys live when the gateways' Redis is configured; nil keeps them in the store.
	Space *keyspace.Space
	// Notifier tells gateways; nil without Redis.
	Notifier *notify.Notifier
	Nodes    *nodes.Registry
	Gateway  *gateway.Client
	// Oauth keeps the OAuth clients, here and at the gateway.
	Oauth *oauth.Clients
	// Certificates hands certificates to the gateways.
	Certificates *certificate.Shelf
	// Credentials are those of users, and People those users who are signed in.
	Credentials *credential.Credentials
	Users       *user.Users
	People      *session.Sessions
	// Mail sends links to those who forgot their password, to be opened on Server; nil sends none.
	Mail   recovery.Mailer
	Server string
	// Address is where a request comes from.
	Address func(context.Context) string
	// OrganisationLimits are what organisations may have that have no limits of their own, by name.
	OrganisationLimits map[string]int64
}

// New makes the application.
func New(d Dependencies) *Resolver {
	r := &Resolver{
		names:        reference.New(d.Store),
		claims:       claim.New(d.Store, d.Settings.Routes, tenant, d.Log),
		sharing:      sharing.New(d.Store, d.Settings.Sharing),
		verdicts:     definition.NewVerdicts(d.Settings.Rules),
		store:        d.Store,
		guard:        d.Guard,
		rules:        d.Rules,
		keyring:      d.Keyring,
		broker:       d.Broker,
		log:          d.Log,
		settings:     d.Settings,
		space:        d.Space,
		notifier:     d.Notifier,
		nodes:        d.Nodes,
		gateway:      d.Gateway,
		oauth:        d.Oauth,
		certificates: d.Certificates,
		credentials:  d.Credentials,
		users:        d.Users,
		people:       d.People,
		forwarder:    gateway.NewForwarder(d.Settings.Gateways...),
	}
	r.shares = limits.NewOrganisations(
		limits.OrganisationsOptions{Defaults: d.OrganisationLimits, Find: limits.FindIn(d.Store), Now: d.Store.Now},
	)
	r.organisations = organisation.New(organisation.Options{Store: d.Store, Certificates: d.Certificates, Oauth: d.Oauth,
		Keys: d.Space, Gateway: d.Gateway, Rules: d.Settings.Rules, Log: d.Log})
	r.tryout = tryout.New(d.Store, d.Nodes, d.Gateway, r.verdicts)
	r.sessions = key.New(key.Options{Store: d.Store, Redis: d.Space, Notifier: d.Notifier, Names: r.names, Claims: r.claims,
		Sharing: r.sharing, Definitions: d.Settings.Rules, Rules: d.Settings.Keys, PasswordCost: d.Settings.PasswordCost, Log: d.Log})
	r.keys = r.sessions.Space()
	r.apis = api.New(api.Options{Store: d.Store, Names: r.names, Sharing: r.sharing, Definitions: d.Settings.Rules, Log: d.Log})
	r.policies = policy.New(policy.Options{Store: d.Store, Names: r.names, Definitions: d.Settings.Rules, Log: d.Log,
		ExplicitIDs: d.Settings.ExplicitPolicyIDs, UnsafeIDs: d.Settings.UnsafePolicyIDs})
	r.webhooks = webhook.New(r.sharing, d.Store.Now)
	r.groups = user.Groups{Store: d.Store}
	r.records = trail.Search{Store: d.Store, Redact: trail.Redactor(d.Keyring)}
	r.sight = owner.New(owner.Options{Store: d.Store, Names: r.names, Keys: r.keys})
	r.editor = edit.New(edit.Options{Store: d.Store, Quota: limits.NewQuota(r.shares, d.Store, r.keys.Count),
		Organisations: r.organisations, Broker: d.Broker, Tenant: tenant, May: r.mayMake})
	r.recovery = recovery.New(recovery.Options{Store: d.Store, Users: r.users, Editor: r.editor, Mail: d.Mail,
		Server: d.Server, Address: d.Address, Log: d.Log})
	return r
}

// Recovery lets people back in who forgot their password. It is for whoever runs what goes on in the background.
func (r *Resolver) Recovery() *recovery.Recovery { return r.recovery }

// Organisations holds organisations to what they may have. It is for the edges, which count requests and sockets.
func (r *Resolver) Organisations() *limits.Organisations { return r.shares }
