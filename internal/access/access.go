// Package access writes and reads access rights: what policies and keys open, each API with its versions, the URLs that
// may be called and limits of its own.
//
// It guarantees that what it writes has the form that gateways read, and that of an entry which is there already all
// stays that Input has no field for. Reading never fails: what has another type than gateways expect counts for none.
package access

import "math"

// Input is an entry of access rights as people set it. What it leaves out, nil, the entry does not have.
type Input struct {
	// ApiID is the public id of the API.
	ApiID string
	// Versions are the names of its versions, Default when nil.
	Versions []string
	// AllowedURLs are all that may be called; any when there are none.
	AllowedURLs []*AllowedURL
	// Limit is nil for an API that counts with the others of the policy or key.
	Limit                         *Limit
	DisableIntrospection          *bool
	RestrictedTypes, AllowedTypes []*Type
}

// AllowedURL is what may be called: a regular expression for paths, and methods.
type AllowedURL struct {
	URL     string
	Methods []string
}

// Limit is a limit of its own for an API.
type Limit struct {
	Rate, Per, ThrottleInterval       float64
	ThrottleRetryLimit, MaxQueryDepth int64
	QuotaMax, QuotaRenewalRate        int64
}

// Type is a type of a GraphQL API with some of its fields.
type Type struct {
	Name   string
	Fields []string
}

// The names of what Input can set, as documents have them.
const (
	rights               = "access_rights"
	apiID                = "api_id"
	apiName              = "api_name"
	versions             = "versions"
	allowedURLs          = "allowed_urls"
	restrictedTypes      = "restricted_types"
	allowedTypes         = "allowed_types"
	limit                = "limit"
	disableIntrospection = "disable_introspection"

	rate               = "rate"
	per                = "per"
	throttleInterval   = "throttle_interval"
	throttleRetryLimit = "throttle_retry_limit"
	maxQueryDepth      = "max_query_depth"
	quotaMax           = "quota_max"
	quotaRenewalRate   = "quota_renewal_rate"
)

// finite tells whether JSON has the number.
func finite(f float64) bool { return !math.IsInf(f, 0) && !math.IsNaN(f) }
