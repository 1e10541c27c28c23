package app

import (
	"gatehouse/internal/config"
	"gatehouse/internal/trail"
)

// records is the audit log that the configuration asks for.
func records(o Options) (*trail.Trail, error) {
	cfg, more := o.Config, o.Config.Gatehouse.Audit
	out := trail.Options{Store: o.Store, Keyring: o.Keyring, Log: o.Log, Required: more.Required, Reads: more.Reads,
		Detailed: cfg.Audit.DetailedRecording, Retention: more.Retention}
	switch cfg.AuditStore() {
	case config.AuditNone:
		return nil, nil
	case config.AuditFile:
		file, err := trail.OpenFile(trail.FileOptions{Path: cfg.Audit.Path, Text: cfg.Audit.Format != "json",
			MaxBytes: more.FileMaxBytes, MaxAge: more.FileMaxAge, Keep: more.FilesKept, Now: o.Store.Now})
		if err != nil {
			return nil, err
		}
		out.File = file
	}
	return trail.New(out), nil
}
