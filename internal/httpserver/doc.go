// Package httpserver is the HTTP edge that every face of Gatehouse shares: the server itself with TLS and graceful
// shutdown, and the middlewares that each request passes whatever it asks for.
//
// It exists so that a request has one id, one line in the log, one set of limits and one place in the metrics, and so
// that the faces behind it hold none of that. It knows no GraphQL and no REST: where an answer has a face's own shape,
// the caller gives a function that writes it.
//
// The order that the middlewares are made for, outermost first:
//
//	Identify, Locate, AccessLog, Metrics.Middleware, Recover, SecurityHeaders, Timeout, LimitBody
//
// All of it together costs some microseconds a request; BenchmarkStack measures it.
package httpserver
