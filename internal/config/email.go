package config

import (
	"fmt"
	"net"
	"net/mail"
	"strconv"
	"strings"
)

// EmailBackend says how mail is sent. Settings hold the keys of the mail service.
type EmailBackend struct {
	EnableEmailNotifications bool              `json:"enable_email_notifications" env:"TYK_DB_EMAILBACKEND_ENABLEEMAILNOTIFICATIONS" doc:"Send e-mail: links with which people set a new password when they forgot theirs."`
	Code                     string            `json:"code" env:"TYK_DB_EMAILBACKEND_CODE" doc:"Which service sends it: smtp, the only one in this version."`
	Settings                 map[string]string `json:"settings" env:"TYK_DB_EMAILBACKEND_SETTINGS" secret:"yes" doc:"Of smtp: SMTPAddress, a host and port; SMTPUsername and SMTPPassword, neither for a server that asks for none; TLSInsecureSkipVerify, true for one with any certificate. With a user name, nothing is sent without TLS, but to this machine."`
	DefaultFromEmail         string            `json:"default_from_email" env:"TYK_DB_EMAILBACKEND_DEFAULTFROMEMAIL" doc:"Address that mail comes from."`
	DefaultFromName          string            `json:"default_from_name" env:"TYK_DB_EMAILBACKEND_DEFAULTFROMNAME" doc:"Name that mail comes from."`
	DashboardHostname        string            `json:"dashboard_hostname" env:"TYK_DB_EMAILBACKEND_DASHBOARDHOSTNAME" doc:"Where people who open a link of a mail reach this server, such as https://dashboard.example.com; host_config.hostname when it is empty."`
}

// The keys of Settings.
const (
	smtpAddress    = "SMTPAddress"
	smtpUsername   = "SMTPUsername"
	smtpPassword   = "SMTPPassword"
	smtpSkipVerify = "TLSInsecureSkipVerify"
)

// SMTP is a server that takes mail.
type SMTP struct {
	// Address is its host and port.
	Address, Username, Password string
	// SkipVerify takes any certificate.
	SkipVerify bool
}

// SMTP is the server that Settings describe.
func (e EmailBackend) SMTP() SMTP {
	skip, _ := strconv.ParseBool(e.Settings[smtpSkipVerify]) // what is neither true nor false stops the start
	return SMTP{e.Settings[smtpAddress], e.Settings[smtpUsername], e.Settings[smtpPassword], skip}
}

// LinkURL is where people reach this server who open a link of a mail, without a slash at the end.
func (c *Config) LinkURL() string {
	host := strings.TrimRight(c.EmailBackend.DashboardHostname, "/")
	switch {
	case host == "":
		return c.URL(c.ListenPort)
	case strings.Contains(host, "://"):
		return host
	case c.HTTPServerOptions.UseSSL:
		return "https://" + host
	}
	return "http://" + host
}

// checkEmail refuses a service that this version does not have, and one that cannot send: people would wait for mail
// that never comes.
func (l *loader) checkEmail() {
	e := &l.Config.EmailBackend
	if !e.EnableEmailNotifications {
		return
	}
	const settings = "email_backend.settings"
	if e.Code != "smtp" {
		l.problem("email_backend.code", fmt.Sprintf("%q is not supported; use smtp, the only service in this version, or "+
			"switch email_backend.enable_email_notifications off", clip(e.Code)))
		return
	}
	if _, port, err := net.SplitHostPort(e.Settings[smtpAddress]); err != nil || !isPort(port) {
		l.problem(settings, smtpAddress+" must be a host and a port, such as smtp.example.com:587")
	}
	if (e.Settings[smtpUsername] == "") != (e.Settings[smtpPassword] == "") {
		l.problem(settings, smtpUsername+" and "+smtpPassword+" must both be set, or neither")
	}
	if skip := e.Settings[smtpSkipVerify]; skip != "" {
		if _, err := strconv.ParseBool(skip); err != nil {
			l.problem(settings, smtpSkipVerify+" must be true or false")
		}
	}
	if from, err := mail.ParseAddress(e.DefaultFromEmail); err != nil || from.Address != e.DefaultFromEmail {
		l.problem("email_backend.default_from_email", fmt.Sprintf(
			"%q is not allowed; name the address that mail comes from, such as no-reply@example.com", clip(e.DefaultFromEmail)))
	}
	l.checkHost("email_backend.dashboard_hostname", e.DashboardHostname)
}
