// Package store keeps every object of Gatehouse durably, on any of its engines.
//
// It has two halves. Above, a typed Repository for each kind of object: what the resolvers call. Below, the Engine: a
// small interface over untyped records that SQLite, PostgreSQL, MySQL and MongoDB implement, proven by one conformance
// suite (package storetest). Between them stand the collections (collections.go), the one place that says which fields
// of a document can be searched, which must be unique, and how an object becomes a record.
//
// Nothing here knows HTTP or GraphQL, and no SQL or BSON passes the Engine.
package store
