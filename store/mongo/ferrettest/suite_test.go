package ferrettest

import (
	"strconv"
	"testing"

	"gatehouse/store"
	"gatehouse/store/storetest"
)

func TestSuite(t *testing.T) {
	const (
		lost  = "FerretDB 1.24 reads and writes a document in two steps, so that updates at the same time overwrite each other"
		alone = "FerretDB 1.24 has no transactions, so that others see the writes of an Apply one by one"
		code  = "FerretDB 1.24 refuses an update that takes a unique value with an internal error, not with the code of a duplicate key"
	)
	url, cases := serve(t), 0
	storetest.RunAll(t, func(t *testing.T) store.Engine {
		cases++
		return open(t, url+"case"+strconv.Itoa(cases))
	},
		// MongoDB itself makes all of them.
		storetest.WithSearches(40),
		storetest.WithSkip("concurrency/compare-and-set has one winner", lost),
		storetest.WithSkip("concurrency/writers that cross each other all come through", lost),
		storetest.WithSkip("concurrency/a reader never sees half of an Apply", alone),
		storetest.WithSkip("reindex/while others write", lost),
		storetest.WithSkip("uniques/an update may not take a value either", code),
	)
}
