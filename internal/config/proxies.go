package config

import "net/netip"

// Proxies are the networks of the proxies whose X-Forwarded-For counts.
func (g Gatehouse) Proxies() []netip.Prefix {
	var out []netip.Prefix
	for _, text := range g.TrustedProxies {
		if p, err := prefix(text); err == nil { // the others were refused when the configuration was read
			out = append(out, p)
		}
	}
	return out
}

// prefix reads a network, or an address as the network of one.
func prefix(text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil {
		addr = addr.Unmap().WithZone("")
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	return netip.ParsePrefix(text)
}
