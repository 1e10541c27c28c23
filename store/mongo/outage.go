package mongo

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/topology"

	"gatehouse/store"
)

// The reasons of outages, for people.
const (
	reasonStops    = "the database is stopping"
	reasonElects   = "the database has no primary that takes writes"
	reasonBusy     = "the database is too busy"
	reasonNoSpace  = "the disk of the database is full"
	reasonRefused  = "the database does not let us in"
	reasonUnsure   = "the database did not confirm the write in time"
	reasonTooSmall = "too few servers of the database take writes"
)

// outages are codes of MongoDB, and what they mean to us.
var outages = map[int]string{
	91:    reasonStops,    // ShutdownInProgress
	11600: reasonStops,    // InterruptedAtShutdown
	189:   reasonElects,   // PrimarySteppedDown
	10058: reasonElects,   // LegacyNotPrimary
	10107: reasonElects,   // NotWritablePrimary
	11602: reasonElects,   // InterruptedDueToReplStateChange
	13435: reasonElects,   // NotPrimaryNoSecondaryOk
	13436: reasonElects,   // NotPrimaryOrSecondary
	133:   reasonElects,   // FailedToSatisfyReadPreference
	100:   reasonTooSmall, // UnsatisfiableWriteConcern
	64:    reasonUnsure,   // WriteConcernTimeout
	6:     store.NoAnswer, // HostUnreachable
	7:     store.NoAnswer, // HostNotFound
	89:    store.NoAnswer, // NetworkTimeout
	202:   store.NoAnswer, // NetworkInterfaceExceededTimeLimit
	384:   store.NoAnswer, // ConnectionError
	9001:  store.NoAnswer, // SocketException
	11601: store.NoAnswer, // Interrupted: an operator killed it
	43:    store.NoAnswer, // CursorNotFound: the server that had it started anew, while we read
	237:   store.NoAnswer, // CursorKilled
	24:    reasonBusy,     // LockTimeout
	50:    reasonBusy,     // MaxTimeMSExpired
	112:   reasonBusy,     // WriteConflict, as often as the driver tried
	134:   reasonBusy,     // ReadConcernMajorityNotAvailableYet
	244:   reasonBusy,     // TransactionAborted
	246:   reasonBusy,     // SnapshotUnavailable
	251:   reasonBusy,     // NoSuchTransaction: it was ended for another
	290:   reasonBusy,     // TransactionExceededLifetimeLimitSeconds
	262:   reasonBusy,     // ExceededTimeLimit
	317:   reasonBusy,     // ConnectionPoolExpired
	462:   reasonBusy,     // IngressRequestRateLimitExceeded
	175:   reasonBusy,     // QueryPlanKilled
	13388: reasonBusy,     // StaleConfig, as often as the router tried
	14031: reasonNoSpace,  // OutOfDiskSpace
	18:    reasonRefused,  // AuthenticationFailed
	13:    reasonRefused,  // Unauthorized
}

// because says what ended a call: its context, or an outage of the database. Everything that leaves the engine goes
// through here.
func because(ctx context.Context, err error) error {
	switch {
	case err == nil, errors.Is(err, store.ErrStale), errors.Is(err, store.ErrConflict):
		return err
	case ctx.Err() != nil:
		return fmt.Errorf("%w (%w)", ctx.Err(), err)
	}
	if reason := outage(err); reason != "" {
		return &store.Outage{Reason: reason, Err: err}
	}
	return err
}

// outage says, for people, why the database cannot serve now, when that is what an error means; "" is another failure.
func outage(err error) string {
	var known *store.Outage
	if errors.As(err, &known) {
		return known.Reason
	}
	// Codes come from servers that answer, also as the cause of a connection that could not be made.
	var server mongo.ServerError
	if errors.As(err, &server) {
		for _, code := range server.ErrorCodes() {
			if reason := outages[code]; reason != "" {
				return reason
			}
		}
		for _, label := range []string{driver.TransientTransactionError, driver.RetryableWriteError,
			driver.UnknownTransactionCommitResult, driver.NetworkError, driver.ErrSystemOverloadedError,
			driver.ErrRetryableError} {
			if server.HasErrorLabel(label) {
				return store.NoAnswer
			}
		}
	}
	var selection topology.ServerSelectionError
	var connection topology.ConnectionError
	var queue topology.WaitQueueTimeoutError
	var pool topology.PoolError
	switch {
	case errors.As(err, &queue):
		return reasonBusy
	case errors.As(err, &selection),
		errors.As(err, &connection),
		errors.As(err, &pool),
		mongo.IsNetworkError(err),
		mongo.IsTimeout(err),
		store.Broken(err),
		slices.ContainsFunc(lost, func(one error) bool { return errors.Is(err, one) }):
		return store.NoAnswer
	}
	// A pool that is emptied after another's failure says so by a type of its own.
	var again driver.RetryablePoolError
	if errors.As(err, &again) && again.Retryable() {
		return store.NoAnswer
	}
	return ""
}

// lost are errors of the driver about connections that are no more, and about what belonged to them.
var lost = []error{
	topology.ErrConnectionClosed, topology.ErrServerClosed, topology.ErrTopologyClosed,
	driver.ErrCursorNotFound, driver.ErrNoCursor, driver.ErrNoDocCommandResponse, driver.ErrMultiDocCommandResponse,
	driver.ErrReplyDocumentMismatch,
}
