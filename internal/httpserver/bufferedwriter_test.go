package httpserver

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestBufferedWriterPassesOnAfterItsInterval(t *testing.T) {
	var out logs
	b := NewBufferedWriter(&out, time.Millisecond)
	defer b.Close()
	_, err := b.Write([]byte("line\n"))
	require.NoError(t, err)
	assert.Eventually(t, func() bool { return out.String() == "line\n" }, 5*time.Second, time.Millisecond)
}

func TestBufferedWriterCollectsUntilCloseAndWritesThroughAfterIt(t *testing.T) {
	var out logs
	b := NewBufferedWriter(&out, time.Hour)
	_, err := b.Write([]byte("one\n"))
	require.NoError(t, err)
	assert.Empty(t, out.String())
	require.NoError(t, b.Close())
	assert.Equal(t, "one\n", out.String())
	_, err = b.Write([]byte("two\n"))
	require.NoError(t, err)
	assert.Equal(t, "one\ntwo\n", out.String())
	require.NoError(t, b.Close(), "closing twice is fine")
}

func TestBufferedWriterDoesNotGrowWithoutBound(t *testing.T) {
	var out logs
	b := NewBufferedWriter(&out, time.Hour)
	defer b.Close()
	_, err := b.Write(bytes.Repeat([]byte("x"), flushAt))
	require.NoError(t, err)
	assert.Len(t, out.String(), flushAt)
}

func TestBufferedWriterLosesNoLineAndKeepsTheOrderOfEachWriter(t *testing.T) {
	var out logs
	b := NewBufferedWriter(&out, time.Millisecond)
	var writers sync.WaitGroup
	for w := range 8 {
		writers.Go(func() {
			for i := range 2000 {
				_, _ = fmt.Fprintf(b, "%d %d\n", w, i)
			}
		})
	}
	writers.Wait()
	require.NoError(t, b.Close())
	next := map[int]int{}
	for line := range strings.Lines(out.String()) {
		var w, i int
		_, err := fmt.Sscanf(line, "%d %d\n", &w, &i)
		require.NoError(t, err)
		require.Equal(t, next[w], i)
		next[w]++
	}
	for w := range 8 {
		assert.Equal(t, 2000, next[w])
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestBufferedWriterReportsAnErrorToWhoeverFlushes(t *testing.T) {
	b := NewBufferedWriter(broken{}, time.Hour)
	_, err := b.Write([]byte("x"))
	require.NoError(t, err)
	require.ErrorContains(t, b.Flush(), "disk full")
	_, err = b.Write(bytes.Repeat([]byte("x"), flushAt))
	require.ErrorContains(t, err, "disk full")
	require.NoError(t, b.Close(), "what could not be written was dropped")
}
