package keyspace_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/core"
	"gatehouse/internal/gateway/redistest"
	"gatehouse/store"
)

func TestTheKeysOfADeletedOrganisationDoNotComeBack(t *testing.T) {
	s := database(t)
	w := start(t, s, redistest.Start(t).Addr).anchored(t)
	o, err := core.ParseOrganisation(core.Meta{ID: org}, core.Document(`{"id":"`+org+`","owner_name":"x"}`))
	require.NoError(t, err)
	require.NoError(t, s.Organisations.Create(t.Context(), o))
	for i := range 3 {
		require.NoError(t, w.Create(t.Context(), key(i)))
	}
	require.Equal(t, 3, w.total(t))
	late := string(key(3).Session) // of a key that is made while the organisation is deleted, or that Redis brings back

	// Redis is away when the organisation is deleted: nobody takes the sessions out.
	ending, err := w.Ending(t.Context(), org)
	require.NoError(t, err)
	deletion := append([]store.Change{ending}, s.Organisations.Deleting(o))
	for i := range 3 {
		deletion = append(deletion, s.Keys.Deleting(w.row(t, id(i))))
	}
	require.NoError(t, s.Apply(t.Context(), deletion...))
	w.set(t, name(3), late)
	scanned := func() {
		began := time.Now()
		w.Rebuild()
		eventually(t, func(c *assert.CollectT) {
			status, err := w.Status(t.Context())
			assert.NoError(c, err)
			assert.True(c, status.CompletedAt.After(began))
		})
	}
	scanned()
	for i := range 4 {
		assert.Empty(t, w.get(t, name(i)), "the session of a deleted organisation works on")
		assert.Nil(t, w.row(t, id(i)), "its key came back")
	}

	// One that is imported again, with the same id, has keys again.
	again, err := core.ParseOrganisation(core.Meta{ID: org}, o.Document)
	require.NoError(t, err)
	require.NoError(t, s.Organisations.Create(t.Context(), again))
	require.NoError(t, w.Create(t.Context(), key(5)))
	require.Equal(t, 1, w.total(t))
	scanned()
	assert.NotNil(t, w.one(t, id(5)))
}
