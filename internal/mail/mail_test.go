package mail_test

import (
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gatehouse/internal/mail"
	"gatehouse/internal/mail/mailtest"
)

var message = mail.Message{To: "jo@example.org", Subject: "Grüße", Text: "one line\n.\na line after a dot, ümläuts = signs\n"}

func sender(t *testing.T, o mail.Options) *mail.Sender {
	t.Helper()
	o.FromEmail, o.FromName = "no-reply@example.org", "Gäte House"
	s, err := mail.New(o)
	require.NoError(t, err)
	return s
}

func TestMailArrivesAsItWasWritten(t *testing.T) {
	t.Parallel()
	server := mailtest.New(t)
	require.NoError(t, sender(t, mail.Options{Address: server.Address}).Send(t.Context(), message))
	got := server.Next(t)
	require.Equal(t, "no-reply@example.org", got.From)
	require.Equal(t, "jo@example.org", got.To)
	require.Equal(t, message.Subject, got.Subject)
	require.Equal(t, message.Text, got.Body)
	require.Empty(t, got.User, "nobody signs in without a user name")
	from, err := got.Header.AddressList("From")
	require.NoError(t, err)
	require.Equal(t, "Gäte House", from[0].Name)
	require.Equal(t, "auto-generated", got.Header.Get("Auto-Submitted"))
}

func TestTheSenderSignsIn(t *testing.T) {
	t.Parallel()
	server := mailtest.NewTLS(t)
	o := mail.Options{Address: server.Address, Username: "jo", Password: "a password", SkipVerify: true}
	require.NoError(t, sender(t, o).Send(t.Context(), message))
	got := server.Next(t)
	require.Equal(t, []any{"jo", "a password", true}, []any{got.User, got.Password, got.Encrypted})
}

func TestAServerWithACertificateThatNobodyTrustsGetsNothing(t *testing.T) {
	t.Parallel()
	server := mailtest.NewTLS(t)
	err := sender(t, mail.Options{Address: server.Address, Username: "jo", Password: "a password"}).Send(t.Context(), message)
	require.ErrorContains(t, err, "certificate")
	require.NotContains(t, err.Error(), "a password")
	require.Empty(t, server.Messages)
}

func TestAServerThatRefusesIsTold(t *testing.T) {
	t.Parallel()
	server := mailtest.New(t)
	server.Refusing.Store(true)
	require.ErrorContains(t, sender(t, mail.Options{Address: server.Address}).Send(t.Context(), message), "nobody here")
}

func TestAServerThatSaysNothingIsLeft(t *testing.T) {
	t.Parallel()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	o := mail.Options{Address: l.Addr().String(), Timeout: 50 * time.Millisecond}
	require.Error(t, sender(t, o).Send(t.Context(), message))
}

func TestAnAddressThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"", "host", "host:port", "host:99999"} {
		_, err := mail.New(mail.Options{Address: address})
		require.Error(t, err, address)
	}
	server := mailtest.New(t)
	bad := mail.Message{To: "jo@example.org>\r\nRCPT TO:<al@example.org", Subject: "x", Text: "x"}
	require.Error(t, sender(t, mail.Options{Address: server.Address}).Send(t.Context(), bad))
	sneaky := mail.Message{To: "jo@example.org", Subject: "x\r\nBcc: al@example.org", Text: "x"}
	require.NoError(t, sender(t, mail.Options{Address: server.Address}).Send(t.Context(), sneaky))
	require.Empty(t, server.Next(t).Header.Get("Bcc"))
}
