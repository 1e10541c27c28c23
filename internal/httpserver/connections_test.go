package httpserver

import (
	"bufio"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// served tells whether a connection is answered.
func served(t *testing.T, conn net.Conn) bool {
	t.Helper()
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: gatehouse\r\n\r\n"); err != nil {
		return false
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	return err == nil && answer.StatusCode == 200
}

func TestAnAddressHasNoMoreConnectionsOpenThanItMay(t *testing.T) {
	s, _ := serve(t, Options{Handler: answer(200, ""), AddressConnections: 3})
	var held []net.Conn
	for range 3 {
		conn := dial(t, s)
		require.True(t, served(t, conn))
		held = append(held, conn)
	}
	assert.False(t, served(t, dial(t, s)), "one more")
	assert.True(t, served(t, held[0]), "those who are in stay")
	require.NoError(t, held[0].Close())
	require.Eventually(
		t,
		func() bool { return served(t, dial(t, s)) },
		5*time.Second,
		time.Millisecond,
		"when one goes, another may come",
	)
}

func TestTrustedProxiesOpenAsManyConnectionsAsTheyNeed(t *testing.T) {
	s, _ := serve(
		t,
		Options{
			Handler:            answer(200, ""),
			AddressConnections: 1,
			Trusted:            []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		},
	)
	for range 3 {
		require.True(t, served(t, dial(t, s)))
	}
}

func TestAddressesThatOneMachineHasCountAsOne(t *testing.T) {
	of := func(text string) netip.Prefix { return blockOf(netip.MustParseAddr(text)) }
	assert.Equal(t, of("2001:db8::1"), of("2001:db8::ffff:1"))
	assert.NotEqual(t, of("2001:db8::1"), of("2001:db8:0:1::1"))
	assert.NotEqual(t, of("192.0.2.1"), of("192.0.2.2"))
}

func TestHTTP2BoundsTheStreamsOfAConnectionAndTheirHeaders(t *testing.T) {
	s, _ := serve(
		t,
		Options{
			Handler:        answer(200, ""),
			TLS:            &tls.Config{Certificates: []tls.Certificate{certificate(t, "a.test")}},
			MaxHeaderBytes: 16 << 10,
		},
	)
	conn, err := tls.Dial("tcp", s.Addr(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	require.NoError(t, err)
	defer conn.Close()
	require.Equal(t, "h2", conn.ConnectionState().NegotiatedProtocol)
	require.NoError(t, conn.SetDeadline(time.Now().Add(10*time.Second)))
	_, err = io.WriteString(conn, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")
	require.NoError(t, err)
	// The first frame of a server is its SETTINGS: nine bytes, and six for each.
	head := make([]byte, 9)
	_, err = io.ReadFull(conn, head)
	require.NoError(t, err)
	require.EqualValues(t, 4, head[3])
	settings := make([]byte, int(head[1])<<8|int(head[2]))
	_, err = io.ReadFull(conn, settings)
	require.NoError(t, err)
	said := map[uint16]uint32{}
	for ; len(settings) >= 6; settings = settings[6:] {
		said[binary.BigEndian.Uint16(settings)] = binary.BigEndian.Uint32(settings[2:])
	}
	assert.EqualValues(t, 100, said[3], "concurrent streams")
	assert.LessOrEqual(t, said[6], uint32(32<<10), "bytes of headers")
	assert.Positive(t, said[6])
}
