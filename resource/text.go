package resource

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// This file holds the rules about single characters, which are the same for all families, and those about
// percent-encoding, which only web names have.

// checkText refuses what no name may hold anywhere: invalid UTF-8, characters that don't show, text that is not in
// Unicode normalization form C, and the three ASCII characters that parsers downstream give a meaning of their own.
func checkText(s string) *fault {
	ascii := true
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			switch {
			case c < ' ' || c == 0x7f:
				return bad(i, "a control character (U+%04X)", c)
			case c == '\\':
				return bad(i, `a backslash, which some systems read as "/"`)
			case c == ';':
				return bad(i, `";" begins path parameters, which some servers cut off`)
			case c == '#':
				return bad(i, `"#" begins a fragment, which is not part of a name`)
			}
			i++
			continue
		}
		ascii = false
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			return bad(i, "invalid UTF-8 (byte 0x%02X)", c)
		}
		if !visible(r) {
			return bad(i, "U+%04X is a control, an invisible or an unassigned character", r)
		}
		i += size
	}
	if !ascii {
		if n, ok := normalSpan(s); !ok {
			return bad(n, "not in Unicode normalization form C")
		}
	}
	return nil
}

// visible reports whether r leaves a mark of its own: letters, marks, numbers, punctuation, symbols and U+0020.
// It refuses controls, format characters (bidi controls, zero-width characters, tags), variation selectors, fillers,
// spaces other than U+0020, line separators, surrogates, private-use and unassigned code points.
func visible(r rune) bool {
	return unicode.IsPrint(r) &&
		r != '\u2800' && // BRAILLE PATTERN BLANK: a symbol, but blank
		!unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) &&
		!unicode.Is(unicode.Variation_Selector, r)
}

// normalSpan reports whether s is in normalization form C and, when not, up to where it is.
func normalSpan(s string) (int, bool) {
	if norm.NFC.IsNormalString(s) {
		return len(s), true
	}
	n, _ := norm.NFC.SpanString(s, true)
	return n, false
}

// checkWeb refuses what RFC 3986 doesn't allow in s[start:end], a path or (with query) a query, and every
// percent-encoding that isn't the only way to write its octet.
func checkWeb(s string, start, end int, query bool) *fault {
	encoded := false // whether a non-ASCII character was seen
	for i := start; i < end; {
		c := s[i]
		if c != '%' {
			if !allowed(c, query) {
				r, _ := utf8.DecodeRuneInString(s[i:])
				return bad(i, "%+q must be percent-encoded here", r)
			}
			i++
			continue
		}
		v, ok := octet(s[i:end])
		if !ok {
			return bad(i, `"%%" is not followed by two hexadecimal digits`)
		}
		triplet := s[i : i+3]
		switch {
		case v == '.':
			return bad(i, `%s hides a "."`, triplet)
		case v == '/':
			return bad(i, `%s hides a "/"`, triplet)
		case v == '\\':
			return bad(i, "%s hides a backslash", triplet)
		case v == '%':
			return bad(i, `%s hides a "%%": text that is decoded twice`, triplet)
		case v < ' ' || v == 0x7f:
			return bad(i, "%s hides a control character", triplet)
		case unreserved(v):
			return bad(i, "%s is a needless encoding of %q", triplet, v)
		case triplet != strings.ToUpper(triplet):
			return bad(i, "%s has lower-case hexadecimal digits", triplet)
		case v < utf8.RuneSelf:
			i += 3
			continue
		}
		encoded = true
		r, size := encodedRune(s[i:end])
		if r == utf8.RuneError && size == 1 {
			return bad(i, "%s is not part of valid UTF-8", triplet)
		}
		if !visible(r) {
			return bad(i, "%s hides U+%04X, a control, an invisible or an unassigned character", s[i:i+3*size], r)
		}
		i += 3 * size
	}
	if encoded {
		return checkEncodedNormal(s, start, end)
	}
	return nil
}

// checkEncodedNormal refuses s[start:end], whose encodings are well formed, if it decodes to text that is not in
// normalization form C.
func checkEncodedNormal(s string, start, end int) *fault {
	var b strings.Builder
	for i := start; i < end; i++ {
		c := s[i]
		if c == '%' {
			c, _ = octet(s[i:end])
			i += 2
		}
		b.WriteByte(c)
	}
	n, ok := normalSpan(b.String())
	if ok {
		return nil
	}
	at := start
	for ; n > 0 && at < end; n-- {
		if s[at] == '%' {
			at += 2
		}
		at++
	}
	return bad(at, "the encoded text is not in Unicode normalization form C")
}

// encodedRune decodes the rune whose UTF-8 is percent-encoded at the start of s. It answers as utf8.DecodeRune does.
func encodedRune(s string) (r rune, size int) {
	var buf [utf8.UTFMax]byte
	n := 0
	for ; n < len(buf); n++ {
		if 3*n >= len(s) {
			break
		}
		v, ok := octet(s[3*n:])
		if !ok {
			break
		}
		buf[n] = v
	}
	return utf8.DecodeRune(buf[:n])
}

// octet decodes the percent-encoded octet at the start of s.
func octet(s string) (byte, bool) {
	if len(s) < 3 || s[0] != '%' {
		return 0, false
	}
	hi, lo := unhex(s[1]), unhex(s[2])
	return hi<<4 | lo, hi < 16 && lo < 16
}

// unhex returns the value of a hexadecimal digit, or 16.
func unhex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 16
}

func lower(c byte) bool { return 'a' <= c && c <= 'z' }
func digit(c byte) bool { return '0' <= c && c <= '9' }

// unreserved is the production of that name in RFC 3986 section 2.3.
func unreserved(c byte) bool {
	return lower(c) || 'A' <= c && c <= 'Z' || digit(c) || strings.IndexByte("-._~", c) >= 0
}

// allowed reports whether c may stand for itself: pchar and "/", and in a query "?" too (RFC 3986 sections 3.3, 3.4).
func allowed(c byte, query bool) bool {
	return unreserved(c) || strings.IndexByte("!$&'()*+,=:@/", c) >= 0 || query && c == '?'
}
