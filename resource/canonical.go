package resource

import (
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// This file finds the canonical form that an error names. It is a guess at what was meant: it may be as lenient as
// the parsers downstream are, since its result is offered only if the scanner accepts it, and is never used as a name.

// canonicalForm returns the canonical spelling of s, a refused name or (with glob) a refused pattern without braces.
// The caller checks it. It is "" where none can be told or where choosing one would change what the name means.
func canonicalForm(s string, glob bool) string {
	if len(s) > MaxNameLen || !utf8.ValidString(s) {
		return ""
	}
	scheme, rest, ok := strings.Cut(norm.NFC.String(s), "://")
	if !ok {
		return ""
	}
	scheme = strings.ToLower(scheme)
	switch familyOf(scheme) {
	case webFamily:
		return canonicalWeb(scheme, rest, glob)
	case fileFamily:
		if !strings.HasPrefix(rest, "/") {
			return ""
		}
		path, ok := cleanPath(rest, glob, glob)
		if !ok {
			return ""
		}
		return "file:///" + path
	}
	path, ok := cleanPath(rest, glob, glob)
	if !ok {
		return ""
	}
	return scheme + "://" + path
}

func canonicalWeb(scheme, rest string, glob bool) string {
	rest, _, _ = strings.Cut(rest, "#")
	end := len(rest)
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		end = i
	}
	auth, path := rest[:end], rest[end:]
	host, port := auth, ""
	if i := strings.LastIndexByte(auth, ':'); i > strings.LastIndexByte(auth, ']') {
		host, port = auth[:i], auth[i:]
		if trimmed := strings.TrimLeft(port[1:], "0"); trimmed != "" {
			port = ":" + trimmed
		}
		if port == ":" || port == ":"+strconv.Itoa(int(defaultPort(scheme))) {
			port = ""
		}
	}
	if host = canonicalHost(host, glob); host == "" {
		return ""
	}
	if path == "" && glob {
		return scheme + "://" + host + port
	}
	path, query, _ := strings.Cut(path, "?")
	path, pathOK := recode(path, false)
	query, queryOK := recode(query, true)
	path, clean := cleanPath(path, true, glob)
	if !pathOK || !queryOK || !clean {
		return ""
	}
	if query != "" {
		query = "?" + query
	}
	return scheme + "://" + host + port + "/" + path + query
}

// canonicalHost returns the canonical spelling of a host, or "".
func canonicalHost(host string, glob bool) string {
	if inner, ok := strings.CutPrefix(host, "["); ok {
		addr, err := netip.ParseAddr(strings.TrimSuffix(inner, "]"))
		switch {
		case err != nil || addr.Zone() != "" || !addr.Is6():
			return ""
		case addr.Is4In6():
			return addr.Unmap().String()
		}
		return "[" + addr.String() + "]"
	}
	host = strings.TrimSuffix(host, ".")
	if glob && strings.Contains(host, "*") {
		labels := strings.Split(host, ".")
		for i, label := range labels {
			if strings.Contains(label, "*") {
				labels[i] = strings.ToLower(label)
			} else if labels[i] = canonicalHost(label, false); labels[i] == "" {
				return ""
			}
		}
		return strings.Join(labels, ".")
	}
	a, err := idna.Lookup.ToASCII(host)
	if err != nil {
		return ""
	}
	if endsInNumber(a) {
		return looseIPv4(a)
	}
	return a
}

// looseIPv4 reads an IPv4 address the way C libraries and browsers do: one to four numbers, each decimal, octal or
// hexadecimal, the last of which fills the bytes that are left (https://url.spec.whatwg.org/#concept-ipv4-parser).
func looseIPv4(host string) string {
	parts := strings.Split(host, ".")
	if len(parts) > 4 {
		return ""
	}
	var sum uint64
	for i, p := range parts {
		base := 10
		if hex, ok := strings.CutPrefix(p, "0x"); ok {
			base, p = 16, "0"+hex
		} else if len(p) > 1 && p[0] == '0' {
			base = 8
		}
		n, err := strconv.ParseUint(p, base, 32)
		if err != nil {
			return ""
		}
		if i < len(parts)-1 {
			if n > 255 {
				return ""
			}
			sum |= n << (8 * (3 - i))
		} else {
			if n >= 1<<(8*(4-i)) {
				return ""
			}
			sum |= n
		}
	}
	return netip.AddrFrom4([4]byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)}).String()
}

// recode gives every octet of a path or query its only encoding. It fails on what has none, and leaves ";" for the
// scanner to refuse: encoding it would make another name.
func recode(s string, query bool) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c != '%' {
			b.WriteByte(c)
			continue
		}
		v, ok := octet(s[i:])
		if !ok {
			return "", false
		}
		if unreserved(v) || v >= utf8.RuneSelf || query && v == '/' {
			b.WriteByte(v)
		} else {
			b.WriteString(strings.ToUpper(s[i : i+3]))
		}
		i += 2
	}
	if !utf8.ValidString(b.String()) {
		return "", false
	}
	decoded := norm.NFC.String(b.String())
	b.Reset()
	for i := 0; i < len(decoded); i++ {
		if c := decoded[i]; c == '%' || c == ';' || allowed(c, query) {
			b.WriteByte(c)
		} else {
			const digits = "0123456789ABCDEF"
			b.WriteByte('%')
			b.WriteByte(digits[c>>4])
			b.WriteByte(digits[c&15])
		}
	}
	return b.String(), true
}

// cleanPath removes empty and dot segments and the "/" at the start; with slash it leaves the one at the end. It
// fails where ".." would remove a wildcard.
func cleanPath(path string, slash, glob bool) (string, bool) {
	var segs []string
	atEnd := false
	for seg := range strings.SplitSeq(path, "/") {
		atEnd = false
		switch seg {
		case "", ".":
			atEnd = true
		case "..":
			atEnd = true
			if n := len(segs); n > 0 {
				if glob && strings.Contains(segs[n-1], "*") {
					return "", false
				}
				segs = segs[:n-1]
			}
		default:
			segs = append(segs, seg)
		}
	}
	clean := strings.Join(segs, "/")
	if slash && atEnd && len(segs) > 0 {
		clean += "/"
	}
	return clean, true
}
