package storetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"gatehouse/store"
)

const racers = 16

// race runs f at once in every racer and returns their errors.
func race(f func(i int) error) []error {
	var (
		wg    sync.WaitGroup
		start = make(chan struct{})
		errs  = make([]error, racers)
	)
	for i := range racers {
		wg.Go(func() {
			<-start
			errs[i] = f(i)
		})
	}
	close(start)
	wg.Wait()
	return errs
}

// oneWinner fails unless exactly one racer won and the others lost with the error; it returns the winner.
func oneWinner(t *testing.T, errs []error, lost error) int {
	t.Helper()
	winner := -1
	for i, err := range errs {
		switch {
		case err == nil && winner < 0:
			winner = i
		case err == nil:
			t.Fatalf("racers %d and %d both won", winner, i)
		case !errors.Is(err, lost):
			t.Fatalf("racer %d lost with %v, want %v", i, err, lost)
		}
	}
	if winner < 0 {
		t.Fatal("nobody won")
	}
	return winner
}

func concurrencyCases() []testCase {
	return []testCase{
		{"compare-and-set has one winner", func(t *testing.T, f *fixture) {
			r := record(1, orgA)
			f.create(t, apis, r)
			for range 5 {
				r = next(r)
				winner := oneWinner(t, race(func(i int) error {
					mine := r
					mine.Doc = []byte(fmt.Sprintf(`{"racer":%d}`, i))
					return f.Apply(f.ctx, updating(apis, mine))
				}), store.ErrStale)
				if got := f.one(t, apis, r.ID); string(got.Doc) != fmt.Sprintf(`{"racer":%d}`, winner) ||
					got.Revision != r.Revision {
					t.Fatalf("racer %d won, and the store holds %s at revision %d", winner, got.Doc, got.Revision)
				}
			}
		}},
		{"a unique value has one winner", func(t *testing.T, f *fixture) {
			for round, unique := range []string{"slug", "api_id", "route", "slug"} {
				errs := race(func(i int) error {
					r := record(round*racers+i, orgA)
					r.Unique[unique] = fmt.Sprintf("value-%d", round)
					return f.Apply(f.ctx, creating(apis, r))
				})
				winner := oneWinner(t, errs, store.ErrConflict)
				for i, err := range errs {
					if i != winner {
						conflict(t, err, apis, unique, id(round*racers+i), id(round*racers+winner))
					}
				}
				same(
					t,
					"holders",
					f.findIDs(t, apis, store.Org(orgA), unique, fmt.Sprintf("value-%d", round)),
					[]string{id(round*racers + winner)},
				)
			}
		}},
		{"an id has one winner", func(t *testing.T, f *fixture) {
			winner := oneWinner(t, race(func(i int) error {
				r := record(1, orgA)
				r.Doc = []byte(fmt.Sprintf(`{"racer":%d}`, i))
				r.Labels["tag"] = []string{fmt.Sprint(i)}
				return f.Apply(f.ctx, creating(keys, r))
			}), store.ErrConflict)
			if got := f.one(t, keys, id(1)); string(got.Doc) != fmt.Sprintf(`{"racer":%d}`, winner) {
				t.Fatalf("racer %d won, and the store holds %s", winner, got.Doc)
			}
			counts, err := f.CountByLabel(f.ctx, keys, store.Org(orgA), "tag", nil)
			if err != nil || len(counts) != 1 || counts[fmt.Sprint(winner)] != 1 {
				t.Fatalf("racer %d won, and the labels are %v, %v", winner, counts, err)
			}
		}},
		{"a deletion has one winner", func(t *testing.T, f *fixture) {
			f.create(t, apis, record(1, orgA))
			oneWinner(t, race(func(int) error { return f.Apply(f.ctx, deleting(apis, record(1, orgA), 0)) }), store.ErrStale)
		}},
		{"no acknowledged write is lost, and each is read back at once", func(t *testing.T, f *fixture) {
			const each = 20
			for _, err := range race(func(i int) error {
				for n := range each {
					r := record(i*each+n, orgA)
					r.Labels["tag"] = []string{"gold", fmt.Sprint(i)}
					if err := f.Apply(f.ctx, creating(keys, r)); err != nil {
						return err
					}
					got, err := f.Find(f.ctx, keys, store.Org(orgA), "id", []string{r.ID})
					if err != nil || len(got) != 1 || string(got[0].Doc) != string(r.Doc) {
						return fmt.Errorf("%s: read back %v, %w", r.ID, got, err)
					}
				}
				return nil
			}) {
				if err != nil {
					t.Fatal(err)
				}
			}
			if n := f.count(t, keys, store.Org(orgA), store.HasLabel("tag", "gold")); n != racers*each {
				t.Fatalf("%d records, want %d", n, racers*each)
			}
		}},
		{"one that fails does not take others with it", func(t *testing.T, f *fixture) {
			taken := record(1000, orgA)
			taken.Unique["slug"] = "taken"
			f.create(t, apis, taken)
			errs := race(func(i int) error {
				r := record(i, orgA)
				if i%2 == 1 {
					r.Unique["slug"] = "taken"
				}
				return f.Apply(f.ctx, creating(policies, record(i, orgA)), creating(apis, r))
			})
			for i, err := range errs {
				made := len(f.findIDs(t, policies, store.Org(orgA), "id", id(i))) == 1
				if want := i%2 == 0; made != want || (err == nil) != want {
					t.Fatalf("racer %d: made %v, %v", i, made, err)
				}
			}
		}},
		{"writers that cross each other all come through", func(t *testing.T, f *fixture) {
			a, b := record(1, orgA), record(2, orgA)
			f.create(t, apis, a, b)
			for _, err := range race(func(i int) error {
				for range 5 {
					for {
						err := addOne(f, i%2 == 0)
						if err == nil {
							break
						}
						if !errors.Is(err, store.ErrStale) {
							return err
						}
					}
				}
				return nil
			}) {
				if err != nil {
					t.Fatal(err)
				}
			}
			for _, r := range []store.Record{a, b} {
				if got := f.one(t, apis, r.ID); got.Revision != 1+racers*5 {
					t.Fatalf("revision %d, want %d", got.Revision, 1+racers*5)
				}
			}
		}},
		{"a reader never sees half of an Apply", func(t *testing.T, f *fixture) {
			a, b := record(1, orgA), record(2, orgA)
			f.create(t, apis, a, b)
			stop, writer := make(chan struct{}), make(chan error, 1)
			go func() {
				for {
					select {
					case <-stop:
						writer <- nil
						return
					default:
					}
					if err := addOne(f, true); err != nil {
						writer <- err
						return
					}
				}
			}()
			for range 100 {
				got := f.find(t, apis, store.Org(orgA), "id", a.ID, b.ID)
				if len(got) != 2 || got[0].Revision != got[1].Revision {
					t.Errorf("read %+v", got)
					break
				}
			}
			close(stop)
			if err := <-writer; err != nil {
				t.Fatal(err)
			}
		}},
	}
}

// addOne reads the records 1 and 2 and writes the next revision of both, in either order.
func addOne(f *fixture, forward bool) error {
	got, err := f.Find(f.ctx, apis, store.Org(orgA), "id", []string{id(1), id(2)})
	if err != nil {
		return err
	}
	if len(got) != 2 {
		return fmt.Errorf("read %d records, want 2", len(got))
	}
	if (got[0].ID < got[1].ID) != forward {
		got[0], got[1] = got[1], got[0]
	}
	return f.Apply(f.ctx, updating(apis, next(got[0])), updating(apis, next(got[1])))
}
