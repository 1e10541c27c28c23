// Package sql is the store.Engine of the SQL databases: SQLite, PostgreSQL and MySQL (or MariaDB).
//
// The statements are written once, by hand, over the tables that migrations/ creates: one for each collection, its
// indexed fields as columns, and one of labels. A dialect says what differs between the databases. SQLite has one
// writer that commits the writes of concurrent callers together (writer.go); the others run a transaction for each
// Apply.
package sql
