package config

import "time"

// Gatehouse holds the settings that are this program's own.
type Gatehouse struct {
	DataDir          string        `json:"data_dir" env:"DATADIR" default:"./data" doc:"Folder of the SQLite database and of the generated secrets."`
	EncryptionKey    string        `json:"encryption_key" env:"ENCRYPTIONKEY" secret:"yes" min:"16" doc:"Key from which those that encrypt access keys at rest are derived. When it is empty, one is generated and kept in the data directory. Servers that share a database need the same one."`
	ListenAddress    string        `json:"listen_address" env:"LISTENADDRESS" doc:"Address to listen on; when it is empty, all of the machine's."`
	MaxBodyBytes     int64         `json:"max_body_bytes" env:"MAXBODYBYTES" default:"10485760" min:"1024" max:"1073741824" doc:"Largest request body, in bytes; a larger one is answered with 413."`
	RequestTimeout   time.Duration `json:"request_timeout" env:"REQUESTTIMEOUT" default:"30s" min:"100ms" max:"10m" doc:"Time that one request may take."`
	ShutdownTimeout  time.Duration `json:"shutdown_timeout" env:"SHUTDOWNTIMEOUT" default:"15s" min:"0s" max:"10m" doc:"Time that running requests have to finish when the server stops."`
	GraphQL          GraphQL       `json:"graphql" env:"GRAPHQL_" doc:"Limits of one GraphQL query."`
	AllowedOrigins   []string      `json:"allowed_origins" env:"ALLOWEDORIGINS" doc:"Origins, such as https://portal.example, whose pages may call this server from a browser (CORS), websockets included. The playground needs none."`
	Playground       bool          `json:"playground" env:"PLAYGROUND" default:"true" doc:"Serve /playground."`
	TrustedProxies   []string      `json:"trusted_proxies" env:"TRUSTEDPROXIES" doc:"Addresses, or networks such as 10.0.0.0/8, of the proxies in front of this server. Requests from them come from the address that they name in X-Forwarded-For; all others from where their connection does."`
	MaxFailedLogins  int           `json:"max_failed_credentials" env:"MAXFAILEDCREDENTIALS" default:"50" max:"1000000" doc:"Wrong admin secrets, access keys or node secrets from one address after which more are answered with 429, for a second at first and a minute at most; 0 is no limit."`
	MaxConnections   int           `json:"max_connections_per_address" env:"MAXCONNECTIONSPERADDRESS" default:"4096" max:"1000000" doc:"Connections that one address may have open at a time, of IPv6 one network of 64 bits; more are closed as they come. It does not hold for trusted_proxies; 0 is no limit."`
	LogLevel         string        `json:"log_level" env:"LOGLEVEL" oneof:"debug info warn error" doc:"Least important lines to log; what log_level says where it is not set."`
	KeyIndexInterval time.Duration `json:"key_index_interval" env:"KEYINDEXINTERVAL" default:"10m" min:"10s" max:"24h" doc:"Time between two scans of the keys in Redis, which find what was changed there unnoticed."`
	OldestGateway    string        `json:"oldest_gateway" env:"OLDESTGATEWAY" default:"5.5" oneof:"5.5 5.6 5.7 5.8 5.9 5.10 5.11 5.12 5.13 5.14 5.15" doc:"Release of the oldest gateway that is served. Definitions are checked for it and for all newer ones; what would take one of them down is refused, and kept from gateways where it is stored already."`
	Metrics          bool          `json:"metrics" env:"METRICS" default:"true" doc:"Serve /metrics."`
	SharedRoutes     string        `json:"shared_routes" env:"SHAREDROUTES" default:"default" oneof:"strict default loose" doc:"What becomes of an API whose route (listener, domain, path and tags) clashes with one of another organisation. default refuses the same path and paths inside of each other, except inside of a /, which is accepted, with a warning on both sides; strict refuses that, too, and a path for any host that another organisation has on a domain; loose refuses nothing."`
	ZeroConf         bool          `json:"zeroconf" env:"ZEROCONF" doc:"Tell the gateways over Redis, every ten seconds, where this server is: at host_config.hostname. Those whose configuration names no dashboard use it then."`
	StrongPasswords  bool          `json:"strong_passwords" env:"STRONGPASSWORDS" doc:"Ask for at least 8 characters in new passwords of users, and for none of those that are most common. It is recommended, and off since programs for the Tyk Dashboard use shorter ones. What schemas/password.json in home_dir asks for (minLength, multiCase, minNumeric, minSpecial, disableSequential) holds with it and without it; 6 characters do where there is neither."`

	IdentityProfiles  string   `json:"identity_profiles" env:"IDENTITYPROFILES" doc:"File with a list of OpenID Connect providers that people sign in with, in the words of the identity broker's profiles (SocialProvider with openid-connect). A sign-in begins at /auth/{ID}/openid-connect, and the provider must let people back to /auth/{ID}/openid-connect/callback at the profile's CallbackBaseURL. Other kinds of providers stay with the broker."`
	WithoutProtection []string `json:"without_protection" env:"WITHOUTPROTECTION" doc:"Takes enable_ownership and does nothing: versions that knew no owners asked for it."`

	// The audit log.
	Audit AuditLog `json:"audit" env:"AUDIT_" doc:"The audit log, beyond what the Tyk Dashboard has."`

	// What organisations that share gateways may have them do.
	SharedGateways SharedGateways `json:"shared_gateways" env:"SHAREDGATEWAYS_" doc:"What organisations that share gateways may have them do."`

	// What one organisation may have.
	OrganisationLimits OrganisationLimits `json:"organisation_limits" env:"ORGANISATIONLIMITS_" doc:"What one organisation may have."`
}

// GraphQL bounds what one query may ask for.
type GraphQL struct {
	Introspection             bool  `json:"introspection" env:"INTROSPECTION" default:"true" doc:"Let clients read the schema; the playground needs it."`
	MaxDepth                  int   `json:"max_depth" env:"MAXDEPTH" default:"12" min:"1" max:"100" doc:"Deepest nesting of fields."`
	MaxComplexity             int   `json:"max_complexity" env:"MAXCOMPLEXITY" default:"50000" min:"1" max:"1000000000" doc:"Most fields that the answer may hold, by estimate."`
	MaxAliases                int   `json:"max_aliases" env:"MAXALIASES" default:"50" min:"1" max:"10000" doc:"Most aliases."`
	MaxAnonymousBodyBytes     int64 `json:"max_anonymous_body_bytes" env:"MAXANONYMOUSBODYBYTES" default:"65536" min:"1024" max:"10485760" doc:"Largest body, in bytes, of a request to /graphql without credentials, which can read the schema and nothing else."`
	MaxAnswerBytes            int64 `json:"max_answer_bytes" env:"MAXANSWERBYTES" default:"33554432" min:"1048576" max:"1073741824" doc:"Largest answer of one operation, in bytes; what is read for it may be twice that."`
	MaxAnswersBytes           int64 `json:"max_answers_bytes" env:"MAXANSWERSBYTES" default:"268435456" min:"1048576" max:"1099511627776" doc:"Most bytes of all answers that are made or sent at once, with what is read for them; a request beyond it is answered with 503. The same for the lists of the legacy endpoints, of which one may be larger."`
	MaxSocketsPerCaller       int   `json:"max_websockets_per_caller" env:"MAXWEBSOCKETSPERCALLER" default:"200" min:"1" max:"100000" doc:"Most websockets that one user, or the admin secret, may have open on a server."`
	MaxSubscriptionsPerCaller int   `json:"max_subscriptions_per_caller" env:"MAXSUBSCRIPTIONSPERCALLER" default:"1000" min:"1" max:"1000000" doc:"Most subscriptions that one user, or the admin secret, may have running on a server, over all websockets and streams of events."`
	MaxOperationsPerSocket    int   `json:"max_operations_per_socket" env:"MAXOPERATIONSPERSOCKET" default:"100" min:"1" max:"10000" doc:"Most operations that may run at once on one websocket."`
	MaxPageSize               int   `json:"max_page_size" env:"MAXPAGESIZE" default:"500" min:"1" max:"10000" doc:"Most objects per page of a list."`
}

// OrganisationLimits bound what one organisation may have; 0 is no limit. An organisation whose document has limits of
// its own, in the object gatehouse_limits and by the same names, has those in the place of these.
type OrganisationLimits struct {
	Apis         int   `json:"apis" env:"APIS" doc:"Most APIs of one organisation, versions among them; 0 is no limit, here and in the settings that follow. Organisations that have gatehouse_limits in their document, which only the admin secret can write, have those in the place of these."`
	Policies     int   `json:"policies" env:"POLICIES" doc:"Most policies of one organisation."`
	Keys         int   `json:"keys" env:"KEYS" doc:"Most keys of one organisation that are made here."`
	Users        int   `json:"users" env:"USERS" doc:"Most users of one organisation."`
	UserGroups   int   `json:"user_groups" env:"USERGROUPS" doc:"Most user groups of one organisation."`
	Webhooks     int   `json:"webhooks" env:"WEBHOOKS" doc:"Most webhooks of one organisation."`
	Certificates int   `json:"certificates" env:"CERTIFICATES" doc:"Most certificates of one organisation that are uploaded here."`
	OauthClients int   `json:"oauth_clients" env:"OAUTHCLIENTS" doc:"Most OAuth clients of one organisation that are made here."`
	Portal       int   `json:"portal_documents" env:"PORTALDOCUMENTS" doc:"Most documents of the classic portal of one organisation: developers, pages, documentation."`
	Bytes        int64 `json:"bytes" env:"BYTES" doc:"Most bytes of all documents of one organisation."`
	Sockets      int   `json:"sockets" env:"SOCKETS" doc:"Most websockets and event streams that one organisation has open on one server."`
	Requests     int   `json:"requests_per_second" env:"REQUESTSPERSECOND" doc:"Most requests in a second that users of one organisation make to one server."`
}

// ByName are the limits by the names that they have here and in an organisation's document.
func (l OrganisationLimits) ByName() map[string]int64 {
	return map[string]int64{
		"apis":        int64(l.Apis),
		"policies":    int64(l.Policies),
		"keys":        int64(l.Keys),
		"users":       int64(l.Users),
		"user_groups": int64(l.UserGroups),
		"webhooks":    int64(l.Webhooks),
		"certificates": int64(
			l.Certificates,
		),
		"oauth_clients":       int64(l.OauthClients),
		"portal_documents":    int64(l.Portal),
		"bytes":               l.Bytes,
		"sockets":             int64(l.Sockets),
		"requests_per_second": int64(l.Requests),
	}
}
