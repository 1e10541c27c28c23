// Package ferrettest runs the conformance suite of the store on package mongo over FerretDB, a server that speaks
// MongoDB's protocol, runs inside the test and needs nothing installed. It is a module of its own, so that none of what
// FerretDB depends on reaches the program.
//
// FerretDB 1.24 lacks some of what MongoDB guarantees. The cases that need it are skipped, each with its reason; they
// run where MONGO_URL names a real MongoDB, see the tests of package mongo.
package ferrettest
