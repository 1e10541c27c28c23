package core

import (
	"math"
	"slices"

	"github.com/tidwall/gjson"
)

// The limits of an organisation beside those of how many objects of a kind it may have.
const (
	LimitBytes    = "bytes"
	LimitSockets  = "sockets"
	LimitRequests = "requests_per_second"
)

// LimitNames are the names of the limits of an organisation, as the configuration and its document spell them.
func LimitNames() []string {
	var names []string
	for _, k := range Kinds() {
		if k.Owned {
			names = append(names, k.Collection)
		}
	}
	return append(names, LimitBytes, LimitSockets, LimitRequests)
}

// limitsField is the object in an organisation's document that holds its own limits. No other program has a field of
// that name.
const limitsField = "gatehouse_limits"

// Limit is the organisation's own limit of a name, 0 for none; own tells whether it has one, which the configuration
// does not change then.
func (o *Organisation) Limit(name string) (limit int64, own bool) {
	if !slices.Contains(LimitNames(), name) {
		return 0, false
	}
	v := o.Document.Get(limitsField + "." + name)
	return v.Int(), v.Exists()
}

// checkLimits holds the limits of a document to what Limit can read.
func checkLimits(doc Document) error {
	limits := doc.Get(limitsField)
	if !limits.Exists() {
		return nil
	}
	var err error
	limits.ForEach(func(name, v gjson.Result) bool {
		switch n := v.Float(); {
		case !slices.Contains(LimitNames(), name.Str):
			err = Errorf(CodeInvalid, "%s holds %q, which is no limit: there are %v", limitsField, name.Str, LimitNames())
		case v.Type != gjson.Number || n < 0 || n != math.Trunc(n) || n > 1<<53:
			err = Errorf(CodeInvalid, "%s.%s must be a whole number, 0 for no limit", limitsField, name.Str)
		}
		return err == nil
	})
	return err
}
