package limits_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/core"
	"gatehouse/internal/limits"
)

// organisations are limited by defaults, but for "rich", whose document lifts them.
func organisations(t *testing.T, defaults map[string]int64) (*limits.Organisations, *clock) {
	t.Helper()
	c := &clock{time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	return limits.NewOrganisations(limits.OrganisationsOptions{Defaults: defaults, Now: c.now,
		Find: func(_ context.Context, id string) (*core.Organisation, error) {
			switch id {
			case "rich":
				return core.NewOrganisation(
					core.Meta{ID: id},
					core.Document(`{"gatehouse_limits":{"apis":0,"sockets":3,"requests_per_second":0}}`),
				), nil
			case "gone":
				return nil, nil
			case "broken":
				return nil, errors.New("the database is gone")
			}
			return core.NewOrganisation(core.Meta{ID: id}, core.Document(`{}`)), nil
		}}), c
}

func TestAnOrganisationMayCallSoOftenInASecond(t *testing.T) {
	o, c := organisations(t, map[string]int64{"requests_per_second": 4})
	for range 4 {
		require.NoError(t, o.Request(t.Context(), "a"))
	}
	err := o.Request(t.Context(), "a")
	require.Equal(t, core.CodeTooMany, core.CodeOf(err))
	require.Equal(t, 250*time.Millisecond, core.AsError(err).RetryAfter)
	require.Equal(t, 1, core.AsError(err).Seconds(), "a whole second is the least that the header can say")
	require.NoError(t, o.Request(t.Context(), "b"), "another organisation has its own share")
	require.NoError(t, o.Request(t.Context(), ""), "who belongs to none is not held")
	c.pass(250 * time.Millisecond)
	require.NoError(t, o.Request(t.Context(), "a"))
	require.Error(t, o.Request(t.Context(), "a"))
	c.pass(time.Hour)
	for range 4 {
		require.NoError(t, o.Request(t.Context(), "a"))
	}
	require.Error(t, o.Request(t.Context(), "a"), "what was not used is not saved up")
	c.pass(-time.Hour)
	require.Error(t, o.Request(t.Context(), "a"), "a clock that is set back gives nothing, and takes nothing")
	for range 100 {
		require.NoError(t, o.Request(t.Context(), "rich"))
	}
	require.Error(t, o.Request(t.Context(), "broken"))
	var none *limits.Organisations
	require.NoError(t, none.Request(t.Context(), "a"))
}

func TestAnOrganisationMayHaveSoManySockets(t *testing.T) {
	o, _ := organisations(t, map[string]int64{"sockets": 1})
	release, err := o.Socket(t.Context(), "a")
	require.NoError(t, err)
	_, err = o.Socket(t.Context(), "a")
	require.Equal(t, core.CodeTooMany, core.CodeOf(err))
	require.Positive(t, core.AsError(err).Seconds())
	_, err = o.Socket(t.Context(), "gone")
	require.NoError(t, err)
	release()
	release()
	_, err = o.Socket(t.Context(), "a")
	require.NoError(t, err)
	_, err = o.Socket(t.Context(), "a")
	require.Error(t, err, "released twice is released once")
	for range 3 {
		_, err = o.Socket(t.Context(), "rich")
		require.NoError(t, err)
	}
	_, err = o.Socket(t.Context(), "rich")
	require.Error(t, err, "the organisation's own limit counts")
	for range 100 {
		_, err = o.Socket(t.Context(), "")
		require.NoError(t, err)
	}
}

func TestTwoWritesCannotBothBeTheLastOne(t *testing.T) {
	o, _ := organisations(t, map[string]int64{"apis": 10})
	var stored, refused atomic.Int64
	need := func(orgs ...string) (out []limits.Need) {
		for _, org := range orgs {
			out = append(
				out,
				limits.Need{
					Org:  org,
					Name: "apis",
					What: "APIs",
					More: 1,
					Have: func(context.Context) (int64, error) { return stored.Load(), nil },
				},
			)
		}
		return out
	}
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			err := o.Within(t.Context(), need("a", "b", "a"), func() error {
				stored.Add(1)
				return nil
			})
			if core.CodeOf(err) == core.CodeTooMany {
				refused.Add(1)
			}
		})
	}
	all.Wait()
	assert.Equal(t, int64(10), stored.Load())
	assert.Equal(t, int64(40), refused.Load())
	err := o.Within(t.Context(), need("a", "b", "a"), func() error { return nil })
	assert.ErrorContains(t, err, "may have 10 APIs")
	wrote := false
	require.NoError(t, o.Within(t.Context(), need("rich"), func() error { wrote = true; return nil }))
	assert.True(t, wrote)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	inside := make(chan error, 1)
	stored.Store(0)
	require.NoError(t, o.Within(t.Context(), need("a", "b", "a"), func() error {
		inside <- o.Within(ended, need("a"), func() error { return nil })
		return nil
	}))
	assert.Equal(t, core.CodeUnavailable, core.CodeOf(<-inside), "who waits for the others gives up in time")
}
