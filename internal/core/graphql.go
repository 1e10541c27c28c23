package core

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/tidwall/gjson"
)

// MarshalGQL writes the document as the JSON scalar: its bytes as they are.
func (d Document) MarshalGQL(w io.Writer) {
	if len(d) == 0 {
		_, _ = io.WriteString(w, "null")
		return
	}
	_, _ = w.Write(d)
}

// UnmarshalGQL reads the JSON scalar: an object, whose names come out sorted, or a string that holds JSON text, whose
// bytes are kept. Whether it is a fit object is for ParseDocument to say.
func (d *Document) UnmarshalGQL(v any) error {
	if text, ok := v.(string); ok {
		*d = Document(text)
		return nil
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("not JSON: %w", err)
	}
	*d = Document(bytes.TrimSpace(out.Bytes()))
	return nil
}

// Number reads the number at a path; 0 when there is none, as Number says.
func (d Document) Number(path string) float64 { return Number(d.Get(path)) }

// Number reads a number of a document; 0 when it is none. A text is none, whatever it says, "NaN" as little as "7", and
// neither is a number so large that it would be read as infinite: no answer can hold one.
func Number(r gjson.Result) float64 {
	if r.Type != gjson.Number || math.IsInf(r.Num, 0) {
		return 0
	}
	return r.Num
}

// Rate is the number of requests in Per seconds.
func (p *Policy) Rate() float64 { return p.Document.Number("rate") }

// Per is the length of the rate window, in seconds.
func (p *Policy) Per() float64 { return p.Document.Number("per") }

// QuotaMax is the number of requests in a quota period; -1 is no quota.
func (p *Policy) QuotaMax() int64 { return p.Document.Get("quota_max").Int() }

// QuotaRenewalRate is the length of the quota period, in seconds.
func (p *Policy) QuotaRenewalRate() int64 { return p.Document.Get("quota_renewal_rate").Int() }

// Rate is the number of requests in Per seconds.
func (k *Key) Rate() float64 { return k.Session.Number("rate") }

// Per is the length of the rate window, in seconds.
func (k *Key) Per() float64 { return k.Session.Number("per") }

// QuotaMax is the number of requests in a quota period; -1 is no quota.
func (k *Key) QuotaMax() int64 { return k.Session.Get("quota_max").Int() }

// QuotaRenewalRate is the length of the quota period, in seconds.
func (k *Key) QuotaRenewalRate() int64 { return k.Session.Get("quota_renewal_rate").Int() }

// ExpiresAt is when the key ends; nil is never.
func (k *Key) ExpiresAt() *time.Time {
	if k.Expires.IsZero() {
		return nil
	}
	return &k.Expires
}

// Warnings are what people should know about the key; each is a sentence.
func (k *Key) Warnings() []string {
	if k.OpensAll() {
		return []string{
			"the key has neither access rights nor policies: on the gateways it opens every API of every organisation",
		}
	}
	return []string{}
}

// PermissionsDocument is the permissions as JSON.
func (u *User) PermissionsDocument() Document {
	return u.Permissions.Document()
}

// ImportedItem is one line of an import report.
type ImportedItem struct {
	// ID is the api_id of an API, the policy id of a policy, the id of an organisation.
	ID string
	// Created tells whether the object is new, rather than written over one with the same id.
	Created bool
	// Warnings are for people: what was kept although it looks wrong.
	Warnings []string
}
