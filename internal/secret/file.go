package secret

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// AdminSecretFile is the name of the file in the data directory that holds the admin secret when none is configured.
const AdminSecretFile = "admin.secret"

// AdminSecret returns the secret of the admin face: the configured one, or the one in AdminSecretFile of the data
// directory, which the first start makes. generated tells that this call made it. A file that others may read is
// refused.
func AdminSecret(dataDir, configured string) (secret string, generated bool, err error) {
	if configured != "" {
		return configured, false, nil
	}
	secret, generated, err = loadOrCreate(filepath.Join(dataDir, AdminSecretFile), NewSecret)
	if err != nil {
		return "", false, fmt.Errorf("admin secret: %w", err)
	}
	return secret, generated, nil
}

// FindAdminSecret is AdminSecret, but makes none: it returns "" when there is none.
func FindAdminSecret(dataDir, configured string) (string, error) {
	if configured != "" {
		return configured, nil
	}
	secret, err := load(filepath.Join(dataDir, AdminSecretFile))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("admin secret: %w", err)
	}
	return secret, nil
}

// maxFile bounds what is read of a secret's file, in bytes.
const maxFile = 4096

// loadOrCreate returns the text of a file that only its owner may read. When there is none, it is made with the text of
// generate, and all processes that try at the same time get the text of one of them.
func loadOrCreate(path string, generate func() string) (text string, created bool, err error) {
	text, err = load(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return text, false, err
	}
	text = generate()
	switch err := create(path, text); {
	case err == nil:
		return text, true, nil
	case !errors.Is(err, fs.ErrExist):
		return "", false, fmt.Errorf("make %s: %w", path, err)
	}
	text, err = load(path) // another process was first
	return text, false, err
}

func load(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("read %s: %w", path, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", fmt.Errorf("read %s: %w", path, err)
	}
	// Windows keeps no such bits; access there is a matter of the folder.
	if mode := info.Mode().Perm(); mode&0o077 != 0 && runtime.GOOS != "windows" {
		return "", fmt.Errorf("%s may be read or changed by others (mode %04o): run chmod 600 %s", path, mode, path)
	}
	raw, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return "", fmt.Errorf("read %s: %w", path, err)
	}
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return "", fmt.Errorf("%s is empty: restore it from a backup, or remove it to have a new one made", path)
	}
	return string(raw), nil
}

// create writes a file that appears whole or not at all, and never replaces one: it returns an error that is
// fs.ErrExist then. The text is on disk when it returns.
func create(path, text string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	// CreateTemp opens with O_EXCL and mode 0600.
	tmp, err := os.CreateTemp(dir, "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	if _, err := tmp.WriteString(text + "\n"); err != nil {
		return errors.Join(err, tmp.Close())
	}
	if err := errors.Join(tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	// Unlike a rename, a link fails when the name is taken. File systems without links cannot hold our database either.
	if err := os.Link(tmp.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}

// syncDir makes a new name in a directory last. Windows cannot, and needs not.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
