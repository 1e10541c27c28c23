// Package core holds the domain: what an API definition, a policy, a key, a user, an organisation and a webhook are,
// which of them are valid, and the one error type that every layer speaks.
//
// It exists so that the rules which need no I/O can be read and tested in one place. It imports the standard library
// and JSON helpers only.
package core
