package config

import (
	"cmp"
	"strings"
	"time"
)

// AuditLog says how the audit log is kept, beyond what Audit says.
type AuditLog struct {
	Required     bool          `json:"required" env:"REQUIRED" doc:"Answer changes with 503, and do not make them, while no record of them can be written. In the database a change and its record are one transaction, whatever this says; with it, a record is also written before what is changed in Redis (keys, sessions of organisations), and before a change where the log is a file."`
	Reads        bool          `json:"reads" env:"READS" doc:"Record requests that read, too. They wait for nothing: where more come than can be written, records are left out, and the next one says how many."`
	Retention    time.Duration `json:"retention" env:"RETENTION" min:"0s" doc:"How long records stay in the database, such as 2160h for 90 days; 0 is for ever. What is taken away leaves a signed mark."`
	FileMaxBytes int64         `json:"file_max_bytes" env:"FILEMAXBYTES" default:"104857600" min:"0" doc:"Size at which an audit file is put aside and a new one begun; 0 is never."`
	FileMaxAge   time.Duration `json:"file_max_age" env:"FILEMAXAGE" min:"0s" doc:"Age at which an audit file is put aside and a new one begun; 0 is never."`
	FilesKept    int           `json:"files_kept" env:"FILESKEPT" min:"0" max:"100000" doc:"How many audit files that were put aside stay; 0 is all."`
}

// The places where the audit log is kept.
const (
	AuditDB   = "db"
	AuditFile = "file"
	AuditNone = "no_op"
)

// settleAudit says where the audit log is, from settings that say it in several ways.
func (l *loader) settleAudit() {
	c := &l.Config
	c.Audit.Path = cmp.Or(c.Audit.Path, c.Security.AuditLogPath)
	c.Audit.Enabled = c.Audit.Enabled || c.Security.AuditLogPath != ""
	if c.Audit.Format = strings.ToLower(c.Audit.Format); c.Audit.Format != "json" {
		c.Audit.Format = "text"
	}
	if c.Audit.StoreType == "" {
		c.Audit.StoreType = AuditDB
		if c.Audit.Path != "" {
			c.Audit.StoreType = AuditFile
		}
	}
	l.resolve(&c.Audit.Path)
	if c.Audit.Enabled && c.Audit.StoreType == AuditFile && c.Audit.Path == "" {
		l.problem("audit.path", "must be set when audit.store_type is file")
	}
}

// AuditStore is where the audit log is kept: AuditNone where it is off.
func (c *Config) AuditStore() string {
	if !c.Audit.Enabled {
		return AuditNone
	}
	return cmp.Or(c.Audit.StoreType, AuditDB)
}
