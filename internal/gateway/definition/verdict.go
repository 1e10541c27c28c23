package definition

import (
	"cmp"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"gatehouse/internal/core"
)

// CheckSave refuses a definition that gateways must not be given, or that they would not go by. What the API had
// already may stay: it can be switched off, and corrected bit by bit. old is the API that it replaces, nil for a
// new one.
func (r Rules) CheckSave(doc core.Document, old *core.Api) error {
	_, misreads, fault := r.judgeApi(doc)
	if fault == nil && len(misreads) == 0 {
		return nil
	}
	if old == nil {
		return cmp.Or(fault, added(misreads, nil))
	}
	_, before, was := r.judgeApi(old.Definition)
	if fault != nil && (was == nil || was.Error() != fault.Error()) {
		return fault
	}
	return added(misreads, before)
}

// maxVerdicts is how many judgements on definitions are remembered. One may hold a schema of megabytes, which takes a
// second to read, and a list may ask for hundreds.
const maxVerdicts = 1 << 14

// Verdict is what gateways make of a definition.
type Verdict struct {
	// Fault is why they must not be given it; "" where they may.
	Fault string
	// Warnings are what they may stumble over, the fault among them. Not to be changed: others are shown the same.
	Warnings []string
}

// Verdicts judges stored APIs, and remembers what it found. It is safe for concurrent use.
type Verdicts struct {
	rules Rules
	known *lru.Cache[state, Verdict]
}

// state names one state of an API.
type state struct {
	id       string
	revision int64
	updated  time.Time
}

// NewVerdicts makes a judge by some rules.
func NewVerdicts(rules Rules) *Verdicts {
	known, err := lru.New[state, Verdict](maxVerdicts)
	if err != nil {
		panic(err) // only for a size below one
	}
	return &Verdicts{rules: rules, known: known}
}

// Of judges a stored API. One that was saved before a rule existed, or restored from elsewhere, may have a fault.
func (j *Verdicts) Of(a *core.Api) Verdict {
	key := state{a.ID, a.Revision, a.UpdatedAt}
	if v, ok := j.known.Get(key); ok {
		return v
	}
	var v Verdict
	warnings, err := j.rules.CheckApi(a.Definition)
	if err != nil {
		v.Fault = core.AsError(err).Message
		warnings = []string{v.Fault}
	}
	v.Warnings = append(append([]string{}, warnings...), foreignCertificates(a)...)
	j.known.Add(key, v)
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
		"gateways that organisations share are told of no certificate where the definition names one " +
			"that is not the organisation's: " +
			core.SomeOf(named),
	}
}
