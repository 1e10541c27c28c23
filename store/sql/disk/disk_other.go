//go:build !linux && !darwin

package disk

import "errors"

// Of returns an error that is errors.ErrUnsupported: it is not known how to ask on this system.
func Of(string) (Space, error) { return Space{}, errors.ErrUnsupported }
