package resource

import (
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// ParseHost returns s if it is a canonical DNS host name: lower-case labels of letters, digits and hyphens, with every
// internationalized label in its A-label form, no dot at the end, at most MaxHostLen bytes. An IP address, in any
// spelling, is not a host name. The error is an [*Error].
func ParseHost(s string) (string, error) {
	f := checkHostName(s)
	if f == nil {
		return s, nil
	}
	e := &Error{Input: s, Offset: f.at, Reason: f.why}
	if len(s) <= MaxNameLen {
		if c := canonicalHost(s, false); c != "" && checkHostName(c) == nil {
			e.Canonical = c
		}
	}
	return "", e
}

func checkHostName(s string) *fault {
	_, address, f := scanHost(s, 0, false)
	if f == nil && address {
		return bad(0, "an IP address is not a host name")
	}
	return f
}

// scanAuthority scans host[:port] in s[start:end].
func (l *layout) scanAuthority(s string, start, end int, glob bool) *fault {
	auth := s[start:end]
	if i := strings.LastIndexByte(auth, '@'); i >= 0 {
		return bad(start, "userinfo before the host: the host of this name would be %s", excerpt(auth[i+1:], 0))
	}
	if auth == "" {
		return bad(start, "no host")
	}
	if auth[0] == '[' {
		return l.scanBracketed(s, start, end, glob)
	}
	host, port, hasPort := strings.Cut(auth, ":")
	if strings.Contains(port, ":") {
		return bad(start, "more than one \":\" (an IPv6 address is written in brackets)")
	}
	labels, address, f := scanHost(host, start, glob)
	if f != nil {
		return f
	}
	l.hostStart, l.hostEnd = uint16(start), uint16(start+len(host))
	l.labels, l.address = uint8(labels), address
	if hasPort {
		return l.scanPort(port, start+len(host)+1, glob)
	}
	return nil
}

// scanBracketed scans [IPv6][:port] in s[start:end].
func (l *layout) scanBracketed(s string, start, end int, glob bool) *fault {
	shut := strings.IndexByte(s[start:end], ']')
	if shut < 0 {
		return bad(start, `"[" without "]"`)
	}
	text := s[start+1 : start+shut]
	addr, err := netip.ParseAddr(text)
	switch {
	case err != nil || !addr.Is6():
		return bad(start+1, "not an IPv6 address")
	case addr.Zone() != "":
		return bad(start+1+strings.IndexByte(text, '%'), "an IPv6 zone")
	case addr.Is4In6():
		return bad(start+1, "an IPv4 address mapped into IPv6")
	case addr.String() != text:
		return bad(start+1, "not the canonical text of the IPv6 address (RFC 5952)")
	}
	l.hostStart, l.hostEnd = uint16(start+1), uint16(start+shut)
	l.labels, l.address = 1, true
	switch rest := s[start+shut+1 : end]; {
	case rest == "":
		return nil
	case rest[0] != ':':
		return bad(start+shut+1, `text between "]" and the port`)
	default:
		return l.scanPort(rest[1:], start+shut+2, glob)
	}
}

func (l *layout) scanPort(text string, at int, glob bool) *fault {
	if glob && text == "*" {
		l.anyPort = true
		return nil
	}
	if text == "" {
		return bad(at-1, `":" without a port`)
	}
	for i := range len(text) {
		if !digit(text[i]) {
			return bad(at+i, "%+q in the port", firstRune(text[i:]))
		}
	}
	if text[0] == '0' {
		return bad(at, "the port begins with a zero")
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return bad(at, "the port is larger than 65535")
	}
	if uint16(n) == l.port {
		return bad(at-1, "%d is the default port of the scheme", n)
	}
	l.port = uint16(n)
	return nil
}

// scanHost checks a host name or IPv4 address that begins at byte `at` of the input. An address is one label.
func scanHost(host string, at int, glob bool) (labels int, address bool, f *fault) {
	if host == "" {
		return 0, false, bad(at, "the host is empty")
	}
	if len(host) > MaxHostLen {
		return 0, false, bad(at+MaxHostLen, "the host is longer than %d bytes", MaxHostLen)
	}
	wild := glob && strings.Contains(host, "*")
	if wild {
		if f := checkNumericGlob(host, at); f != nil {
			return 0, false, f
		}
	} else if endsInNumber(host) {
		if addr, err := netip.ParseAddr(host); err == nil && addr.Is4() {
			return 1, true, nil
		}
		return 0, false, bad(at, "the host looks like a number but is not a canonical IPv4 address (four decimal numbers)")
	}
	international := false
	start := at
	for label := range strings.SplitSeq(host, ".") {
		if f := checkLabel(label, start, start+len(label) == at+len(host), glob); f != nil {
			return 0, false, f
		}
		if strings.HasPrefix(label, "xn--") && !strings.Contains(label, "*") {
			international = true
			if !validALabels(label) {
				return 0, false, bad(start, "not a valid A-label (IDNA 2008)")
			}
		}
		start += len(label) + 1
		labels++
	}
	// The Bidi rule (RFC 5893) concerns the labels of a name together.
	if international && !wild && !validALabels(host) {
		return 0, false, bad(at, "the labels together break the Bidi rule (RFC 5893)")
	}
	return labels, false, nil
}

func checkLabel(label string, at int, last, glob bool) *fault {
	switch {
	case label == "" && last:
		return bad(at-1, `the host ends with a "."`)
	case label == "":
		return bad(at, "an empty label in the host")
	case glob && label == "**":
		return nil
	case glob && strings.Contains(label, "**"):
		return bad(at+strings.Index(label, "**"), "`**` is a whole label of the host: write `**.`, or `*` inside one label")
	case len(label) > MaxLabelLen:
		return bad(at+MaxLabelLen, "a label of the host is longer than %d bytes", MaxLabelLen)
	}
	for i := range len(label) {
		c := label[i]
		switch {
		case lower(c), digit(c), c == '-', glob && c == '*':
		case 'A' <= c && c <= 'Z':
			return bad(at+i, "an upper-case letter in the host")
		case c >= utf8.RuneSelf:
			return bad(at+i, "%+q in the host: an internationalized name is written as A-labels (xn--…)", firstRune(label[i:]))
		default:
			return bad(at+i, "%+q in the host: its labels are letters, digits and hyphens", c)
		}
	}
	switch {
	case label[0] == '-':
		return bad(at, "a label of the host begins with a hyphen")
	case label[len(label)-1] == '-':
		return bad(at+len(label)-1, "a label of the host ends with a hyphen")
	case len(label) > 3 && label[2:4] == "--" && !strings.HasPrefix(label, "xn--") && !strings.Contains(label[:2], "*"):
		return bad(at+2, `"--" here is reserved (RFC 5891 section 4.2.3.1)`)
	}
	return nil
}

// validALabels reports whether every A-label in host is the one that IDNA gives for what it stands for.
func validALabels(host string) bool {
	u, err := idna.Lookup.ToUnicode(host)
	if err != nil {
		return false
	}
	a, err := idna.Lookup.ToASCII(u)
	return err == nil && a == host
}

// endsInNumber reports whether a URL parser takes host for an IPv4 address: its last label is a decimal, octal or
// hexadecimal number (https://url.spec.whatwg.org/#ends-in-a-number-checker).
func endsInNumber(host string) bool {
	return numeric(host[strings.LastIndexByte(host, '.')+1:])
}

func numeric(label string) bool {
	if label == "" {
		return false
	}
	if len(label) >= 2 && label[0] == '0' && label[1]|0x20 == 'x' {
		return strings.Trim(label[2:], "0123456789abcdefABCDEF") == ""
	}
	return strings.Trim(label, "0123456789") == ""
}

// checkNumericGlob refuses a host pattern that reads as if it selected addresses, as in `10.*` or `*.1`: an address is
// one label, which only itself, `*` and `**` match.
func checkNumericGlob(host string, at int) *fault {
	digits := func(label string) bool {
		bare := strings.ReplaceAll(label, "*", "")
		return bare != "" && numeric(bare)
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	all, some := true, false
	for label := range strings.SplitSeq(host, ".") {
		star := strings.Trim(label, "*") == ""
		all = all && (star || digits(label))
		some = some || !star
	}
	if digits(last) || all && some {
		return bad(at, "the host looks like a range of addresses: an address is matched only by itself, by `*` and by `**`")
	}
	return nil
}

func firstRune(s string) rune {
	r, _ := utf8.DecodeRuneInString(s)
	return r
}
