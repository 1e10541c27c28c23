// Package mail sends what the server has to tell people by e-mail, over SMTP.
package mail

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strconv"
	"time"

	smtp "github.com/wneessen/go-mail"
)

// Options say which server takes mail, and whom it comes from.
type Options struct {
	// Address is the host and port of the server: port 465 speaks TLS from the start, others begin it.
	Address string
	// Username and Password are "" for a server that asks for none. With them, nothing is sent without TLS, but to this
	// machine.
	Username, Password string
	// SkipVerify takes any certificate of the server.
	SkipVerify bool
	// FromEmail and FromName are whom mail comes from.
	FromEmail, FromName string
	// Timeout is how long one message may take; 0 is 20 seconds.
	Timeout time.Duration
}

// Sender sends mail. It is safe for use by several goroutines; each message has a connection of its own.
type Sender struct {
	o    Options
	host string
	port int
}

// Message is one, of plain text.
type Message struct{ To, Subject, Text string }

// New makes a Sender.
func New(o Options) (*Sender, error) {
	host, port, err := net.SplitHostPort(o.Address)
	if err != nil {
		return nil, fmt.Errorf("the address of the mail server: %w", err)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("the port of the mail server: %w", err)
	}
	if o.Timeout <= 0 {
		o.Timeout = 20 * time.Second
	}
	return &Sender{o: o, host: host, port: int(n)}, nil
}

// implicitTLS is the port on which servers speak TLS from the start.
const implicitTLS = 465

// Send hands a message to the server. When it returns nil, the server has taken it.
func (s *Sender) Send(ctx context.Context, m Message) error {
	msg := smtp.NewMsg()
	if err := msg.FromFormat(s.o.FromName, s.o.FromEmail); err != nil {
		return fmt.Errorf("send mail: from whom: %w", err)
	}
	if err := msg.To(m.To); err != nil {
		return fmt.Errorf("send mail: to whom: %w", err)
	}
	msg.Subject(m.Subject)
	msg.SetDate()
	msg.SetMessageID()
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // so that no robot answers
	msg.SetBodyString(smtp.TypeTextPlain, m.Text)
	client, err := smtp.NewClient(s.host, s.options()...)
	if err != nil {
		return fmt.Errorf("send mail: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	if err := client.DialAndSendWithContext(ctx, msg); err != nil {
		return fmt.Errorf("send mail by %s: %w", s.o.Address, err)
	}
	return nil
}

func (s *Sender) options() []smtp.Option {
	policy := smtp.TLSOpportunistic
	if s.o.Username != "" && !isLocal(s.host) {
		policy = smtp.TLSMandatory
	}
	out := []smtp.Option{
		smtp.WithPort(s.port), smtp.WithTimeout(s.o.Timeout), smtp.WithTLSPolicy(policy),
		smtp.WithTLSConfig(&tls.Config{
			ServerName: s.host, MinVersion: tls.VersionTLS12,
			InsecureSkipVerify: s.o.SkipVerify, //nolint:gosec // the operator asks for it by a setting of that name
		}),
	}
	if s.port == implicitTLS {
		out = append(out, smtp.WithSSL())
	}
	if s.o.Username != "" {
		auth := smtp.SMTPAuthAutoDiscover
		if isLocal(s.host) {
			auth = smtp.SMTPAuthPlainNoEnc
		}
		out = append(out, smtp.WithSMTPAuth(auth), smtp.WithUsername(s.o.Username), smtp.WithPassword(s.o.Password))
	}
	return out
}

// isLocal tells whether a host is this machine.
func isLocal(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
