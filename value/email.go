package value

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/moat-lang/moat/resource"
)

// The bounds of e-mail addresses, in bytes (RFC 5321, section 4.5.3.1; RFC 3696, erratum 1690).
const (
	MaxEmail      = 254
	MaxEmailLocal = 64
)

// An Email is one e-mail address, as [ParseEmail] accepts it. Its part before the '@' is compared as it is written,
// case and all.
type Email string

// Domain returns what stands behind the '@': a canonical host name.
func (e Email) Domain() string {
	_, domain, _ := strings.Cut(string(e), "@")
	return domain
}

// ParseEmail reads one address of the form local@domain, and nothing beside it: no name, no angle brackets, no comment,
// no second address. The local part is a dot-atom of ASCII (RFC 5322, section 3.2.3), not quoted; the domain is a
// canonical host name in lower case, not an IP address.
func ParseEmail(s string) (Email, error) {
	fail := func(at int, reason, hint string) (Email, error) {
		return "", refuse("email", s, at, reason, hint)
	}
	for i, r := range s {
		if reason, hint := notInEmail(s[i:], r); reason != "" {
			return fail(i, reason, hint)
		}
	}
	local, domain, found := strings.Cut(s, "@")
	switch {
	case len(s) > MaxEmail:
		return fail(-1, fmt.Sprintf("it has %d bytes, more than %d", len(s), MaxEmail), "")
	case !found:
		return fail(len(s), "no '@'", `write "name@example.com"`)
	case strings.Contains(domain, "@"):
		return fail(len(local)+1+strings.IndexByte(domain, '@'), "a second '@'", oneAddress)
	case local == "":
		return fail(0, "nothing stands before the '@'", "")
	case len(local) > MaxEmailLocal:
		return fail(0, fmt.Sprintf("%d bytes stand before the '@', more than %d", len(local), MaxEmailLocal), "")
	case strings.HasPrefix(local, "."), strings.HasSuffix(local, "."), strings.Contains(local, ".."):
		return fail(0, "before the '@' a '.' stands between other characters", "")
	case domain == "":
		return fail(len(s), "nothing stands behind the '@'", "")
	}
	if _, err := resource.ParseHost(domain); err != nil {
		return "", refuseResource("email", s, len(local)+1, err, func(canonical string) string {
			return local + "@" + canonical
		})
	}
	return Email(s), nil
}

const oneAddress = "write one address for each value; several make a list"

// notInEmail says why r, the first character of rest, can't stand in an address, and what to write instead.
func notInEmail(rest string, r rune) (reason, hint string) {
	switch {
	case r == '\n' || r == '\r':
		return "a line break, " + char(rest) + ", could begin another header", ""
	case r == ',' || r == ';':
		return char(rest) + " would begin a second address", oneAddress
	case r == '<' || r == '>' || r == ' ' || r == ':':
		return char(rest) + " isn't part of an address", "write the address alone, without a name or a label"
	case r == '"':
		return "quoted names before the '@' aren't accepted", ""
	case r == '(' || r == ')':
		return "comments aren't accepted", "write the address alone"
	case r == '[' || r == ']':
		return "an address in brackets isn't accepted as a domain", "write the host name"
	case r >= utf8.RuneSelf:
		return char(rest) + " isn't ASCII", "write the domain in its xn-- form"
	case r != '@' && r != '.' && !isAtext(byte(r)):
		return char(rest) + " isn't part of an address", ""
	}
	return "", ""
}

// isAtext reports whether c may stand in an atom (RFC 5322, section 3.2.3).
func isAtext(c byte) bool {
	return isLetter(c) || isDigit(c) || strings.IndexByte("!#$%&'*+-/=?^_`{|}~", c) >= 0
}
