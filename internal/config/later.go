package config

// The sections of this file are known, so that files and environments which hold them load without a warning; what they
// configure is not part of this version.

// Redis says where the gateways' Redis is. Its keys are at the top level.
type Redis struct {
	RedisPort                  int               `json:"redis_port" env:"TYK_DB_REDISPORT"`
	RedisHost                  string            `json:"redis_host" env:"TYK_DB_REDISHOST"`
	RedisAddrs                 []string          `json:"redis_addrs" env:"TYK_DB_REDISADDRS"`
	RedisHosts                 map[string]string `json:"redis_hosts" env:"TYK_DB_HOSTS"`
	RedisUsername              string            `json:"redis_username" env:"TYK_DB_REDISUSERNAME"`
	RedisPassword              string            `json:"redis_password" env:"TYK_DB_REDISPASSWORD" secret:"yes"`
	RedisMasterName            string            `json:"redis_master_name" env:"TYK_DB_REDISMASTERNAME"`
	RedisSentinelPassword      string            `json:"redis_sentinel_password" env:"TYK_DB_REDISSENTINELPASSWORD" secret:"yes"`
	RedisTimeout               int               `json:"redis_timeout" env:"TYK_DB_REDISTIMEOUT"`
	RedisDatabase              int               `json:"redis_database" env:"TYK_DB_REDISDATABASE"`
	EnableCluster              bool              `json:"enable_cluster" env:"TYK_DB_ENABLECLUSTER"`
	RedisUseSSL                bool              `json:"redis_use_ssl" env:"TYK_DB_REDISUSESSL"`
	RedisSSLInsecureSkipVerify bool              `json:"redis_ssl_insecure_skip_verify" env:"TYK_DB_REDISSSLINSECURESKIPVERIFY"`
	RedisCAFile                string            `json:"redis_ca_file" env:"TYK_DB_REDISCAFILE"`
	RedisCertFile              string            `json:"redis_cert_file" env:"TYK_DB_REDISCERTFILE"`
	RedisKeyFile               string            `json:"redis_key_file" env:"TYK_DB_REDISKEYFILE"`
	RedisTLSMaxVersion         string            `json:"redis_tls_max_version" env:"TYK_DB_REDISTLSMAXVERSION"`
	RedisTLSMinVersion         string            `json:"redis_tls_min_version" env:"TYK_DB_REDISTLSMINVERSION"`
	RedisMaxActive             int               `json:"redis_max_active" env:"TYK_DB_REDISMAXACTIVE"`
}

// EmailBackend says how mail is sent. Settings hold the keys of the mail service.
type EmailBackend struct {
	EnableEmailNotifications bool              `json:"enable_email_notifications" env:"TYK_DB_EMAILBACKEND_ENABLEEMAILNOTIFICATIONS"`
	Code                     string            `json:"code" env:"TYK_DB_EMAILBACKEND_CODE"`
	Settings                 map[string]string `json:"settings" env:"TYK_DB_EMAILBACKEND_SETTINGS" secret:"yes"`
	DefaultFromEmail         string            `json:"default_from_email" env:"TYK_DB_EMAILBACKEND_DEFAULTFROMEMAIL"`
	DefaultFromName          string            `json:"default_from_name" env:"TYK_DB_EMAILBACKEND_DEFAULTFROMNAME"`
	DashboardHostname        string            `json:"dashboard_hostname" env:"TYK_DB_EMAILBACKEND_DASHBOARDHOSTNAME"`
}

// UI changes what the web UI shows.
type UI struct {
	Languages                map[string]string `json:"languages" env:"TYK_DB_UI_LANGUAGES"`
	Trial                    Trial             `json:"trial"`
	HideHelp                 bool              `json:"hide_help" env:"TYK_DB_UI_HIDEHELP"`
	DefaultLang              string            `json:"default_lang" env:"TYK_DB_UI_DEFAULTLANG"`
	DontAllowLicenseManaging bool              `json:"dont_allow_license_management" env:"TYK_DB_UI_DONTALLOWLICENSEMANAGEMENT"`
	Onboarding               Onboarding        `json:"onboarding"`
	Notifications            UINotifications   `json:"notifications"`
}

// Trial is about trial licences.
type Trial struct {
	EndDate     int64       `json:"end_date" env:"TYK_DB_UI_TRIAL_ENDDATE"`
	HubspotForm HubspotForm `json:"hubspot_form"`
}

// HubspotForm is a form that asks for a trial licence.
type HubspotForm struct {
	Region   string `json:"region" env:"TYK_DB_UI_TRIAL_HUBSPOTFORM_REGION"`
	PortalID string `json:"portal_id" env:"TYK_DB_UI_TRIAL_HUBSPOTFORM_PORTALID"`
	FormID   string `json:"form_id" env:"TYK_DB_UI_TRIAL_HUBSPOTFORM_FORMID"`
}

// Onboarding switches the guide for new users.
type Onboarding struct {
	Enabled bool `json:"enabled" env:"TYK_DB_UI_ONBOARDING_ENABLED"`
}

// UINotifications configures the messages of the web UI.
type UINotifications struct {
	Duration NotificationDuration `json:"duration"`
}

// NotificationDuration says for how long a message stays.
type NotificationDuration struct {
	Success int `json:"success" env:"TYK_DB_UI_NOTIFICATIONS_DURATION_SUCCESS"`
	Warning int `json:"warning" env:"TYK_DB_UI_NOTIFICATIONS_DURATION_WARNING"`
	Error   int `json:"error" env:"TYK_DB_UI_NOTIFICATIONS_DURATION_ERROR"`
}

// IdentityBroker says where the identity broker is.
type IdentityBroker struct {
	Enabled               bool               `json:"enabled" env:"TYK_DB_TIB_ENABLED"`
	Host                  IdentityBrokerHost `json:"host"`
	SSLInsecureSkipVerify bool               `json:"ssl_insecure_skip_verify" env:"TYK_DB_TIB_SSLINSECURESKIPVERIFY"`
}

// IdentityBrokerHost is the address of the identity broker, and the secret that it asks for.
type IdentityBrokerHost struct {
	ConnectionString string `json:"connection_string" env:"TYK_DB_TIB_HOST_CONNECTIONSTRING" secret:"yes"`
	Secret           string `json:"secret" env:"TYK_DB_TIB_HOST_SECRET" secret:"yes"`
}

// Audit configures the audit log.
type Audit struct {
	Enabled           bool   `json:"enabled" env:"TYK_DB_AUDIT_ENABLED"`
	Format            string `json:"format" env:"TYK_DB_AUDIT_FORMAT"`
	Path              string `json:"path" env:"TYK_DB_AUDIT_PATH"`
	DetailedRecording bool   `json:"detailed_recording" env:"TYK_DB_AUDIT_DETAILEDRECORDING"`
	StoreType         string `json:"store_type" env:"TYK_DB_AUDIT_STORETYPE"`
}

// EdgeEndpoints are the gateways that an API can be served from.
type EdgeEndpoints []EdgeEndpoint

// EdgeEndpoint is the address of the gateways that have certain tags.
type EdgeEndpoint struct {
	Name     string   `json:"name"`
	Endpoint string   `json:"endpoint"`
	Tags     []string `json:"tags"`
}

// OAS says what is checked in OpenAPI descriptions.
type OAS struct {
	ValidateExamples       bool `json:"validate_examples" env:"TYK_DB_OAS_VALIDATEEXAMPLES"`
	ValidateSchemaDefaults bool `json:"validate_schema_defaults" env:"TYK_DB_OAS_VALIDATESCHEMADEFAULTS"`
}

// Streaming switches streaming APIs.
type Streaming struct {
	Enabled               bool `json:"enabled" env:"TYK_DB_STREAMING_ENABLED"`
	EnableAllExperimental bool `json:"enable_all_experimental" env:"TYK_DB_STREAMING_ENABLEALLEXPERIMENTAL"`
}

// Notifications configures what people are told without asking.
type Notifications struct {
	CertificateExpiryMonitor CertificateExpiryMonitor `json:"certificate_expiry_monitor"`
}

// CertificateExpiryMonitor says when to warn about certificates that expire.
type CertificateExpiryMonitor struct {
	MetadataRefreshIntervalMinutes int `json:"metadata_refresh_interval_minutes" env:"TYK_DB_NOTIFICATIONS_CERTIFICATEEXPIRYMONITOR_METADATAREFRESHINTERVALMINUTES"`
	WarningThresholdDays           int `json:"warning_threshold_days" env:"TYK_DB_NOTIFICATIONS_CERTIFICATEEXPIRYMONITOR_WARNINGTHRESHOLDDAYS"`
}
