package config

// The sections of this file are known, so that files and environments which hold them load without a warning; what they
// configure is not part of this version.

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
	Enabled           bool   `json:"enabled" env:"TYK_DB_AUDIT_ENABLED" default:"true" doc:"Record who did what: every request that changes something, every one that is refused, and those that read where gatehouse.audit.reads is on. security.audit_log_path turns it on, too."`
	Format            string `json:"format" env:"TYK_DB_AUDIT_FORMAT" doc:"Form of an audit file: text has each field on a line of its own, which cannot be verified; json has an object a line. What is neither is text."`
	Path              string `json:"path" env:"TYK_DB_AUDIT_PATH" doc:"File of the audit log, where it is kept in one; else security.audit_log_path."`
	DetailedRecording bool   `json:"detailed_recording" env:"TYK_DB_AUDIT_DETAILEDRECORDING" doc:"Record requests without their body, and answers whole, up to 64 KiB. Secrets are taken out of both."`
	StoreType         string `json:"store_type" env:"TYK_DB_AUDIT_STORETYPE" oneof:"db file no_op" doc:"Where the audit log is kept: db is the database, where it can be searched; file is the file of audit.path; no_op is nowhere. When it is empty, file where a path is given, else db."`
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
	MetadataRefreshIntervalMinutes int `json:"metadata_refresh_interval_minutes" env:"TYK_DB_NOTIFICATIONS_CERTIFICATEEXPIRYMONITOR_METADATAREFRESHINTERVALMINUTES" default:"30" min:"1" max:"1440" doc:"How often, in minutes, every certificate in Redis is compared with ours, and those that were uploaded at a gateway are looked for among all keys. What is missing in Redis is noticed every minute, whatever this says."`
	WarningThresholdDays           int `json:"warning_threshold_days" env:"TYK_DB_NOTIFICATIONS_CERTIFICATEEXPIRYMONITOR_WARNINGTHRESHOLDDAYS" default:"30" min:"0" max:"3650" doc:"How many days before its end a certificate counts as expiring; it is logged once a day then."`
}
