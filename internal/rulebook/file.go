package rulebook

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"

	"gatehouse/internal/core"
	"gatehouse/internal/rules"
)

// file is the rules of the server, read again when they change.
type file struct {
	path string
	// every is how often it is looked at, at most.
	every  time.Duration
	engine *rules.Engine
	log    *slog.Logger

	mu      sync.Mutex
	looked  time.Time
	changed time.Time
	size    int64
	held    string
	// fault is what was wrong when it was last looked at: it is logged once.
	fault string
}

// text is what the file holds; "" where there is none, or nothing in it. A text that cannot be used changes nothing:
// the one before stays, and the log says why.
func (f *file) text() string {
	if f.path == "" {
		return ""
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if now := time.Now(); now.Sub(f.looked) < f.every {
		return f.held
	} else {
		f.looked = now
	}
	info, err := os.Stat(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		f.held, f.changed, f.size = "", time.Time{}, 0
		return ""
	}
	if err == nil && info.ModTime().Equal(f.changed) && info.Size() == f.size {
		return f.held
	}
	var raw []byte
	if err == nil {
		f.changed, f.size = info.ModTime(), info.Size()
		if f.size > rules.MaxText {
			err = core.Errorf(core.CodeInvalid, "it has %d bytes, more than %d", f.size, rules.MaxText)
		} else {
			raw, err = os.ReadFile(f.path)
		}
	}
	if err == nil && len(raw) > 0 {
		err = f.engine.Check(string(raw))
	}
	if err != nil {
		if f.fault != err.Error() {
			f.log.Error("open policy: the rules of this server cannot be used, so the ones before stay",
				"file", f.path, "error", err.Error())
		}
		f.fault = err.Error()
		return f.held
	}
	f.fault = ""
	f.held = string(raw)
	f.log.Info("open policy: read the rules of this server", "file", f.path)
	return f.held
}
