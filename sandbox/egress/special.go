package egress

import "net/netip"

// A special range is one that isn't the public Internet.
type special struct {
	prefix netip.Prefix
	name   string // as in the registry
}

// specials are the ranges of IANA's registries of special-purpose addresses for IPv4 and IPv6 (RFC 6890) as they were in October 2025, those that
// are reachable from everywhere too, since they serve a protocol and no guest; and multicast and what was withdrawn, each with its RFC. One row is of
// no registry: at 168.63.129.16, which was given out like any other, each virtual machine of a cloud finds the agent of its host, which tells
// what it was started with. It stands here as 169.254.169.254, where others have theirs, does.
//
//   - https://www.iana.org/assignments/iana-ipv4-special-registry
//   - https://www.iana.org/assignments/iana-ipv6-special-registry
var specials = []special{
	{netip.MustParsePrefix("0.0.0.0/8"), "this network (RFC 791)"},
	{netip.MustParsePrefix("10.0.0.0/8"), "private use (RFC 1918)"},
	{netip.MustParsePrefix("100.64.0.0/10"), "shared address space (RFC 6598)"},
	{netip.MustParsePrefix("127.0.0.0/8"), "loopback (RFC 1122)"},
	{netip.MustParsePrefix("169.254.0.0/16"), "link local (RFC 3927)"},
	{netip.MustParsePrefix("168.63.129.16/32"), "the platform of Azure (no RFC)"},
	{netip.MustParsePrefix("172.16.0.0/12"), "private use (RFC 1918)"},
	{netip.MustParsePrefix("192.0.0.0/24"), "IETF protocol assignments (RFC 6890)"},
	{netip.MustParsePrefix("192.0.2.0/24"), "documentation, TEST-NET-1 (RFC 5737)"},
	{netip.MustParsePrefix("192.31.196.0/24"), "AS112-v4 (RFC 7535)"},
	{netip.MustParsePrefix("192.52.193.0/24"), "AMT (RFC 7450)"},
	{netip.MustParsePrefix("192.88.99.0/24"), "6to4 relay anycast, withdrawn (RFC 7526)"},
	{netip.MustParsePrefix("192.168.0.0/16"), "private use (RFC 1918)"},
	{netip.MustParsePrefix("192.175.48.0/24"), "direct delegation AS112 service (RFC 7534)"},
	{netip.MustParsePrefix("198.18.0.0/15"), "benchmarking (RFC 2544)"},
	{netip.MustParsePrefix("198.51.100.0/24"), "documentation, TEST-NET-2 (RFC 5737)"},
	{netip.MustParsePrefix("203.0.113.0/24"), "documentation, TEST-NET-3 (RFC 5737)"},
	{netip.MustParsePrefix("224.0.0.0/4"), "multicast (RFC 5771)"},
	{netip.MustParsePrefix("240.0.0.0/4"), "reserved, and limited broadcast (RFC 1112, RFC 8190)"},

	{netip.MustParsePrefix("::/128"), "unspecified address (RFC 4291)"},
	{netip.MustParsePrefix("::1/128"), "loopback address (RFC 4291)"},
	{netip.MustParsePrefix("::/96"), "IPv4-compatible, withdrawn (RFC 4291)"},
	{netip.MustParsePrefix("::ffff:0:0/96"), "IPv4-mapped address (RFC 4291)"},
	{netip.MustParsePrefix("64:ff9b::/96"), "IPv4-IPv6 translation (RFC 6052)"},
	{netip.MustParsePrefix("64:ff9b:1::/48"), "IPv4-IPv6 translation (RFC 8215)"},
	{netip.MustParsePrefix("100::/64"), "discard-only address block (RFC 6666)"},
	{netip.MustParsePrefix("100:0:0:1::/64"), "dummy IPv6 prefix (RFC 9780)"},
	{netip.MustParsePrefix("2001::/32"), "Teredo (RFC 4380)"},
	{netip.MustParsePrefix("2001:2::/48"), "benchmarking (RFC 5180)"},
	{netip.MustParsePrefix("2001:3::/32"), "AMT (RFC 7450)"},
	{netip.MustParsePrefix("2001:4:112::/48"), "AS112-v6 (RFC 7535)"},
	{netip.MustParsePrefix("2001:10::/28"), "ORCHID, withdrawn (RFC 4843)"},
	{netip.MustParsePrefix("2001:20::/28"), "ORCHIDv2 (RFC 7343)"},
	{netip.MustParsePrefix("2001:30::/28"), "drone remote ID protocol entity tags (RFC 9374)"},
	{netip.MustParsePrefix("2001::/23"), "IETF protocol assignments (RFC 2928)"},
	{netip.MustParsePrefix("2001:db8::/32"), "documentation (RFC 3849)"},
	{netip.MustParsePrefix("2002::/16"), "6to4 (RFC 3056)"},
	{netip.MustParsePrefix("2620:4f:8000::/48"), "direct delegation AS112 service (RFC 7534)"},
	{netip.MustParsePrefix("3fff::/20"), "documentation (RFC 9637)"},
	{netip.MustParsePrefix("5f00::/16"), "segment routing SIDs (RFC 9602)"},
	{netip.MustParsePrefix("fc00::/7"), "unique-local (RFC 4193)"},
	{netip.MustParsePrefix("fe80::/10"), "link-local unicast (RFC 4291)"},
	{netip.MustParsePrefix("fec0::/10"), "site-local, withdrawn (RFC 3879)"},
	{netip.MustParsePrefix("ff00::/8"), "multicast (RFC 4291)"},
}

// globalUnicast is the part of IPv6 from which addresses are given out (https://www.iana.org/assignments/ipv6-address-space).
var globalUnicast = netip.MustParsePrefix("2000::/3")

// forbidden returns why a connection to an address isn't allowed, and "" if it is. An address of IPv4 has to be one, and not mapped into IPv6.
func forbidden(a netip.Addr, granted []netip.Prefix) string {
	switch {
	case !a.IsValid():
		return "no address"
	case a.Zone() != "":
		return "an address with a zone"
	}
	for _, p := range granted {
		if p.Contains(a) {
			return ""
		}
	}
	for _, s := range specials {
		if s.prefix.Contains(a) {
			return s.name
		}
	}
	if a.Is6() && !globalUnicast.Contains(a) {
		return "not global unicast (RFC 4291)"
	}
	return ""
}
