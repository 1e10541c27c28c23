package changes_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"gatehouse/internal/changes"
	"gatehouse/internal/core"
)

func all(*core.Change) bool { return true }

func TestAListenerHearsWhatItWantsInOrder(t *testing.T) {
	b := changes.NewBroker()
	even, stop := b.Subscribe(func(c *core.Change) bool { return c.Revision%2 == 0 })
	defer stop()
	for i := range int64(10) {
		b.Publish(&core.Change{Revision: i})
	}
	for i := range int64(5) {
		require.Equal(t, 2*i, (<-even).Revision)
	}
	require.Empty(t, even)
}

func TestAListenerThatStopsIsToldNoMore(t *testing.T) {
	b := changes.NewBroker()
	news, stop := b.Subscribe(all)
	stop()
	stop() // twice is as good as once
	b.Publish(&core.Change{})
	_, open := <-news
	require.False(t, open)
}

func TestAListenerThatFallsBehindIsCutOffAndHoldsUpNobody(t *testing.T) {
	b := changes.NewBroker()
	slow, _ := b.Subscribe(all)
	quick, stop := b.Subscribe(all)
	defer stop()
	for i := range int64(1000) {
		b.Publish(&core.Change{Revision: i})
		require.Equal(t, i, (<-quick).Revision)
	}
	heard := int64(0)
	for c := range slow { // ends, since it is cut off
		require.Equal(t, heard, c.Revision, "a change is missing before the cut")
		heard++
	}
	require.Less(t, heard, int64(1000))
	require.Positive(t, heard)
}

func TestCloseEndsEverySubscription(t *testing.T) {
	b := changes.NewBroker()
	before, _ := b.Subscribe(all)
	b.Close()
	after, stop := b.Subscribe(all)
	stop()
	b.Publish(&core.Change{})
	for _, news := range []<-chan *core.Change{before, after} {
		_, open := <-news
		require.False(t, open)
	}
}

func TestListenersComeAndGoWhileChangesArePublished(t *testing.T) {
	b := changes.NewBroker()
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 100 {
				news, stop := b.Subscribe(all)
				b.Publish(&core.Change{})
				<-news
				stop()
			}
		})
	}
	group.Wait()
	b.Close()
}
