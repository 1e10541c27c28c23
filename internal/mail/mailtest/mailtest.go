// Package mailtest is a mail server in the process of a test: it takes what comes over SMTP, and keeps it.
package mailtest

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/http/httptest"
	"net/mail"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Message is one that came.
type Message struct {
	// From and To are those of the envelope.
	From, To string
	Header   mail.Header
	Subject  string
	Body     string
	// User and Password are who signed in, and Encrypted tells whether TLS was spoken.
	User, Password string
	Encrypted      bool
}

// Server takes mail.
type Server struct {
	// Address is its host and port.
	Address string
	// Messages are those that came.
	Messages chan Message

	tls *tls.Config
	// Refusing answers every recipient with a failure.
	Refusing atomic.Bool
}

// New makes a server that stops with the test.
func New(t testing.TB) *Server { return start(t, &Server{}) }

// NewTLS makes one that begins TLS where it is asked to, with a certificate that nobody trusts.
func NewTLS(t testing.TB) *Server {
	t.Helper()
	web := httptest.NewTLSServer(nil)
	t.Cleanup(web.Close)
	return start(t, &Server{tls: &tls.Config{Certificates: web.TLS.Certificates, MinVersion: tls.VersionTLS12}})
}

func start(t testing.TB, s *Server) *Server {
	t.Helper()
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	s.Address, s.Messages = l.Addr().String(), make(chan Message, 1000)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go s.serve(conn)
		}
	}()
	return s
}

// Next is the next message. The test fails where none comes.
func (s *Server) Next(t testing.TB) Message {
	t.Helper()
	select {
	case m := <-s.Messages:
		return m
	case <-time.After(20 * time.Second):
		t.Fatal("no mail came")
		return Message{}
	}
}

// serve speaks with one client.
func (s *Server) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	r := bufio.NewReader(conn)
	say := func(lines ...string) { _, _ = io.WriteString(conn, strings.Join(lines, "\r\n")+"\r\n") }
	var m Message
	say("220 mail.test")
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimSpace(line)
		verb, rest, _ := strings.Cut(line, " ")
		switch strings.ToUpper(verb) {
		case "EHLO":
			offers := []string{"250-mail.test", "250-AUTH PLAIN", "250 8BITMIME"}
			if s.tls != nil && !m.Encrypted {
				offers = []string{"250-mail.test", "250-STARTTLS", "250 8BITMIME"}
			}
			say(offers...)
		case "STARTTLS":
			say("220 go on")
			secure := tls.Server(conn, s.tls)
			conn, r, m.Encrypted = secure, bufio.NewReader(secure), true
		case "AUTH":
			raw, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(rest, "PLAIN "))
			if parts := strings.Split(string(raw), "\x00"); len(parts) == 3 {
				m.User, m.Password = parts[1], parts[2]
			}
			say("235 welcome")
		case "MAIL":
			m.From = between(rest)
			say("250 ok")
		case "RCPT":
			m.To = between(rest)
			if s.Refusing.Load() {
				say("550 nobody here")
				continue
			}
			say("250 ok")
		case "DATA":
			say("354 go on")
			if s.read(r, m) != nil {
				return
			}
			say("250 taken")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

// read reads a message to the line that ends it.
func (s *Server) read(r *bufio.Reader, m Message) error {
	var raw strings.Builder
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return err
		}
		if line == ".\r\n" {
			break
		}
		raw.WriteString(strings.TrimPrefix(line, "."))
	}
	parsed, err := mail.ReadMessage(strings.NewReader(raw.String()))
	if err != nil {
		return err
	}
	body := parsed.Body
	if parsed.Header.Get("Content-Transfer-Encoding") == "quoted-printable" {
		body = quotedprintable.NewReader(body)
	}
	text, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	m.Header, m.Body = parsed.Header, strings.ReplaceAll(string(text), "\r\n", "\n")
	if m.Subject, err = new(mime.WordDecoder).DecodeHeader(parsed.Header.Get("Subject")); err != nil {
		return err
	}
	s.Messages <- m
	return nil
}

// between is what stands between angle brackets.
func between(s string) string {
	_, s, _ = strings.Cut(s, "<")
	s, _, _ = strings.Cut(s, ">")
	return s
}
