package mongo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/topology"

	"gatehouse/store"
)

func TestWhatMongoDBSaysWhenItCannotServeIsAnOutage(t *testing.T) {
	command := func(code int32, labels ...string) error {
		return mongo.CommandError{Code: code, Message: "secret internals", Labels: labels}
	}
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"a primary that stepped down":         {command(189), reasonElects},
		"a server that is no primary":         {command(10107), reasonElects},
		"a change of the replica set":         {command(11602), reasonElects},
		"a shutdown":                          {command(11600), reasonStops},
		"a shutdown in progress":              {command(91), reasonStops},
		"no disk space":                       {command(14031), reasonNoSpace},
		"a write that a majority did not see": {mongo.WriteException{WriteConcernError: &mongo.WriteConcernError{Code: 64}}, reasonUnsure},
		"a network error with a label":        {command(0, "RetryableWriteError"), store.NoAnswer},
		"no server to choose":                 {topology.ServerSelectionError{Wrapped: errors.New("server selection timeout")}, store.NoAnswer},
		"a connection that broke":             {topology.ConnectionError{Wrapped: io.EOF}, store.NoAnswer},
		"no connection free":                  {topology.WaitQueueTimeoutError{Wrapped: context.DeadlineExceeded}, reasonBusy},
		"a cursor of a server that restarted": {command(43), store.NoAnswer},
		"a transaction that took too long":    {command(290), reasonBusy},
		"a server that takes no more now":     {command(0, driver.ErrSystemOverloadedError), store.NoAnswer},
		"a network error by label":            {command(0, driver.NetworkError), store.NoAnswer},
		"a network error of the driver":       {driver.Error{Labels: []string{driver.NetworkError}, Wrapped: errors.New("x")}, store.NoAnswer},
		"a pool that is closed":               {topology.ErrPoolClosed, store.NoAnswer},
		"a connection that is closed":         {topology.ErrConnectionClosed, store.NoAnswer},
		"a server that is closed":             {topology.ErrServerClosed, store.NoAnswer},
		"an answer with nothing in it":        {driver.ErrNoDocCommandResponse, store.NoAnswer},
		"too little time to ask":              {driver.ErrDeadlineWouldBeExceeded, store.NoAnswer},
		"a dial that was refused":             {&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, store.NoAnswer},
		"no document is none":                 {mongo.ErrNoDocuments, ""},
		"a document that is too large":        {driver.ErrDocumentTooLarge, ""},
		"an end in mid-answer":                {io.ErrUnexpectedEOF, store.NoAnswer},
		"a wrong command is none":             {command(59), ""},
		"a duplicate key is none":             {mongo.WriteException{WriteErrors: []mongo.WriteError{{Code: 11000}}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			err := because(t.Context(), fmt.Errorf("mongo: find: %w", c.err))
			var outage *store.Outage
			if c.want == "" {
				assert.NotErrorAs(t, err, &outage)
				return
			}
			if assert.ErrorAs(t, err, &outage) {
				assert.Equal(t, c.want, outage.Reason)
			}
		})
	}
}

func TestAWriteThatWasRefusedIsNoOutage(t *testing.T) {
	assert.Equal(t, store.ErrStale, because(t.Context(), store.ErrStale))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	assert.ErrorIs(t, because(ctx, io.EOF), context.Canceled)
	assert.NotErrorAs(t, because(ctx, io.EOF), new(*store.Outage))
}
