package audit

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Verification looks for what was changed, removed or moved among all records.
type Verification struct {
	keys    *Keys
	chains  map[string]*links
	faults  []Fault
	records int
	// gone are the places up to which retentions took records away.
	gone map[string]int64
	// heads are places that a mark of another chain, or somebody who kept a checkpoint, knows of.
	heads map[string]head
}

// head is a place that must be there, and who says so.
type head struct {
	n    int64
	says string
	hash string
}

// links are what a chain is verified by, once all are read.
type links struct {
	all []link
	// settled is the place up to which all is decided, marked that of the latest mark; void are explained.
	settled, marked int64
	stopped         bool
	void            map[int64]bool
}

type link struct {
	n          int64
	prev, hash string
	id         string
	at         time.Time
	changed    bool
}

// Fault is something that is not as it was written.
type Fault struct {
	// Chain and N are the place, ID the record, "" where there is none, At when it was, or about when.
	Chain string
	N     int64
	ID    string
	At    time.Time
	// What says what is wrong.
	What string
}

// String is a line for people.
func (f Fault) String() string {
	name := f.ID
	if name == "" {
		name = "a record that is not there"
	}
	at := ""
	if !f.At.IsZero() {
		at = " of " + f.At.UTC().Format(time.RFC3339)
	}
	return fmt.Sprintf("%s (chain %s, place %d%s): %s", name, f.Chain, f.N, at, f.What)
}

// NewVerification begins one.
func NewVerification(keys *Keys) *Verification {
	return &Verification{keys: keys, chains: map[string]*links{}, gone: map[string]int64{}, heads: map[string]head{}}
}

// Add looks at a record, in whatever order they come.
func (v *Verification) Add(r *Record) {
	v.records++
	err := v.keys.Check(r)
	if err != nil {
		v.faults = append(v.faults, Fault{r.Server, r.N, r.ID, r.CreatedAt, "it was changed, or moved: " + err.Error()})
	}
	l := v.chain(r.Server)
	// The place of a changed one is taken all the same; what it says of others does not count.
	l.all = append(l.all, link{r.N, r.Prev, r.Hash, r.ID, r.CreatedAt, err != nil})
	if r.Mark == nil || err != nil {
		return
	}
	l.settled, l.marked = max(l.settled, r.Mark.Settled), max(l.marked, r.N)
	for _, n := range r.Mark.Void {
		l.void[n] = true
	}
	switch r.Kind {
	case KindStop:
		l.stopped = true
	case KindRetention:
		for name, n := range r.Mark.Heads {
			v.gone[name] = max(v.gone[name], n)
		}
	case KindStart:
		for name, n := range r.Mark.Heads {
			v.expect(name, n, "", "the start of chain "+r.Server)
		}
	}
}

// Expect says that a place was seen, with its hash: a checkpoint that somebody kept elsewhere.
func (v *Verification) Expect(chain string, n int64, hash string) {
	v.expect(chain, n, hash, "the checkpoint that was given")
}

func (v *Verification) expect(chain string, n int64, hash, says string) {
	if v.heads[chain].n < n {
		v.heads[chain] = head{n, says, hash}
	}
}

func (v *Verification) chain(name string) *links {
	if v.chains[name] == nil {
		v.chains[name] = &links{void: map[int64]bool{}}
	}
	return v.chains[name]
}

// Outcome is what a verification found.
type Outcome struct {
	Records, Chains int
	// Faults are in the order of time.
	Faults []Fault
	// Open are places that are not there, after the last mark of a server that did not stop in order: its records in the
	// making when it died, or those of one that runs.
	Open []Fault
}

// Outcome ends the verification.
func (v *Verification) Outcome() Outcome {
	out := Outcome{Records: v.records, Chains: len(v.chains), Faults: v.faults}
	for name := range v.heads {
		v.chain(name) // it may be gone as a whole
	}
	for _, name := range slices.Sorted(maps.Keys(v.chains)) {
		faults, open := v.walk(name, v.chains[name])
		out.Faults, out.Open = append(out.Faults, faults...), append(out.Open, open...)
	}
	slices.SortStableFunc(out.Faults, func(a, b Fault) int { return a.At.Compare(b.At) })
	return out
}

// walk follows one chain.
func (v *Verification) walk(name string, l *links) (faults, open []Fault) {
	slices.SortStableFunc(l.all, func(a, b link) int {
		return cmp.Or(cmp.Compare(a.n, b.n), compareBools(a.changed, b.changed), cmp.Compare(a.id, b.id))
	})
	before := link{n: v.gone[name]}
	missing := func(from, to int64, at time.Time) {
		for n := from; n <= to; n++ {
			fault := Fault{Chain: name, N: n, At: at, What: "it was removed"}
			switch {
			case n <= v.gone[name] || l.void[n]:
				continue
			case n > l.settled && !l.stopped:
				fault.What = "it is not there: it was in the making when the server ended, or is, or was removed"
				open = append(open, fault)
			default:
				faults = append(faults, fault)
			}
			if len(faults)+len(open) > maxFaults {
				return
			}
		}
	}
	for _, next := range l.all {
		switch {
		case next.n <= v.gone[name]:
		case next.n == before.n && before.id != "" && next.changed:
			continue // which is told already
		case next.n == before.n && before.id != "":
			faults = append(faults, Fault{name, next.n, next.id, next.at, "it was moved, or copied: " + before.id +
				" has the same place"})
			continue
		case next.n == before.n+1 && before.hash != "" && next.prev != before.hash && !next.changed && !before.changed:
			faults = append(faults, Fault{name, next.n, next.id, next.at, "it does not follow the record before it, " +
				before.id + ": one of them was moved or put there"})
		default:
			missing(before.n+1, next.n-1, next.at)
		}
		before = next
	}
	return append(faults, v.ended(name, l, before)...), open
}

// ended compares the end of a chain with what others know of it.
func (v *Verification) ended(name string, l *links, last link) []Fault {
	h, known := v.heads[name]
	switch {
	case !known || h.n <= v.gone[name]:
	case last.n < h.n:
		return []Fault{{Chain: name, N: last.n + 1, At: last.at, What: fmt.Sprintf(
			"it was removed, with all up to place %d, which %s knows of", h.n, h.says)}}
	case h.hash != "":
		at := slices.IndexFunc(l.all, func(one link) bool { return one.n == h.n })
		if at >= 0 && l.all[at].hash != h.hash {
			return []Fault{{name, h.n, l.all[at].id, l.all[at].at, "it is another one than " + h.says + " names"}}
		}
	}
	return nil
}

// compareBools has what is not so come first.
func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// maxFaults bounds what is told of one gap.
const maxFaults = 1000
