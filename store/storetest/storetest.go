// Package storetest is the conformance suite of store.Engine: what every engine must do, said once. A change to the way
// things are stored starts with a case here, and a bug of an engine ends as one.
package storetest

import (
	"context"
	"testing"

	"gatehouse/store"
)

// Option changes how RunAll runs the suite.
type Option func(*suite)

// WithSkip leaves out one case, for an engine with a known gap. The reason is printed. The name is the whole one, as in
// "apply/two writers with one revision: one of them wins"; a name that no case has fails the run, so that skips do not
// rot.
func WithSkip(caseName, reason string) Option {
	return func(s *suite) { s.skips[caseName] = reason }
}

// WithSearches makes that many random searches instead of 150, for an engine whose server takes half a second for one.
func WithSearches(n int) Option { return func(s *suite) { s.searches = n } }

// RunAll runs every case, each on an engine of its own. open returns an engine without any records, and sees to it that
// the engine is closed and its database gone when the test ends.
func RunAll(t *testing.T, open func(t *testing.T) store.Engine, opts ...Option) {
	s := &suite{skips: map[string]string{}, searches: 150}
	for _, opt := range opts {
		opt(s)
	}
	known := map[string]bool{}
	for _, g := range groups() {
		t.Run(g.name, func(t *testing.T) {
			for _, c := range g.cases {
				known[g.name+"/"+c.name] = true
				t.Run(c.name, func(t *testing.T) {
					if reason, skip := s.skips[g.name+"/"+c.name]; skip {
						t.Skipf("known gap of this engine: %s", reason)
					}
					c.run(t, &fixture{Engine: open(t), ctx: t.Context(), searches: s.searches})
				})
			}
		})
	}
	for name := range s.skips {
		if !known[name] {
			t.Errorf("WithSkip names %q, which is no case of the suite", name)
		}
	}
}

type suite struct {
	skips    map[string]string
	searches int
}

type group struct {
	name  string
	cases []testCase
}

type testCase struct {
	name string
	run  func(t *testing.T, f *fixture)
}

func groups() []group {
	return []group{
		{"find", findCases()},
		{"tenants", tenantCases()},
		{"list", listCases()},
		{"paging", pagingCases()},
		{"labels", labelCases()},
		{"search", searchCases()},
		{"apply", applyCases()},
		{"surface", surfaceCases()},
		{"reindex", reindexCases()},
		{"uniques", uniqueCases()},
		{"documents", documentCases()},
		{"concurrency", concurrencyCases()},
		{"life", lifeCases()},
	}
}

// fixture is an engine with the calls that the cases make all the time.
type fixture struct {
	store.Engine
	ctx      context.Context
	searches int
}
