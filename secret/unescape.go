package secret

import "bytes"

// unescape returns text with what its escapes stand for in their place, each of them read once and all kinds alike: of URLs (RFC 3986 section 2.1), JSON
// (RFC 8259 section 7), JavaScript (ECMA-262 section 12.9.4, with those of its annex B) and HTML. Line breaks are left out, which stand in long
// base64, and so are zeros, which stand in UTF-16. Only escapes of ASCII are decoded, since values hold no more. It is nil if there was nothing to do, and
// otherwise in the memory of room if that is enough.
func unescape(text, room []byte) []byte {
	first := bytes.IndexAny(text, triggers)
	for first >= 0 && first < len(text) {
		if _, n, keep := escape(text[first:]); n > 1 || !keep {
			break
		}
		first++
	}
	if first < 0 || first == len(text) {
		return nil
	}
	if cap(room) < len(text) {
		room = make([]byte, 0, len(text))
	}
	out := append(room[:0], text[:first]...)
	for i := first; i < len(text); {
		c, n, keep := escape(text[i:])
		switch {
		case !keep:
		case c == fj && n > 1:
			out = append(out, "fj"...)
		default:
			out = append(out, c)
		}
		i += n
	}
	return out
}

// triggers are the bytes that something other than themselves may begin with.
const triggers = "%\\&\r\n\x00"

// origins returns, in their own memory, where in text stands what stands at some places of its decoded form. These are in order, without overlaps and not
// empty; what is returned may overlap where one escape stands for two characters. To read text once more takes no memory, as keeping where all of it was would.
func origins(text []byte, places []span) []span {
	out := places[:0]
	at, i := 0, 0 // in the decoded text, in text
	begun := false
	var start int
	for i < len(text) && len(out) < len(places) {
		c, n, keep := escape(text[i:])
		width := 1
		switch {
		case !keep:
			i += n
			continue
		case c == fj && n > 1:
			width = 2
		}
		for len(out) < len(places) {
			place := places[len(out)]
			if !begun && int(place.start) < at+width {
				begun, start = true, i
			}
			if int(place.end) > at+width {
				break
			}
			out = append(out, span{uint32(start), uint32(i + n)})
			begun = false
		}
		at += width
		i += n
	}
	return out
}

// fj stands for "fj", the two characters of ASCII that HTML has one name for. As an escape of itself it is none of ASCII.
const fj = 0x80

// escape returns the character that text begins with and how many bytes it takes: more than one if it is an escape. It isn't kept if it has no part in
// what the text stands for.
func escape(text []byte) (c byte, n int, keep bool) {
	switch text[0] {
	case '\r', '\n', 0:
		return 0, 1, false
	case '%':
		if c, end, ok := digits(text, 1, 2, 16); ok && end == 3 {
			return c, 3, c != '\r' && c != '\n'
		}
	case '\\':
		c, n = backslash(text)
		return c, n, n == 1 || c != '\r' && c != '\n'
	case '&':
		c, n = reference(text)
		return c, n, n == 1 || c != '\r' && c != '\n'
	}
	return text[0], 1, true
}

// backslash reads an escape of JSON or JavaScript, in which a punctuation mark may stand for itself and a line break for nothing.
func backslash(text []byte) (byte, int) {
	if len(text) < 2 {
		return text[0], 1
	}
	switch c := text[1]; {
	case c == 'n':
		return '\n', 2
	case c == 'r':
		return '\r', 2
	case c == 'x':
		if c, end, ok := digits(text, 2, 2, 16); ok && end == 4 {
			return c, 4
		}
	case c == 'u' && len(text) > 2 && text[2] == '{':
		if c, end, ok := digits(text, 3, len(text), 16); ok && end < len(text) && text[end] == '}' {
			return c, end + 1
		}
	case c == 'u':
		if c, end, ok := digits(text, 2, 4, 16); ok && end == 6 {
			return c, 6
		}
	case '0' <= c && c <= '7':
		most := 3
		if c > '3' {
			most = 2 // in a byte
		}
		if c, end, ok := digits(text, 1, most, 8); ok {
			return c, end
		}
	case c == '\r', c == '\n', ' ' <= c && c <= '~' && !alphanumeric(c):
		return c, 2
	}
	return text[0], 1
}

// reference reads a character reference of HTML. A name ends in a semicolon; a number does without, as browsers read it.
func reference(text []byte) (byte, int) {
	if len(text) > 1 && text[1] == '#' {
		start, base := 2, 10
		if len(text) > 2 && text[2]|0x20 == 'x' {
			start, base = 3, 16
		}
		c, end, ok := digits(text, start, len(text), base)
		switch {
		case !ok:
			return text[0], 1
		case end < len(text) && text[end] == ';':
			end++
		}
		return c, end
	}
	end := bytes.IndexByte(text[:min(len(text), longestName+2)], ';')
	if end < 0 {
		return text[0], 1
	}
	if c := named(string(text[1:end])); c != 0 {
		return c, end + 1
	}
	return text[0], 1
}

// digits reads the number of an ASCII character that begins at text[start] and has at most so many digits. It returns where it ends. Whatever is tried at
// one place of a text, its digits are the only ones that are looked at, so that a text takes linear time.
func digits(text []byte, start, most, base int) (c byte, end int, ok bool) {
	n := 0
	for end = start; end < len(text) && end-start < most; end++ {
		d := digit(text[end])
		if d >= base {
			break
		}
		n = min(n*base+d, 0x80)
	}
	return byte(n), end, end > start && n < 0x80
}

// digit returns what a digit is worth, and more than any base if it is none.
func digit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return 36
}

func alphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
}
