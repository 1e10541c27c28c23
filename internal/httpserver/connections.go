package httpserver

import (
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"
)

// complainEvery is how often the log hears of connections that are refused.
const complainEvery = time.Minute

// boundedListener lets so many connections of one address be open at a time. Others are closed as they come: who holds
// them has to let some go first. A network of trusted proxies is let in without an end, since it speaks for many.
type boundedListener struct {
	net.Listener
	max     int
	trusted []netip.Prefix
	log     *slog.Logger

	mu   sync.Mutex
	open map[netip.Prefix]int
	told time.Time
}

// Accept implements net.Listener.
func (l *boundedListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from, ok := hop(conn.RemoteAddr().String())
		if !ok || contains(l.trusted, from) {
			return conn, nil
		}
		block := blockOf(from)
		if l.enter(block) {
			return &countedConn{Conn: conn, leave: sync.OnceFunc(func() { l.leave(block) })}, nil
		}
		_ = conn.Close() // there is nobody to tell
	}
}

// blockOf is the addresses that count as one: whoever has one of IPv6 has its 64-bit network.
func blockOf(a netip.Addr) netip.Prefix {
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	block, _ := a.Prefix(bits) // fails for more bits than there are only
	return block
}

func (l *boundedListener) enter(block netip.Prefix) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[block] < l.max {
		l.open[block]++
		return true
	}
	if now := time.Now(); now.Sub(l.told) >= complainEvery {
		l.told = now
		l.log.Warn(
			"connections are refused: one address has as many open as it may (gatehouse.max_connections_per_address)",
			"address",
			block.String(),
			"open",
			l.max,
		)
	}
	return false
}

func (l *boundedListener) leave(block netip.Prefix) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[block]--; l.open[block] == 0 {
		delete(l.open, block)
	}
}

// countedConn counts until it is closed.
type countedConn struct {
	net.Conn
	leave func()
}

// Close implements net.Conn.
func (c *countedConn) Close() error {
	defer c.leave()
	return c.Conn.Close()
}

// CloseWrite lets net/http end a connection so that the client can read what was sent before, as it does with those of
// TCP.
func (c *countedConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}
