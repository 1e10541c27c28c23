package trail

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"sync"

	"gatehouse/internal/audit"
	"gatehouse/internal/core"
)

// What those of whom nobody knows who they are can have recorded between two marks, which are a minute apart, whatever
// they send. Beyond that they are counted, and the counts are recorded: see tellStrangers.
const (
	// strangerRecords is how many records an address has, and strangersRecords how many all have together.
	strangerRecords  = 60
	strangersRecords = 600
	// strangersKnown is how many addresses are told apart, and strangersTold how many are told, those with most calls.
	strangersKnown = 1000
	strangersTold  = 100
	// strangerURL and strangerText are the longest that is kept of what a stranger sends: of the URL, and of arguments,
	// request and answer each.
	strangerURL  = 200
	strangerText = 1024
)

// strangers counts the calls of those of whom nobody knows who they are. It is safe for concurrent use.
type strangers struct {
	mu       sync.Mutex
	recorded int
	of       map[string]*stranger
}

// stranger is an address: how many of its calls were recorded, and how many were not, by status.
type stranger struct {
	recorded int
	counted  map[int]int
}

// elsewhere stands for the addresses that are not told apart.
const elsewhere = "elsewhere"

// records tells whether a call has a record of its own, and counts it where it has none. Who is held off for guessing
// has none: that such calls come is all that there is to know.
func (s *strangers) records(address string, status int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of == nil {
		s.of = map[string]*stranger{}
	}
	one := s.of[address]
	if one == nil {
		if len(s.of) >= strangersKnown {
			address = elsewhere
		}
		if one = s.of[address]; one == nil {
			one = &stranger{counted: map[int]int{}}
			s.of[address] = one
		}
	}
	if status != http.StatusTooManyRequests && one.recorded < strangerRecords && s.recorded < strangersRecords {
		one.recorded++
		s.recorded++
		return true
	}
	one.counted[status]++
	return false
}

// take returns what was counted for each address, those with most first, and begins anew. What is more than can be told
// is under elsewhere.
func (s *strangers) take() []counts {
	s.mu.Lock()
	of := s.of
	s.of, s.recorded = nil, 0
	s.mu.Unlock()
	var out []counts
	rest := counts{address: elsewhere, calls: map[int]int{}}
	for address, one := range of {
		if c := (counts{address, one.counted}); address == elsewhere {
			rest.add(c)
		} else if c.sum() > 0 {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b counts) int {
		return cmp.Or(cmp.Compare(b.sum(), a.sum()), cmp.Compare(a.address, b.address))
	})
	for _, c := range out[min(len(out), strangersTold):] {
		rest.add(c)
	}
	out = out[:min(len(out), strangersTold)]
	if rest.sum() > 0 {
		out = append(out, rest)
	}
	return out
}

// counts are the calls of an address, by status.
type counts struct {
	address string
	calls   map[int]int
}

func (c counts) add(more counts) {
	for status, n := range more.calls {
		c.calls[status] += n
	}
}

func (c counts) sum() (n int) {
	for _, of := range c.calls {
		n += of
	}
	return n
}

// most is the status of most calls, of as many the lowest.
func (c counts) most() (status int) {
	for of, n := range c.calls {
		if n > c.calls[status] || n == c.calls[status] && of < status {
			status = of
		}
	}
	return status
}

// notRecordedCalls is what is told of the calls of an address that have no record of their own.
const notRecordedCalls = "callsNotRecorded"

// tellStrangers records how many calls of strangers had no record of their own, a record for each address.
func (t *Trail) tellStrangers(ctx context.Context) {
	all := t.strangers.take()
	if len(all) == 0 {
		return
	}
	entries := make([]entry, len(all))
	for i, c := range all {
		byStatus := make(map[string]int, len(c.calls))
		for status, n := range c.calls {
			byStatus[strconv.Itoa(status)] = n
		}
		arguments, _ := json.Marshal(map[string]any{"calls": c.sum(), "by_status": byStatus}) // which cannot fail
		r := &audit.Record{Kind: audit.KindMore, Face: "server", Operation: notRecordedCalls, IP: c.address,
			Actor: audit.Actor{Kind: audit.ActorNobody}, Status: c.most(), Arguments: arguments}
		if r.Status == http.StatusTooManyRequests {
			r.Code = core.CodeTooMany
		}
		t.stamp(r)
		entries[i] = entry{record: r}
	}
	for some := range slices.Chunk(entries, batch) {
		t.write(ctx, some)
	}
}

// short cuts what a stranger has chosen the length of.
func short(r *audit.Record) {
	r.URL = audit.Clip(r.URL, strangerURL)
	r.RequestDump, r.ResponseDump = audit.Clip(r.RequestDump, strangerText), audit.Clip(r.ResponseDump, strangerText)
	if len(r.Arguments) > strangerText {
		r.Arguments = audit.LeftOut(r.Arguments)
	}
}
