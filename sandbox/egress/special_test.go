package egress

import (
	"net/netip"
	"strings"
	"testing"
)

// ranges are the rows of the registries once more, from their pages: the first and the last address of each, what it is, and the addresses next to it that
// belong to no row. What is in two rows is the narrower one.
var ranges = []struct{ first, last, what, before, after string }{
	{"0.0.0.0", "0.255.255.255", "this network", "", "1.0.0.0"},
	{"10.0.0.0", "10.255.255.255", "private use", "9.255.255.255", "11.0.0.0"},
	{"100.64.0.0", "100.127.255.255", "shared address space", "100.63.255.255", "100.128.0.0"},
	{"127.0.0.0", "127.255.255.255", "loopback", "126.255.255.255", "128.0.0.0"},
	{"168.63.129.16", "168.63.129.16", "Azure", "168.63.129.15", "168.63.129.17"},
	{"169.254.0.0", "169.254.255.255", "link local", "169.253.255.255", "169.255.0.0"},
	{"172.16.0.0", "172.31.255.255", "private use", "172.15.255.255", "172.32.0.0"},
	{"192.0.0.0", "192.0.0.255", "IETF protocol assignments", "191.255.255.255", "192.0.1.0"},
	{"192.0.2.0", "192.0.2.255", "TEST-NET-1", "192.0.1.255", "192.0.3.0"},
	{"192.31.196.0", "192.31.196.255", "AS112-v4", "192.31.195.255", "192.31.197.0"},
	{"192.52.193.0", "192.52.193.255", "AMT", "192.52.192.255", "192.52.194.0"},
	{"192.88.99.0", "192.88.99.255", "6to4 relay", "192.88.98.255", "192.88.100.0"},
	{"192.168.0.0", "192.168.255.255", "private use", "192.167.255.255", "192.169.0.0"},
	{"192.175.48.0", "192.175.48.255", "AS112 service", "192.175.47.255", "192.175.49.0"},
	{"198.18.0.0", "198.19.255.255", "benchmarking", "198.17.255.255", "198.20.0.0"},
	{"198.51.100.0", "198.51.100.255", "TEST-NET-2", "198.51.99.255", "198.51.101.0"},
	{"203.0.113.0", "203.0.113.255", "TEST-NET-3", "203.0.112.255", "203.0.114.0"},
	{"224.0.0.0", "239.255.255.255", "multicast", "223.255.255.255", ""},
	{"240.0.0.0", "255.255.255.255", "reserved", "", ""},

	{"::", "::", "unspecified", "", ""},
	{"::1", "::1", "loopback", "", ""},
	{"::2", "::ffff:ffff", "IPv4-compatible", "", ""},
	{"::ffff:0.0.0.0", "::ffff:255.255.255.255", "IPv4-mapped", "", ""},
	{"64:ff9b::", "64:ff9b::ffff:ffff", "translation (RFC 6052)", "", ""},
	{"64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", "translation (RFC 8215)", "", ""},
	{"100::", "100::ffff:ffff:ffff:ffff", "discard-only", "", ""},
	{"100:0:0:1::", "100:0:0:1:ffff:ffff:ffff:ffff", "dummy", "", ""},
	{"2001::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff", "Teredo", "2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ""},
	{"2001:1::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", "IETF protocol assignments", "", "2001:200::"},
	{"2001:2::", "2001:2:0:ffff:ffff:ffff:ffff:ffff", "benchmarking", "", ""},
	{"2001:3::", "2001:3:ffff:ffff:ffff:ffff:ffff:ffff", "AMT", "", ""},
	{"2001:4:112::", "2001:4:112:ffff:ffff:ffff:ffff:ffff", "AS112-v6", "", ""},
	{"2001:10::", "2001:1f:ffff:ffff:ffff:ffff:ffff:ffff", "ORCHID,", "", ""},
	{"2001:20::", "2001:2f:ffff:ffff:ffff:ffff:ffff:ffff", "ORCHIDv2", "", ""},
	{"2001:30::", "2001:3f:ffff:ffff:ffff:ffff:ffff:ffff", "drone", "", ""},
	{"2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "documentation", "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::"},
	{"2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "6to4", "2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2003::"},
	{"2620:4f:8000::", "2620:4f:8000:ffff:ffff:ffff:ffff:ffff", "AS112 service", "2620:4f:7fff:ffff:ffff:ffff:ffff:ffff", "2620:4f:8001::"},
	{"3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", "documentation", "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff:1000::"},
	{"5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "segment routing", "", ""},
	{"fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "unique-local", "", ""},
	{"fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "link-local", "", ""},
	{"fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "site-local", "", ""},
	{"ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "multicast", "", ""},
}

func TestS04SpecialRanges(t *testing.T) {
	if len(ranges) != len(specials) {
		t.Errorf("there are %d ranges, and %d that are tried", len(specials), len(ranges))
	}
	for _, r := range ranges {
		for _, text := range []string{r.first, r.last} {
			if why := forbidden(netip.MustParseAddr(text), nil); !strings.Contains(why, r.what) {
				t.Errorf("%s is refused because of %q, want %q", text, why, r.what)
			}
		}
		for _, text := range []string{r.before, r.after} {
			if text == "" {
				continue
			}
			if why := forbidden(netip.MustParseAddr(text), nil); why != "" {
				t.Errorf("%s, next to %s to %s, is refused: %s", text, r.first, r.last, why)
			}
		}
	}
}

// A range that is granted is granted to its ends.
func TestS04Granted(t *testing.T) {
	for _, s := range specials {
		if s.prefix != s.prefix.Masked() {
			t.Errorf("%s has bits behind its length", s.prefix)
		}
		if a := s.prefix.Addr(); forbidden(a, []netip.Prefix{s.prefix}) != "" {
			t.Errorf("%s is refused though %s is granted", a, s.prefix)
		}
	}
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
		"0.0.0.0", "127.0.0.1", "127.1.2.3", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.100.100.200", "192.0.0.192", "168.63.129.16", "224.0.0.1", "255.255.255.255",
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
