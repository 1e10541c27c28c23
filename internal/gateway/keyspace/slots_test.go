package keyspace

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestNamesHaveTheSlotsOfRedis(t *testing.T) {
	for name, slot := range map[string]int{ // as CLUSTER KEYSLOT says
		"": 0, "123456789": 12739, "foo": 12182, "{user1000}.following": 3443, "{user1000}.followers": 3443, "foo{}{bar}": 8363, "foo{{bar}}zap": 4015,
	} {
		require.Equal(t, slot, slotOf(name), name)
	}
	for _, slot := range []int{0, 1, 5461, 16383} {
		require.Equal(t, slot, slotOf(markerName+"-{"+slotTag(slot)+"}"))
	}
}

func TestTheSlotsOfANodeAreRead(t *testing.T) {
	const nodes = `07c3 127.0.0.1:30004@31004,host slave e7d1 0 1426238317239 4 connected
e7d1 127.0.0.1:30001@31001 myself,master - 0 0 1 connected 0-5460 7000 [93->-292f] 8000-8001
67ed 127.0.0.1:30002@31002 master - 0 1426238316232 2 connected 5461-6999
`
	require.Equal(t, slots{{0, 5460}, {7000, 7000}, {8000, 8001}}, ownSlots(nodes))
	require.Nil(t, ownSlots("07c3 127.0.0.1:30004@31004 myself,slave e7d1 0 1426238317239 4 connected\n"))
	require.Equal(t, 7000, slots{{8000, 8001}, {7000, 7000}}.lowest())
	require.True(t, partition(slots{{0, 5460}}, slots{{5461, 16383}}))
	require.False(t, partition(slots{{0, 5460}}, slots{{5462, 16383}}))
	require.False(t, partition(slots{{0, 5460}}, slots{{5460, 16383}}))
}

func TestWhatBecameOfARedisIsTold(t *testing.T) {
	at := time.Unix(1_800_000_000, 0)
	m := func(run, history, epoch string, from, to int) master {
		out := master{runID: run, history: history, epoch: epoch, at: at, slots: slots{{from, to}}}
		if epoch != "" {
			out.marker = epoch + " 1800000000000"
		}
		return out
	}
	alone := func(run, epoch string) master {
		out := m(run, "h", epoch, 0, 0)
		out.slots = nil
		return out
	}
	see := func(masters ...master) view {
		v := view{masters: masters}
		for _, m := range masters {
			if v.epoch == "" || m.epoch == "e" {
				v.epoch = m.epoch
			}
		}
		return v
	}
	two := see(m("r1", "h1", "e", 0, 99), m("r2", "h2", "e", 100, 199))
	legacy := anchor{Epoch: "e", RunID: "r1 r2"}
	for name, tc := range map[string]struct {
		known  anchor
		now    view
		want   condition
		losses []loss
	}{
		"never seen":                           {anchor{}, two, first, nil},
		"as it was":                            {two.anchor("e"), two, whole, nil},
		"all gone":                             {two.anchor("e"), see(m("r1", "h1", "", 0, 99), m("r2", "h2", "", 100, 199)), emptied, nil},
		"another":                              {two.anchor("e"), see(m("x1", "y1", "z", 0, 99), m("x2", "y2", "z", 100, 199)), replaced, nil},
		"a replica took over one":              {two.anchor("e"), see(m("r1", "h1", "e", 0, 99), m("r3", "h3", "e", 100, 199)), partly, []loss{{slots{{100, 199}}, at.Add(-margin)}}},
		"one was promoted again":               {two.anchor("e"), see(m("r1", "h1", "e", 0, 99), m("r2", "h4", "e", 100, 199)), partly, []loss{{slots{{100, 199}}, at.Add(-margin)}}},
		"a replica without a marker took over": {two.anchor("e"), see(m("r1", "h1", "e", 0, 99), m("r3", "h3", "", 100, 199)), partly, []loss{{slots: slots{{100, 199}}}}},
		"one was emptied":                      {two.anchor("e"), see(m("r1", "h1", "e", 0, 99), m("r2", "h2", "", 100, 199)), partly, []loss{{slots: slots{{100, 199}}}}},
		"one is of another Redis":              {two.anchor("e"), see(m("r1", "h1", "e", 0, 99), m("r3", "h3", "z", 100, 199)), partly, []loss{{slots: slots{{100, 199}}}}},
		"slots moved":                          {two.anchor("e"), see(m("r1", "h1", "e", 0, 89), m("r2", "h2", "", 90, 199)), moved, nil},
		"a master was added, with a marker that moved":          {two.anchor("e"), see(m("r1", "h1", "", 50, 99), m("r2", "h2", "e", 100, 199), m("r3", "h3", "e", 0, 49)), partly, []loss{{slots{{0, 49}}, at.Add(-margin)}}},
		"a master gave all its slots away":                      {two.anchor("e"), see(m("r1", "h1", "e", 0, 199)), moved, nil},
		"an earlier version knew the cluster":                   {legacy, view{masters: []master{m("r1", "h1", "", 0, 99), m("r2", "h2", "", 100, 199)}, epoch: "e"}, moved, nil},
		"it knew it before one failed over":                     {legacy, view{masters: []master{m("r1", "h1", "", 0, 99), m("r3", "h3", "", 100, 199)}, epoch: "e"}, partly, []loss{{slots: slots{{100, 199}}}}},
		"an earlier version knew the server":                    {anchor{Epoch: "e", RunID: "r"}, see(alone("r", "e")), moved, nil},
		"it knew the server before its restart":                 {anchor{Epoch: "e", RunID: "r"}, see(alone("q", "e")), partly, []loss{{nil, at.Add(-margin)}}},
		"it knew the server before it was emptied":              {anchor{Epoch: "e", RunID: "r"}, see(alone("r", "")), emptied, nil},
		"it knew a server that does not tell its run id":        {anchor{Epoch: "e"}, see(alone("", "e")), moved, nil},
		"the server is one, and as it was":                      {see(alone("r", "e")).anchor("e"), see(alone("r", "e")), whole, nil},
		"the server does not tell its run id, and is as it was": {see(alone("", "e")).anchor("e"), see(alone("", "e")), whole, nil},
	} {
		t.Run(name, func(t *testing.T) {
			condition, losses := tc.now.since(tc.known)
			require.Equal(t, tc.want, condition)
			require.Equal(t, tc.losses, losses)
		})
	}
}
