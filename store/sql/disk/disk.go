// Package disk tells of the file system that a database in a file is on: what SQLite says of one that is full or
// read-only is often no more than that it failed.
package disk

// Space is what there is of a file system.
type Space struct {
	// Free is how many bytes we may still write.
	Free uint64
	// ReadOnly tells whether it takes no writes at all.
	ReadOnly bool
}
