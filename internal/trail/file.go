package trail

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"gatehouse/internal/audit"
)

// FileOptions say how a file is kept.
type FileOptions struct {
	Path string
	// Text writes the fields of a record each on a line of its own, in the place of a JSON object a line.
	Text bool
	// MaxBytes and MaxAge are when a file is put aside and a new one begun, 0 is never; Keep is how many that are put
	// aside stay, 0 is all.
	MaxBytes int64
	MaxAge   time.Duration
	Keep     int
	Now      func() time.Time
}

// File keeps records in a file that its owner alone may read. Each write is on the disk when it returns. It is safe for
// concurrent use.
type File struct {
	o FileOptions

	mu    sync.Mutex
	file  *os.File
	size  int64
	begun time.Time
}

// OpenFile opens a file to append to, or makes it.
func OpenFile(o FileOptions) (*File, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	f := &File{o: o}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.open(); err != nil {
		return nil, err
	}
	return f, nil
}

// fileMode is that of audit files: they are their owner's.
const fileMode = 0o600

func (f *File) open() error {
	file, err := os.OpenFile(f.o.Path, os.O_APPEND|os.O_CREATE|os.O_RDWR, fileMode)
	if err != nil {
		return fmt.Errorf("open the audit log: %w", err)
	}
	info, err := file.Stat()
	if err == nil && info.Mode().IsRegular() {
		err = file.Chmod(fileMode)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("open the audit log: %w", err), file.Close())
	}
	f.file, f.size, f.begun = file, info.Size(), f.o.Now()
	if f.size > 0 {
		f.begun = firstTime(file, f.begun)
		return f.mend()
	}
	return nil
}

// mend ends a last line that a crash cut, so that what follows is whole.
func (f *File) mend() error {
	last := make([]byte, 1)
	if _, err := f.file.ReadAt(last, f.size-1); err != nil || last[0] == '\n' {
		return nil // a pipe, or whole
	}
	n, err := f.file.WriteString("\n")
	f.size += int64(n)
	return err
}

// firstTime is when the first record of a file was, else what is given.
func firstTime(r io.ReaderAt, otherwise time.Time) time.Time {
	head := make([]byte, 4096)
	n, _ := r.ReadAt(head, 0) // a shorter file is one
	_, rest, found := bytes.Cut(head[:n], []byte(`"timestamp":`))
	if !found {
		return otherwise
	}
	end := bytes.IndexAny(rest, ",}")
	if end < 0 {
		return otherwise
	}
	seconds, err := strconv.ParseInt(string(rest[:end]), 10, 64)
	if err != nil {
		return otherwise
	}
	return time.Unix(seconds, 0)
}

// Write appends sealed records, and has them on the disk. Where it fails, what it wrote of them is taken back.
func (f *File) Write(records ...*audit.Record) error {
	var out bytes.Buffer
	for _, r := range records {
		if err := f.format(&out, r); err != nil {
			return err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.turn(int64(out.Len())); err != nil {
		return err
	}
	n, err := f.file.Write(out.Bytes())
	if err == nil {
		err = f.file.Sync()
		if isNoFile(err) {
			err = nil // a pipe or a terminal, which has no disk
		}
	}
	if err != nil {
		if n > 0 {
			_ = f.file.Truncate(f.size) // what is left is mended when the file is opened
		}
		return fmt.Errorf("write the audit log: %w", err)
	}
	f.size += int64(n)
	return nil
}

func isNoFile(err error) bool {
	var path *fs.PathError
	return errors.As(err, &path) && strings.Contains(path.Err.Error(), "invalid argument")
}

func (f *File) format(out *bytes.Buffer, r *audit.Record) error {
	if f.o.Text {
		out.WriteString(r.Text())
		return nil
	}
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	return enc.Encode(struct {
		audit.Legacy
		Record json.RawMessage `json:"record"`
	}{r.Legacy(), json.RawMessage(r.Document)})
}

// turn opens the file where it is not, and begins a new one where it is time to.
func (f *File) turn(more int64) error {
	if f.file != nil && f.moved() {
		_ = f.file.Close() // which is on the disk
		f.file = nil
	}
	if f.file == nil {
		return f.open()
	}
	full := f.o.MaxBytes > 0 && f.size > 0 && f.size+more > f.o.MaxBytes
	old := f.o.MaxAge > 0 && f.size > 0 && f.o.Now().Sub(f.begun) > f.o.MaxAge
	if !full && !old {
		return nil
	}
	return f.rotate()
}

// moved tells whether another program has put the file away, or removed it.
func (f *File) moved() bool {
	there, err := os.Stat(f.o.Path)
	if err != nil {
		return errors.Is(err, fs.ErrNotExist)
	}
	ours, err := f.file.Stat()
	return err == nil && !os.SameFile(there, ours)
}

// rotate puts the file aside under the time, and begins a new one.
func (f *File) rotate() error {
	if err := f.file.Close(); err != nil {
		return fmt.Errorf("close the audit log: %w", err)
	}
	f.file = nil
	aside := f.o.Path + "." + f.o.Now().UTC().Format("20060102T150405.000000")
	if err := os.Rename(f.o.Path, aside); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(fmt.Errorf("put the audit log aside: %w", err), f.open())
	}
	if f.o.Keep > 0 {
		all, err := Aside(f.o.Path)
		if err != nil {
			return errors.Join(err, f.open())
		}
		for len(all) > f.o.Keep {
			if err := os.Remove(all[0]); err != nil {
				return errors.Join(fmt.Errorf("remove an old audit log: %w", err), f.open())
			}
			all = all[1:]
		}
	}
	return f.open()
}

// Aside lists the files that were put aside, the oldest first.
func Aside(path string) ([]string, error) {
	all, err := filepath.Glob(globbed(path) + ".[0-9]*T*")
	if err != nil {
		return nil, fmt.Errorf("list old audit logs: %w", err)
	}
	slices.Sort(all)
	return all, nil
}

// globbed escapes a path for Glob.
func globbed(path string) string {
	return strings.NewReplacer(`*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// Close closes the file.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file == nil {
		return nil
	}
	err := f.file.Close()
	f.file = nil
	return err
}

// Heads are the last places of the chains in the file. A file in the form text tells none.
func (f *File) Heads() (map[string]int64, error) {
	heads := map[string]int64{}
	if f.o.Text {
		return heads, nil
	}
	if info, err := os.Stat(f.o.Path); err != nil || !info.Mode().IsRegular() {
		return heads, nil //nolint:nilerr // one that is not there has none
	}
	err := ReadFile(f.o.Path, func(r *audit.Record) error {
		heads[r.Server] = max(heads[r.Server], r.N)
		return nil
	})
	return heads, err
}

// ReadFile reads the records of a file in the form json. A line that is none is a record of which nothing is known.
func ReadFile(path string, each func(*audit.Record) error) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("read the audit log: %w", err)
	}
	defer file.Close()
	lines := bufio.NewReaderSize(file, 1<<16)
	for {
		line, err := lines.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			if err := each(parse(line)); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the audit log: %w", err)
		}
	}
}

// parse reads a line that format wrote.
func parse(line []byte) *audit.Record {
	var one struct {
		audit.Legacy
		Record json.RawMessage `json:"record"`
	}
	if json.Unmarshal(line, &one) != nil {
		return &audit.Record{}
	}
	r := one.Legacy.Read(one.Record)
	// What people read stands beside what is sealed, and has to say the same.
	shown, err := json.Marshal(one.Legacy)
	if sealed, err2 := json.Marshal(r.Legacy()); err != nil || err2 != nil || !bytes.Equal(shown, sealed) {
		r.Document = nil
	}
	return r
}
