package resolvers

import (
	"time"

	"gatehouse/internal/core"
)

// servable refuses a definition that gateways must not be given. What the API had already may stay, since gateways are
// not given it either way: it can be switched off, and corrected bit by bit.
func (r *Resolver) servable(doc core.Document, old *core.Api) error {
	_, fault := r.settings.Rules.CheckApi(doc)
	if fault == nil || old == nil {
		return fault
	}
	if _, before := r.settings.Rules.CheckApi(old.Definition); before != nil && before.Error() == fault.Error() {
		return nil
	}
	return fault
}

// verdicts is how many judgements on definitions are remembered. One may hold a schema of megabytes, which takes a
// second to read, and a list may ask for hundreds.
const verdicts = 1 << 14

// judged names one state of an API.
type judged struct {
	id       string
	revision int64
	updated  time.Time
}

// verdict is what gateways make of a definition: why they must not be given it, "" where they may, and what they may
// stumble over.
type verdict struct {
	fault    string
	warnings []string
}

// verdict judges a stored API. One that was saved before a rule existed, or restored from elsewhere, may have a fault.
func (r *Resolver) verdict(a *core.Api) verdict {
	key := judged{a.ID, a.Revision, a.UpdatedAt}
	if v, ok := r.verdicts.Get(key); ok {
		return v
	}
	var v verdict
	warnings, err := r.settings.Rules.CheckApi(a.Definition)
	if err != nil {
		v.fault = core.AsError(err).Message
		warnings = []string{v.fault}
	}
	v.warnings = append(append([]string{}, warnings...), foreignCertificates(a)...)
	r.verdicts.Add(key, v)
	return v
}

// foreignCertificates are warnings of names that gateways which organisations share are told nothing of.
func foreignCertificates(a *core.Api) []string {
	var named []string
	for _, ref := range a.CertificateRefs() {
		if ref.Of(a.OrgID) == core.CertificateForeign {
			named = append(named, ref.Field)
		}
	}
	if len(named) == 0 {
		return nil
	}
	return []string{
		"gateways that organisations share are told of no certificate where the definition names one that is not the organisation's: " + someOf(
			named,
		),
	}
}
