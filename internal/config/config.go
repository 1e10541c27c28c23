package config

// Config is the configuration of a server. Load returns it complete and checked. The keys and variables outside
// Gatehouse are those of the Tyk Dashboard, so that its configuration files and environments work as they are.
type Config struct {
	ListenPort int          `json:"listen_port" env:"TYK_DB_LISTENPORT" default:"3000" max:"65535" doc:"Port to listen on; 0 takes a free one."`
	TykAPI     TykAPIConfig `json:"tyk_api_config" doc:"The gateway, as the dashboard reaches it."`

	MongoURL                      string `json:"mongo_url" env:"TYK_DB_MONGOURL" secret:"yes" doc:"MongoDB's URL, for layers of type mongo without a connection string of their own. When it is set, the default of storage.main.type is mongo."`
	MongoUseSSL                   bool   `json:"mongo_use_ssl" env:"TYK_DB_MONGOUSESSL" doc:"Connect to MongoDB over TLS."`
	MongoSSLInsecureSkipVerify    bool   `json:"mongo_ssl_insecure_skip_verify" env:"TYK_DB_MONGOSSLINSECURESKIPVERIFY" doc:"Accept any certificate of MongoDB, for tests."`
	MongoSSLAllowInvalidHostnames bool   `json:"mongo_ssl_allow_invalid_hostnames" env:"TYK_DB_MONGOSSLALLOWINVALIDHOSTNAMES" doc:"Check MongoDB's certificate, but not that it is for this host name."`
	MongoSSLCAFile                string `json:"mongo_ssl_ca_file" env:"TYK_DB_MONGOSSLCAFILE" doc:"PEM file with the authorities that sign MongoDB's certificate."`
	MongoSSLPEMKeyFile            string `json:"mongo_ssl_pem_keyfile" env:"TYK_DB_MONGOSSLPEMKEYFILE" doc:"PEM file with the client certificate and its key."`
	MongoSessionConsistency       string `json:"mongo_session_consistency" env:"TYK_DB_MONGOSESSIONCONSISTENCY" default:"strong" doc:"Where MongoDB is read from: strong reads the primary; monotonic and eventual may read a secondary. What is none of them is strong."`
	MongoBatchSize                int    `json:"mongo_batch_size" env:"TYK_DB_MONGOBATCHSIZE" default:"2000" max:"100000" doc:"Documents that MongoDB sends per batch; 0 is the default."`
	MongoDriver                   string `json:"mongo_driver" env:"TYK_DB_MONGODRIVER"`
	MongoDirectConnection         bool   `json:"mongo_direct_connection" env:"TYK_DB_MONGODIRECTCONNECTION" doc:"Speak to the one server of the URL, not to its replica set."`

	PageSize int     `json:"page_size" env:"TYK_DB_PAGESIZE" default:"10" min:"1" max:"1000" doc:"Objects per page of a list when the request names no number."`
	Storage  Storage `json:"storage" env:"TYK_DB_STORAGE_" doc:"Data is kept in four layers. A layer without a type of its own uses main. This version keeps everything in main; the other layers are checked at the start."`

	AdminSecret      string `json:"admin_secret" env:"TYK_DB_ADMINSECRET" secret:"yes" doc:"Secret of the /admin endpoints, sent in the header admin-auth. When it is empty, one is generated and kept in the data directory, for this server alone."`
	SharedNodeSecret string `json:"shared_node_secret" env:"TYK_DB_NODESECRET" secret:"yes" max:"1024" doc:"Secret that gateways register with: the node_secret of their configuration. Without it they are refused."`
	Redis

	ForceAPIDefaults            bool   `json:"force_api_defaults" env:"TYK_DB_FORCEAPIDEFAULTS"`
	NotifyOnChange              bool   `json:"notify_on_change" env:"TYK_DB_NOTIFYONCHANGE" default:"true" doc:"Tell the gateways over Redis when APIs, policies or certificates change, so that they load them within a second or so. Otherwise they load them when they are told to, or start."`
	LicenseKey                  string `json:"license_key" env:"TYK_DB_LICENSEKEY" secret:"yes"`
	HashKeys                    bool   `json:"hash_keys" env:"TYK_DB_HASHKEYS" default:"true" doc:"Keep keys by their hash only: the key itself is shown once, when it is made. The gateways must have the same setting."`
	DisableKeyActionsByUsername bool   `json:"disable_key_actions_by_username" env:"TYK_DB_DISABLEKEYACTIONSBYUSERNAME" doc:"Name basic-auth users by key or hash only, not by user name."`
	EnableDeleteKeyByHash       bool   `json:"enable_delete_key_by_hash" env:"TYK_DB_ENABLEDELETEKEYBYHASH" default:"true" doc:"Let keys be deleted by their hash."`
	EnableUpdateKeyByHash       bool   `json:"enable_update_key_by_hash" env:"TYK_DB_ENABLEUPDATEKEYBYHASH" default:"true" doc:"Let keys be changed by their hash."`
	EnableHashedKeysListing     bool   `json:"enable_hashed_keys_listing" env:"TYK_DB_ENABLEHASHEDKEYSLISTING" default:"true" doc:"List keys by their hashes when hash_keys is on."`

	EmailBackend         EmailBackend      `json:"email_backend" doc:"How e-mail is sent."`
	HideListenPath       bool              `json:"hide_listen_path" env:"TYK_DB_HIDELISTENPATH"`
	UseSentry            bool              `json:"use_sentry" env:"TYK_DB_USESENTRY"`
	SentryCode           string            `json:"sentry_code" env:"TYK_DB_SENTRYCODE" secret:"yes"`
	SentryJSCode         string            `json:"sentry_js_code" env:"TYK_DB_SENTRYJSCODE" secret:"yes"`
	EnableMasterKeys     bool              `json:"enable_master_keys" env:"TYK_DB_ENABLEMASTERKEYS" doc:"Let keys be made that name no API and so open every one, of every organisation. Where there are several, only the admin secret may make them."`
	EnableDuplicateSlugs bool              `json:"enable_duplicate_slugs" env:"TYK_DB_ENABLEDUPLICATESLUGS" doc:"Let APIs of one organisation share a slug or a listen path, and organisations an owner_slug."`
	ShowOrgID            bool              `json:"show_org_id" env:"TYK_DB_SHOWORGID"`
	HostConfig           HostConfig        `json:"host_config" doc:"The names under which people and clients reach the dashboard and the gateways."`
	HTTPServerOptions    HTTPServerOptions `json:"http_server_options" doc:"HTTPS."`
	Security             Security          `json:"security" doc:"What administrators may do with other users, and password rules."`
	UI                   UI                `json:"ui"`
	HomeDir              string            `json:"home_dir" env:"TYK_DB_HOMEDIR" doc:"Folder from which relative paths of certificates and keys start; when it is empty, the working directory."`
	IdentityBroker       IdentityBroker    `json:"identity_broker"`

	UseShardedAnalytics       bool                   `json:"use_sharded_analytics" env:"TYK_DB_USESHARDEDANLAYTICS"`
	EnableAggregateLookups    bool                   `json:"enable_aggregate_lookups" env:"TYK_DB_ENABLEAGGREGATELOOKUPS"`
	AggregateLookupCutoff     string                 `json:"aggregate_lookup_cutoff" env:"TYK_DB_AGGREGATELOOKUPCUTOFF"`
	MaintenanceMode           bool                   `json:"maintenance_mode" env:"TYK_DB_MAINTENANCEMODE" protects:"changes are not held off: whoever has the permission makes them"`
	AllowExplicitPolicyID     bool                   `json:"allow_explicit_policy_id" env:"TYK_DB_ALLOWEXPLICITPOLICYID" default:"true" doc:"Keep the id that a new policy comes with, so that exports can be imported again."`
	DisableParallelSessions   bool                   `json:"disable_parallel_sessions" env:"TYK_DB_DISABLEPARALLELSESSIONS" doc:"End the other sessions of somebody who signs in."`
	DashboardSessionLifetime  int64                  `json:"dashboard_session_lifetime" env:"TYK_DB_DASHBOARDSESSIONLIFETIME" default:"60" min:"1" max:"525600" doc:"Minutes that a session may stay unused before it ends. It ends after 12 hours in any case, or after this time where that is longer."`
	PortalSessionLifetime     int                    `json:"portal_session_lifetime" env:"TYK_DB_PORTALSESSIONLIFETIME"`
	AlternativeDashboardURL   string                 `json:"alternative_dashboard_url" env:"TYK_DB_ALTERNATIVEDASHBOARDURL"`
	SSOPermissionDefaults     map[ObjectGroup]string `json:"sso_permission_defaults" env:"TYK_DB_SSOPERMISSIONDEFAULTS" doc:"What everybody may do who signs in by an identity provider and has no account here: levels by the names of permissions, as in user_permissions. What their groups give comes on top. Without it, and without a group, nobody gets in so."`
	SSODefaultGroupID         string                 `json:"sso_default_group_id" env:"TYK_DB_SSODEFAULTUSERGROUP" doc:"The id of the user group of those for whom the identity provider names none."`
	SSOCustomLoginURL         string                 `json:"sso_custom_login_url" env:"TYK_DB_SSOCUSTOMLOGINURL"`
	SSOCustomPortalLoginURL   string                 `json:"sso_custom_portal_login_url" env:"TYK_DB_SSOCUSTOMPORTALLOGINURL"`
	SSOEnableUserLookup       bool                   `json:"sso_enable_user_lookup" env:"TYK_DB_SSOENABLEUSERLOOKUP" doc:"Sign in somebody whom an identity provider vouches for as the user of the organisation with that e-mail address, where there is one."`
	SSOCustomLoginErrorURL    string                 `json:"sso_custom_login_error_url" env:"TYK_DB_SSOCUSTOMLOGINERRORURL" doc:"Where a browser is sent whose sign-in by an identity provider failed; a page of this server by default."`
	Audit                     Audit                  `json:"audit" doc:"The audit log: who did what. More of it is in gatehouse.audit."`
	EnableMultiOrgUsers       bool                   `json:"enable_multi_org_users" env:"TYK_DB_ENABLEMULTIORGUSERS" doc:"Ask somebody who signs in, and whose e-mail address and password open accounts of several organisations, which one they mean, and let them switch. Otherwise the oldest account is opened where none is named."`
	EnableOwnership           bool                   `json:"enable_ownership" env:"TYK_DB_ENABLEOWNERSHIP" doc:"APIs that have owners, users or user groups (user_owners, user_group_owners), are seen by those alone and by administrators, and so is what names no other API: policies, keys and OAuth clients. Without it, everybody with the permission sees and changes every API of the organisation."`
	LogLevel                  string                 `json:"log_level" env:"TYK_DB_LOGLEVEL" default:"info" doc:"Least important lines to log: debug, info, warn or error. gatehouse.log_level goes before it."`
	HealthCheckEndpointName   string                 `json:"health_check_endpoint_name" env:"TYK_DB_HEALTHCHECKENDPOINTNAME" default:"hello" max:"64" doc:"Name of the health endpoint, without the slash."`
	EdgeEndpoints             EdgeEndpoints          `json:"edge_endpoints" env:"TYK_DB_EDGEENDPOINTS" doc:"Gateways with segment tags: a name, the address of the endpoint and the tags of each. A registered gateway on the host of an endpoint is shown with its tags and version."`
	PortalSessionSecret       string                 `json:"portal_session_secret" env:"TYK_DB_PORTALSESSIONSECRET" secret:"yes"`
	DCRSSLInsecureSkipVerify  bool                   `json:"dcr_ssl_insecure_skip_verify" env:"TYK_DB_DCRSSLINSECURESKIPVERIFY"`
	PrivateKeyPath            string                 `json:"private_key_path" env:"TYK_DB_PRIVATEKEYPATH" doc:"PEM file with an RSA key that signs what gateways are told over Redis; they check it with their public_key_path. Without it, shared_node_secret signs."`
	OAuthRedirectURISeparator string                 `json:"oauth_redirect_uri_separator" env:"TYK_DB_OAUTHREDIRECTURISEPARATOR" default:"," doc:"What stands between the redirect URIs of an OAuth client that has several. The gateways' own setting of that name has to be the same; it is empty unless it is set."`
	StatsdConnectionString    string                 `json:"statsd_connection_string" env:"TYK_DB_STATSDCONNECTIONSTRING"`
	StatsdPrefix              string                 `json:"statsd_prefix" env:"TYK_DB_STATSDPREFIX"`
	AllowUnsafeOAS            bool                   `json:"allow_unsafe_oas" env:"TYK_DB_ALLOWUNSAFEOAS"`
	OAS                       OAS                    `json:"oas_config"`
	Streaming                 Streaming              `json:"streaming"`
	Notifications             Notifications          `json:"notifications"`
	DisableTelemetry          bool                   `json:"disable_telemetry" env:"TYK_DB_DISABLETELEMETRY"`
	EscapeDotsInOASPaths      bool                   `json:"escape_dots_in_oas_paths" env:"TYK_DB_ESCAPEDOTSINOASPATHS"`
	LogFormat                 string                 `json:"log_format" env:"TYK_DB_LOGFORMAT" default:"text" doc:"Form of the log lines, text or json, in any case; what is neither is text."`
	AllowUnsafePolicyIDs      bool                   `json:"allow_unsafe_policy_ids" env:"TYK_DB_ALLOWUNSAFEPOLICYIDS" doc:"Accept any printable text as the explicit id of a policy, not only letters, digits, '.', '_', '-' and '~'."`

	Gatehouse Gatehouse `json:"gatehouse" env:"GATEHOUSE_" doc:"Settings that the Tyk Dashboard does not have."`
}

// TykAPIConfig says where the gateway is.
type TykAPIConfig struct {
	Host   string `json:"Host" env:"TYK_DB_TYKAPI_HOST" doc:"Host of the gateway, with or without a scheme: where its REST API is called. It is used in the URLs of APIs when host_config.override_hostname is empty."`
	Port   string `json:"Port" env:"TYK_DB_TYKAPI_PORT" doc:"Port of the gateway, beside Host."`
	Secret string `json:"Secret" env:"TYK_DB_TYKAPI_SECRET" secret:"yes" doc:"Secret of the gateway's REST API: the secret of its own configuration. What goes through that API, such as OAuth clients, needs it, and Host."`
}

// HostConfig names the hosts that URLs are built from.
type HostConfig struct {
	EnableHostNames      bool              `json:"enable_host_names" env:"TYK_DB_HOSTCONFIG_ENABLEHOSTNAMES"`
	DisableOrgSlugPrefix bool              `json:"disable_org_slug_prefix" env:"TYK_DB_HOSTCONFIG_DISABLEORGSLUGPREFIX"`
	Hostname             string            `json:"hostname" env:"TYK_DB_HOSTCONFIG_HOSTNAME" doc:"Host name of this server in the URLs that it shows, with or without a port."`
	OverrideHostname     string            `json:"override_hostname" env:"TYK_DB_HOSTCONFIG_GATEWAYHOSTNAME" doc:"Host name of the gateways in the URLs of APIs, with or without a port."`
	PortalDomains        map[string]string `json:"portal_domains" env:"TYK_DB_HOSTCONFIG_PORTALDOMAINS"`
	PortalRootPath       string            `json:"portal_root_path" env:"TYK_DB_HOSTCONFIG_PORTALROOTPATH"`
	GenerateSecurePaths  bool              `json:"generate_secure_paths" env:"TYK_DB_HOSTCONFIG_GENERATEHTTPS" doc:"Write the URLs of APIs with https."`
	SecureCookies        bool              `json:"secure_cookies" env:"TYK_DB_HOSTCONFIG_SECURECOOKIES" doc:"Send the cookie of those who sign in over TLS alone, as __Host-authorisation: set it where a proxy speaks TLS in front of this server. With http_server_options.use_ssl it is so by itself."`
}

// HTTPServerOptions turn HTTPS on.
type HTTPServerOptions struct {
	UseSSL                bool      `json:"use_ssl" env:"TYK_DB_HTTPSERVEROPTIONS_USESSL" doc:"Serve HTTPS; it takes a certificate in one of the next two."`
	Certificates          CertsData `json:"certificates" env:"TYK_DB_HTTPSERVEROPTIONS_CERTIFICATES" doc:"Certificates with their keys, each from two PEM files; the one that fits the name the client asks for is shown. In the variable it is the same JSON."`
	SSLCertificates       []string  `json:"ssl_certificates" env:"TYK_DB_HTTPSERVEROPTIONS_SSLCERTIFICATES" doc:"PEM files that hold a certificate and its key each."`
	MinVersion            uint16    `json:"min_version" env:"TYK_DB_HTTPSERVEROPTIONS_MINVERSION" default:"771" oneof:"0 769 770 771 772" doc:"Oldest TLS version to accept: 769 is TLS 1.0, 770 is 1.1, 771 is 1.2, 772 is 1.3; 0 is the default."`
	SSLCiphers            []string  `json:"ssl_ciphers" env:"TYK_DB_HTTPSERVEROPTIONS_CIPHERSUITES" doc:"Cipher suites to allow below TLS 1.3, by their IANA names; when it is empty, those that are safe."`
	SSLInsecureSkipVerify bool      `json:"ssl_insecure_skip_verify" env:"TYK_DB_HTTPSERVEROPTIONS_SSLINSECURESKIPVERIFY"`
	PreferServerCiphers   bool      `json:"prefer_server_ciphers" env:"TYK_DB_HTTPSERVEROPTIONS_PREFERSERVERCIPHERSUITES"`
}

// CertsData are certificates with their keys.
type CertsData []CertData

// CertData names the PEM files of one certificate. Name is the domain that it is for, told to people only: a server
// reads the domains from the certificate itself.
type CertData struct {
	Name string `json:"domain_name"`
	Cert string `json:"cert_file"`
	Key  string `json:"key_file"`
}

// Security holds the rules about users, passwords and tokens.
type Security struct {
	AllowAdminResetPassword          bool                   `json:"allow_admin_reset_password" env:"TYK_DB_SECURITY_ALLOWADMINRESETPASSWORD" doc:"Let an administrator set the password of another user."`
	LoginFailureUsernameLimit        int                    `json:"login_failure_username_limit" env:"TYK_DB_SECURITY_LOGINFAILUREUSERNAMELIMIT" default:"10" min:"0" max:"1000000" doc:"Wrong passwords for one e-mail address from one address after which more are answered with 429, for a second at first and a minute at most. When as many failed from all addresses together, each has one try. 0 is no limit."`
	LoginFailureIPLimit              int                    `json:"login_failure_ip_limit" env:"TYK_DB_SECURITY_LOGINFAILUREIPLIMIT" default:"100" min:"0" max:"1000000" doc:"The same for wrong passwords from one address, whatever the e-mail address."`
	LoginFailureExpiration           int                    `json:"login_failure_expiration" env:"TYK_DB_SECURITY_LOGINFAILUREEXPIRATION" default:"900" min:"1" max:"86400" doc:"Seconds without a failure after which those are forgotten."`
	HideLoginFailureLimitError       bool                   `json:"hide_login_failure_limit_error" env:"TYK_DB_SECURITY_HIDELOGINFAILURELIMITERROR" doc:"Answer those who have to wait as those whose password is wrong."`
	LoginDisallowForwardProxy        bool                   `json:"login_disallow_forward_proxy" env:"TYK_DB_SECURITY_LOGINDISALLOWFORWARDPROXY" doc:"Count wrong passwords by the address of the connection, whatever a trusted proxy says in X-Forwarded-For."`
	AuditLogPath                     string                 `json:"audit_log_path" env:"TYK_DB_SECURITY_AUDITLOGPATH" doc:"File of the audit log; audit.path goes before it. It turns audit.enabled on."`
	UserPasswordMaxDays              int                    `json:"user_password_max_days" env:"TYK_DB_SECURITY_USERPASSWORDMAXDAYS" max:"36500" doc:"How old the passwords of users may be, in days; 0 is no limit. Of this, and of password_max_days of the user and of each of the user's groups, the smallest that is set counts. An older password has to be changed before one can sign in with it; access keys go on."`
	EnforcePasswordHistory           int                    `json:"enforce_password_history" env:"TYK_DB_SECURITY_ENFORCEPASSWORDHISTORY" max:"100" doc:"How many of a user's last passwords may not be used again."`
	ForceFirstLoginPWReset           bool                   `json:"force_first_login_pw_reset" env:"TYK_DB_SECURITY_FORCEFIRSTLOGINPWRESET" doc:"Have users change a password that somebody else gave them before they can sign in with it."`
	EnableContentSecurityPolicy      bool                   `json:"enable_content_security_policy" env:"TYK_DB_SECURITY_ENABLECONTENTSECURITYPOLICY"`
	AllowedContentSources            string                 `json:"allowed_content_sources" env:"TYK_DB_SECURITY_ALLOWEDCONTENTSOURCES"`
	OpenPolicy                       OpenPolicy             `json:"open_policy"`
	AdditionalPermissions            map[ObjectGroup]string `json:"additional_permissions" env:"TYK_DB_SECURITY_ADDITIONALPERMISSIONS"`
	PrivateCertificateEncodingSecret string                 `json:"private_certificate_encoding_secret" env:"TYK_DB_SECURITY_PRIVATECERTIFICATEENCODINGSECRET" secret:"yes" doc:"Secret that encrypts private keys of certificates in Redis. It must be that of the gateways; where they have none, they use their secret, and tyk_api_config.Secret is used here."`
	ForbidAdminViewAccessToken       bool                   `json:"forbid_admin_view_access_token" env:"TYK_DB_SECURITY_FORBIDADMINVIEWACCESSTOKEN" doc:"Hide the access keys of users from administrators."`
	ForbidAdminResetAccessToken      bool                   `json:"forbid_admin_reset_access_token" env:"TYK_DB_SECURITY_FORBIDADMINRESETACCESSTOKEN" doc:"Let nobody but the user make a new access key for the user."`
}

// OpenPolicy switches the rules that are written in Rego.
type OpenPolicy struct {
	Enabled   bool `json:"enabled" env:"TYK_DB_SECURITY_OPENPOLICY_ENABLED" doc:"Let rules in Rego (Open Policy Agent) decide who may do what: those of the organisation, else those of schemas/dashboard.rego in home_dir, else built-in ones. Without it, the built-in ones decide."`
	Debug     bool `json:"debug" env:"TYK_DB_SECURITY_OPENPOLICY_DEBUG" doc:"Log what rules in Rego are asked and what they answer, for those who write them. Whoever reads the log sees the documents of requests, without what sounds like a secret."`
	EnableAPI bool `json:"enable_api" env:"TYK_DB_SECURITY_OPENPOLICY_ENABLEAPI" doc:"Let administrators read and change the rules in Rego of their organisation."`
}

// ObjectGroup is the name of a permission.
type ObjectGroup string
