//go:build linux || darwin

package sql

import (
	"os"
	"syscall"
)

// The bytes that SQLite locks while it has a database open: see "The lock-byte page" of its file format.
const (
	sharedFirst = 0x40000000 + 2
	sharedSize  = 510
)

// inUse returns ErrInUse when another process has the database open: with a write-ahead log, each keeps a shared lock
// all the time.
func inUse(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	lock := syscall.Flock_t{Type: syscall.F_WRLCK, Start: sharedFirst, Len: sharedSize}
	if err := syscall.FcntlFlock(f.Fd(), syscall.F_GETLK, &lock); err != nil {
		return err
	}
	if lock.Type != syscall.F_UNLCK {
		return ErrInUse
	}
	return nil
}
