package key

import (
	"time"

	"gatehouse/internal/access"
	"gatehouse/internal/core"
	"gatehouse/internal/input"
)

// Input is what a caller gives of a key, as the schema has it; nil is not given.
type Input struct {
	// Session is a whole session, which the other fields change further.
	Session          core.Document
	CustomID, Alias  *string
	Tags             []string
	APIIds           []string
	AccessRights     []*access.Input
	PolicyIds        []string
	Expires          *time.Time
	Inactive         *bool
	Rate, Per        *float64
	QuotaMax         *int64
	QuotaRenewalRate *int64
	MetaData         core.Document
	OrgID            *string
}

// blank is what a key starts from that comes without a session: what a gateway needs, and what people expect.
const blank = `{"alias":"","allowance":1000,"rate":1000,"per":60,"expires":0,"quota_max":-1,"quota_renews":0,` +
	`"quota_remaining":-1,"quota_renewal_rate":3600,"access_rights":{},"apply_policies":[],"tags":[],"meta_data":{},` +
	`"is_inactive":false}`

// Document is the session that an input means, started from the stored one where there is one.
func Document(in Input, stored core.Document) (core.Document, error) {
	doc, err := input.Base(in.Session, stored, blank)
	if err != nil {
		return nil, err
	}
	f := input.Fields{Doc: doc}
	f.Text("alias", in.Alias)
	f.Texts("tags", in.Tags)
	f.Texts("apply_policies", in.PolicyIds)
	if in.Expires != nil && in.Expires.Unix() < 1 {
		// Gateways count from 1970, and take 0 and less for never: an end in the past would be none.
		return nil, core.InField(
			"expires",
			"must be after 1970-01-01T00:00:00Z, not %s; leave it out for a key that does not end",
			in.Expires.Format(time.RFC3339),
		)
	}
	f.Unix("expires", in.Expires)
	f.Truth("is_inactive", in.Inactive)
	f.Number("rate", in.Rate)
	f.Number("per", in.Per)
	f.Integer("quota_max", in.QuotaMax)
	f.Integer("quota_renewal_rate", in.QuotaRenewalRate)
	if in.Rate != nil && stored == nil {
		f.Number("allowance", in.Rate)
	}
	if err := f.Object("meta_data", in.MetaData); err != nil {
		return nil, err
	}
	return access.Write(f.Doc, in.APIIds, in.AccessRights)
}

// BasicAuthDocument is the session of a user of basic authentication, whose password may be given by itself.
func BasicAuthDocument(in Input, password *string) (core.Document, error) {
	doc, err := Document(in, nil)
	if err != nil {
		return nil, err
	}
	if data := doc.Get("basic_auth_data"); data.Exists() && !data.IsObject() {
		return nil, core.InField("basic_auth_data", "must be an object with the password")
	}
	f := input.Fields{Doc: doc}
	f.Text(passwordPath, password)
	if f.Doc.Text(passwordPath) == "" {
		return nil, core.InField(passwordPath, "is required")
	}
	return f.Doc, nil
}
