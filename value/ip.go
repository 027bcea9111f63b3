package value

import "net/netip"

// maxIP is more than the longest text of a canonical address or range has.
const maxIP = 64

// ParseIP reads an IP address in its only canonical text: an IPv4 address as a dotted quad without leading zeros, an
// IPv6 address by RFC 5952. It has no zone, and an IPv4 address isn't written as an IPv6 one.
func ParseIP(s string) (netip.Addr, error) {
	fail := func(reason, canonical string) (netip.Addr, error) {
		return netip.Addr{}, refuse("ip", s, -1, reason, writeInstead(canonical))
	}
	if len(s) > maxIP {
		return fail("it is too long for an IP address", "")
	}
	a, err := netip.ParseAddr(s)
	switch {
	case err != nil:
		return fail("it isn't an IP address: four numbers of 0 to 255 without leading zeros, or IPv6", "")
	case a.Zone() != "":
		return fail("a zone means something on one machine only", a.WithZone("").Unmap().String())
	case a.Is4In6():
		return fail("an IPv4 address written as IPv6", a.Unmap().String())
	case a.String() != s:
		return fail("it isn't in canonical form", a.String())
	}
	return a, nil
}

// ParseCIDR reads a range of IP addresses, "192.0.2.0/24" or "2001:db8::/32", in its only canonical text: the address
// as [ParseIP] has it, with no bit set behind the prefix, and the length without leading zeros.
func ParseCIDR(s string) (netip.Prefix, error) {
	fail := func(reason, canonical string) (netip.Prefix, error) {
		return netip.Prefix{}, refuse("cidr", s, -1, reason, writeInstead(canonical))
	}
	if len(s) > maxIP {
		return fail("it is too long for a range of IP addresses", "")
	}
	p, err := netip.ParsePrefix(s)
	switch {
	case err != nil:
		return fail("it isn't a range of IP addresses: an address, '/' and the length of the prefix", "")
	case p.Addr().Is4In6() && p.Bits() >= 96:
		return fail("an IPv4 range written as IPv6",
			netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96).Masked().String())
	case p != p.Masked():
		return fail("bits are set behind the prefix", p.Masked().String())
	case p.String() != s:
		return fail("it isn't in canonical form", p.String())
	}
	return p, nil
}

// writeInstead makes a hint of a canonical form, if there is one.
func writeInstead(canonical string) string {
	if canonical == "" {
		return ""
	}
	return `write "` + canonical + `"`
}
