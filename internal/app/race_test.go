//go:build race

package app_test

// underRace tells whether the race detector watches.
const underRace = true
