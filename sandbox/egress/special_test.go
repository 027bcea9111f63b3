package egress

import (
	"net/netip"
	"testing"
)

// Of each special range the first and the last address are refused, and what is next to it is allowed unless it belongs to another one.
func TestS04SpecialRanges(t *testing.T) {
	in := func(a netip.Addr, except int) bool {
		for i, s := range specials {
			if i != except && s.prefix.Contains(a) {
				return true
			}
		}
		return a.Is6() && !globalUnicast.Contains(a)
	}
	for i, s := range specials {
		if s.prefix != s.prefix.Masked() {
			t.Errorf("%s has bits behind its length", s.prefix)
		}
		first, last := s.prefix.Addr(), lastOf(s.prefix)
		for _, a := range []netip.Addr{first, last} {
			if forbidden(a, nil) == "" {
				t.Errorf("%s of %s is allowed", a, s.prefix)
			}
			if forbidden(a, []netip.Prefix{s.prefix}) != "" {
				t.Errorf("%s is refused though %s is granted", a, s.prefix)
			}
		}
		for _, a := range []netip.Addr{first.Prev(), last.Next()} {
			if a.IsValid() && !in(a, i) && forbidden(a, nil) != "" {
				t.Errorf("%s next to %s is refused: %s", a, s.prefix, forbidden(a, nil))
			}
		}
	}
}

// lastOf returns the last address of a prefix.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for bit := p.Bits(); bit < len(b)*8; bit++ {
		b[bit/8] |= 0x80 >> (bit % 8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

func TestS04Addresses(t *testing.T) {
	for _, text := range []string{
		"1.1.1.1", "8.8.8.8", "93.184.215.14", "172.15.255.255", "172.32.0.0", "100.63.255.255", "100.128.0.0", "223.255.255.255",
		"2606:2800:21f:cb07::1", "2a00:1450::1", "2000::", "3ffe::1",
	} {
		if why := forbidden(netip.MustParseAddr(text), nil); why != "" {
			t.Errorf("%s is refused: %s", text, why)
		}
	}
	for _, text := range []string{
		"0.0.0.0", "127.0.0.1", "127.1.2.3", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.100.100.200", "192.0.0.192", "224.0.0.1", "255.255.255.255",
		"::", "::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "::8.8.8.8", "64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b:1::a00:1", "2002:7f00:1::", "2001::1", "2001:db8::1",
		"fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1", "5f00::1", "3fff::1", "100::1", "4000::1", "1fff::1", "fe80::1%eth0", "2606:2800::1%eth0",
	} {
		if forbidden(netip.MustParseAddr(text), nil) == "" {
			t.Errorf("%s is allowed", text)
		}
	}
	if forbidden(netip.Addr{}, nil) == "" {
		t.Error("no address is allowed")
	}
	// A grant of IPv4 is none of what maps it.
	if forbidden(netip.MustParseAddr("::ffff:127.0.0.1"), []netip.Prefix{loopback}) == "" {
		t.Error("::ffff:127.0.0.1 is allowed by 127.0.0.1/32")
	}
}
