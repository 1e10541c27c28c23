//go:build linux || darwin

package disk

import "syscall"

// readOnly is the flag of statfs for file systems that take no writes: ST_RDONLY, and MNT_RDONLY elsewhere.
const readOnly = 1

// Of returns the space of the file system that a file or folder is on.
func Of(path string) (Space, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(path, &s); err != nil {
		return Space{}, err
	}
	return Space{Free: s.Bavail * uint64(s.Bsize), ReadOnly: s.Flags&readOnly != 0}, nil
}
